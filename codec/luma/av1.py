"""Luma coder `av1`: a monochrome AV1 still picture without its AVIF boxes.

Pillow (libavif) codes and decodes. Of the AVIF file only the sequence header and the frame are kept; every box is
rebuilt from them at decode, so the section is a few bytes SMALLER than the AV1 data in the file (docs/format.md).
"""

import io
import struct

import numpy as np
from PIL import Image

from scodec.errors import BadFile, BadImage, short_of_memory
from scodec.format import leb128

#: Quantizers as libaom counts them: 0 is the finest, 63 the coarsest.
QUANTIZERS = range(64)

#: libaom's speed for every effort.
SPEEDS = {"fast": 6, "medium": 3, "slow": 1}
# The best luma PSNR at equal rate of what libaom offers for single pictures. Small superblocks suit small pictures; the
# other options are fixed for single pictures, or cost more than they save.
ADVANCED = {"tune": "psnr", "sb-size": "64"}

_TEMPORAL_DELIMITER, _SEQUENCE_HEADER, _FRAME = b"\x12\x00", 0x0A, 0x32


def encode(y: np.ndarray, quantizer: int, effort: str = "medium") -> bytes:
    """Code luma `y` (H x W, uint8, full range) with a `quantizer` of 0 (finest) to 63; effort: see `SPEEDS`.

    Raises BadImage when libavif refuses the picture (a side over 65,536 pixels; it opens no more than 32,768, see
    scodec.format.limits).
    """
    avif = io.BytesIO()
    try:
        Image.fromarray(y).save(
            avif,
            "AVIF",
            quality=_pillow_quality(quantizer),
            subsampling="4:0:0",
            range="full",
            speed=SPEEDS[effort],
            codec="aom",
            advanced=ADVANCED,
        )
    except (OSError, ValueError, RuntimeError) as error:
        if short_of_memory(error):
            raise
        height, width = y.shape
        raise BadImage(f"the AV1 encoder refused a {width} x {height} picture ({error})") from error
    sequence_header, frame = _obus(av1_data(avif.getvalue()))
    return bytes([len(sequence_header)]) + sequence_header + frame


def decode(section: bytes, width: int, height: int) -> np.ndarray:
    """Decode to luma (`height` x `width`, uint8). Raises BadFile when the data is not such a picture."""
    length = section[0] if section else 0
    sequence_header, frame = section[1 : 1 + length], section[1 + length :]
    if not frame or _coded_size(sequence_header) != (width, height):
        raise BadFile("the luma data does not fit the header: the file is damaged, get it again")
    try:
        with Image.open(io.BytesIO(_avif(sequence_header, frame, width, height)), formats=["AVIF"]) as image:
            y = np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError) as error:
        if short_of_memory(error):
            raise
        raise BadFile(f"the luma data can't be decoded ({error}): the file is damaged, get it again") from error
    if y.shape != (height, width):
        raise BadFile("the luma data does not fit the header: the file is damaged, get it again")
    return y


def _pillow_quality(quantizer: int) -> int:
    # libavif: quantizer = ((100 - quality) * 63 + 50) // 100; this is its inverse.
    return 100 - (quantizer * 100 + 31) // 63


def av1_data(avif: bytes) -> bytes:
    """The AV1 data of an AVIF file of one picture: its media data box."""
    at = 0
    while at < len(avif):
        size, kind = struct.unpack_from(">I4s", avif, at)
        if kind == b"mdat":
            return avif[at + 8 : at + size]
        at += size
    raise BadImage("the AV1 encoder wrote no picture data; report this with the picture")


def _obus(payload: bytes) -> tuple[bytes, bytes]:
    """Split the AV1 data into the payloads of its sequence header and of its one frame OBU (AV1 specification, 5.3)."""
    at = len(_TEMPORAL_DELIMITER) if payload.startswith(_TEMPORAL_DELIMITER) else 0
    parts = []
    for kind in (_SEQUENCE_HEADER, _FRAME):
        if payload[at] != kind:
            raise BadImage("this version of libavif writes AV1 data in an unknown order; install another Pillow")
        size, at = leb128.read(payload, at + 1)
        parts.append(payload[at : at + size])
        at += size
    return parts[0], parts[1]


def _coded_size(sequence_header: bytes) -> tuple[int, int] | None:
    """Width and height in a reduced still-picture sequence header (AV1 specification, 5.5.1); None if it is not one.

    Read before the decoder sees the data: damaged dimensions must not make it allocate.
    """
    bits = int.from_bytes(sequence_header, "big")
    left = len(sequence_header) * 8

    def read(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & (1 << count) - 1 if left >= 0 else 0

    profile, still, reduced, _level = read(3), read(1), read(1), read(5)
    width_bits, height_bits = read(4) + 1, read(4) + 1
    size = read(width_bits) + 1, read(height_bits) + 1
    return size if (profile, still, reduced) == (0, 1, 1) and left >= 0 else None


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _avif(sequence_header: bytes, frame: bytes, width: int, height: int) -> bytes:
    """The smallest AVIF file (ISO/IEC 23000-22, one monochrome item) around the two OBUs."""
    payload = b"".join(
        bytes([kind]) + leb128.write(len(obu)) + obu
        for kind, obu in ((_SEQUENCE_HEADER, sequence_header), (_FRAME, frame))
    )
    level = int.from_bytes(sequence_header[:2], "big") >> 6 & 31
    full = b"\0\0\0\0"  # version and flags of a FullBox
    properties = _box(
        b"ipco",
        _box(b"ispe", full, struct.pack(">II", width, height)),
        _box(b"pixi", full, b"\x01\x08"),
        _box(b"av1C", bytes([0x81, level, 0x1C, 0])),  # profile 0, 8 bit, monochrome
        _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)),  # sRGB, BT.601, full range
    )
    associations = _box(b"ipma", full, struct.pack(">IHB4B", 1, 1, 4, 1, 2, 0x83, 4))

    def file(offset: int) -> bytes:
        return _box(b"ftyp", b"avif", full, b"avifmif1miaf") + _box(
            b"meta",
            full,
            _box(b"hdlr", full, full, b"pict", bytes(13)),
            _box(b"pitm", full, b"\0\1"),
            _box(b"iloc", full, b"\x44\0", struct.pack(">HHHHII", 1, 1, 0, 1, offset, len(payload))),
            _box(b"iinf", full, b"\0\1", _box(b"infe", b"\2\0\0\0", b"\0\1\0\0av01\0")),
            _box(b"iprp", properties, associations),
        )

    return file(len(file(0)) + 8) + _box(b"mdat", payload)
