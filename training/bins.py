"""Colorization as classification: the loss of Zhang et al. 2016, with rebalancing of rare colours (section 2.2)."""

import itertools
from collections.abc import Iterable

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn import functional as F

from scodec.models.reports.lab import AB_UNIT
from scodec.models.reports.zhang import BIN, bins

#: Weight of the uniform distribution in the prior; standard deviation, in a*b* units, of the Gaussians that smooth the
#: prior and the soft encoding.
UNIFORM, SIGMA = 0.5, 5.0
#: Number of nearest bins in the soft encoding of a colour.
NEIGHBOURS = 5
#: Number of pictures from which the prior is estimated.
COUNTED = 400


class BinLoss:
    """Cross-entropy of the soft-encoded colour, weighted by the rarity of its bin."""

    def __init__(self, pictures: Iterable[Image.Image]) -> None:
        self.weights = torch.from_numpy(rarity(itertools.islice(pictures, COUNTED)))
        self.centres = torch.from_numpy(bins())

    def __call__(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        logits, device = output["bin_logits"].float(), output["bin_logits"].device
        centres, weights = self.centres.to(device), self.weights.to(device)
        ab = F.adaptive_avg_pool2d(batch["ab"], (logits.shape[2], logits.shape[3]))
        colours = ab.permute(0, 2, 3, 1).reshape(-1, 2) * AB_UNIT
        distances, nearest = torch.cdist(colours, centres).topk(NEIGHBOURS, largest=False)
        target = torch.softmax(-distances.square() / (2 * SIGMA**2), 1)
        log_p = torch.log_softmax(logits, 1).permute(0, 2, 3, 1).reshape(len(colours), -1)
        entropy = -(target * log_p.gather(1, nearest)).sum(1)
        return (weights[nearest[:, 0]] * entropy).mean()


def rarity(pictures: Iterable[Image.Image]) -> np.ndarray:
    """Weight of every bin (float32), with a mean of 1 over the colours of the pictures (eq. 4)."""
    from skimage.color import rgb2lab

    centres = bins()
    tree = cKDTree(centres)
    counts = np.zeros(len(centres))
    for picture in pictures:
        ab = rgb2lab(np.asarray(picture.resize((64, 64), Image.Resampling.BOX)))[..., 1:].reshape(-1, 2)
        counts += np.bincount(tree.query(ab)[1], minlength=len(centres))
    index = tuple((centres / BIN).round().astype(int).T + 13)
    grid, inside = np.zeros((27, 27)), np.zeros((27, 27))
    grid[index], inside[index] = counts / counts.sum(), 1
    smooth = gaussian_filter(grid, SIGMA / BIN)[index] / np.maximum(gaussian_filter(inside, SIGMA / BIN)[index], 1e-6)
    prior = smooth / smooth.sum()
    weights = 1 / ((1 - UNIFORM) * prior + UNIFORM / len(centres))
    return (weights / (prior * weights).sum()).astype(np.float32)
