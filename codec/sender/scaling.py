"""Sender side of the scale: antialiased reduction of the luma by an integer factor."""

import numpy as np
from PIL import Image


def shrink(y: np.ndarray, scale: int) -> np.ndarray:
    """Reduce luma (H x W, uint8) to ceil(H / scale) x ceil(W / scale) by Lanczos, edges replicated to a multiple."""
    if scale == 1:
        return y
    height, width = (-(-side // scale) for side in y.shape)
    padded = np.pad(y, [(0, height * scale - y.shape[0]), (0, width * scale - y.shape[1])], "edge")
    return np.asarray(Image.fromarray(padded).resize((width, height), Image.Resampling.LANCZOS))
