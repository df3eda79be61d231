"""Perceptual metrics on features of EfficientNet-Lite1, which scodec's training does not use (docs/evaluation.md)."""

from functools import cache

import numpy as np
import torch
from scipy.linalg import sqrtm
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.efficientnet import imagenet

#: Side and stride (pixels) of the patches whose features the Frechet distance compares, and patches per batch.
PATCH, STRIDE, TOGETHER = 128, 64, 16


@torch.inference_mode()
def feature_distance(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """LPIPS (Zhang et al. 2018, eq. 1) without learned weights; from 0 (equal) upwards.

    Features at five resolutions, normalized to unit length at each position: their squared difference, averaged over
    positions and summed over resolutions. uint8 RGB (H, W, 3); sides are padded to multiples of 32.
    """
    total = 0.0
    for one, other in zip(*(_lite1()(_padded(_tensor(each))) for each in (original, rebuilt)), strict=True):
        total += float((F.normalize(one) - F.normalize(other)).square().sum(1).mean())
    return total


@torch.inference_mode()
def patches(picture: np.ndarray) -> np.ndarray:
    """Features (patches, 320; float32) of all patches of a picture: the means of those at the coarsest resolution.

    A picture smaller than a patch is padded to the size of a patch.
    """
    whole = _tensor(picture)
    if min(whole.shape[2:]) < PATCH:
        pad = (0, max(0, PATCH - whole.shape[3]), 0, max(0, PATCH - whole.shape[2]))
        whole = F.pad(whole, pad, mode="replicate")
    cut = whole.unfold(2, PATCH, STRIDE).unfold(3, PATCH, STRIDE)[0].permute(1, 2, 0, 3, 4).reshape(-1, 3, PATCH, PATCH)
    return torch.cat([_lite1()(part)[-1].mean((2, 3)) for part in cut.split(TOGETHER)]).numpy()


def frechet(original: list[np.ndarray], rebuilt: list[np.ndarray]) -> float:
    """Frechet distance (Heusel et al. 2017, eq. 6) of the `patches` of two sets of pictures; from 0 (equal) upwards."""
    (mean, covariance), (other_mean, other_covariance) = (
        (each.mean(0), np.cov(each, rowvar=False))
        for each in (np.concatenate(features).astype(np.float64) for features in (original, rebuilt))
    )
    root = np.real(sqrtm(covariance @ other_covariance))
    return float(np.square(mean - other_mean).sum() + np.trace(covariance + other_covariance - 2 * root))


@cache
def _lite1() -> nn.Module:
    return imagenet("lite1").eval().requires_grad_(False)


def _tensor(picture: np.ndarray) -> Tensor:
    """uint8 RGB (H, W, 3) -> (1, 3, H, W) in -1..1."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def _padded(x: Tensor) -> Tensor:
    """Pad the sides to multiples of 32."""
    return F.pad(x, (0, -x.shape[3] % 32, 0, -x.shape[2] % 32), mode="replicate")
