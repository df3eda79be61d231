"""Any picture in, upright 8-bit sRGB out; RGB to full-range luma and chroma planes and back."""

import io
import os
import warnings
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from scodec import metadata
from scodec.errors import BadImage, BadRequest, ScodecWarning
from scodec.metadata import NOTHING, Metadata

Samples = NDArray[np.uint8]
Chroma = NDArray[np.float32]


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


Source = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | Samples | Photo


def load(source: Source, frame: int | None = None) -> Photo:
    """Read a picture of any kind as it is meant to be seen.

    EXIF rotation is applied, an embedded colour profile is converted to sRGB, CMYK, palettes and 16-bit
    samples become 8-bit RGB. Integer samples up to 255 and floats up to 1 are taken at face value, larger ones as
    16-bit and 8-bit samples.

    source: a path, the bytes of an image file, a binary file object, a PIL image, a uint8 array of shape
    (H, W, 3) or (H, W), or a Photo, which is returned as it is.
    frame: which picture of an animation, from 0 on; None: the first, with a ScodecWarning when there are more. A PIL
    image counts as it stands.

    Raises BadImage if the picture cannot be read or is larger than Pillow's limit against decompression
    bombs, BadRequest if there is no such frame, OSError if the file cannot be opened, TypeError for any other kind of
    source.
    """
    if isinstance(source, Photo):
        return source
    photo = _from_array(source) if isinstance(source, np.ndarray) else _from_pillow(source, frame)
    if photo.rgb.size == 0:
        raise BadImage("the picture has no pixels")
    return photo


def size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of a picture file, as its header tells them. Raises as Pillow's `open` does."""
    with Image.open(path) as image:
        return image.size


def planes(rgb: Samples) -> tuple[Samples, Chroma, Chroma]:
    """Full-range BT.601 (JFIF) planes of an rgb picture, uint8 (H, W, 3).

    Returns y, uint8 (H, W), and cb and cr, float32 (H, W) in -127.5..127.5. The chroma refers to the luma
    before rounding, so `merge` gives the same rgb back but for ties.
    """
    red, green, blue = (rgb[..., channel].astype(np.float32) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.rint(luma).astype(np.uint8), (blue - luma) / 1.772, (red - luma) / 1.402


def merge(y: Samples | Chroma, cb: Chroma, cr: Chroma) -> Samples:
    """The inverse of `planes`: rgb, uint8 (H, W, 3).

    y: uint8 or float32 in 0..255; cb, cr: float32; all of shape (H, W).
    """
    luma = y.astype(np.float32, copy=False)
    rgb = np.empty((*y.shape, 3), np.uint8)
    rgb[..., 0] = _to_uint8(luma + 1.402 * cr)
    rgb[..., 1] = _to_uint8(luma - 0.344136 * cb - 0.714136 * cr)
    rgb[..., 2] = _to_uint8(luma + 1.772 * cb)
    return rgb


def _to_uint8(samples: Chroma) -> Samples:
    clipped: Samples = np.clip(np.rint(samples), 0, 255).astype(np.uint8)
    return clipped


def _from_array(array: Samples) -> Photo:
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise BadImage(f"an array must be uint8 of shape (H, W, 3) or (H, W), not {array.dtype} of shape {array.shape}")
    return _photo(np.ascontiguousarray(array) if array.ndim == 3 else _gray_to_rgb(array))


def _photo(rgb: Samples, alpha: Samples | None = None, about: Metadata = NOTHING) -> Photo:
    if alpha is not None and alpha.min() == 255:
        alpha = None
    if alpha is not None:
        rgb = _hidden_filled(rgb, alpha)
    return Photo(rgb, bool((rgb[..., :1] == rgb[..., 1:]).all()), alpha, about)


def _hidden_filled(rgb: Samples, alpha: Samples) -> Samples:
    """Nobody sees the colours under full transparency: smooth ones that continue what is visible cost the fewest bits.

    Push and pull (Gortler et al. 1996, section 3.4.2): means of what is visible at ever coarser resolutions fill up the
    holes of the finer ones.
    """
    hidden = alpha == 0
    if hidden.all():
        return np.full_like(rgb, 128)
    if not hidden.any():
        return rgb
    levels = [(rgb * ~hidden[..., None], ~hidden)]  # colours, 0 in holes; whether there is one
    while not levels[-1][1].all():
        colours, there = levels[-1]
        odd = [(0, side % 2) for side in there.shape]
        colours, there = np.pad(colours, [*odd, (0, 0)]), np.pad(there, odd)
        count = _sum_of_fours(there[..., None].astype(np.float32))
        levels.append((_sum_of_fours(colours.astype(np.float32)) / np.maximum(count, 1), count[..., 0] > 0))
    filled = levels.pop()[0]
    for colours, there in reversed(levels):
        size = there.shape[1], there.shape[0]
        box = (0, 0, size[0] / 2, size[1] / 2)
        images = (Image.fromarray(filled[..., channel]) for channel in range(3))
        larger = [np.asarray(image.resize(size, Image.Resampling.BILINEAR, box)) for image in images]
        filled = np.where(there[..., None], colours, np.stack(larger, 2))
    return np.where(hidden[..., None], _to_uint8(filled), rgb)


def _sum_of_fours(samples: Chroma) -> Chroma:
    """Sums of 2 x 2 squares of (H, W, C), H and W even."""
    rows = samples[::2] + samples[1::2]
    sums: Chroma = rows[:, ::2] + rows[:, 1::2]
    return sums


def _from_pillow(source: str | os.PathLike[str] | bytes | BinaryIO | Image.Image, frame: int | None) -> Photo:
    stream: io.BytesIO | Image.Image
    match source:
        case Image.Image():
            stream = source
        case bytes() | bytearray() | memoryview():
            stream = io.BytesIO(source)
        case str() | os.PathLike():
            with open(source, "rb") as file:
                stream = io.BytesIO(file.read())
        case _ if hasattr(source, "read"):
            stream = io.BytesIO(source.read())
        case _:
            raise TypeError(f"a picture cannot be read from {type(source).__name__}")
    try:
        image = stream if isinstance(stream, Image.Image) else _frame(_opened(stream), frame)
        return _upright(ImageOps.exif_transpose(image), metadata.read(image))
    except (BadImage, BadRequest, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        raise BadImage("not a picture in a format that Pillow can read; convert it to PNG or JPEG") from None
    except Image.DecompressionBombError as error:
        raise BadImage(f"too large: {error}; raise PIL.Image.MAX_IMAGE_PIXELS if you trust it") from error
    except Exception as error:  # Pillow's plugins raise whatever their parsers ran into
        raise BadImage(f"damaged or of an unknown kind ({error}); get it again or convert it to PNG") from error


def _opened(stream: io.BytesIO) -> Image.Image:
    image = Image.open(stream)
    if image.format == "SCODEC":
        raise BadImage("this is an .scz file already: coding it again would only lose more")
    return image


def _frame(image: Image.Image, number: int | None) -> Image.Image:
    count = getattr(image, "n_frames", 1)
    if number is None:
        if count > 1:
            warnings.warn(f"only the first of {count} pictures is coded; --frame picks another", ScodecWarning, 2)
    elif number >= count:
        raise BadRequest(f"there is no frame {number}: the file has {count}, counted from 0")
    else:
        image.seek(number)
    return image


def _upright(image: Image.Image, about: Metadata) -> Photo:
    if image.mode == "F" or image.mode.startswith("I"):
        samples = np.asarray(image)
        clear = image.info.get("transparency")  # the sample that stands for nothing
        alpha = None if clear is None else np.where(samples == clear, 0, 255).astype(np.uint8)
        return _photo(_gray_to_rgb(_deep_to_uint8(samples)), alpha, about)
    profile = image.info.get("icc_profile")
    alpha = None
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        alpha = np.array(rgba.getchannel("A"))
        image = rgba.convert("RGB")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGB")
    if image.mode == "LAB":
        image = _convert_profile(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    elif profile and image.mode in ("RGB", "L", "CMYK"):
        image = _to_srgb(image, profile)
    return _photo(np.array(image.convert("RGB")), alpha, about)


def _deep_to_uint8(samples: NDArray[Any]) -> Samples:
    """Integers or floats of more than 8 bits, shape (H, W) -> uint8 of the same shape.

    Neither Pillow mode says what white is. A picture whose samples all stay under 1/256 of a larger range
    would be black in it, so the smaller range is meant.
    """
    low, high = float(samples.min()), float(samples.max())
    floating = samples.dtype.kind == "f"
    if not (low >= 0 and high <= (255 if floating else 65535)):
        wanted = "0 to 1 or 0 to 255" if floating else "0 to 255 or 0 to 65535"
        raise BadImage(f"samples run from {low:g} to {high:g}; scale them to {wanted}")
    if floating:
        white = 1 if high <= 1 else 255
    elif high > 255 or samples.dtype.itemsize == 2:
        white = 65535
    else:
        white = 255
    return _to_uint8(samples.astype(np.float32) * np.float32(255 / white))


def _gray_to_rgb(gray: Samples) -> Samples:
    return np.repeat(gray[..., None], 3, axis=2)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return image  # spares the great majority a conversion that could only add rounding errors
        return _convert_profile(image, source)
    except (OSError, ImageCms.PyCMSError):
        return image  # a broken or mismatched profile says nothing: take the samples as sRGB, as viewers do


def _convert_profile(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    assert converted is not None  # only an in-place conversion returns none
    return converted
