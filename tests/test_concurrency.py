"""Threads and forked processes at work at once give what one alone gives."""

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scodec

OPTIONS = [{}, {"hints": 60}, {"hints": "auto", "effort": "fast"}, {"luma": "av1", "hints": "auto"}]


def there_and_back(job):
    picture, options = job
    data = scodec.encode(picture, **options)
    return data, np.array(scodec.decode(data))


@pytest.fixture(scope="module")
def jobs(small):
    return [(small, options) for options in OPTIONS] * 4


@pytest.fixture(scope="module")
def alone(jobs):
    return [there_and_back(job) for job in jobs[: len(OPTIONS)]] * 4


def same(results, expected):
    for (data, picture), (expected_data, expected_picture) in zip(results, expected, strict=True):
        assert data == expected_data
        assert np.abs(picture.astype(int) - expected_picture).max() <= 1


def test_eight_threads(jobs, alone):
    with ThreadPoolExecutor(8) as pool:
        same(pool.map(there_and_back, jobs), alone)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_forked_workers(jobs, alone):
    """The parent has used torch's threads before: children that rely on them hang."""
    with multiprocessing.get_context("fork").Pool(3) as pool:
        same(pool.map_async(there_and_back, jobs).get(timeout=120), alone)


def test_threads_load_the_networks_once(tmp_path):
    (tmp_path / "x.scz").write_bytes(scodec.encode(np.full((40, 60), 90, np.uint8)))
    code = """
import scodec
from concurrent.futures import ThreadPoolExecutor
from scodec.models import receiver, weights
loads, load = [], weights.load
weights.load = lambda name: loads.append(name) or load(name)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: scodec.decode("x.scz"), range(8)))
assert sorted(loads) == ["colorizer", "restorer"], loads
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
