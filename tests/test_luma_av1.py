import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scodec.errors import BadFile
from scodec.luma import av1


@pytest.fixture(scope="module")
def y(cat):
    return np.asarray(Image.fromarray(cat).convert("L"))


def avif_payload(y, quantizer):
    """The AV1 data that Pillow writes to an AVIF file with the same settings, and that file as an image."""
    file = io.BytesIO()
    Image.fromarray(y).save(
        file, "AVIF", quality=av1._pillow_quality(quantizer), subsampling="4:0:0", range="full",
        speed=av1.SPEEDS["medium"], codec="aom", advanced=av1.ADVANCED,
    )  # fmt: skip
    return av1.av1_data(file.getvalue()), Image.open(file)


@pytest.mark.parametrize("quantizer", [63, 50, 20])
def test_section_is_smaller_than_the_av1_data_and_decodes_to_the_same(y, quantizer):
    payload, image = avif_payload(y, quantizer)
    section = av1.encode(y, quantizer)
    assert len(section) < len(payload)
    assert (av1.decode(section, y.shape[1], y.shape[0]) == np.asarray(image.convert("L"))).all()


def test_every_quantizer_of_libaom_can_be_selected():
    reached = [((100 - av1._pillow_quality(q)) * 63 + 50) // 100 for q in av1.QUANTIZERS]
    assert reached == list(av1.QUANTIZERS)


def test_coarser_quantizers_give_smaller_sections(y):
    sizes = [len(av1.encode(y, quantizer)) for quantizer in (10, 30, 50, 60, 63)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 33), (64, 65)])
def test_odd_sizes(y, shape):
    part = y[: shape[0], : shape[1]].copy()
    decoded = av1.decode(av1.encode(part, 5), shape[1], shape[0])
    assert decoded.shape == shape
    assert np.abs(decoded.astype(int) - part).mean() < 4


def test_size_mismatch_is_refused(y):
    section = av1.encode(y[:40, :60].copy(), 40)
    for width, height in ((60, 41), (61, 40), (1, 1), (65535, 65535)):
        with pytest.raises(BadFile):
            av1.decode(section, width, height)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200))
def test_garbage(data):
    with pytest.raises(BadFile):
        av1.decode(data, 60, 40)


def test_damage_at_every_byte(y):
    section = av1.encode(y[:64, :96].copy(), 55)
    for at in range(len(section)):
        damaged = bytearray(section)
        damaged[at] ^= 0x55
        with contextlib.suppress(BadFile):
            assert av1.decode(bytes(damaged), 96, 64).shape == (64, 96)
    for length in range(len(section)):
        with contextlib.suppress(BadFile):
            assert av1.decode(section[:length], 96, 64).shape == (64, 96)
