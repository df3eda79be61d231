"""Whether a picture looks monochrome, though its three channels are not quite equal.

Off by a level or two are pictures that went through a profile, through JPEG's chroma or through a retouch. Toned ones
differ from them by what lies under the noise: sepia and selenium shift whole areas by three levels and more.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scodec.photo.planes import Chroma, Samples

Mask = NDArray[np.bool_]

#: Mean difference of the channels, in levels, over 8 x 8 pixels. Two roundings in opposite directions give 2 even where
#: they are the same everywhere; weak selenium begins at 3.
AREA = 2.0
#: Difference of the channels of a pixel, in levels: what one step of JPEG's two chroma planes makes (1.77 + 1.40, and
#: rounding).
PIXEL = 4
#: One pixel of so many may exceed PIXEL, but no more than OUTLIERS of them; one area of a thousand may exceed AREA.
PER_OUTLIER, OUTLIERS = 20_000, 16
#: A colour photograph is told by one pixel of so many in each direction.
_STRIDE = 16


def looks_gray(rgb: Samples, visible: Mask | None = None, slack: float = 1.0) -> bool:
    """Whether nobody sees a colour in it.

    rgb: uint8 (H, W, 3); visible: bool (H, W), the pixels that count, None for all; slack: factor of the tolerances.
    """
    sample = _spread(rgb[::_STRIDE, ::_STRIDE], None if visible is None else visible[::_STRIDE, ::_STRIDE])
    outlying = int((sample > PIXEL * slack).sum())
    if outlying > OUTLIERS:
        return False
    spread = _spread(rgb, visible)
    if not spread.any():
        return True
    far = spread > PIXEL * slack
    if far.sum() > min(OUTLIERS, far.size // PER_OUTLIER):
        return False
    counted = ~far if visible is None else visible & ~far
    difference = (rgb[..., ::2].astype(np.int16) - rgb[..., 1:2]) * counted[..., None]  # red and blue against green
    count = _area_sums(counted[..., None])[..., 0]
    red, blue = np.moveaxis(_area_sums(difference), 2, 0)[:, count > 0] / count[count > 0]
    means = np.maximum(np.maximum(np.abs(red), np.abs(blue)), np.abs(red - blue))
    return not means.size or bool((means > AREA * slack).mean() <= 1e-3)


def _spread(rgb: Samples, visible: Mask | None) -> Samples:
    """The largest difference of the channels of each pixel, uint8 (H, W)."""
    red, green, blue = (rgb[..., channel] for channel in range(3))
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread: Samples = high - low if visible is None else (high - low) * visible
    return spread


def _area_sums(samples: NDArray[Any]) -> Chroma:
    """Sums of 8 x 8 pixels of (H, W, C), float32; those at the right and lower edges have fewer."""
    rows, columns = (np.arange(0, side, 8) for side in samples.shape[:2])
    sums: Chroma = np.add.reduceat(np.add.reduceat(samples.astype(np.float32), rows, 0), columns, 1)
    return sums
