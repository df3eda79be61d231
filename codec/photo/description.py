"""What a file says about its colours: an embedded profile, or cICP, nclx, gAMA and cHRM as a space in numbers."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from scodec.photo import hdr, spaces
from scodec.photo.spaces import BT709, Curve, Space

_PNG = b"\x89PNG\r\n\x1a\n"
#: x and y of white, red, green and blue, by the numbers of ITU-T H.273, table 2. 2 is "unspecified".
_D65, _C = (0.3127, 0.329), (0.31, 0.316)
_PRIMARIES = {
    1: BT709,
    2: BT709,
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
#: By table 3. The curves of video cameras (1, 6, 14, 15) are shown as sRGB's, as browsers do.
_TRANSFERS: dict[int, tuple[Curve, Literal["pq", "hlg"] | None]] = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), (spaces.srgb, None)),
    4: (spaces.gamma(2.2), None),
    5: (spaces.gamma(2.8), None),
    8: (spaces.gamma(1.0), None),
    16: (hdr.pq, "pq"),
    18: (hdr.hlg, "hlg"),
}
#: How near to 1/2.2 a gAMA is meant to be sRGB, as libpng has it: it belongs to nearly every PNG with an sRGB chunk.
_GAMMA_OF_SRGB, _NEAR = 1 / 2.2, 0.05


@dataclass(frozen=True)
class Codepoints:
    """Numbers of ITU-T H.273: primaries, transfer function; full: whether black is 0 and white the largest sample."""

    primaries: int
    transfer: int
    full: bool = True

    def space(self) -> Space | None:
        """None for numbers that say nothing here."""
        if self.primaries not in _PRIMARIES or self.transfer not in _TRANSFERS:
            return None
        curve, kind = _TRANSFERS[self.transfer]
        return spaces.space(curve if self.full else _narrow(curve), _PRIMARIES[self.primaries], kind)


def of_picture(image: Image.Image, content: bytes | None) -> bytes | Space | None:
    """The profile or space of the samples; None where they are sRGB.

    content: the file that the picture was opened from, None where it is not known: Pillow doesn't tell of cICP and
    nclx.
    The order is that of the PNG specification (third edition, 4.3), cICP before iCCP before sRGB before gAMA and cHRM;
    for AVIF and HEIF a profile counts before nclx (MIAF, 7.3.6.4).
    """
    points = _cicp(content) if content else None
    space = points.space() if points else None
    if space is not None:
        return space
    if profile := image.info.get("icc_profile"):
        return bytes(profile)
    if content and (points := _nclx(content)):
        return points.space()
    if "srgb" in image.info or not {"gamma", "chromaticity"} & image.info.keys():
        return None
    return _of_gamma(image.info.get("gamma"), image.info.get("chromaticity"))


def _narrow(curve: Curve) -> Curve:
    """For samples of which black is 16/255 and white 235/255."""
    return lambda samples: curve(np.clip((samples * 255 - 16) / 219, 0, 1))


def _of_gamma(exponent: float | None, points: tuple[float, ...] | None) -> Space | None:
    """PNG's gAMA and cHRM, each of which may be missing; 0 and impossible primaries say nothing."""
    curve: Curve = spaces.srgb
    if exponent and not abs(exponent / _GAMMA_OF_SRGB - 1) <= _NEAR:
        curve = spaces.gamma(1 / exponent)
    try:
        return spaces.space(curve, points or BT709)
    except (ValueError, TypeError):
        return spaces.space(curve)


def _cicp(content: bytes) -> Codepoints | None:
    """The cICP chunk of a PNG file."""
    place = len(_PNG)
    while content.startswith(_PNG) and place + 12 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        if kind == b"cICP" and size == 4:
            primaries, transfer, _, full = content[place + 8 : place + 12]
            return Codepoints(primaries, transfer, bool(full))
        if kind == b"IDAT":
            break
        place += 12 + size
    return None


def _nclx(content: bytes) -> Codepoints | None:
    """The colours of the primary picture of an AVIF or HEIF file (ISO/IEC 14496-12 and 23008-12)."""
    if content[4:8] != b"ftyp":
        return None
    try:
        meta = next(body for kind, body in _boxes(content) if kind == b"meta")
        inner = dict(_boxes(meta[4:]))
        properties = dict(_boxes(inner[b"iprp"]))
        listed = list(_boxes(properties[b"ipco"]))
        wide = inner[b"pitm"][0] > 0
        (primary,) = struct.unpack_from(">I" if wide else ">H", inner[b"pitm"], 4)
        for number in _associations(properties[b"ipma"], primary):
            kind, body = listed[number - 1] if number else (b"", b"")
            if kind == b"colr" and body[:4] == b"nclx":
                points, transfer = struct.unpack_from(">HH", body, 4)
                return Codepoints(points, transfer)  # the decoder has seen to the range
    except (StopIteration, KeyError, IndexError, struct.error):
        pass
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        size = size or len(data) - place
        if size < head:
            return
        yield kind, data[place + head : place + size]
        place += size


def _associations(ipma: bytes, wanted: int) -> list[int]:
    """The numbers of the properties of an item, from 1 on."""
    version, long = ipma[0], ipma[3] & 1
    (count,) = struct.unpack_from(">I", ipma, 4)
    place, item = 8, struct.Struct(">I" if version else ">H")
    width = 1 + long
    for _ in range(min(count, len(ipma))):
        (number,) = item.unpack_from(ipma, place)
        size = ipma[place + item.size]
        place += item.size + 1
        if number == wanted:
            entries = (ipma[place + index * width :][:width] for index in range(size))
            return [int.from_bytes(entry) & (0x7FFF if long else 0x7F) for entry in entries]  # less "essential"
        place += size * width
    return []
