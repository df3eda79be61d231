"""Depths, layouts and directories that Pillow reads wrongly or not at all; sources at their end."""

import io
import struct
import sys
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from scodec import photo
from scodec.errors import BadImage, BadRequest, ScodecWarning, Unsupported


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(rows: list[bytes], width: int, bits: int, kind: int, clear: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, len(rows), bits, kind, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = chunk(b"IHDR", head) + (chunk(b"tRNS", clear) if clear else b"")
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def tiff(samples: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, **options)
    return stream.getvalue()


def nearest(deep: np.ndarray) -> np.ndarray:
    return np.rint(deep / 257).astype(np.uint8)


@pytest.fixture
def deep() -> np.ndarray:
    """uint16 (40, 50, 3)."""
    return np.random.default_rng(0).integers(0, 65536, (40, 50, 3)).astype(np.uint16)


# PNG


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("source", ["file", "image"])
def test_transparent_sample_of_few_bits(bits: int, source: str) -> None:
    count = 1 << bits
    packed = np.packbits([int(bit) for sample in range(count) for bit in f"{sample:0{bits}b}"]).tobytes()
    for clear in range(count):
        data = png([packed], count, bits, 0, struct.pack(">H", clear))
        loaded = photo.load(data if source == "file" else Image.open(io.BytesIO(data)))
        assert loaded.alpha is not None
        assert np.array_equal(loaded.alpha[0] == 0, np.arange(count) == clear)
        visible = np.arange(count) != clear
        assert np.array_equal(loaded.rgb[0, visible, 0], np.arange(count)[visible] * 255 // (count - 1))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_sixteen_bits_are_rounded(channels: int) -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    samples = np.repeat(every, channels, 2)
    samples[..., 0] = every[::-1, ::-1, 0] if channels > 2 else every[..., 0]
    kind = {2: 4, 3: 2, 4: 6}[channels]
    loaded = photo.load(png([row.astype(">u2").tobytes() for row in samples], 256, 16, kind))
    colours = channels - 1 if channels % 2 == 0 else channels
    seen = np.ones((256, 256), bool) if loaded.alpha is None else loaded.alpha > 0
    assert np.array_equal(loaded.rgb[seen][:, :colours], nearest(samples[..., :colours])[seen])
    if channels != 3:
        assert np.array_equal(loaded.alpha, nearest(samples[..., -1]))


def test_transparent_colour_of_sixteen_bits() -> None:
    """Equal in the upper bytes is not equal."""
    samples = np.array([[[700, 40000, 9], [700, 40001, 9], [2, 156, 0]]], np.uint16)
    data = png([samples.astype(">u2").tobytes()], 3, 16, 2, struct.pack(">HHH", 700, 40000, 9))
    assert np.array_equal(photo.load(data).alpha, [[0, 255, 255]])


# TIFF


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 7}, {"tile": (16, 16)}])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_of_sixteen_bits(deep: np.ndarray, byteorder: str, compression: Any, layout: Any, planar: str) -> None:
    samples = deep if planar == "contig" else np.moveaxis(deep, 2, 0)
    options = {"byteorder": byteorder, "compression": compression, "planarconfig": planar, **layout}
    loaded = photo.load(tiff(samples, photometric="rgb", **options))
    coarse = planar == "separate" and compression  # of which Pillow gives the upper bytes only
    assert np.array_equal(loaded.rgb, deep >> 8 if coarse else nearest(deep))


def test_later_pages_of_sixteen_bits(deep: np.ndarray) -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        for page in (deep, deep[::-1]):
            file.write(np.moveaxis(page, 2, 0), photometric="rgb", planarconfig="separate")
    assert np.array_equal(photo.load(stream.getvalue(), frame=1).rgb, nearest(deep[::-1]))


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_byte_orders_and_what_zero_means(photometric: str, byteorder: str, dtype: type, compression: Any) -> None:
    ramp = np.arange(256).reshape(16, 16)
    samples = (ramp * {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]).astype(dtype)
    data = tiff(samples, photometric=photometric, byteorder=byteorder, compression=compression)
    assert np.array_equal(photo.load(data).rgb[..., 0], ramp if photometric == "minisblack" else 255 - ramp)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_tiff_that_only_tifffile_reads(extra: str) -> None:
    """Colours in floats, which Pillow has no mode for."""
    colours = np.random.default_rng(0).uniform(0, 1, (9, 11, 3)).astype(np.float32)
    assert np.abs(photo.load(tiff(colours, photometric="rgb")).rgb - 255 * colours).max() <= 0.51
    opaque = np.linspace(0.2, 1, 99, dtype=np.float32).reshape(9, 11, 1)
    stored = np.concatenate([colours * opaque if extra == "assocalpha" else colours, opaque], 2)
    loaded = photo.load(tiff(stored, photometric="rgb", extrasamples=[extra]))
    assert np.abs(loaded.rgb - 255 * colours).max() <= 0.6
    assert loaded.alpha is not None and np.abs(loaded.alpha - 255 * opaque[..., 0]).max() <= 0.6


def test_orientation_and_tags_of_what_tifffile_reads() -> None:
    colours = np.random.default_rng(0).uniform(0, 1, (9, 11, 3)).astype(np.float32)
    data = tiff(colours, photometric="rgb", extratags=[(274, "H", 1, 6, True), (271, "s", 6, "Maker", True)])
    loaded = photo.load(data)
    assert np.abs(loaded.rgb - 255 * np.rot90(colours, -1)).max() <= 0.51 and b"Maker" in loaded.metadata.exif


def test_without_tifffile_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    for data in (
        tiff(np.zeros((4, 4, 3), np.float32), photometric="rgb"),
        tiff(np.zeros((4, 4), np.uint16), photometric="miniswhite", byteorder=">"),
    ):
        with pytest.raises(Unsupported, match=r"TIFF.*scodec-image\[tiff\]"):
            photo.load(data)


def test_tiff_that_nothing_reads() -> None:
    with pytest.raises(BadImage):
        photo.load(tiff(np.zeros((4, 4, 3), np.complex64), photometric="rgb"))
    with pytest.raises(BadRequest, match="no frame 3"):
        photo.load(tiff(np.zeros((4, 4, 3), np.float32), photometric="rgb"), frame=3)


# Thumbnails and raw photographs


def directories(*pictures: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        for samples, options in pictures:
            file.write(samples, **options)
    return stream.getvalue()


SENSOR = np.random.default_rng(0).integers(0, 4096, (64, 96)).astype(np.uint16)
PATTERN = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, b"\0\1\1\2", True)]
THUMBNAIL = np.full((8, 12, 3), 90, np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            directories(
                (THUMBNAIL, {"photometric": "rgb", "subfiletype": 1, "subifds": 1}),
                (SENSOR, {"photometric": "cfa", "extratags": PATTERN}),
            ),
            id="like NEF",
        ),
        pytest.param(
            directories(
                (THUMBNAIL, {"photometric": "rgb", "subfiletype": 1}),
                (SENSOR, {"photometric": "cfa", "extratags": PATTERN}),
            ),
            id="in the chain",
        ),
        pytest.param(
            directories((THUMBNAIL, {"photometric": "rgb", "extratags": [(50706, "B", 4, b"\1\4\0\0", True)]})),
            id="DNG",
        ),
        pytest.param(
            directories(
                (THUMBNAIL, {"photometric": "rgb", "subfiletype": 1, "subifds": 1}),
                (np.repeat(SENSOR[..., None], 3, 2), {"photometric": "linear_raw", "planarconfig": "contig"}),
            ),
            id="linear",
        ),
        pytest.param(b"FUJIFILMCCD-RAW 0201FF383501" + bytes(200), id="RAF"),
        pytest.param(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(200), id="CR3"),
        pytest.param(b"IIU\0\x18\0\0\0" + bytes(200), id="RW2"),
        pytest.param(b"II*\0\x10\0\0\0CR\2\0" + bytes(200), id="CR2"),
    ],
)
def test_raw_photographs_are_refused(data: bytes) -> None:
    with pytest.raises(BadImage, match="raw photograph: develop it"):
        photo.load(data)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_picture_counts_not_its_thumbnail(deep: np.ndarray, inside: bool, dtype: type) -> None:
    full = deep if dtype is np.uint16 else nearest(deep)
    first = {"photometric": "rgb", "subfiletype": 1} | ({"subifds": 1} if inside else {})
    data = directories((THUMBNAIL, first), (full, {"photometric": "rgb"}))
    assert np.array_equal(photo.load(data).rgb, nearest(deep))


def test_smaller_versions_behind_the_picture_are_left_alone(deep: np.ndarray) -> None:
    full = nearest(deep)
    with pytest.warns(ScodecWarning, match="first of 2"):
        loaded = photo.load(
            directories(
                (full, {"photometric": "rgb", "subifds": 1}),
                (full[::2, ::2], {"photometric": "rgb", "subfiletype": 1}),
                (THUMBNAIL, {"photometric": "rgb", "subfiletype": 1}),
            )
        )
    assert np.array_equal(loaded.rgb, full)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("length", range(8, 400, 7))
def test_truncated_directories(length: int) -> None:
    data = directories(
        (THUMBNAIL, {"photometric": "rgb", "subfiletype": 1, "subifds": 1}), (SENSOR, {"photometric": "minisblack"})
    )
    with pytest.raises(BadImage):
        photo.load(data[:length])


def test_directories_in_a_circle() -> None:
    data = bytearray(directories((THUMBNAIL, {"photometric": "rgb"})))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    assert (photo.load(bytes(data), frame=0).rgb == 90).all()


# Sources


def test_file_objects_are_read_from_their_start(small: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "PNG")
    for place in (0, 1, 100, len(stream.getvalue())):
        stream.seek(place)
        assert np.array_equal(photo.load(stream).rgb, small)


def test_file_objects_that_cannot_seek(small: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "PNG")
    pipe = io.BufferedReader(Pipe(stream.getvalue()))
    assert np.array_equal(photo.load(pipe).rgb, small)


class Pipe(io.RawIOBase):
    """Bytes that come once."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
