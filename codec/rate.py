"""Rate control: from a quality to scale and quantizer, and from both to what a byte of colour may cost."""

import math

#: The ladder of scale "auto", coarsest first: for every scale the first and last quantizer with which it stands on the
#: convex hull of rate and restored luma PSNR (`python -m scodec.eval.hull`, on pictures held out of training). Single
#: pictures rule, not their mean: smooth ones lose much at scale 1 and coarse quantizers, detailed ones gain little.
HULL = ((4, 63, 62), (3, 63, 61), (2, 63, 46), (1, 58, 0))
LADDER = tuple((scale, q) for scale, first, last in HULL for q in range(first, last - 1, -1))
#: For every scale, `price` at some quantizers; from the same measurement.
PRICES: dict[int, dict[int, float]] = {
    1: {63: 2800, 62: 2200, 60: 1240, 56: 608, 51: 302, 45: 141, 38: 59, 30: 21, 20: 7.7, 8: 2.2, 0: 1.0},
    2: {63: 11500, 60: 5070, 54: 2300, 45: 742, 34: 205, 20: 50, 8: 18, 0: 9},
    3: {63: 26600, 60: 11700, 51: 3890, 38: 836, 20: 128, 8: 40, 0: 20},
    4: {63: 41000, 60: 21500, 51: 7300, 38: 1810, 20: 254, 8: 80, 0: 40},
}
QUALITIES = range(1, 101)
#: Where quality 1 stands: below, pictures are hard to recognize. Only a target size goes there.
LOWEST = LADDER.index((2, 63))
#: A low-rate point where the picture is reduced: about 0.04 bpp on photographs of half a megapixel.
DEFAULT_QUALITY = 27


def ladder(scale: int | str) -> tuple[tuple[int, int], ...]:
    """All (scale, quantizer) that a scale ("auto" or 1 to 4) may use, coarsest first."""
    return LADDER if scale == "auto" else tuple((int(scale), q) for q in range(63, -1, -1))


def rung(quality: int, rungs: tuple[tuple[int, int], ...]) -> int:
    """Position of a quality of 1 to 100 on a ladder; the power gives low rates more of the range."""
    lowest = LOWEST if rungs == LADDER else 0
    return lowest + round(((quality - 1) / 99) ** 1.5 * (len(rungs) - 1 - lowest))


def price(scale: int, quantizer: int) -> float:
    """What a bit per pixel buys at a rung: fall of the mean squared error of the luma (levels squared)."""
    knots = sorted(PRICES[scale].items())
    for (low, at_low), (high, at_high) in zip(knots, knots[1:], strict=False):
        if quantizer <= high:
            return at_low * math.exp(math.log(at_high / at_low) * (quantizer - low) / (high - low))
    return knots[-1][1]
