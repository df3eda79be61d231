"""EXIF as directories of tags, read and written by Pillow tag by tag: one broken tag must not cost the others."""

import math
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PIL import ExifTags, Image

#: Tags and their values; a directory inside is a value, under the tag that points to it.
Directory = dict[int, Any]

MAGIC = b"Exif\0\0"
EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005
#: The directories that are kept, by the tags that lead there. The thumbnail's is not.
PLACES: tuple[tuple[int, ...], ...] = ((), (EXIF,), (GPS,), (EXIF, INTEROP))
#: Bytes of a value of each type (TIFF 6.0, section 2, and the supplement's IFD).
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def of(image: Image.Image) -> Image.Exif:
    """The EXIF of a picture as far as it can be read."""
    block, lost = mended(block_of(image))
    if lost:
        sound = Image.Exif()
        with suppress(Exception):  # Pillow raises whatever its parser runs into
            sound.load(block)
        return sound
    with suppress(Exception):  # what Pillow raises in the first call it passes over in the second
        image.getexif()
    return image.getexif()


def block_of(image: Image.Image) -> bytes:
    """The EXIF as it stands in a file that is no TIFF file itself."""
    block = image.info.get("exif")
    return block if isinstance(block, bytes) else b""


def name(tag: int, place: tuple[int, ...] = ()) -> str:
    """What the standard calls a tag, or its number."""
    names: dict[int, str] = ExifTags.GPSTAGS if place == (GPS,) else ExifTags.TAGS
    return names.get(tag, f"tag 0x{tag:04X}")


def read(exif: Image.Exif, unwanted: set[int]) -> tuple[Directory, list[str]]:
    """All directories, and the names of the tags that had to be left out, damaged or of a wrong type.

    unwanted: tags of the first directory that are left out without being named.
    """
    tree: Directory = {}
    lost: list[str] = []
    for tag in sorted(set(exif) - unwanted - {EXIF, GPS}):
        _take(tree, lost, (), tag, exif.__getitem__)
    for place in PLACES[1:]:
        pointer = place[-1]
        parent = tree.get(EXIF, {}) if len(place) > 1 else tree
        if pointer not in (_interop_owner(exif) if len(place) > 1 else exif):
            continue
        inside: Directory = {}
        source = _directory(exif, pointer)
        for tag in sorted(source.keys() - {INTEROP}):
            _take(inside, lost, place, tag, source.__getitem__)
        if inside:
            parent[pointer] = inside
        elif not source:
            lost.append(name(pointer))
    return tree, lost


def _interop_owner(exif: Image.Exif) -> Directory:
    return _directory(exif, EXIF) if EXIF in exif else {}


def _directory(exif: Image.Exif, pointer: int) -> Directory:
    try:
        given = exif.get(pointer)
        return given if isinstance(given, dict) else exif.get_ifd(pointer)
    except Exception:  # Pillow raises whatever a wrong offset leads to
        return {}


def _take(tree: Directory, lost: list[str], place: tuple[int, ...], tag: int, get: Callable[[int], Any]) -> None:
    try:
        value = _written(get(tag), tag, place)
    except Exception:  # Pillow raises whatever a wrong type leads to
        lost.append(name(tag, place))
    else:
        tree[tag] = value


def _written(value: Any, tag: int, place: tuple[int, ...]) -> Any:
    """The value, as it may be written. Raises ValueError or whatever Pillow does if it does not come back."""
    if isinstance(value, str) and not value.isascii():
        value = value.encode("latin-1")  # as it was read: Pillow would write question marks
    tree: Directory = {tag: value}
    for pointer in reversed(place):
        tree = {pointer: tree}
    again = parse(write(tree))
    for pointer in place:
        again = again[pointer]
    if not _same(value, again[tag]):
        raise ValueError(f"{value!r} became {again[tag]!r}")
    return value


def _same(first: Any, second: Any) -> bool:
    """Whether two values say the same, in whatever type."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, str | bytes) and isinstance(second, str | bytes):
        one, other = (each.encode("latin-1") if isinstance(each, str) else each for each in (first, second))
        return one.rstrip(b"\0") == other.rstrip(b"\0")
    if isinstance(first, str | bytes | tuple) or isinstance(second, str | bytes | tuple):
        return False
    return math.isclose(first, second, rel_tol=1e-6) or (math.isnan(first) and math.isnan(second))


def parse(block: bytes) -> Directory:
    """The directories of a block that `write` made. Raises whatever Pillow does on others."""
    exif = Image.Exif()
    exif.load(block)
    tree: Directory = {tag: exif[tag] for tag in exif}
    for place in PLACES[1:]:
        parent = tree.get(EXIF, {}) if len(place) > 1 else tree
        if place[-1] in parent:
            parent[place[-1]] = dict(exif.get_ifd(place[-1]))
    return tree


def write(tree: Directory, like: bytes = b"") -> bytes:
    """A TIFF structure without the "Exif" in front, in the byte order of `like`; empty where there is no tag."""
    exif = Image.Exif()
    exif.endian = "<" if like.startswith(b"II") else None
    for tag, value in tree.items():
        exif[tag] = value
    return exif.tobytes().removeprefix(MAGIC) if tree else b""


def changed(block: bytes, change: Callable[[Directory], None]) -> bytes:
    """A block that `write` made after a change, byte for byte the same if there is none; empty if it can't be read."""
    try:
        tree = parse(block)
        before = write(tree, block)
        change(tree)
        after = write({tag: value for tag, value in tree.items() if value != {}}, block)
    except Exception:  # not of our making: Pillow raises whatever it leads to
        return b""
    return block if after == before else after


def mended(block: bytes) -> tuple[bytes, list[str]]:
    """A block without the values that can't be found in it, and the names of their tags.

    Pillow stops at the first of them, and so would miss all that follow. Only the directories that are kept are mended.
    """
    block = block.removeprefix(MAGIC).removeprefix(MAGIC)  # some write it twice
    if len(block) < 10 or block[:4] not in (b"II*\0", b"MM\0*"):
        return b"", ["all of it"] if block else []
    order, lost, data = ("<" if block.startswith(b"II") else ">"), [], bytearray(block)
    places: list[tuple[tuple[int, ...], int]] = [((), struct.unpack_from(order + "L", block, 4)[0])]
    while places:
        place, at = places.pop()
        if at + 2 > len(block):
            lost.append(name(place[-1]) if place else "all of it")
            continue
        count, room = struct.unpack_from(order + "H", block, at)[0], (len(block) - at - 2) // 12
        if count > room:
            lost.append("the end of a directory that is cut short")
            struct.pack_into(order + "H", data, at, room)
        for entry in range(at + 2, at + 2 + 12 * min(count, room), 12):
            tag, kind, length, value = struct.unpack_from(order + "HHLL", block, entry)
            size = _SIZES.get(kind, 0) * length
            if size == 0 or (size > 4 and value + size > len(block)):
                lost.append(name(tag, place))
                struct.pack_into(order + "HHLL", data, entry, tag, 1, 0, 0)  # no value: Pillow skips it
            elif (*place, tag) in PLACES and kind in (4, 13):
                places.append(((*place, tag), value))
    return bytes(data), lost
