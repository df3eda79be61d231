"""The .scz container: bytes and nothing else. docs/format.md describes every byte.

magic, version | flags | width, height | scale, luma coder | quantizer | lengths | luma | hints | alpha | boxes | CRC-32
"""

import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from scodec.errors import BadFile, Unsupported
from scodec.format import leb128, limits

MAGIC = b"\xd3SZ"
VERSION = 1
LUMA_CODERS = {0: "av1", 1: "vvc", 2: "hyperprior"}

#: What a file may be given as: its bytes, its path, or a binary file object.
Data = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO

_GRAY, _HINTS, _BOXES, _CHROMA, _ALPHA = 1, 2, 4, 8, 16
_KNOWN_FLAGS = _GRAY | _HINTS | _BOXES | _CHROMA | _ALPHA


@dataclass(frozen=True)
class Header:
    """What a reader knows before it decodes anything."""

    width: int
    height: int
    scale: int  # the luma section holds ceil(width / scale) x ceil(height / scale) pixels
    quantizer: int  # of the luma coder, 0..63
    luma: str
    gray: bool = False  # the source had no colour: never colour it
    chroma: bool = False  # the luma section holds chroma as well
    alpha: bool = False  # transparency follows
    version: int = VERSION

    @property
    def luma_size(self) -> tuple[int, int]:
        """Width and height of the coded luma."""
        return -(-self.width // self.scale), -(-self.height // self.scale)


@dataclass(frozen=True)
class Stream:
    """A whole file, taken apart."""

    header: Header
    luma: bytes
    hints: bytes = b""
    alpha: bytes = b""  # a plane of the picture's size by the same luma coder; none unless header.alpha
    boxes: tuple[tuple[bytes, bytes], ...] = field(default=())  # (four-byte kind, content); unknown kinds are kept
    checked: bool = True  # False: may be damaged


def read(data: Data) -> bytes:
    """The bytes of a file. Raises OSError when a path can't be read."""
    if isinstance(data, str | os.PathLike):
        return Path(data).read_bytes()
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else data.read()


def pack(stream: Stream) -> bytes:
    """The bytes of a file; `parse` is its inverse."""
    header = stream.header
    flags = _GRAY * header.gray | _HINTS * bool(stream.hints) | _BOXES * bool(stream.boxes)
    flags |= _CHROMA * header.chroma | _ALPHA * header.alpha
    coder = next(number for number, name in LUMA_CODERS.items() if name == header.luma)
    parts = [
        MAGIC,
        bytes([VERSION, flags]),
        leb128.write(header.width),
        leb128.write(header.height),
        bytes([(header.scale - 1) << 4 | coder, header.quantizer]),
        leb128.write(len(stream.luma)),
        leb128.write(len(stream.hints)) if stream.hints else b"",
        leb128.write(len(stream.alpha)) if header.alpha else b"",
        stream.luma,
        stream.hints,
        stream.alpha,
        *(kind + leb128.write(len(content)) + content for kind, content in stream.boxes),
    ]
    data = b"".join(parts)
    return data + struct.pack("<I", zlib.crc32(data))


def parse(data: bytes, check: bool = True) -> Stream:
    """Take a file apart and check it.

    Without `check`, damage behind the header is let pass: sections end where the file ends.
    Raises BadFile (not an .scz file, truncated, damaged) or Unsupported (written by a later version).
    """
    header, flags, at = _header(data)
    if check and (len(data) < at + 4 or zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]):
        raise BadFile("the file is truncated or damaged (its checksum does not fit): get it again")
    body = data[:-4]
    reader = _Reader(body, at, strict=check)
    lengths = [reader.varint() if there else 0 for there in (True, flags & _HINTS, flags & _ALPHA)]
    luma, hints, alpha = (reader.take(length) for length in lengths)
    boxes = []
    while flags & _BOXES and reader.at < len(body):
        kind = reader.take(4)
        boxes.append((kind, reader.take(reader.varint())))
    if check and reader.at != len(body):
        raise BadFile("the file holds bytes that belong to nothing: it is damaged, get it again")
    return Stream(header, luma, hints, alpha, tuple(boxes), check)


def parse_header(data: bytes) -> Header:
    """Read the header alone, from the first bytes of a file (32 are enough). Raises as `parse` does."""
    return _header(data)[0]


def _header(data: bytes) -> tuple[Header, int, int]:
    if not data:
        raise BadFile("the file is empty: get it again")
    if not data.startswith(MAGIC):
        raise BadFile("this is not an .scz file: `scodec encode` makes one of a picture")
    reader = _Reader(data, len(MAGIC))
    version, flags = reader.byte(), reader.byte()
    if version != VERSION:
        raise Unsupported(f"the file has format version {version}, this scodec reads version {VERSION}: update scodec")
    if flags & ~_KNOWN_FLAGS:
        raise Unsupported("the file uses a feature that this scodec does not know: update scodec")
    width, height = reader.varint(), reader.varint()
    scale_coder, quantizer = reader.byte(), reader.byte()
    scale, coder = (scale_coder >> 4) + 1, scale_coder & 15
    if coder not in LUMA_CODERS:
        raise Unsupported(f"the file's luma coder {coder} is unknown to this scodec: update scodec")
    if min(width, height) < 1 or not limits.PICTURE.holds(width, height):
        raise BadFile(f"the file declares {width} x {height} pixels: it is damaged, or too large to open safely")
    if scale > 4 or quantizer > 63:
        raise BadFile("the file's header holds impossible values: it is damaged, get it again")
    if flags & _CHROMA and (coder != 1 or flags & (_GRAY | _HINTS)):
        raise BadFile("the file's header contradicts itself: it is damaged, get it again")
    gray, chroma, alpha = bool(flags & _GRAY), bool(flags & _CHROMA), bool(flags & _ALPHA)
    header = Header(width, height, scale, quantizer, LUMA_CODERS[coder], gray, chroma, alpha, version)
    return header, flags, reader.at


class _Reader:
    """Reads forward and raises BadFile past the end, or gives what there is when not strict."""

    def __init__(self, data: bytes, at: int, strict: bool = True) -> None:
        self.data, self.at, self.strict = data, at, strict

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) != count and self.strict:
            raise BadFile("the file is truncated: get it again")
        self.at += len(piece)
        return piece

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value, self.at = leb128.read(self.data, self.at)
        return value
