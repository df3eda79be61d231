import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scodec import photo
from scodec.colour import hints
from scodec.errors import BadFile, Unsupported
from scodec.luma import av1, vvc
from scodec.options import EFFORTS


@pytest.fixture(scope="module")
def y(cat):
    return np.asarray(Image.fromarray(cat).convert("L"))


def psnr(one, other):
    return 10 * np.log10(255**2 / np.mean(np.square(one.astype(float) - other)))


@pytest.mark.parametrize("effort", EFFORTS)
def test_efforts_code_the_same_picture(y, effort):
    section = vvc.encode(y, 40, effort)
    assert psnr(vvc.decode(section, y.shape[1], y.shape[0]), y) > 30
    assert section[0] >> 4 == EFFORTS.index(effort)


def test_fewer_bytes_than_av1_at_the_same_psnr(y):
    """At a rate typical of this codec; with its parameter sets, VVC would miss the margin."""
    section = vvc.encode(y, 46)
    reached = psnr(vvc.decode(section, y.shape[1], y.shape[0]), y)
    sections = [av1.encode(y, quantizer) for quantizer in range(52, 64)]
    as_good = [len(other) for other in sections if psnr(av1.decode(other, y.shape[1], y.shape[0]), y) >= reached]
    assert len(section) < 0.92 * min(as_good)


def test_coarser_quantizers_give_smaller_sections(y):
    sizes = [len(vvc.encode(y, quantizer)) for quantizer in (20, 30, 40, 50, 63)]
    assert sizes == sorted(set(sizes), reverse=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(EFFORTS), st.integers(10, 60))
def test_any_size(y, height, width, effort, quantizer):
    """`encode` itself checks that FFmpeg decodes what VVenC encoded."""
    part = y[:height, :width]
    decoded = vvc.decode(vvc.encode(part, quantizer, effort), *part.shape[::-1])
    assert decoded.shape == part.shape
    assert np.abs(decoded.astype(int) - part).mean() < 30


@pytest.mark.parametrize("effort", EFFORTS)
def test_threads_do_not_change_the_bytes(y, monkeypatch, effort):
    """`_threads` takes as many as four."""
    sections = []
    for threads in (1, 2, 4):
        monkeypatch.setattr(vvc, "_threads", lambda pixels, threads=threads: threads)
        sections.append(vvc.encode(y[:200, :300], 36, effort))
    assert sections[0] == sections[1] == sections[2]


def test_chroma_coded_along(cat):
    y, cb, cr = photo.planes(cat)
    chroma = hints.cell_means(np.stack([cb, cr]), 2)
    section = vvc.encode(y, 36, chroma=chroma)
    y_hat, chroma_hat = vvc.decode_colour(section, y.shape[1], y.shape[0])
    assert psnr(y_hat, y) > 30
    assert chroma_hat.shape == chroma.shape
    assert np.square(chroma_hat - chroma).mean() < 0.1 * np.square(chroma).mean()
    assert len(section) < 1.2 * len(vvc.encode(y, 36))


def test_wrong_decoder_output_is_detected(y, monkeypatch):
    rebuild = vvc._decoded
    monkeypatch.setattr(vvc, "_decoded", lambda *arguments: tuple(plane ^ 1 for plane in rebuild(*arguments)))
    with pytest.raises(Unsupported, match="decodes this picture wrongly"):
        vvc.encode(y[:64, :200], 40)


def test_other_parameter_sets_are_refused(y, monkeypatch):
    monkeypatch.setattr(vvc, "_PARAMETER_SETS", vvc._PARAMETER_SETS[:1])
    with pytest.raises(Unsupported, match="another kind"):
        vvc.encode(y[:64, :200], 40, "medium")
    with pytest.raises(BadFile, match="unknown kind"):
        vvc.decode(b"\x10" + bytes(20), 200, 64)


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_garbage(data):
    with contextlib.suppress(BadFile):
        assert vvc.decode(data, 60, 40).shape == (40, 60)


def test_damage(y):
    section = vvc.encode(y[:64, :200], 40)
    for at in range(0, len(section), 5):
        for damaged in (section[:at], section[:at] + bytes([section[at] ^ 0x55]) + section[at + 1 :]):
            with contextlib.suppress(BadFile):
                assert vvc.decode(damaged, 200, 64).shape == (64, 200)
