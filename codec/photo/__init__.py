"""Any picture in, upright 8-bit sRGB out (docs/photographs.md); RGB to full-range luma and chroma planes and back."""

import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from scodec.errors import BadImage
from scodec.metadata import NOTHING, Metadata
from scodec.photo import hidden, icc, spaces
from scodec.photo.monochrome import looks_gray
from scodec.photo.opening import File, Opened, opened
from scodec.photo.planes import Chroma, Deep, Samples, halved, in_colour, merge, planes
from scodec.photo.spaces import Space

__all__ = ["Chroma", "Photo", "Samples", "Source", "load", "merge", "planes", "size"]

#: Of the tolerances for grey, after a conversion: another curve may spread what lay close together.
_CONVERTED = 3.0


@dataclass(frozen=True)
class Photo:
    """An upright picture in sRGB.

    rgb: uint8, shape (H, W, 3), H and W at least 1; under full transparency the nearest visible colour.
    gray: whether the three channels are equal everywhere.
    alpha: opacity, uint8, shape (H, W), or None where all is opaque.
    metadata: what else the file carried.
    """

    rgb: Samples
    gray: bool
    alpha: Samples | None = None
    metadata: Metadata = NOTHING


Source = File | Samples | Photo


def load(source: Source, frame: int | None = None) -> Photo:
    """Read a picture of any kind as it is meant to be seen; docs/photographs.md lists what counts.

    EXIF rotation is applied, colours are converted to sRGB from what the file says they are, CMYK, palettes and 16-bit
    samples become 8-bit RGB. What looks monochrome becomes grey. Integer samples up to 255 and floats up to 1 are taken
    at face value, larger ones as 16-bit and 8-bit samples.

    source: a path, the bytes of an image file, a binary file object (read from its start), a PIL image, a uint8 array
    of shape (H, W, 3) or (H, W), or a Photo, which is returned as it is.
    frame: which picture of an animation, from 0 on; None: the first, with a ScodecWarning when there are more. A PIL
    image counts as it stands.

    Raises BadImage if the picture cannot be read or is larger than Pillow's limit against decompression
    bombs, BadRequest if there is no such frame, Unsupported if it takes an extra that is not installed, OSError if the
    file cannot be opened, TypeError for any other kind of source.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or not (source.ndim == 2 or (source.ndim == 3 and source.shape[2] == 3)):
            raise BadImage(
                f"an array must be uint8 of shape (H, W, 3) or (H, W), not {source.dtype} of shape {source.shape}"
            )
        return _photo(source, np.ascontiguousarray(in_colour(source)), None, NOTHING)
    found = opened(source, frame)
    samples = found.raster.colour
    if samples.size == 0:
        raise BadImage("the picture has no pixels")
    return _photo(samples, _in_srgb(found), found.raster.alpha, found.metadata)


def size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of a picture file, as its header tells them. Raises as Pillow's `open` does."""
    with Image.open(path) as image:
        return image.size


def _in_srgb(found: Opened) -> Samples:
    """uint8 (H, W, 3)."""
    samples, colours = found.raster.colour, found.colours
    if isinstance(colours, bytes) and (samples.dtype == np.uint16 or samples.ndim == 2):
        colours = icc.simple(colours, samples.ndim) or colours
    rgb = None
    if isinstance(colours, Space):
        rgb = None if spaces.is_srgb(colours) else spaces.convert(samples, colours)
    elif colours:
        rgb = icc.convert(samples, colours)
    return in_colour(halved(samples)) if rgb is None else rgb


def _photo(samples: Samples | Deep, rgb: Samples, alpha: Samples | None, about: Metadata) -> Photo:
    """samples: of the source, before `rgb` was made of them: another curve would spread what lay close together."""
    if rgb.size == 0:
        raise BadImage("the picture has no pixels")
    if alpha is not None and alpha.min() == 255:
        alpha = None
    visible = None if alpha is None else alpha > 0
    gray = samples.ndim == 2 or looks_gray(halved(samples), visible)
    if gray and rgb is not samples and samples.ndim == 3:
        gray = looks_gray(rgb, visible, _CONVERTED)
    if gray and (rgb != rgb[..., :1]).any():
        rgb = in_colour(planes(rgb)[0])
    if alpha is not None:
        rgb = hidden.filled(rgb, alpha)
    return Photo(rgb, gray, alpha, about)
