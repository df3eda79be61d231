"""The codec end to end, on a photograph, with the shipped weights."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import scodec
from scodec import luma
from scodec.format import container
from scodec.metrics import rgb_psnr, y_psnr
from scodec.sender import rate


def rebuilt(data, **options):
    return np.array(scodec.decode(data, **options).convert("RGB"))


def test_default_is_a_small_file_that_looks_like_the_picture(cat):
    data = scodec.encode(cat)
    facts = scodec.info(data)
    assert facts.total_bytes == len(data) and facts.hints_bytes == 0
    assert facts.bpp == len(data) * 8 / (cat.shape[0] * cat.shape[1]) < 0.12
    assert facts.scale > 1
    assert y_psnr(cat, rebuilt(data)) > 25


def test_hints_restore_the_colours(cat):
    blind, hinted = (scodec.encode(cat, quality=50, hints=hints) for hints in (0, "auto"))
    assert scodec.info(hinted).chroma and not scodec.info(blind).chroma
    assert 0.002 < len(hinted) / len(blind) - 1 < 0.3
    assert rgb_psnr(cat, rebuilt(hinted)) > rgb_psnr(cat, rebuilt(blind)) + 2
    assert y_psnr(cat, rebuilt(hinted)) == pytest.approx(y_psnr(cat, rebuilt(blind)), abs=0.2)


@pytest.mark.parametrize("hints", [0, 80, "auto"])
def test_the_av1_coder(cat, hints):
    data = scodec.encode(cat, quality=40, luma="av1", hints=hints)
    facts = scodec.info(data)
    assert (facts.luma, facts.chroma, facts.hints_bytes > 0) == ("av1", False, hints != 0)
    assert y_psnr(cat, rebuilt(data)) > 26


def test_slow_effort_picks_a_better_scale(cat):
    """An enlarged picture has no detail that needs full resolution."""
    large = np.asarray(Image.fromarray(cat[100:220, 150:312]).resize((324, 240), Image.Resampling.BICUBIC))
    medium, slow = (scodec.encode(large, quality=55, effort=effort) for effort in ("medium", "slow"))
    facts = scodec.info(medium)
    assert facts.scale == 1 and scodec.info(slow).scale > 1

    def cost(data):
        mse = 255**2 / 10 ** (y_psnr(large, rebuilt(data, color=False)) / 10)
        return mse + rate.price("vvc", 1, facts.quantizer) * scodec.info(data).bpp

    assert cost(slow) < cost(medium)


@pytest.mark.parametrize("options", [{"quality": 30}, {"quality": 45}, {"quality": 55, "scale": 1}])
def test_slow_effort_gives_no_more_bytes_and_a_better_trade(cat, options):
    picture = np.ascontiguousarray(cat[:200, :280])
    medium, slow = (scodec.encode(picture, effort=effort, **options) for effort in ("medium", "slow"))
    facts = scodec.info(medium)

    def cost(data):
        mse = 255**2 / 10 ** (y_psnr(picture, rebuilt(data, color=False)) / 10)
        return mse + rate.price("vvc", facts.scale, facts.quantizer) * scodec.info(data).bpp

    assert len(slow) <= len(medium)
    assert cost(slow) <= 1.001 * cost(medium)


def test_whole_numbers_of_numpy_are_whole_numbers(small):
    wanted = {"quality": 20, "scale": 2, "hints": 60}
    assert scodec.encode(small, **{key: np.int64(value) for key, value in wanted.items()}) == scodec.encode(
        small, **wanted
    )
    assert scodec.encode(small, target_bytes=np.uint16(700)) == scodec.encode(small, target_bytes=700)
    for wrong in ("900", 9.5, np.float64(900)):
        with pytest.raises(scodec.BadRequest, match="whole number"):
            scodec.encode(small, target_bytes=wrong)


def test_restorer_beats_plain_enlargement(cat):
    """The gain of the restorer, at a rate where the picture was downscaled and at one where it was not."""
    for quality, gain in ((32, 0.05), (42, 0.01)):
        data = scodec.encode(cat, quality=quality)
        stream = container.parse(data)
        small = luma.CODERS[stream.header.luma].decode(stream.luma, *stream.header.luma_size)
        plain = np.asarray(Image.fromarray(small).resize(cat.shape[1::-1], Image.Resampling.BICUBIC).convert("RGB"))
        assert y_psnr(cat, rebuilt(data, color=False)) > y_psnr(cat, plain) + gain


def test_quality_is_monotone_in_bytes_and_luma(cat):
    files = [scodec.encode(cat, quality=quality, effort="fast") for quality in (1, 15, 30, 45, 60, 80, 100)]
    sizes = [len(data) for data in files]
    psnrs = [y_psnr(cat, rebuilt(data, color=False)) for data in files]
    assert sizes == sorted(set(sizes))
    assert psnrs == sorted(set(psnrs))
    assert psnrs[-1] > 40


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 400))
def test_hints_never_exceed_their_budget(small, budget):
    assert scodec.info(scodec.encode(small, quality=20, hints=budget)).hints_bytes <= budget


@pytest.mark.parametrize("hints", [0, "auto", 60])
@pytest.mark.parametrize("target", [400, 1000, 2500])
def test_target_size_is_met(cat, target, hints):
    cat = np.ascontiguousarray(cat[50:210, 100:330])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = scodec.encode(cat, target_bytes=target, hints=hints, effort="fast")
    assert 0.95 * target <= len(data) <= target


def test_targets_out_of_reach_are_reported(small):
    with pytest.warns(scodec.TargetWarning, match="out of reach"):
        smallest = scodec.encode(small, target_bytes=20)
    assert len(smallest) < 120
    with pytest.warns(scodec.TargetWarning, match="not used up"):
        largest = scodec.encode(small, target_bytes=10_000_000)
    assert y_psnr(small, rebuilt(largest, color=False)) > 40


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_every_scale(small, scale):
    data = scodec.encode(small, scale=scale, quality=70)
    assert scodec.info(data).scale == scale
    picture = scodec.decode(data)
    assert (picture.mode, picture.size) == ("RGB", (small.shape[1], small.shape[0]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (65, 31)])
@pytest.mark.parametrize("hints", [0, 20])
def test_tiny_and_odd_pictures(cat, shape, hints):
    part = np.ascontiguousarray(cat[120 : 120 + shape[0], 150 : 150 + shape[1]])
    for scale in ("auto", 4):
        picture = scodec.decode(scodec.encode(part, quality=90, scale=scale, hints=hints))
        assert picture.size == (shape[1], shape[0])
    finest = rebuilt(scodec.encode(part, quality=100, scale=1, hints=40), color=False)
    assert y_psnr(part, finest) > 30


def test_grey_pictures_stay_grey(cat):
    gray = cat[..., 1].copy()
    data = scodec.encode(gray, hints=200)
    assert scodec.info(data).gray and scodec.info(data).hints_bytes == 0
    assert scodec.decode(data).mode == "L"
    assert scodec.decode(scodec.encode(cat), color=False).mode == "L"


def test_every_kind_of_source(small, tmp_path):
    picture = Image.fromarray(small)
    picture.save(tmp_path / "a.png")
    data = scodec.encode(small)
    assert scodec.encode(picture) == data
    assert scodec.encode(tmp_path / "a.png") == data
    assert scodec.encode((tmp_path / "a.png").read_bytes()) == data
    (tmp_path / "a.scz").write_bytes(data)
    once = rebuilt(data)
    for source in (str(tmp_path / "a.scz"), tmp_path / "a.scz", io.BytesIO(data), bytearray(data)):
        assert (rebuilt(source) == once).all()
        if isinstance(source, io.BytesIO):
            source.seek(0)
        assert scodec.info(source).total_bytes == len(data)


@pytest.mark.parametrize(
    "arguments",
    [
        {"quality": 0},
        {"quality": 101},
        {"scale": 5},
        {"hints": -1},
        {"hints": "many"},
        {"luma": "x"},
        {"effort": "x"},
        {"target_bytes": 0},
    ],
)
def test_invalid_arguments(small, arguments):
    with pytest.raises(scodec.BadRequest):
        scodec.encode(small, **arguments)
