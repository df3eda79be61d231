"""TIFF beyond Pillow: raw photographs, thumbnails before the picture, and kinds of samples that tifffile reads."""

import io
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from scodec import extras
from scodec.errors import BadImage, BadRequest
from scodec.photo.planes import halved
from scodec.photo.raster import Raster, check_frame, white_is

_MAGICS = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
#: First bytes of raw photographs that are no TIFF, or nearly: Fujifilm, Olympus, Panasonic, Canon CR3, Sigma, Minolta.
_RAW_MAGICS = b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0\0\0\x18ftypcrx ", b"FOVb", b"\0MRM"
_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _SUB_IFDS, _DNG = 254, 256, 257, 262, 330, 50706
_MOSAIC, _LINEAR_RAW = 32803, 34892  # photometric interpretations of TIFF/EP and DNG
_SIZES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # field types that hold integers
_MOST = 256  # directories of a file, and values of a field, that are looked at


@dataclass(frozen=True)
class Directory:
    """tags: integers by tag. page: its number in the chain of directories, None inside of another."""

    tags: dict[int, tuple[int, ...]]
    page: int | None

    @property
    def reduced(self) -> bool:
        """Whether it holds a smaller version of another picture."""
        return bool(self.tags.get(_SUBFILE, (0,))[0] & 1)

    @property
    def pixels(self) -> int:
        return self.tags.get(_WIDTH, (0,))[0] * self.tags.get(_HEIGHT, (0,))[0]


def refuse_raw(content: bytes) -> None:
    """Raise BadImage for raw photographs, of which Pillow shows the thumbnail or nothing."""
    raw = content.startswith(_RAW_MAGICS) or (content[:4] in _MAGICS and content[8:10] == b"CR")
    for directory in directories(content):
        sensor = {_MOSAIC, _LINEAR_RAW} & set(directory.tags.get(_PHOTOMETRIC, ()))
        raw = raw or bool(sensor) or _DNG in directory.tags
    if raw:
        raise BadImage("a raw photograph: develop it first (darktable, RawTherapee), to TIFF, PNG or JPEG")


def directories(content: bytes) -> list[Directory]:
    """All directories of a TIFF file, as far as they can be read; none for other files."""
    if content[:4] not in _MAGICS:
        return []
    order, big = _MAGICS[content[:4]]
    found: list[Directory] = []
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), content.ljust(16, b"\0"), 8 if big else 4)
    waiting: list[tuple[int, int | None]] = [(place, 0)]
    seen: set[int] = set()
    while waiting and len(found) < _MOST:
        place, page = waiting.pop(0)
        if not 0 < place < len(content) or place in seen:
            continue
        seen.add(place)
        try:
            tags, following = _directory(content, place, order, big)
        except struct.error:
            continue
        found.append(Directory(tags, page))
        if page is not None:
            waiting.append((following, page + 1))
        waiting += [(inner, None) for inner in tags.get(_SUB_IFDS, ())]
    return found


def _directory(content: bytes, place: int, order: str, big: bool) -> tuple[dict[int, tuple[int, ...]], int]:
    """The integers of a directory, and where the next one is."""
    count, offset, layout = ("Q", "Q", "HHQ8s") if big else ("H", "I", "HHI4s")
    entry = struct.Struct(order + layout)
    (entries,) = struct.unpack_from(order + count, content, place)
    place += struct.calcsize(order + count)
    tags = {}
    for _ in range(entries):
        tag, kind, length, value = entry.unpack_from(content, place)
        place += entry.size
        if kind in _SIZES and 0 < length <= _MOST:
            values = struct.Struct(f"{order}{length}{_SIZES[kind]}")
            inline = values.size <= len(value)
            source, start = (value, 0) if inline else (content, struct.unpack(order + offset, value)[0])
            if start + values.size <= len(source):
                tags[tag] = values.unpack_from(source, start)
    (following,) = struct.unpack_from(order + offset, content.ljust(place + 8, b"\0"), place)
    return tags, following


def has_picture(content: bytes) -> bool:
    """Whether it is a TIFF file whose first directory has the size of a picture."""
    return any(each.page == 0 and each.pixels for each in directories(content))


def full_picture(content: bytes) -> Directory | None:
    """The directory of the picture itself, where the first one of the file is only its thumbnail; None otherwise."""
    found = directories(content)
    if not found or not found[0].reduced:
        return None
    first = found[0]
    larger = [each for each in found if not each.reduced and each.pixels > first.pixels]
    return max(larger, key=lambda each: each.pixels, default=None)


def read(content: bytes, frame: int = 0, pixels: int | None = None) -> tuple[Raster, Image.Image]:
    """What Pillow can't read, by tifffile: the samples, and an empty image that carries metadata and profile.

    pixels: the size of a picture inside of the page, in place of the page itself.

    Raises Unsupported where tifffile or a codec is missing, BadImage where it can't read the file either, BadRequest
    where there is no such frame, and Pillow's DecompressionBombError as Pillow does.
    """
    if find_spec("tifffile") is None:
        extras.require("tiff", "Pillow can't read this kind of TIFF")
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            check_frame(frame, len(file.pages))
            page: Any = file.pages[frame]
            if pixels is not None:
                page = next(each for each in page.pages if each.imagewidth * each.imagelength == pixels)
            size, most = page.imagewidth * page.imagelength, Image.MAX_IMAGE_PIXELS
            if most and size > 2 * most:
                raise Image.DecompressionBombError(f"Image size ({size} pixels) exceeds limit of {2 * most} pixels")
            return _raster(page), _carrier(content, page)
    except (BadImage, BadRequest, Image.DecompressionBombError):
        raise
    except Exception as error:  # tifffile raises whatever its parsers ran into
        if "imagecodecs" in str(error):
            extras.require("tiff", "Pillow can't read this kind of TIFF")
        raise BadImage(f"a TIFF that cannot be read ({error}); convert it to PNG or to 8- or 16-bit RGB") from None


def _raster(page: Any) -> Raster:
    kind = int(page.photometric)
    samples = page.asarray()
    axes = page.axes.replace("S", "C")
    if kind not in (0, 1, 2) or samples.dtype.kind not in "uif" or axes not in ("YX", "YXC", "CYX"):
        raise BadImage("a TIFF of a kind that cannot be read: convert it to PNG or to 8- or 16-bit RGB")
    samples = np.moveaxis(samples, 0, 2) if axes == "CYX" else samples
    colours = 3 if kind == 2 else 1
    samples = samples if samples.ndim == 3 else samples[..., None]
    extra = [int(each) for each in page.extrasamples]
    white = white_is(samples[..., :colours])
    deep = np.rint(np.clip(samples.astype(np.float64) / white, 0, 1) * 65535).astype(np.uint16)
    colour = deep[..., :colours]
    alpha = deep[..., colours] if extra and extra[0] in (1, 2) else None
    if alpha is not None and extra[0] == 1:  # colours come multiplied by their opacity
        divided = colour.astype(np.uint32) * 65535 // np.maximum(alpha, 1)[..., None]
        colour = np.minimum(divided, 65535).astype(np.uint16)
    colour = 65535 - colour if kind == 0 else colour
    return Raster(colour[..., 0] if colours == 1 else colour, None if alpha is None else halved(alpha))


def _carrier(content: bytes, page: Any) -> Image.Image:
    carrier = Image.new("L", (1, 1))
    exif = Image.Exif()
    exif.load(content)  # a TIFF file is what EXIF is made of
    carrier.info["exif"] = exif.tobytes()
    profile = page.tags.valueof(34675)
    if profile:
        carrier.info["icc_profile"] = profile
    return carrier
