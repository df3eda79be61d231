"""Analysis and synthesis of the learned luma coder: lapped transforms that start as a 16 x 16 DCT.

The analysis is linear: convolutions beside it learned nothing of use in trainings of some 10,000 steps. The synthesis
has some.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import CONDITION, Stage, up

#: Side of the blocks, and how far a basis function reaches over its block's edges, in pixels.
BLOCK, LAP = 16, 8

# Shape suffixes as in models/hyperprior.py.


class Analysis(nn.Module):
    """Luma around 0 (B, 1, H, W) -> y (B, channels, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(1, channels, BLOCK + 2 * LAP, BLOCK, bias=False)
        self.linear.weight.data.copy_(F.pad(dct(channels), (LAP,) * 4))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # fine steps need all digits
            return self.linear(F.pad(x.float(), (LAP,) * 4, mode="reflect"))


class Synthesis(nn.Module):
    """y_hat (B, channels, h, w) -> luma around 0 (B, 1, H, W); the last stage also sees what the linear part gives."""

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
            plain = self.linear(y_hat.float())
        features = self.up[0](self.stages[0](self.head(y_hat), condition))
        features = self.up[1](self.stages[1](features, condition))
        features = self.stages[2](features + self.seen(F.pixel_unshuffle(plain, 4)), condition)
        return plain + F.pixel_shuffle(self.tail(features), 4)


def dct(channels: int) -> Tensor:
    """The orthonormal DCT-II of 16 x 16 blocks, its lowest frequencies first (channels, 1, 16, 16)."""
    at = np.arange(BLOCK)
    basis = np.cos(np.pi / BLOCK * (at + 0.5) * at[:, None]) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    order = sorted(((u, v) for u in at for v in at), key=lambda uv: (uv[0] ** 2 + uv[1] ** 2, uv[0]))
    filters = [np.outer(basis[u], basis[v]) for u, v in order[:channels]]
    return torch.from_numpy(np.stack(filters)[:, None]).float()


def zero(layer: nn.Conv2d) -> nn.Conv2d:
    """A convolution that gives nothing until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
