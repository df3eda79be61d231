"""Samples as they lie in a picture that Pillow has opened: at their full depth, their transparency beside them."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scodec.errors import BadImage, BadRequest
from scodec.photo import icc
from scodec.photo.planes import Deep, Samples, halved

#: What 2- and 4-bit grey samples are multiplied by to become 8-bit ones.
_FACTORS = {"L;2": 85, "L;4": 17}
#: Pillow keeps the upper eight bits of sixteen: the order of bytes in which it finds the lower ones there.
_OTHER_ORDER = {"16L": "16B", "16B": "16L", "16N": "16B" if sys.byteorder == "little" else "16L"}
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_PLANES, _SEPARATE = 284, 2
#: What Pillow takes for big-endian though libtiff has turned it round already.
_NATIVE = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}


@dataclass(frozen=True)
class Raster:
    """colour: uint8 or uint16, (H, W) for grey or (H, W, 3). alpha: uint8 (H, W), or None where all is opaque.
    srgb: whether the colours were converted already."""

    colour: Samples | Deep
    alpha: Samples | None = None
    srgb: bool = False

    def turned(self, orientation: int) -> "Raster":
        """Upright, by the number of TIFF's and EXIF's orientation; others than 2 to 8 leave it as it is."""
        turn = _TURNS.get(orientation)
        if turn is None:
            return self
        alpha = None if self.alpha is None else np.ascontiguousarray(turn(self.alpha))
        return Raster(np.ascontiguousarray(turn(self.colour)), alpha, self.srgb)


_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def check_frame(frame: int, count: int) -> None:
    """Raise BadRequest unless a file of `count` pictures has that frame, counted from 0."""
    if frame >= count:
        advice = f"{count} pictures: give --frame 0 to {count - 1}" if count > 1 else "one picture: leave out --frame"
        raise BadRequest(f"there is no frame {frame}, the file holds {advice}")


def read(image: Image.Image, content: bytes | None) -> Raster:
    """The samples of a picture as opened or loaded.

    content: the file it was just opened from, for what Pillow leaves out; None where it isn't known, or where frames
    build on each other.

    Raises BadImage for samples that have no meaning, and whatever Pillow raises for damaged files.
    """
    clear = _clear_sample(image)
    if content is not None and (deep := _sixteen_bits(image, content)) is not None:
        return deep
    if image.mode == "F" or image.mode.startswith("I"):
        if _compressed(image):
            _unpack(image, lambda mode: _NATIVE.get(mode, mode))
        samples = np.asarray(image)
        return Raster(_sixteen(samples, _white_is_zero(image)), None if clear is None else _opaque_but(samples, clear))
    if image.mode == "CMYK":
        profile = image.info.get("icc_profile")
        rgb = icc.convert_image(image, profile) if profile else None
        return Raster(np.array(image.convert("RGB")) if rgb is None else rgb, srgb=True)
    if image.mode == "LAB":
        return Raster(icc.from_lab(image), srgb=True)
    if image.mode in ("1", "L"):
        grey = np.array(image.convert("L"))
        return Raster(grey, None if clear is None else _opaque_but(grey, clear))
    if image.mode in ("LA", "La"):
        both = np.array(image.convert("LA"))
        return Raster(both[..., 0].copy(), both[..., 1].copy())
    if image.has_transparency_data:
        rgba = np.array(image.convert("RGBA"))
        return Raster(rgba[..., :3].copy(), rgba[..., 3].copy())
    return Raster(np.array(image.convert("RGB")))


def white_is(samples: NDArray[Any]) -> int:
    """What white is in integers of more than 8 bits or floats. Raises BadImage where nothing fits.

    Nothing says so. A picture whose samples all stay under 1/256 of a larger range would be black in it, so the smaller
    range is meant.
    """
    low, high = float(samples.min()), float(samples.max())
    floating = samples.dtype.kind == "f"
    if not (low >= 0 and high <= (255 if floating else 65535)):
        wanted = "0 to 1 or 0 to 255" if floating else "0 to 255 or 0 to 65535"
        raise BadImage(f"samples run from {low:g} to {high:g}; scale them to {wanted}")
    if floating:
        return 1 if high <= 1 else 255
    return 65535 if samples.dtype.itemsize == 2 or high > 255 else 255


def _sixteen(samples: NDArray[Any], negative: bool) -> Deep:
    """Integers or floats of more than 8 bits -> uint16, 65535 at white."""
    if samples.size == 0:
        return samples.astype(np.uint16)
    white = white_is(samples)
    if white != 65535:
        samples = np.rint(samples.astype(np.float32) * np.float32(65535 / white))
    deep: Deep = samples.astype(np.uint16)
    return np.invert(deep) if negative else deep


def _white_is_zero(image: Image.Image) -> bool:
    """Pillow turns such TIFF pictures into positives at 8 bits, but not at more."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _clear_sample(image: Image.Image) -> int | None:
    """The grey sample that stands for nothing. Before loading: only then Pillow knows how deep the samples are."""
    clear = image.info.get("transparency")
    if not isinstance(clear, int) or image.mode not in ("1", "L", "I", "I;16", "I;16B", "I;16L", "F"):
        return None
    return clear * _FACTORS.get(_raw_mode(image), 1)


def _opaque_but(samples: NDArray[Any], clear: int) -> Samples:
    return np.where(samples == clear, 0, 255).astype(np.uint8)


def _raw_mode(image: Image.Image) -> str:
    """How the samples lie in the file, in Pillow's words; empty once they are loaded."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3]
        return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)
    return ""


def _sixteen_bits(image: Image.Image, content: bytes) -> Raster | None:
    """Colours of 16 bits a channel, or grey ones with alpha; None for other kinds.

    Pillow decodes such files to their upper bytes. A second reading with the other order of bytes brings the lower
    ones.
    """
    raw, planar = _raw_mode(image), _lies_in_planes(image)
    layout, _, order = raw.partition(";")
    if _compressed(image) and getattr(image, "tag_v2", {}).get(_PLANES) == _SEPARATE:
        return None  # Pillow then looks at the upper bytes only, whatever it is told
    if planar:
        order = "16B" if content.startswith(b"MM") else "16L"
    elif order not in _OTHER_ORDER or layout not in ("RGB", "RGBA", "LA"):
        return None
    clear = image.info.get("transparency")
    if layout == "LA":  # as four bytes: grey upper and lower, alpha upper and lower
        _unpack(image, lambda _: "RGBA")
        four = np.asarray(image)
        return Raster(_joined(four[..., 0], four[..., 1]), halved(_joined(four[..., 2], four[..., 3])))
    lower = Image.open(io.BytesIO(content))
    lower.seek(image.tell())
    for each, wanted in ((image, order), (lower, _OTHER_ORDER[order])):
        _unpack(each, lambda mode, wanted=wanted: f"{mode.partition(';')[0]};{wanted}")  # type: ignore[misc]
    deep = _joined(np.asarray(image), np.asarray(lower))
    colour = np.ascontiguousarray(deep[..., :3])
    if deep.shape[2] == 4:
        return Raster(colour, halved(deep[..., 3]))
    return Raster(colour, np.where((colour == clear).all(2), 0, 255).astype(np.uint8) if clear else None)


def _compressed(image: Image.Image) -> bool:
    """Whether libtiff is going to decode it."""
    return any(tile[0] == "libtiff" for tile in getattr(image, "tile", ()))


def _lies_in_planes(image: Image.Image) -> bool:
    """Whether it is an uncompressed TIFF of 16 bits with a plane for each channel, which Pillow takes for 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return (
        tags.get(_PLANES) == _SEPARATE
        and set(tags.get(258, ())) == {16}
        and _raw_mode(image) == "R"
        and image.mode == "RGB"
    )


def _unpack(image: Any, change: Callable[[str], str]) -> None:
    """Have Pillow read the samples of a picture in another way."""
    changed = []
    for tile in image.tile:
        if isinstance(tile.args, tuple):
            changed.append(tile._replace(args=(change(tile.args[0]), *tile.args[1:])))
        else:
            changed.append(tile._replace(args=change(tile.args)))
    image.tile = changed


def _joined(upper: Samples, lower: Samples) -> Deep:
    joined: Deep = upper.astype(np.uint16) << np.uint16(8) | lower
    return joined
