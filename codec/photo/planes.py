"""RGB to full-range luma and chroma planes and back; what all of this package shares about samples."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8]
Deep = NDArray[np.uint16]
Chroma = NDArray[np.float32]


def planes(rgb: Samples) -> tuple[Samples, Chroma, Chroma]:
    """Full-range BT.601 (JFIF) planes of an rgb picture, uint8 (H, W, 3).

    Returns y, uint8 (H, W), and cb and cr, float32 (H, W) in -127.5..127.5. The chroma refers to the luma
    before rounding, so `merge` gives the same rgb back but for ties.
    """
    red, green, blue = (rgb[..., channel].astype(np.float32) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.rint(luma).astype(np.uint8), (blue - luma) / 1.772, (red - luma) / 1.402


def merge(y: Samples | Chroma, cb: Chroma, cr: Chroma) -> Samples:
    """The inverse of `planes`: rgb, uint8 (H, W, 3).

    y: uint8 or float32 in 0..255; cb, cr: float32; all of shape (H, W).
    """
    luma = y.astype(np.float32, copy=False)
    rgb = np.empty((*y.shape, 3), np.uint8)
    rgb[..., 0] = to_uint8(luma + 1.402 * cr)
    rgb[..., 1] = to_uint8(luma - 0.344136 * cb - 0.714136 * cr)
    rgb[..., 2] = to_uint8(luma + 1.772 * cb)
    return rgb


def to_uint8(samples: Chroma) -> Samples:
    """Rounded and clipped."""
    clipped: Samples = np.clip(np.rint(samples), 0, 255).astype(np.uint8)
    return clipped


def halved(samples: Samples | Deep) -> Samples:
    """The 8-bit samples nearest to 16-bit ones (65535 is 255); 8-bit ones as they are."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    rounded: Samples = ((samples.astype(np.uint32) * 255 + 32895) >> 16).astype(np.uint8)  # exactly rint(x / 257)
    return rounded


def in_colour(samples: Samples) -> Samples:
    """Grey samples (H, W) three times over; (H, W, 3) as it is."""
    return np.repeat(samples[..., None], 3, axis=2) if samples.ndim == 2 else samples
