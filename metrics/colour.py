"""Metrics of colour: CIEDE2000 and colourfulness."""

import numpy as np


def ciede2000(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """CIEDE2000 colour difference (Sharma et al. 2005), D65, mean over pixels; 0 (equal) upwards (scikit-image)."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    return float(deltaE_ciede2000(rgb2lab(original), rgb2lab(rebuilt)).mean())


def colourfulness_ratio(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Colourfulness (Hasler and Suesstrunk 2003, M3) of the rebuilt picture relative to the original's; 0 is grey."""
    return _colourfulness(rebuilt) / max(_colourfulness(original), 1e-6)


def _colourfulness(rgb: np.ndarray) -> float:
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(), second.std())
    return float(spread + 0.3 * np.hypot(first.mean(), second.mean()))
