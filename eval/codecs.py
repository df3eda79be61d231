"""The codecs compared: scodec in its modes and the anchors, each at its best setting, at qualities for low rates."""

import importlib.util
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

import scodec
from scodec.errors import BadRequest
from scodec.extras import require


@dataclass(frozen=True)
class Codec:
    """encode: (rgb, quality) -> complete file; decode: file -> uint8 (H, W, 3); qualities to run, coarsest first."""

    encode: Callable[[np.ndarray, int], bytes]
    decode: Callable[[bytes], np.ndarray]
    qualities: tuple[int, ...]


def _pillow(rgb: np.ndarray, quality: int, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, kind, quality=quality, **options)
    return file.getvalue()


def _open(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def _open_jxl(data: bytes) -> np.ndarray:
    import pillow_jxl  # noqa: F401  (registers the format)

    return _open(data)


def _jxl(rgb: np.ndarray, quality: int) -> bytes:
    import pillow_jxl  # noqa: F401

    return _pillow(rgb, quality, "JXL", effort=9)


def _scodec(rgb: np.ndarray, quality: int, hints: int | str = 0, effort: str = "medium", luma: str = "vvc") -> bytes:
    return scodec.encode(rgb, quality=quality, hints=hints, effort=effort, luma=luma)


def _rebuild(data: bytes, color: bool = True, look: str = "faithful") -> np.ndarray:
    return np.array(scodec.decode(data, color=color, look=look).convert("RGB"))


_rebuild_natural = partial(_rebuild, look="natural")
_QUALITIES = (1, 12, 20, 27, 34, 40, 46, 52, 58, 64, 80)

CODECS: dict[str, Codec] = {
    "scodec": Codec(_scodec, _rebuild, _QUALITIES),
    "scodec-hints": Codec(partial(_scodec, hints="auto"), _rebuild, _QUALITIES),
    "scodec-natural": Codec(_scodec, _rebuild_natural, _QUALITIES),
    "scodec-hints-natural": Codec(partial(_scodec, hints="auto"), _rebuild_natural, _QUALITIES),
    "scodec-best": Codec(partial(_scodec, hints="auto", effort="slow"), _rebuild, _QUALITIES[4:9]),
    "scodec-gray": Codec(_scodec, partial(_rebuild, color=False), _QUALITIES),
    "scodec-gray-av1": Codec(partial(_scodec, luma="av1"), partial(_rebuild, color=False), _QUALITIES),
    "jpeg": Codec(
        partial(_pillow, kind="JPEG", optimize=True, progressive=True), _open, (1, 3, 5, 8, 11, 15, 20, 26, 32)
    ),
    "webp": Codec(partial(_pillow, kind="WEBP", method=6), _open, (0, 1, 2, 5, 10, 20, 30)),
    **{
        f"avif-{tune}": Codec(
            partial(_pillow, kind="AVIF", speed=4, subsampling="4:2:0", advanced={"tune": tune}), _open, qualities
        )
        for tune, qualities in (
            ("psnr", (0, 1, 3, 5, 8, 12, 18, 26, 34)),
            ("ssim", (0, 1, 3, 5, 8, 12, 18, 26, 34)),
            ("iq", (0, 3, 8, 12, 18, 26, 34)),  # several of the low qualities give identical files
        )
    },
}
if importlib.util.find_spec("compressai"):
    CODECS["scodec-gray-hyperprior"] = Codec(
        partial(_scodec, luma="hyperprior"), partial(_rebuild, color=False), _QUALITIES
    )
if importlib.util.find_spec("pillow_jxl"):
    CODECS["jxl"] = Codec(_jxl, _open_jxl, (0, 1, 3, 6, 9, 12, 15, 19, 24, 30))

#: The extras that codecs need.
EXTRAS = {"scodec-gray-hyperprior": "learned", "jxl": "jxl"}

OURS = tuple(name for name in CODECS if name.startswith("scodec"))
ANCHORS = tuple(name for name in CODECS if name not in OURS)
#: References for BD-rates: the anchors, and the AV1 luma coder, which the other luma coders must beat.
YARDSTICKS = (*ANCHORS, "scodec-gray-av1")


def check(names: Iterable[str]) -> None:
    """Raise BadRequest where there is no such codec, Unsupported where its extra is not installed."""
    for name in names:
        if name in EXTRAS:
            require(EXTRAS[name], f"codec {name}")
        if name not in CODECS:
            raise BadRequest(f"unknown codec {name!r}: choose from {', '.join(CODECS)}")


def within(codec: Codec, rgb: np.ndarray, most: int) -> bytes:
    """A codec's file at the highest quality that fits in `most` bytes, or its smallest file if none does.

    Bisection, which takes for granted that a higher quality makes no smaller file.
    """
    low, high = min(1, codec.qualities[0]), 100  # those that have a quality 0 list it
    best = codec.encode(rgb, low)
    while low < high and len(best) <= most:
        middle = (low + high + 1) // 2
        data = codec.encode(rgb, middle)
        if len(data) <= most:
            low, best = middle, data
        else:
            high = middle - 1
    return best
