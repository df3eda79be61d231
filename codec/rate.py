"""Rate control: from a quality to scale and quantizer, and from both to what a byte of colour may cost."""

#: The ladder of scale "auto", coarsest first: for every scale the first and last quantizer with which it stands on the
#: convex hull of rate and restored luma (`python -m scodec.eval.hull`, on pictures held out of training).
HULL = ((4, 63, 48), (2, 61, 44), (1, 54, 0))
LADDER = tuple((scale, q) for scale, first, last in HULL for q in range(first, last - 1, -1))
QUALITIES = range(1, 101)
#: A low-rate point: about 0.05 bpp on Kodak.
DEFAULT_QUALITY = 35


def ladder(scale: int | str) -> tuple[tuple[int, int], ...]:
    """All (scale, quantizer) that a scale ("auto" or 1 to 4) may use, coarsest first."""
    return LADDER if scale == "auto" else tuple((int(scale), q) for q in range(63, -1, -1))


def rung(quality: int, count: int) -> int:
    """Position of a quality of 1 to 100 on a ladder of `count` rungs."""
    return round((quality - 1) * (count - 1) / 99)
