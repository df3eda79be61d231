"""Colour spaces in numbers (a curve for each channel, three primaries, a range), and the way from them to sRGB."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scodec.photo import hdr
from scodec.photo.planes import Chroma, Deep, Samples, in_colour, to_uint8

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Matrix = NDArray[np.float64]

#: x and y of white, red, green and blue: ITU-R BT.709, which sRGB shares.
BT709 = 0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06
#: Samples may come out this many levels apart before a picture counts as something else than sRGB. Profiles of sRGB
#: from five makers stay within 1.
SAME = 2
#: XYZ to the responses of the eye in which whites are adapted (Bradford; ICC.1:2022, annex E).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_BAND = 1 << 20  # pixels at a time: bounds the memory


@dataclass(frozen=True)
class Space:
    """curves: from the encoded sample, 0 to 1, to linear light; one for each channel. matrix: linear light to that of
    sRGB, both 1 at white. hdr: which kind of high dynamic range, its light then being relative to a white of 203
    cd/m2 (PQ) or to the brightest that can be coded (HLG)."""

    curves: tuple[Curve, Curve, Curve]
    matrix: Matrix
    hdr: Literal["pq", "hlg"] | None = None


def space(curve: Curve, primaries: tuple[float, ...] = BT709, hdr: Literal["pq", "hlg"] | None = None) -> Space:
    """One curve, and x and y of white, red, green and blue. Raises ValueError where they span no space."""
    return Space((curve,) * 3, _to_srgb(_xyz(primaries)), hdr)


def of_colorants(curves: tuple[Curve, Curve, Curve], colorants: Matrix) -> Space:
    """colorants: XYZ of red, green and blue in its columns, whose sum is white. Raises ValueError if impossible."""
    return Space(curves, _to_srgb(colorants))


def grey(curve: Curve) -> Space:
    """Neutral samples: no primaries."""
    return Space((curve,) * 3, np.eye(3))


def gamma(exponent: float) -> Curve:
    """A power."""
    return lambda samples: np.power(samples, exponent)


def srgb(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curve of IEC 61966-2-1."""
    return np.where(samples <= 0.04045, samples / 12.92, np.power((samples + 0.055) / 1.055, 2.4))


def is_srgb(candidate: Space) -> bool:
    """Whether the 8-bit samples hardly change."""
    if candidate.hdr:
        return False
    lattice = colours()
    return within(convert(lattice, candidate), lattice)


def colours() -> Samples:
    """What two spaces are compared on: all greys, and a lattice of 17 x 17 x 17 colours, uint8 (H, W, 3)."""
    steps = np.rint(np.linspace(0, 255, 17)).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    together: Samples = np.concatenate([greys, lattice])[None]
    return together


def within(one: Samples, other: Samples) -> bool:
    """Whether two sets of samples are the same for the eye."""
    return bool(np.abs(one.astype(np.int16) - other).max() <= SAME)


def convert(samples: Samples | Deep, source: Space) -> Samples:
    """To sRGB, uint8 (H, W, 3). Colours outside of it are clipped, high dynamic range is tone-mapped.

    samples: uint8 or uint16, (H, W) or (H, W, 3).
    """
    codes = np.linspace(0, 1, np.iinfo(samples.dtype).max + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        tables = [np.nan_to_num(curve(codes)).astype(np.float32) for curve in source.curves]
    matrix = source.matrix.astype(np.float32)

    def light(part: Samples | Deep) -> Chroma:
        values = in_colour(part)  # type: ignore[arg-type]
        linear: Chroma = np.stack([table[values[..., channel]] for channel, table in enumerate(tables)], -1)
        return hdr.displayed(linear) if source.hdr == "hlg" else linear

    if source.hdr:
        step = int(np.ceil(np.sqrt(samples.shape[0] * samples.shape[1] / _BAND)))
        peak = hdr.peak(light(samples[::step, ::step]))
    rgb = np.empty((*samples.shape[:2], 3), np.uint8)
    for rows in _bands(samples.shape):
        linear = light(samples[rows])
        if source.hdr:
            linear = hdr.tone_mapped(linear, peak)
        rgb[rows] = to_uint8(255 * _encoded(linear @ matrix.T))
    return rgb


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    height = max(1, _BAND // max(1, shape[1]))
    return (slice(top, top + height) for top in range(0, shape[0], height))


def _encoded(linear: Chroma) -> Chroma:
    """The inverse of `srgb`, with its clipping."""
    linear = np.clip(linear, 0, 1)
    encoded: Chroma = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, np.float32(1 / 2.4)) - 0.055
    )
    return encoded


def _xyz(primaries: tuple[float, ...]) -> Matrix:
    """XYZ of red, green and blue in its columns, of which the sum is white at Y = 1 (SMPTE RP 177)."""
    points = np.reshape(primaries, (4, 2))
    if not (points[:, 1] > 0).all():
        raise ValueError("chromaticities without light")
    white, *colorants = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in points)
    columns = np.stack(colorants, 1)
    try:
        scaled: Matrix = columns * np.linalg.solve(columns, white)
    except np.linalg.LinAlgError:
        raise ValueError("primaries on one line") from None
    return scaled


def _to_srgb(colorants: Matrix) -> Matrix:
    """From linear light of these colorants to that of sRGB, white to white."""
    target = _xyz(BT709)
    whites = [_BRADFORD @ each.sum(1) for each in (target, colorants)]
    if not (np.isfinite(colorants).all() and min(map(np.min, whites)) > 0):
        raise ValueError("impossible primaries")
    adapted = np.linalg.solve(_BRADFORD, np.diag(whites[0] / whites[1]) @ _BRADFORD)
    matrix: Matrix = np.linalg.solve(target, adapted @ colorants)
    return matrix
