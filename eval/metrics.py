"""Distortion metrics between an original and a rebuilt picture, both uint8 RGB arrays of shape (H, W, 3).

Every metric is taken per picture and then averaged over pictures, also PSNR: the mean of decibels, not of errors.
Within a picture, errors are averaged over all pixels (and channels) first.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from scodec.errors import Unsupported

# BT.601 luma weights, full range (JFIF).
_LUMA = np.array([0.299, 0.587, 0.114])


def rgb_psnr(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all three channels, in dB, peak 255; 100 for equal pictures."""
    return _psnr(original.astype(np.float64) - rebuilt)


def y_psnr(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """PSNR of the full-range BT.601 luma (in floating point, of the 8-bit RGB) in dB; 100 for equal pictures."""
    return _psnr((original.astype(np.float64) - rebuilt) @ _LUMA)


def ms_ssim(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Multi-scale structural similarity (Wang et al. 2003) of RGB, mean over channels, 0..1 (pytorch-msssim).

    The window is 11 pixels wide, smaller for pictures with a side of 160 pixels or less; below 33 pixels: NaN.
    """
    import torch
    from pytorch_msssim import ms_ssim as measure

    # the coarsest of the five scales must hold a window
    window = next((odd for odd in (11, 9, 7, 5, 3) if min(original.shape[:2]) > 16 * (odd - 1)), 0)
    if window == 0:
        return float("nan")
    x, y = (torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() for picture in (original, rebuilt))
    return float(measure(x, y, data_range=255, win_size=window))


def ciede2000(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """CIEDE2000 colour difference (Sharma et al. 2005), D65, mean over pixels, 0 (equal) upwards (scikit-image)."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    return float(deltaE_ciede2000(rgb2lab(original), rgb2lab(rebuilt)).mean())


def colourfulness_ratio(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Colourfulness (Hasler and Suesstrunk 2003, M3) of the rebuilt picture over the original's; 0 is grey."""
    return _colourfulness(rebuilt) / max(_colourfulness(original), 1e-6)


def ssimulacra2(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """SSIMULACRA 2 score, 100 (equal) downwards, negative for very bad pictures (package `ssimulacra2`, an extra).

    Takes seconds a picture. Pictures with a side below 8 pixels are too small: NaN.
    """
    if min(original.shape[:2]) < 8:
        return float("nan")
    import tempfile
    from pathlib import Path

    from PIL import Image
    from ssimulacra2 import compute_ssimulacra2

    with tempfile.TemporaryDirectory() as folder:  # the package reads files only
        paths = [str(Path(folder) / name) for name in ("original.png", "rebuilt.png")]
        for picture, path in zip((original, rebuilt), paths, strict=True):
            Image.fromarray(picture).save(path)
        return float(compute_ssimulacra2(*paths))


def lpips(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """LPIPS (Zhang et al. 2018) with AlexNet, 0 (equal) upwards (package `lpips`, an extra).

    Raises Unsupported where the package is missing or the weights of AlexNet, which it fetches from the internet.
    """
    import torch

    x, y = (torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 127.5 - 1 for picture in (original, rebuilt))
    with torch.inference_mode():
        return float(_lpips()(x, y))


def feature_distance(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Distance of ImageNet features, 0 (equal) upwards: see `perception.feature_distance`.

    Raises Unsupported where the package with the features (the extra `features`) is missing.
    """
    from scodec.eval import perception  # torch

    return perception.feature_distance(original, rebuilt)


def patches(picture: np.ndarray) -> np.ndarray:
    """Features of all patches of a picture, of which the Frechet distance of two sets of pictures is made: see
    `perception.patches`. Raises Unsupported as `feature_distance`."""
    from scodec.eval import perception

    return perception.patches(picture)


def frechet(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Frechet distance of the patches of one picture; `rd` takes it of all pictures together, which it is meant for."""
    from scodec.eval import perception

    return perception.frechet([patches(original)], [patches(rebuilt)])


#: The one metric of a set of pictures.
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
#: Those with a meaningful BD-rate: 1 where more is better, -1 where less is.
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


@cache
def _lpips() -> Any:
    try:
        import lpips

        return lpips.LPIPS(net="alex", verbose=False).eval()
    except (ImportError, OSError) as error:  # a URLError is an OSError
        raise Unsupported(
            f"LPIPS can't be measured ({error}): install scodec-image[lpips], and be online once"
        ) from error


def _psnr(error: np.ndarray) -> float:
    mse = float(np.mean(np.square(error)))
    return 100.0 if mse == 0 else float(10 * np.log10(255**2 / mse))


def _colourfulness(rgb: np.ndarray) -> float:
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(), second.std())
    return float(spread + 0.3 * np.hypot(first.mean(), second.mean()))
