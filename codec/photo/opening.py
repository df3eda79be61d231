"""From whatever a user gives as a picture to its upright samples, its colours and its metadata."""

import io
import os
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from scodec import metadata
from scodec.errors import BadImage, BadRequest, ScodecWarning, Unsupported
from scodec.files import heif
from scodec.format import limits
from scodec.metadata import Metadata
from scodec.photo import description, raster, tiff
from scodec.photo.raster import Raster
from scodec.photo.spaces import Space

File = str | os.PathLike[str] | bytes | BinaryIO | Image.Image


@dataclass(frozen=True)
class Opened:
    """raster: upright samples. colours: their profile or space, None where they are sRGB."""

    raster: Raster
    colours: bytes | Space | None
    metadata: Metadata


def opened(source: File, frame: int | None) -> Opened:
    """A picture file or PIL image; see `scodec.photo.load` for the arguments and errors."""
    content = None if isinstance(source, Image.Image) else _content(source)
    try:
        if content is None:
            assert isinstance(source, Image.Image)
            return _finished(raster.read(source, None), source, None)
        return _from_file(content, frame)
    except (BadImage, BadRequest, Unsupported, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        raise BadImage("not a picture in a format that Pillow can read; convert it to PNG or JPEG") from None
    except Image.DecompressionBombError as error:
        raise BadImage(_too_large(error)) from error
    except Exception as error:  # Pillow's plugins raise whatever their parsers ran into
        raise BadImage(f"damaged or of an unknown kind ({error}); get it again or convert it to PNG") from error


def _content(source: File) -> bytes:
    match source:
        case bytes() | bytearray() | memoryview():
            return bytes(source)
        case str() | os.PathLike():
            with open(source, "rb") as file:
                return file.read()
        case _ if hasattr(source, "read"):
            if getattr(source, "seekable", lambda: False)():
                source.seek(0)  # as Pillow does: whoever has just written a picture stands at its end
            return bytes(source.read())
        case _:
            raise TypeError(f"a picture cannot be read from {type(source).__name__}")


def _from_file(content: bytes, frame: int | None) -> Opened:
    if not content:
        raise BadImage("the file is empty: get it again")
    tiff.refuse_raw(content)
    stream = io.BytesIO(content)
    heif.prepare(stream)
    try:
        image = Image.open(stream)
    except Image.UnidentifiedImageError:
        if not tiff.has_picture(content):
            raise
        return _finished(*tiff.read(content, frame or 0), content)
    if image.format == "SCODEC":
        raise BadImage("this is an .scz file: `scodec decode` makes a picture of it")
    full = tiff.full_picture(content) if frame is None else None
    if full is not None and full.page is None:
        return _finished(*tiff.read(content, 0, full.pixels), content)
    if full is not None:
        frame = full.page
    _seek(image, frame)
    alone = image.format == "TIFF" or getattr(image, "n_frames", 1) == 1
    return _finished(raster.read(image, content if alone else None), image, content)


def _seek(image: Image.Image, frame: int | None) -> None:
    count = getattr(image, "n_frames", 1)
    if frame is None:
        if count > 1:
            warnings.warn(f"only the first of {count} pictures is coded", ScodecWarning, 2)
    else:
        raster.check_frame(frame, count)
        image.seek(frame)


def _too_large(error: Image.DecompressionBombError) -> str:
    """What Pillow says, but for its suspicion, and what helps: a higher limit only where it is below ours."""
    size, _, _ = str(error).partition(",")
    lowered = 2 * (Image.MAX_IMAGE_PIXELS or 0) < limits.PICTURE.pixels
    higher = ", or raise PIL.Image.MAX_IMAGE_PIXELS" if lowered else ""
    return f"too large: {size}; reduce the picture, or cut it into tiles{higher}"


def _finished(found: Raster, image: Image.Image, content: bytes | None) -> Opened:
    """After loading: some of Pillow's plugins turn the picture then, and say so in its EXIF."""
    colours = None if found.srgb else description.of_picture(image, content)
    return Opened(found.turned(metadata.orientation(image)), colours, metadata.read(image))
