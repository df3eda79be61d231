"""What a photograph carries beside its pixels: EXIF and XMP, and the boxes that keep them in a file."""

import zlib
from dataclasses import dataclass

from PIL import Image

from scodec.errors import BadFile

#: Largest EXIF or XMP that is taken out of a file: beyond what cameras write, within what may be held in memory.
LIMIT = 16 << 20
#: Tags of the first directory that describe how the samples lie in the source file (TIFF 6.0, EXIF 2.32 section 4.6.4 A
#: and B), with the profile, XMP and Photoshop data that TIFF keeps there.
_LAYOUT = {
    *range(254, 260), 262, 263, 266, 273, 274, *range(277, 282), 284, 317, 320, *range(322, 326), 330, 338, 339, 347,
    *range(529, 533), 700, 33723, 34377, 34675,
}  # fmt: skip
_EXIF_MAGIC = b"Exif\0\0"
_TIFF_MAGICS = b"II*\0", b"MM\0*"


@dataclass(frozen=True)
class Metadata:
    """exif: a TIFF structure without "Exif", orientation and thumbnail; xmp: an XMP packet. Empty where none is."""

    exif: bytes = b""
    xmp: bytes = b""


NOTHING = Metadata()


def read(image: Image.Image) -> Metadata:
    """The metadata of a picture as opened, less what says how it is stored and turned.

    What can't be read or exceeds LIMIT counts as missing.
    """
    try:
        exif = Image.Exif()
        exif.load(image.getexif().tobytes())  # a copy, which may be changed
        for tag in _LAYOUT & exif.keys():
            del exif[tag]
        raw = exif.tobytes().removeprefix(_EXIF_MAGIC) if exif else b""
    except Exception:  # cameras write broken EXIF, and Pillow raises whatever that leads to
        raw = b""
    xmp = image.info.get("xmp", b"")
    packet = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    return Metadata(*(content if len(content) <= LIMIT else b"" for content in (raw, packet)))


def boxes(metadata: Metadata) -> tuple[tuple[bytes, bytes], ...]:
    """The boxes of a file that keep the metadata, deflated."""
    parts = (b"EXIF", metadata.exif), (b"XMP ", metadata.xmp)
    return tuple((kind, zlib.compress(content, 9)) for kind, content in parts if content)


def from_boxes(found: tuple[tuple[bytes, bytes], ...]) -> Metadata:
    """The inverse of `boxes`; other kinds are skipped. Raises BadFile when a box is damaged or larger than LIMIT."""
    parts = {kind: _inflated(content) for kind, content in found if kind in (b"EXIF", b"XMP ")}
    exif = parts.get(b"EXIF", b"")
    if exif and (exif[:4] not in _TIFF_MAGICS or len(exif) < 8):
        raise BadFile("the EXIF metadata is damaged: get the file again")
    return Metadata(exif, parts.get(b"XMP ", b""))


# Stands in for the version of the branch that mends the metadata, which replaces it at the merge.
def slimmed(metadata: Metadata, most_bytes: int) -> tuple[Metadata, list[str]]:
    """As much of the metadata as fits in so many bytes of boxes, and the names of what was left out, in this order:
    MakerNote, XMP, EXIF."""

    def fits(kept: Metadata) -> bool:
        return sum(len(content) for _, content in boxes(kept)) <= most_bytes

    dropped: list[str] = []
    if metadata.exif and not fits(metadata):
        exif = Image.Exif()
        exif.load(_EXIF_MAGIC + metadata.exif)
        if exif.get_ifd(0x8769).pop(0x927C, None) is not None:
            metadata = Metadata(exif.tobytes().removeprefix(_EXIF_MAGIC), metadata.xmp)
            dropped.append("MakerNote")
    if metadata.xmp and not fits(metadata):
        metadata = Metadata(metadata.exif)
        dropped.append("XMP")
    if metadata.exif and not fits(metadata):
        metadata = Metadata()
        dropped.append("EXIF")
    return metadata, dropped


def as_info(metadata: Metadata) -> dict[str, bytes]:
    """What Pillow keeps in `Image.info`, and takes as arguments of `save`."""
    info = {"exif": _EXIF_MAGIC + metadata.exif} if metadata.exif else {}
    return info | ({"xmp": metadata.xmp} if metadata.xmp else {})


def _inflated(content: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(content, LIMIT)
    except zlib.error:
        raise BadFile("the metadata can't be unpacked: the file is damaged, get it again") from None
    if not unpacker.eof or unpacker.unused_data:
        raise BadFile("the metadata is damaged or too large to open safely: get the file again")
    return data
