import math
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scodec import photo
from scodec.colour import hints
from scodec.errors import BadFile, Unsupported


def chroma(rgb):
    _, cb, cr = photo.planes(rgb)
    return cb, cr


@pytest.fixture(scope="module")
def cat_chroma(cat):
    return chroma(cat)


def error(cb, cr, data):
    """Mean squared RGB error of hints that are simply enlarged."""
    pixels = hints._Working(np.stack([cb, cr]))
    if not data:
        return pixels.error(None, 0)
    return pixels.error(hints.decode(data, cb.shape[1], cb.shape[0]).grid, data[0] >> 5)


@pytest.mark.parametrize("budget", [3, 10, 30, 100, 300, 1000])
def test_budget_is_respected_and_used(cat_chroma, budget):
    data = hints.encode(*cat_chroma, budget)
    assert budget * 0.6 <= len(data) <= budget


def test_more_bytes_are_better(cat_chroma):
    errors = [error(*cat_chroma, hints.encode(*cat_chroma, budget)) for budget in (0, 10, 30, 100, 300, 1000)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 8


def test_quality_per_byte(cat_chroma):
    """Hints clearly beat a plain grid of the same size: 64-pixel cells at one byte per value, enlarged bicubically."""
    cb, cr = cat_chroma
    means = hints.cell_means(np.stack([cb, cr]), 64)
    plain = hints._Working(np.stack([cb, cr])).error(np.rint(means).astype(np.float32), hints.CELLS.index(64))
    assert error(cb, cr, hints.encode(cb, cr, means.size)) < 0.8 * plain


def test_ladder_improves_at_every_rung(cat_chroma):
    rungs = hints.ladder(*cat_chroma)
    assert rungs[0].data == b""
    assert len(rungs) > 8
    assert all(a.mse > b.mse for a, b in zip(rungs, rungs[1:], strict=False))
    for rung in rungs[1:]:
        assert error(*cat_chroma, rung.data) == pytest.approx(rung.mse)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(hints.CELLS),
    st.sampled_from(hints.STEPS),
    st.integers(0, 99),
)
def test_decode_matches_quantize(height, width, cell, step, seed):
    rng = np.random.default_rng(seed)
    cb, cr = (rng.normal(0, 40, 2)[:, None, None] + rng.normal(0, 30, (2, height, width))).clip(-127, 127)
    cb, cr = cb.astype(np.float32), cr.astype(np.float32)
    k, s = hints.CELLS.index(cell), hints.STEPS.index(step)
    data = hints._coded(hints._Working(np.stack([cb, cr])), hints._Candidate(0, 0, k, s))
    decoded, expected = hints.decode(data, width, height), hints.quantize(cb, cr, cell, step)
    assert (decoded.cell, decoded.step) == (cell, step)
    assert decoded.grid.shape == (2, math.ceil(height / cell), math.ceil(width / cell))
    assert (decoded.grid == expected.grid).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (3, 5), (511, 9)])
def test_odd_sizes(shape):
    rng = np.random.default_rng(1)
    cb, cr = (np.full(shape, value, np.float32) + rng.normal(0, 1, shape).astype(np.float32) for value in (30, -50))
    data = hints.encode(cb, cr, 40)
    grid = hints.decode(data, shape[1], shape[0]).grid
    assert np.abs(grid.mean((1, 2)) - [30, -50]).max() < 3


def test_flat_colour_costs_next_to_nothing():
    flat = np.full((512, 768), 20, np.float32)
    data = hints.encode(flat, -flat, 200)
    assert len(data) <= 10
    assert error(flat, -flat, data) < 1


def test_golden_stream():
    """Version 1 of the format: these bytes must decode to this grid forever."""
    grid = hints.decode(bytes.fromhex(GOLDEN), 40, 24)
    assert (grid.cell, round(grid.step, 4)) == (8, 12.6992)
    assert np.abs(grid.grid - np.array(GOLDEN_GRID, np.float32).reshape(2, 3, 5)).max() < 0.01


def test_encoding_is_reproducible():
    x, y = np.meshgrid(np.arange(40), np.arange(24))
    cb, cr = (np.where(x < 20, 40, -30) + y).astype(np.float32), (2.0 * y - x).astype(np.float32)
    pixels = hints._Working(np.stack([cb, cr]))
    assert hints._coded(pixels, hints._Candidate(0, 0, 0, 5)).hex() == "05026f3f9fe662ea70ad8342412e4314a4c9bf62f721"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 3000), st.integers(1, 3000))
def test_any_bytes_decode_or_are_refused(data, width, height):
    if data and data[0] >> 5 < 2:  # keep the grid small; the next test covers the largest
        width, height = width % 300 + 1, height % 300 + 1
    try:
        grid = hints.decode(data, width, height).grid
    except (BadFile, Unsupported):
        return
    assert np.isfinite(grid).all() and np.abs(grid).max() <= 128


def test_work_is_bounded_on_the_largest_picture():
    """A few bytes must not cause minutes of decoding."""
    start = perf_counter()
    with pytest.raises(BadFile):
        hints.decode(bytes([0, 0]), 16000, 11000)
    hints.decode(bytes([2 << 5, 0]), 8000, 8000)
    assert perf_counter() - start < 20


def test_unknown_forms_and_truncation():
    with pytest.raises(Unsupported):
        hints.decode(bytes([0xE0, 0]), 64, 64)
    with pytest.raises(Unsupported):
        hints.decode(bytes([0, 0x10]), 64, 64)
    with pytest.raises(BadFile):
        hints.decode(b"\0", 64, 64)


GOLDEN = "05026f3f9fe53616a84c78a65e8eef7d0764a8be33"
GOLDEN_GRID = [
    39.378,
    42.635,
    8.049,
    -26.537,
    -27.227,
    48.653,
    51.91,
    17.324,
    -17.262,
    -17.952,
    56.299,
    59.556,
    24.97,
    -9.615,
    -10.306,
    3.566,
    -3.919,
    -11.936,
    -19.953,
    -27.117,
    17.251,
    9.766,
    1.75,
    -6.267,
    -13.431,
    34.679,
    27.194,
    19.178,
    11.161,
    3.997,
]
