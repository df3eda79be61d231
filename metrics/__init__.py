"""Distortion metrics between an original and a rebuilt picture, both uint8 RGB arrays of shape (H, W, 3).

Every metric is computed per picture and then averaged over pictures. This includes PSNR: its mean is that of decibels,
not of errors. Within a picture, errors are first averaged over all pixels (and channels).
"""

from collections.abc import Callable

import numpy as np

from scodec.metrics.colour import ciede2000, colourfulness_ratio
from scodec.metrics.learned import lpips
from scodec.metrics.pixels import ms_ssim, rgb_psnr, ssimulacra2, y_psnr


def feature_distance(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Distance of ImageNet features, from 0 (equal) upwards: see `perception.feature_distance`.

    Raises Unsupported if the extra `features` is not installed.
    """
    from scodec.metrics import perception  # torch

    return perception.feature_distance(original, rebuilt)


def patches(picture: np.ndarray) -> np.ndarray:
    """Features of all patches of a picture, from which the Frechet distance of two sets of pictures is computed.

    See `perception.patches`. Raises Unsupported as `feature_distance` does.
    """
    from scodec.metrics import perception

    return perception.patches(picture)


def frechet(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Frechet distance of the patches of one picture. `rd` computes it over all pictures together, as intended."""
    from scodec.metrics import perception

    return perception.frechet([patches(original)], [patches(rebuilt)])


#: The only metric that is computed over a set of pictures.
FRECHET = "frechet"
METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "rgb_psnr": rgb_psnr,
    "y_psnr": y_psnr,
    "ms_ssim": ms_ssim,
    "ssimulacra2": ssimulacra2,
    "ciede2000": ciede2000,
    "lpips": lpips,
    "feature_distance": feature_distance,
    FRECHET: frechet,
    "colourfulness_ratio": colourfulness_ratio,
}
#: Metrics with a meaningful BD-rate: 1 if higher is better, -1 if lower is better.
RATED = {
    "rgb_psnr": 1,
    "y_psnr": 1,
    "ms_ssim": 1,
    "ssimulacra2": 1,
    "ciede2000": -1,
    "lpips": -1,
    "feature_distance": -1,
    FRECHET: -1,
}
