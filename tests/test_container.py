import dataclasses
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scodec.errors import BadFile, Unsupported
from scodec.format import container, leb128
from scodec.format.container import Header, Stream

sides = st.integers(1, 13000)
coders = st.sampled_from(["av1", "vvc", "hyperprior"])
boxes = st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=50)), max_size=3).map(tuple)


@st.composite
def streams(draw):
    sections = draw(st.binary(max_size=300)), draw(st.binary(max_size=300)), draw(st.binary(max_size=300))
    gray, alpha = draw(st.booleans()), bool(sections[2])
    scale, quantizer = draw(st.integers(1, 4)), draw(st.integers(0, 63))
    header = Header(draw(sides), draw(sides), scale, quantizer, draw(coders), gray, False, alpha)
    return Stream(header, *sections, draw(boxes))


EXAMPLE = Stream(Header(768, 512, 2, 55, "av1"), b"luma", b"hints")


def sealed(data: bytes) -> bytes:
    """The bytes with a valid checksum appended."""
    return data + struct.pack("<I", zlib.crc32(data))


@given(streams())
def test_parse_inverts_pack(stream):
    data = container.pack(stream)
    assert container.parse(data) == stream
    assert container.parse_header(data[:32]) == stream.header


def test_golden_bytes():
    body = bytes.fromhex("d3535a 01 02 8006 8004 10 37 04 05") + b"lumahints"
    assert container.pack(EXAMPLE) == sealed(body)


@pytest.mark.parametrize("change", [{"luma": "av1"}, {"gray": True}, {"hints": b"x"}])
def test_chroma_needs_vvc_and_colour_and_excludes_hints(change):
    hints = change.pop("hints", b"")
    header = Header(768, 512, 1, 40, "vvc", chroma=True)
    assert container.parse(container.pack(Stream(header, b"x"))).header == header
    with pytest.raises(BadFile, match="contradicts"):
        container.parse(container.pack(Stream(dataclasses.replace(header, **change), b"x", hints)))


def test_overhead_of_a_bare_file():
    assert len(container.pack(Stream(Header(768, 512, 1, 50, "vvc"), b"x" * 1000))) - 1000 <= 24


@given(streams(), st.data())
def test_truncation_and_flipped_bits_are_detected(stream, data):
    whole = container.pack(stream)
    with pytest.raises((BadFile, Unsupported)):
        container.parse(whole[: data.draw(st.integers(0, len(whole) - 1))])
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((BadFile, Unsupported)):
        container.parse(bytes(damaged))


@given(st.binary(max_size=100))
def test_garbage_after_the_magic(rest):
    with pytest.raises((BadFile, Unsupported)):
        container.parse(container.MAGIC + rest)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({3: 2}, Unsupported, "format version 2"),
        ({4: 0x80}, Unsupported, "feature"),
        ({9: 0x15}, Unsupported, "luma coder 5"),
        ({9: 0x70}, BadFile, "impossible"),
        ({10: 64}, BadFile, "impossible"),
        ({11: 100}, BadFile, "truncated"),
        ({11: 1}, BadFile, "belong to nothing"),
        ({5: 0x80, 6: 0x00}, BadFile, "declares 0 x 512"),
    ],
)
def test_invalid_fields_with_a_valid_checksum(changed, error, message):
    body = bytearray(container.pack(EXAMPLE)[:-4])
    for at, value in changed.items():
        body[at] = value
    with pytest.raises(error, match=message):
        container.parse(sealed(bytes(body)))


def test_huge_pictures_are_refused_from_the_header_alone():
    body = container.MAGIC + bytes([1, 0]) + leb128.write(65535) + leb128.write(65535) + b"\x00\x20\x00"
    with pytest.raises(BadFile, match="65535 x 65535"):
        container.parse_header(body)


def test_foreign_and_empty_files():
    with pytest.raises(BadFile, match="empty"):
        container.parse(b"")
    with pytest.raises(BadFile, match="not an .scz file"):
        container.parse(b"\x89PNG\r\n\x1a\n")
