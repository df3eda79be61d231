"""Rate control: from a quality to scale and quantizer, and from those to what a byte of colour may cost."""

import math

import numpy as np

#: The ladder of scale "auto" for each luma coder, coarsest first: for every scale the first and last quantizer with
#: which it stands on the convex hull of rate and restored luma PSNR (`python -m scodec.eval.lab.hull`, on pictures held
#: out of training). With av1 the hull of the mean is not enough: smooth pictures lose much at scale 1 and coarse
#: quantizers.
HULL = {
    "vvc": ((4, 63, 47), (3, 48, 45), (2, 48, 43), (1, 48, 12)),
    "av1": ((4, 63, 62), (3, 63, 61), (2, 63, 46), (1, 58, 0)),
    "hyperprior": ((4, 63, 39), (2, 51, 33), (1, 44, 0)),
}
LADDERS = {
    coder: tuple((scale, q) for scale, first, last in hull for q in range(first, last - 1, -1))
    for coder, hull in HULL.items()
}
#: For every luma coder and scale, `price` at some quantizers; from the same measurement.
PRICES: dict[str, dict[int, dict[int, float]]] = {
    "vvc": {
        1: {63: 30000, 57: 10000, 51: 2440, 48: 1140, 44: 418, 40: 161, 37: 82, 34: 41, 31: 21, 27: 9, 16: 2, 0: 0.3},
        2: {63: 120000, 57: 35500, 51: 8900, 48: 4390, 44: 1700, 40: 725, 34: 211, 27: 53, 22: 22, 16: 9, 0: 2},
        3: {63: 260000, 57: 85600, 51: 21300, 48: 10500, 44: 4050, 40: 1710, 34: 520, 27: 138, 22: 57, 16: 22, 0: 5},
        4: {63: 430000, 57: 165000, 51: 34700, 48: 17800, 44: 7260, 40: 3150, 34: 1020, 27: 280, 22: 116, 16: 45,
            0: 10},
    },
    "av1": {
        1: {63: 2800, 62: 2200, 60: 1240, 56: 608, 51: 302, 45: 141, 38: 59, 30: 21, 20: 7.7, 8: 2.2, 0: 1.0},
        2: {63: 11500, 60: 5070, 54: 2300, 45: 742, 34: 205, 20: 50, 8: 18, 0: 9},
        3: {63: 26600, 60: 11700, 51: 3890, 38: 836, 20: 128, 8: 40, 0: 20},
        4: {63: 41000, 60: 21500, 51: 7300, 38: 1810, 20: 254, 8: 80, 0: 40},
    },
    "hyperprior": {
        1: {63: 4400, 60: 3290, 54: 1210, 48: 482, 42: 194, 37: 98, 31: 47, 22: 18, 16: 9.6, 10: 6.3, 0: 3},
        2: {63: 17300, 60: 13300, 54: 5090, 48: 1680, 42: 826, 37: 445, 31: 217, 22: 81, 16: 44, 10: 28, 0: 14},
        3: {63: 37500, 60: 25900, 54: 8050, 48: 4710, 42: 2100, 37: 998, 31: 499, 22: 192, 16: 99, 10: 65, 0: 33},
        4: {63: 57700, 60: 45900, 54: 20200, 48: 8410, 42: 4110, 37: 2020, 31: 1070, 22: 458, 16: 226, 10: 146, 0: 73},
    },
}  # fmt: skip
#: By how many rungs a picture with twice the gradients is coded coarser at equal quality, and the mean gradient of a
#: typical picture (geometric mean of 64 training pictures). At a fixed quantizer the bytes of a picture grow as its
#: gradients to the power 1.3, and a rung changes them by 13 % (vvc), 7 % (av1) or 8 % (hyperprior). These numbers make
#: them grow as the square root of that: half way between a fixed quantizer and a fixed size. Detail masks errors, which
#: every perceptual rate control makes use of, AVIF's tune `iq` too.
RUNGS_PER_OCTAVE, TYPICAL_GRADIENT = {"vvc": 3.0, "av1": 6.0, "hyperprior": 5.0}, 12.8
QUALITIES = range(1, 101)
#: The rung of quality 1. Below it pictures are hard to recognize; only a target size leads there.
LOWEST = {"vvc": (3, 48), "av1": (2, 63), "hyperprior": (4, 47)}


def ladder(coder: str, scale: int | str) -> tuple[tuple[int, int], ...]:
    """All (scale, quantizer) that a scale ("auto" or 1 to 4) may use, coarsest first."""
    return LADDERS[coder] if scale == "auto" else tuple((int(scale), q) for q in range(63, -1, -1))


def rung(coder: str, quality: int, rungs: tuple[tuple[int, int], ...], y: np.ndarray) -> int:
    """Position on a ladder of a quality of 1 to 100, for a luma (H x W, uint8); lower for busy pictures.

    The power gives more of the range to low rates.
    """
    lowest = rungs.index(LOWEST[coder]) if rungs == LADDERS[coder] else 0
    place = lowest + ((quality - 1) / 99) ** 1.5 * (len(rungs) - 1 - lowest)
    return min(max(round(place - RUNGS_PER_OCTAVE[coder] * _log2_detail(y)), lowest), len(rungs) - 1)


def _log2_detail(y: np.ndarray) -> float:
    """How many times stronger the gradients of a luma are than typical ones (log2), at half size, where noise counts
    little."""
    height, width = (side // 2 * 2 for side in y.shape)
    if min(height, width) < 4:
        return 0.0
    half = y[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))
    gradient = sum(float(np.abs(np.diff(half, axis=axis)).mean()) for axis in (0, 1))
    return math.log2(max(gradient, 1.0) / TYPICAL_GRADIENT)


def price(coder: str, scale: int, quantizer: int) -> float:
    """By how much a bit per pixel lowers the mean squared error of the luma (levels squared) at a rung."""
    knots = sorted(PRICES[coder][scale].items())
    for (low, at_low), (high, at_high) in zip(knots, knots[1:], strict=False):
        if quantizer <= high:
            return at_low * math.exp(math.log(at_high / at_low) * (quantizer - low) / (high - low))
    return knots[-1][1]


def typical_bpp(coder: str, scale: int, quantizer: int) -> float:
    """Bits per pixel of the picture that the luma of a photograph takes at a rung.

    A power of the price, fitted to five photographs of scikit-image at eight rungs of vvc, from 0.003 to 1.9 bpp.
    """
    return float(3.07 * price(coder, scale, quantizer) ** -0.606)


def colour_bytes(luma_bytes: int) -> int:
    """About how many bytes chroma adds to a VVC luma of so many bytes.

    7.5 % on twelve pictures held out of training, from quality 12 to 56.
    """
    return max(1, round(0.075 * luma_bytes))


def rivals(coder: str, scale: int, quantizer: int) -> list[tuple[int, int]]:
    """The rungs of the other scales at which a bit lowers the error as much."""
    wanted = math.log(price(coder, scale, quantizer))
    return [
        (other, min(range(64), key=lambda q: abs(math.log(price(coder, other, q)) - wanted)))
        for other in PRICES[coder]
        if other != scale
    ]
