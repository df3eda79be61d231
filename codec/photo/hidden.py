"""Colours under full transparency, which nobody sees."""

import numpy as np
from PIL import Image

from scodec.photo.planes import Chroma, Samples, to_uint8


def filled(rgb: Samples, alpha: Samples) -> Samples:
    """Colours that continue what is visible smoothly: they cost the fewest bits.

    rgb: uint8 (H, W, 3); alpha: uint8 (H, W), 0 where the colour is free.

    Push and pull (Gortler et al. 1996, section 3.4.2): means of what is visible at ever coarser resolutions fill up the
    holes of the finer ones.
    """
    hidden = alpha == 0
    if hidden.all():
        return np.full_like(rgb, 128)
    if not hidden.any():
        return rgb
    levels = [(rgb * ~hidden[..., None], ~hidden)]  # colours, 0 in holes; whether there is one
    while not levels[-1][1].all():
        colours, there = levels[-1]
        odd = [(0, side % 2) for side in there.shape]
        colours, there = np.pad(colours, [*odd, (0, 0)]), np.pad(there, odd)
        count = _sum_of_fours(there[..., None].astype(np.float32))
        levels.append((_sum_of_fours(colours.astype(np.float32)) / np.maximum(count, 1), count[..., 0] > 0))
    pulled = levels.pop()[0]
    for colours, there in reversed(levels):
        size = there.shape[1], there.shape[0]
        box = (0, 0, size[0] / 2, size[1] / 2)
        images = (Image.fromarray(pulled[..., channel]) for channel in range(3))
        larger = [np.asarray(image.resize(size, Image.Resampling.BILINEAR, box)) for image in images]
        pulled = np.where(there[..., None], colours, np.stack(larger, 2))
    return np.where(hidden[..., None], to_uint8(pulled), rgb)


def _sum_of_fours(samples: Chroma) -> Chroma:
    """Sums of 2 x 2 squares of (H, W, C), H and W even."""
    rows = samples[::2] + samples[1::2]
    sums: Chroma = rows[:, ::2] + rows[:, 1::2]
    return sums
