"""Concurrent threads and forked processes give the same results as a single thread."""

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scodec

OPTIONS = [{}, {"hints": 60}, {"hints": "auto", "effort": "fast"}, {"luma": "av1", "hints": "auto"}]


def round_trip(job):
    picture, options = job
    data = scodec.encode(picture, **options)
    return data, np.array(scodec.decode(data))


@pytest.fixture(scope="module")
def jobs(small):
    return [(small, options) for options in OPTIONS] * 2


@pytest.fixture(scope="module")
def expected(jobs):
    return [round_trip(job) for job in jobs[: len(OPTIONS)]] * 2


def assert_same(results, expected):
    for (data, picture), (expected_data, expected_picture) in zip(results, expected, strict=True):
        assert data == expected_data
        assert np.abs(picture.astype(int) - expected_picture).max() <= 1


def test_eight_threads(jobs, expected):
    with ThreadPoolExecutor(8) as pool:
        assert_same(pool.map(round_trip, jobs), expected)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_forked_workers(jobs, expected):
    """The parent has already used the threads of ONNX Runtime: children that relied on them would hang."""
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert_same(pool.map_async(round_trip, jobs).get(timeout=120), expected)


ONCE = {
    "torch": """
from scodec.models import receiver, weights
loads, load = [], weights.load
weights.load = lambda name: loads.append(name) or load(name)
""",
    "onnx": """
import onnxruntime
from scodec.models.receiver import onnx
loads, load = [], onnxruntime.InferenceSession
onnxruntime.InferenceSession = lambda graph, *options, **more: loads.append(
    "colorizer" if b"encoder.stages" in graph else "restorer"
) or load(graph, *options, **more)
""",
}


@pytest.mark.parametrize("backend", ONCE)
def test_threads_load_the_networks_once(tmp_path, backend):
    (tmp_path / "x.scz").write_bytes(scodec.encode(np.full((40, 60, 3), (90, 60, 30), np.uint8)))
    code = f"""
import scodec
from concurrent.futures import ThreadPoolExecutor
{ONCE[backend]}
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: scodec.decode("x.scz", backend="{backend}"), range(8)))
assert sorted(loads) == ["colorizer", "restorer"], loads
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
