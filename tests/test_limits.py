"""How large a picture may be: reader, encoder and coders agree, and every refusal names a way out."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import scodec
from scodec import decoder, photo
from scodec.format import container, limits
from scodec.format.container import Header, Stream
from scodec.luma import av1, vvc
from scodec.options import EncodeOptions
from scodec.sender import fitting, rate


def stripes(width, height):
    """Grey stripes of 9 pixels, uint8 (height, width)."""
    y = np.tile((np.arange(max(width, height)) // 9 * 37 % 256).astype(np.uint8), (min(width, height), 1))
    return y if width >= height else np.ascontiguousarray(y.T)


def empty(width, height):
    """A luma that takes no memory."""
    return np.broadcast_to(np.uint8(100), (height, width))


@pytest.mark.parametrize("size", [(13_400, 13_400), (65_536, 10), (10, 65_536), (65_535, 2_731), (20_000, 9_000)])
def test_encoder_and_reader_refuse_the_same_pictures(size):
    huge = photo.Photo(np.broadcast_to(np.uint8(100), (*size[::-1], 3)), gray=True)
    with pytest.raises(scodec.BadRequest, match="tiles"):
        scodec.encode(huge)
    with pytest.raises(scodec.BadFile, match="too large"):
        container.parse(container.pack(Stream(Header(*size, 4, 40, "vvc"), b"")))


@pytest.mark.parametrize("size", [(13_377, 13_377), (65_535, 2_730), (2_730, 65_535), (1, 65_535)])
def test_encoder_and_reader_allow_the_same_pictures(size):
    limits.check_picture(*size)
    assert container.parse(container.pack(Stream(Header(*size, 4, 40, "vvc"), b""))).header.width == size[0]
    options = EncodeOptions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scodec.ScodecWarning)
        assert fitting.rungs(options.luma, "auto", *size), "the default coder takes every size at some scale"


@pytest.mark.parametrize(("coder", "module", "beside"), [("vvc", vvc, 8), ("av1", av1, 1)])
@pytest.mark.parametrize("upright", [False, True])
def test_the_longest_side_of_each_coder_comes_back(coder, module, beside, upright):
    longest = limits.CODED[coder].side
    assert not limits.codable(coder, longest + 1, 16) and limits.codable(coder, 4 * longest, 16, scale=4)
    size = (16, longest) if upright else (longest, 16)
    y = stripes(*size)
    decoded = module.decode(module.encode(y, 40, "fast"), *size)
    assert np.abs(decoded.astype(int) - y).mean() < 4
    larger = stripes(*(side + beside * (side > 16) for side in size))
    with pytest.raises((scodec.BadImage, scodec.BadFile)):
        module.decode(module.encode(larger, 40, "fast"), *larger.shape[::-1])


@pytest.mark.parametrize("luma", ["vvc", "av1"])
@pytest.mark.parametrize("size", [(24, 17_000), (33_000, 20), (65_535, 8)])
@pytest.mark.parametrize("quality", [1, 100])
def test_long_pictures_come_back_whatever_the_coder(luma, size, quality):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scodec.ScodecWarning)
        data = scodec.encode(stripes(*size), luma=luma, quality=quality, effort="fast")
    y, _ = decoder.decode_luma(container.parse(data))
    assert y.std() > 20


def test_what_is_too_large_for_a_coder_goes_to_another_with_a_word():
    with pytest.warns(scodec.ScodecWarning, match="vvc .*av1 instead; --scale 2 keeps vvc"):
        data = scodec.encode(stripes(17_000, 24), quality=100)
    assert (scodec.info(data).luma, scodec.info(data).scale) == ("av1", 1)


def test_target_sizes_that_need_what_is_too_large():
    rng = np.random.default_rng(0)
    noisy = np.clip(stripes(17_000, 8) + rng.normal(0, 20, (8, 17_000)), 0, 255).astype(np.uint8)
    with pytest.warns(scodec.ScodecWarning, match="av1 instead"):
        data = scodec.encode(noisy, target_bytes=40_000, effort="fast")
    assert 35_000 < len(data) <= 40_000 and scodec.info(data).luma == "av1"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small = scodec.encode(noisy, target_bytes=1_500, effort="fast")
    assert scodec.info(small).luma == "vvc" and scodec.info(small).scale > 1


def test_transparency_counts_at_full_size():
    rgba = np.dstack([np.repeat(stripes(17_000, 24)[..., None], 3, 2), stripes(17_000, 24)])
    with pytest.warns(scodec.ScodecWarning, match="av1 instead$"):
        data = scodec.encode(Image.fromarray(rgba), quality=20, effort="fast")
    assert decoder.opacity(container.parse(data)).shape == (24, 17_000)
    with pytest.raises(scodec.BadRequest, match="transparency.*tiles"):
        fitting.coder(EncodeOptions(), empty(33_000, 8), True)


def test_a_scale_that_does_not_help_is_refused_with_a_way_out():
    options = EncodeOptions(scale=1)
    with pytest.raises(scodec.BadRequest, match="tiles, or take a larger scale"):
        fitting.coder(options, empty(33_000, 8), False)
    assert fitting.coder(replace(options, luma="hyperprior"), empty(33_000, 8), False) == "hyperprior"


def test_ordinary_pictures_keep_their_coder_and_all_rungs(cat):
    for coder in ("vvc", "av1", "hyperprior"):
        for scale in ("auto", 2):
            assert fitting.rungs(coder, scale, 12_000, 9_000) == rate.ladder(coder, scale)
        assert fitting.coder(EncodeOptions(luma=coder, quality=100), cat[..., 1], True) == coder
