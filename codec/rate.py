"""Rate control: from a quality to scale and quantizer, and from both to what a byte of colour may cost."""

#: The ladder of scale "auto", coarsest first: for every scale the first and last quantizer with which it stands on the
#: convex hull of rate and restored luma (`python -m scodec.eval.hull`, on pictures held out of training).
HULL = ((4, 63, 48), (2, 61, 44), (1, 54, 0))
LADDER = tuple((scale, q) for scale, first, last in HULL for q in range(first, last - 1, -1))
#: For every scale, `price` at quantizer 63 and its growth with each quantizer step.
PRICES = {1: (9000.0, 1.13), 2: (14000.0, 1.10), 3: (20000.0, 1.10), 4: (25000.0, 1.10)}
QUALITIES = range(1, 101)
#: A low-rate point: about 0.05 bpp on Kodak.
DEFAULT_QUALITY = 35


def ladder(scale: int | str) -> tuple[tuple[int, int], ...]:
    """All (scale, quantizer) that a scale ("auto" or 1 to 4) may use, coarsest first."""
    return LADDER if scale == "auto" else tuple((int(scale), q) for q in range(63, -1, -1))


def rung(quality: int, count: int) -> int:
    """Position of a quality of 1 to 100 on a ladder of `count` rungs."""
    return round((quality - 1) * (count - 1) / 99)


def price(scale: int, quantizer: int) -> float:
    """What a bit per pixel is worth at a rung: the fall of the luma's mean squared error (levels squared) that it buys.

    Slope of the measured curves of restored luma (`python -m scodec.eval.hull`), fitted by an exponential.
    """
    at_63, growth = PRICES[scale]
    return at_63 * growth ** (quantizer - 63)
