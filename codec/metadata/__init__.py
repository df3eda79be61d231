"""What a photograph carries beside its pixels: EXIF and XMP, kept in agreement with them, and the boxes of a file."""

import re
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from PIL import Image

from scodec.errors import BadFile, ScodecWarning
from scodec.format import leb128
from scodec.metadata import agreement, exif, xmp
from scodec.metadata.exif import Directory

#: Largest EXIF or XMP that is taken out of a file: beyond what cameras write, within what may be held in memory.
LIMIT = 16 << 20
_ORIENTATION, _MAKER_NOTE = 0x0112, 0x927C
#: Names of XMP properties that tell a place, beside those that begin with GPS (IPTC Photo Metadata 2023.2).
_PLACES = {"City", "State", "Country", "CountryCode", "Location", "LocationCreated", "LocationShown"}
#: Values of EXIF in bytes that hold what people wrote: UserComment and the XP tags of Windows.
_WRITTEN = {0x9286, *range(0x9C9B, 0x9CA0)}
#: What Pillow and the like take for an orientation wherever it stands, in a comment or under a misspelt namespace.
_SLOPPY = re.compile(rb"tiff:Orientation(?:=\"|>)[02-9]")
#: From this size on a value in bytes is private data worth leaving out where room is short.
_LARGE = 64
#: How many tags a warning names.
_NAMED = 6


@dataclass(frozen=True)
class Metadata:
    """exif: a TIFF structure without "Exif", orientation and thumbnail; xmp: an XMP packet. Empty where none is."""

    exif: bytes = b""
    xmp: bytes = b""


NOTHING = Metadata()


def orientation(image: Image.Image) -> int:
    """How the picture lies, 1 (upright) to 8, by EXIF or else by XMP. What says nothing sensible counts as 1.

    A TIFF file is upright once it is loaded.
    """
    value: Any = None
    with suppress(Exception):  # whatever reading a damaged value raises
        value = exif.of(image).get(_ORIENTATION)
    if value is None and image.format != "TIFF":
        with suppress(xmp.Broken):
            value = xmp.properties(_packet(image)).get((xmp.TIFF, "Orientation"))
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, bytes) and len(value) == 1:
        value = value[0]
    with suppress(Exception):
        return next(number for number in range(1, 9) if number == float(value))
    return 1


def read(image: Image.Image) -> Metadata:
    """The metadata of a picture as opened, corrected to what it is once it is upright and in sRGB.

    Nothing tells of an orientation, a thumbnail or the layout and colours of the source file any more. A ScodecWarning
    names what was damaged and left out. What exceeds LIMIT is left out, too.
    """
    turned = orientation(image)
    size = image.size[::-1] if turned >= 5 else image.size
    found = Metadata(_read_exif(image, size, turned), _read_xmp(image, size, turned))
    for name, content in (("EXIF", found.exif), ("XMP", found.xmp)):
        if len(content) > LIMIT:
            _warn(f"the {name} data exceed {LIMIT >> 20} MiB and were left out")
    return Metadata(*(content if len(content) <= LIMIT else b"" for content in (found.exif, found.xmp)))


def resized(metadata: Metadata, width: int, height: int) -> Metadata:
    """The metadata of a picture that was enlarged to this size."""
    block = exif.changed(metadata.exif, lambda tree: agreement.enlarge(tree, (width, height)))
    packet = metadata.xmp
    with suppress(xmp.Broken):
        packet = xmp.changed(packet, agreement.enlargements((width, height)))
    return Metadata(block, packet)


def stripped(metadata: Metadata, strip: bool | str) -> Metadata:
    """The metadata without what `EncodeOptions.strip` says: False nothing, True all, "location" what tells a place.

    That is EXIF's GPS directory, and in XMP all GPS properties and the place names of IPTC. XMP that is broken and may
    tell a place is left out whole.
    """
    if not strip:
        return metadata
    if strip not in ("location", "gps"):
        return NOTHING
    packet = metadata.xmp
    try:
        packet = xmp.changed(packet, dict.fromkeys(_places(packet)))
    except xmp.Broken:
        if _mentions(packet, b"gps", *(name.lower().encode() for name in _PLACES)):
            packet = b""
    return Metadata(exif.changed(metadata.exif, lambda tree: agreement.drop(tree, exif.GPS)), packet)


def located(metadata: Metadata) -> bool:
    """Whether the metadata tell where the picture was taken, by coordinates."""
    with suppress(Exception):  # EXIF of another's making
        if {2, 4} & exif.parse(metadata.exif).get(exif.GPS, {}).keys():
            return True
    with suppress(xmp.Broken):
        return any(name.lower() in ("gpslatitude", "gpslongitude") for _, name in _places(metadata.xmp))
    return _mentions(metadata.xmp, b"gpslatitude")


def slimmed(metadata: Metadata, most_bytes: int) -> tuple[Metadata, list[str]]:
    """Metadata whose boxes take at most so many bytes, and in words what had to go for that, in this order:

    the MakerNote, other values of 64 bytes and more that are no text (the largest first), XMP, all EXIF.
    """
    dropped: list[str] = []

    def without(what: str, slimmer: Metadata) -> None:
        nonlocal metadata
        if stored(metadata) > most_bytes and slimmer != metadata:
            metadata = slimmer
            dropped.append(what)

    for place, tag in _private(metadata.exif) if stored(metadata) > most_bytes else []:
        without(exif.name(tag, place), Metadata(exif.changed(metadata.exif, _dropping(place, tag)), metadata.xmp))
    without("XMP", Metadata(metadata.exif))
    without("all EXIF", Metadata(b"", metadata.xmp))
    return metadata, dropped


def stored(metadata: Metadata) -> int:
    """Bytes of the boxes in a file, with their headers."""
    return sum(len(kind) + len(leb128.write(len(content))) + len(content) for kind, content in boxes(metadata))


def boxes(metadata: Metadata) -> tuple[tuple[bytes, bytes], ...]:
    """The boxes of a file that keep the metadata, deflated."""
    parts = (b"EXIF", metadata.exif), (b"XMP ", metadata.xmp)
    return tuple((kind, zlib.compress(content, 9)) for kind, content in parts if content)


def from_boxes(found: tuple[tuple[bytes, bytes], ...]) -> Metadata:
    """The inverse of `boxes`; other kinds are skipped. Of several boxes of a kind only the last is unpacked.

    Raises BadFile when a box is damaged or larger than LIMIT.
    """
    last = dict(found)
    block, packet = (_inflated(last[kind]) if kind in last else b"" for kind in (b"EXIF", b"XMP "))
    if block and (block[:4] not in (b"II*\0", b"MM\0*") or len(block) < 8):
        raise BadFile("the EXIF metadata is damaged: get the file again")
    return Metadata(block, packet)


def as_info(metadata: Metadata) -> dict[str, bytes]:
    """What Pillow keeps in `Image.info`, and takes as arguments of `save`."""
    info = {"exif": exif.MAGIC + metadata.exif} if metadata.exif else {}
    return info | ({"xmp": metadata.xmp} if metadata.xmp else {})


def _read_exif(image: Image.Image, size: tuple[int, int], turned: int) -> bytes:
    try:
        about = exif.of(image)
        tree, lost = exif.read(about, agreement.LAYOUT)
        hidden = {exif.name(tag) for tag in agreement.LAYOUT}
        lost += [name for name in exif.mended(exif.block_of(image))[1] if name not in hidden]
        agreement.correct(tree, size, turned)
        block = exif.write(tree, b"II" if about.endian == "<" else b"")
    except Exception:  # cameras write broken EXIF, and Pillow raises whatever that leads to
        block, lost = b"", ["all of it"]
    if lost:
        names = list(dict.fromkeys(lost))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        _warn(f"EXIF data that are damaged or of a wrong type were left out: {', '.join(names[:_NAMED])}{more}")
    return block


def _read_xmp(image: Image.Image, size: tuple[int, int], turned: int) -> bytes:
    packet = _packet(image)
    try:
        changes = agreement.corrections(xmp.properties(packet), size, turned)
        packet = xmp.changed(packet, changes)
        wrong = _SLOPPY.search(packet) is not None
    except xmp.Broken:
        wrong = _mentions(packet, b"orientation")
    if wrong:
        _warn("the XMP data are damaged, and name an orientation that is wrong by now: they were left out")
    return b"" if wrong else packet


def _packet(image: Image.Image) -> bytes:
    packet = image.info.get("xmp", b"")
    if isinstance(packet, str):
        return packet.encode(errors="replace")
    return bytes(packet) if isinstance(packet, bytes | bytearray | memoryview) else b""


def _places(packet: bytes) -> list[xmp.Name]:
    """The properties that tell a place. Raises xmp.Broken."""
    return [name for name in xmp.properties(packet) if name[1].lower().startswith("gps") or name[1] in _PLACES]


def _mentions(packet: bytes, *words: bytes) -> bool:
    """Whether a broken packet contains one of the words, whatever its encoding and upper or lower case."""
    plain = packet.replace(b"\0", b"").lower()
    return any(word in plain for word in words)


def _private(block: bytes) -> list[tuple[tuple[int, ...], int]]:
    """Places and tags of the MakerNote and of other large values that are no text, as `slimmed` drops them."""
    try:
        tree = exif.parse(block)
    except Exception:  # EXIF of another's making
        return []
    found = []
    for place in exif.PLACES:
        directory = tree
        for pointer in place:
            directory = directory.get(pointer, {})
        for tag, value in directory.items():
            if tag == _MAKER_NOTE or (isinstance(value, bytes) and len(value) >= _LARGE and tag not in _WRITTEN):
                found.append((tag != _MAKER_NOTE, -len(value), place, tag))
    return [(place, tag) for *_, place, tag in sorted(found)]


def _dropping(place: tuple[int, ...], tag: int) -> Callable[[Directory], None]:
    def change(tree: Directory) -> None:
        for pointer in place:
            tree = tree.get(pointer, {})
        agreement.drop(tree, tag)

    return change


def _inflated(content: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(content, LIMIT)
    except zlib.error:
        raise BadFile("the metadata can't be unpacked: the file is damaged, get it again") from None
    if not unpacker.eof or unpacker.unused_data:
        raise BadFile("the metadata is damaged or too large to open safely: get the file again")
    return data


def _warn(message: str) -> None:
    warnings.warn(message, ScodecWarning, stacklevel=2)
