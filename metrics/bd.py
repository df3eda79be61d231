"""BD-rate (Bjontegaard 2001) with the `bjontegaard` package: piecewise cubic interpolation of rate over quality."""

import warnings

import numpy as np
from bjontegaard import bd_rate as package_bd_rate
from scipy.interpolate import PchipInterpolator

#: A rate-distortion curve: bpp and quality, same length.
Curve = tuple[np.ndarray, np.ndarray]


def bd_rate(anchor: Curve, ours: Curve, limits: tuple[float, float] | None = None) -> float | None:
    """Mean rate difference at equal quality in percent; negative if `ours` needs less.

    limits: bpp range to which both curves are cut first. Returns None if the curves share less than a tenth of the
    anchor's quality range, or have too few points.
    """
    anchor, ours = _monotone(anchor), _monotone(ours)
    if limits is not None:
        anchor, ours = _cut(anchor, *limits), _cut(ours, *limits)
    if min(len(anchor[0]), len(ours[0])) < 4:
        return None
    low, high = max(anchor[1][0], ours[1][0]), min(anchor[1][-1], ours[1][-1])
    if high - low < 0.1 * (anchor[1][-1] - anchor[1][0]):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about partial overlap, which is limited by the check above
        return float(package_bd_rate(*anchor, *ours, method="pchip", min_overlap=0, require_matching_points=False))


def _monotone(curve: Curve) -> Curve:
    """The curve sorted by rate, without points of higher rate but no better quality."""
    bpp: list[float] = []
    quality: list[float] = []
    for x, y in sorted(zip(*curve, strict=True), key=lambda point: (point[0], -point[1])):
        if not quality or (y > quality[-1] + 1e-9 and x > bpp[-1]):
            bpp.append(x)
            quality.append(y)
    return np.array(bpp), np.array(quality)


def _cut(curve: Curve, low: float, high: float) -> Curve:
    """The part of a curve between two rates; its ends are interpolated over the logarithm of the rate."""
    bpp, quality = curve
    if len(bpp) < 2 or bpp[0] >= high or bpp[-1] <= low:
        return np.array([]), np.array([])
    ends = np.array([max(low, bpp[0]), min(high, bpp[-1])])
    inside = (bpp > ends[0]) & (bpp < ends[1])
    x = np.unique(np.concatenate([ends, bpp[inside]]))
    if len(x) < 4:  # the package needs four points
        x = np.geomspace(ends[0], ends[1], 4)
    return x, PchipInterpolator(np.log(bpp), quality)(np.log(x))
