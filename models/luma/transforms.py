"""Analysis and synthesis of the learned luma coder: lapped transforms that are initialized as a 16 x 16 DCT.

The analysis is purely linear: additional convolutional layers learned nothing useful in training runs of some 10,000
steps. The synthesis has such layers.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import CONDITION, Stage, up

#: Side of the blocks, and how far the basis functions extend beyond the edges of their block, in pixels.
BLOCK, LAP = 16, 8

# Shape suffixes as in models/luma/hyperprior.py.


class Analysis(nn.Module):
    """Zero-centred luma (B, 1, H, W) -> y (B, channels, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(1, channels, BLOCK + 2 * LAP, BLOCK, bias=False)
        self.linear.weight.data.copy_(F.pad(dct(channels), (LAP,) * 4))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # fine quantization steps need full precision
            return self.linear(F.pad(x.float(), (LAP,) * 4, mode="reflect"))


class Synthesis(nn.Module):
    """y_hat (B, channels, h, w) -> zero-centred luma (B, 1, H, W).

    A linear transform plus a convolutional correction, whose last stage also gets the output of the linear transform.
    """

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.linear = nn.ConvTranspose2d(channels, 1, BLOCK + 2 * LAP, BLOCK, LAP, bias=False)
        self.linear.weight.data.copy_(F.pad(dct(channels), (LAP,) * 4))
        self.head = nn.Conv2d(channels, coarse, 1)
        self.seen = nn.Conv2d(16, fine, 3, padding=1)
        self.stages = nn.ModuleList(
            [Stage(coarse, 1, CONDITION), Stage(middle, 2, CONDITION), Stage(fine, 3, CONDITION)]
        )
        self.up = nn.ModuleList([up(coarse, middle), up(middle, fine)])
        self.tail = zero(nn.Conv2d(fine, 16, 3, padding=1))

    def forward(self, y_hat: Tensor, condition: Tensor) -> Tensor:
        with torch.autocast(y_hat.device.type, enabled=False):
            linear = self.linear(y_hat.float())
        features = self.up[0](self.stages[0](self.head(y_hat), condition))
        features = self.up[1](self.stages[1](features, condition))
        features = self.stages[2](features + self.seen(F.pixel_unshuffle(linear, 4)), condition)
        return linear + F.pixel_shuffle(self.tail(features), 4)


def dct(channels: int) -> Tensor:
    """Filters (channels, 1, 16, 16) of the orthonormal DCT-II of 16 x 16 blocks, lowest frequencies first."""
    index = np.arange(BLOCK)
    basis = np.cos(np.pi / BLOCK * (index + 0.5) * index[:, None]) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    order = sorted(((u, v) for u in index for v in index), key=lambda uv: (uv[0] ** 2 + uv[1] ** 2, uv[0]))
    filters = [np.outer(basis[u], basis[v]) for u, v in order[:channels]]
    return torch.from_numpy(np.stack(filters)[:, None]).float()


def zero(layer: nn.Conv2d) -> nn.Conv2d:
    """Initialize a convolution such that its output is zero until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
