"""Pixel-based and structural metrics: PSNR, MS-SSIM, SSIMULACRA 2."""

import numpy as np

# BT.601 luma weights, full range (JFIF).
_LUMA = np.array([0.299, 0.587, 0.114])


def rgb_psnr(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all three channels, in dB, peak 255; 100 for equal pictures."""
    return _psnr(original.astype(np.float64) - rebuilt)


def y_psnr(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """PSNR of the full-range BT.601 luma (in floating point, from the 8-bit RGB) in dB; 100 for equal pictures."""
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


def ssimulacra2(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """SSIMULACRA 2 score, from 100 (equal) downwards, negative for very bad pictures (package `ssimulacra2`, an extra).

    Takes seconds per picture. Pictures with a side below 8 pixels are too small: NaN.
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


def _psnr(error: np.ndarray) -> float:
    mse = float(np.mean(np.square(error)))
    return 100.0 if mse == 0 else float(10 * np.log10(255**2 / mse))
