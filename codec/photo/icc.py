"""Embedded profiles: LittleCMS converts 8-bit colours. Pillow hands it no deeper ones, and of linear grey it makes the
darkest ten levels too dark: there, simple profiles become a space in numbers."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from scodec.photo import spaces
from scodec.photo.planes import Deep, Samples, halved, in_colour
from scodec.photo.spaces import Curve, Space

_MAX_TAGS = 100  # as in LittleCMS


def convert(samples: Samples | Deep, profile: bytes) -> Samples | None:
    """Samples in sRGB, uint8 (H, W, 3). LittleCMS gets 8-bit ones; deeper grey ones lie on lines between its answers.

    samples: uint8 or uint16, (H, W) or (H, W, 3).

    Returns None as `convert_image` does.
    """
    if samples.dtype == np.uint16 and samples.ndim == 2:
        points = convert(np.arange(256, dtype=np.uint8)[None], profile)
        if points is None:
            return None
        table = np.interp(np.arange(65536) / 257, np.arange(256), points[0, :, 1])
        return in_colour(np.rint(table).astype(np.uint8)[samples])
    return convert_image(Image.fromarray(halved(samples)), profile)


def convert_image(image: Image.Image, profile: bytes) -> Samples | None:
    """A picture of mode "RGB", "L" or "CMYK" in sRGB, uint8 (H, W, 3).

    None where there is nothing to convert: the profile does what sRGB does, is broken, or is of another kind of
    samples. A profile of RGB also serves grey samples.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() == "RGB":
            if image.mode not in ("RGB", "L"):
                return None
            lattice = spaces.colours()
            if spaces.within(to_srgb(Image.fromarray(lattice), source), lattice):
                return None
            image = image.convert("RGB")
        return to_srgb(image, source)
    except (OSError, ImageCms.PyCMSError):
        return None  # it says nothing: take the samples as sRGB, as viewers do


def to_srgb(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Samples:
    """A picture in sRGB, uint8 (H, W, 3). Raises PyCMSError where the profile doesn't fit its mode."""
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # only an in-place conversion returns none
    return np.array(converted)


def from_lab(image: Image.Image) -> Samples:
    """A picture of mode "LAB" in sRGB, uint8 (H, W, 3)."""
    return to_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))


def simple(profile: bytes, dimensions: int) -> Space | None:
    """A profile of RGB or grey that consists of curves and primaries (ICC.1:2022, 8.3.3 and 8.4.3); None for others.

    dimensions: of the samples, 2 for grey ones, 3 for RGB, which a profile of grey says nothing of.
    """
    try:
        tags = _tags(profile)
        kind, connection = profile[16:20], profile[20:24]
        if b"A2B0" in tags or connection != b"XYZ ":
            return None
        if kind == b"GRAY" and dimensions == 2:
            return spaces.grey(_curve(tags[b"kTRC"]))
        if kind == b"RGB ":
            red, green, blue = (_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
            columns = [_numbers(tags[name][8:20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
            return spaces.of_colorants((red, green, blue), np.stack(columns, 1))
    except (KeyError, ValueError, struct.error):
        pass
    return None


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > _MAX_TAGS:
        raise ValueError("too many tags")
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count))
    return {name: profile[start : start + size] for name, start, size in entries}


def _numbers(data: bytes) -> NDArray[np.float64]:
    """s15Fixed16Number."""
    return np.frombuffer(data, ">i4") / 65536


def _curve(tag: bytes) -> Curve:
    """A curve of type "curv" or "para" (ICC.1:2022, 10.6 and 10.18). Raises ValueError for others."""
    if tag[:4] == b"para":
        return _parametric(tag)
    if tag[:4] != b"curv":
        raise ValueError("unknown kind of curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return spaces.gamma(1.0)
    points = np.frombuffer(tag[12 : 12 + 2 * count], ">u2")
    if len(points) < count:
        raise ValueError("curve cut off")
    if count == 1:
        return spaces.gamma(float(points[0]) / 256)
    return lambda samples: np.interp(samples, np.linspace(0, 1, count), points / 65535)


def _parametric(tag: bytes) -> Curve:
    (function,) = struct.unpack_from(">H", tag, 8)
    if function > 4:
        raise ValueError("unknown function")
    size = (1, 3, 4, 5, 7)[function]
    numbers = _numbers(tag[12 : 12 + 4 * size]).tolist()
    if len(numbers) < size:
        raise ValueError("curve cut off")
    if function == 0:
        return spaces.gamma(numbers[0])
    # (aX + b)^g + e from d on, and cX + f below; functions 1 and 2 are constant below -b/a
    g, a, b = numbers[:3]
    if function < 3:
        e = f = numbers[3] if function == 2 else 0.0
        c, d = 0.0, -b / a if a else 0.0
    else:
        c, d, e, f = (numbers[3:] + [0.0, 0.0])[:4]
    return lambda samples: np.where(samples >= d, np.power(np.maximum(a * samples + b, 0), g) + e, c * samples + f)
