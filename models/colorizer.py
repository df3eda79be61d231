"""Colorizer: full-resolution luma, with or without colour hints -> chroma at half resolution.

A U-Net down to 1/64 with the global mean fed back at the bottom, so that every output pixel sees the whole picture
(Larsson et al. 2016 and Iizuka et al. 2016 show what global context gives a colorizer). A hint grid enters twice: as an
input plane and as the base that the network improves on; without hints the base is grey.

    y -> unshuffle 2 -+-> conv -> [32] -> [48] -> [64] -> [96] -> [128] -> [160 + global mean]
    hint, enlarged ---+            |       |       |       |        |            |
                      |           [32] <- [48] <- [64] <- [96] <- [128] <--------+
                      +----------(+)<- conv
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import Stage, condition_mlp, down, up

#: Chroma is carried as Cb, Cr / 64 inside the network.
CHROMA_UNIT = 64.0


@dataclass(frozen=True)
class Hint:
    """What the receiver knows of the chroma of one picture.

    plane: (2, H/2, W/2), Cb and Cr / 64 enlarged from the hint grid (zeros when blind)
    cell: cell size of the grid in luma pixels of the network's input
    step: quantization step of the grid in chroma levels
    """

    plane: Tensor
    cell: float
    step: float


def describe(hint: Hint | None) -> list[float]:
    """The numbers that tell the network how much to trust its hint plane."""
    if hint is None:
        return [0.0, 0.0, 0.0]
    return [1.0, math.log2(hint.cell) / 4 - 1, math.log2(max(hint.step, 1)) / 4]


def enlarge_hint(grid: np.ndarray, cell: float, step: float, height: int, width: int) -> Hint:
    """Bicubic enlargement of a hint grid (2, rows, columns; chroma levels) to half of a `height` x `width` luma.

    cell: luma pixels per grid cell (any real number: the network may see a reduced picture).
    """
    rows, columns = (round(count * cell / 2) for count in grid.shape[1:])
    large = F.interpolate(torch.from_numpy(grid)[None], (rows, columns), mode="bicubic", align_corners=False)[0]
    bottom, right = max(height // 2 - rows, 0), max(width // 2 - columns, 0)
    large = F.pad(large, (0, right, 0, bottom), mode="replicate")  # rounding may leave the last pixel uncovered
    return Hint(large[:, : height // 2, : width // 2] / CHROMA_UNIT, cell, step)


class Colorizer(nn.Module):
    """Chroma from luma and hints; see the module's description."""

    #: Heights and widths must be multiples of this (pad by replication).
    multiple = 64

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 48, 64, 96, 128, 160),
        blocks: tuple[int, ...] = (1, 1, 2, 2, 2, 3),
    ) -> None:
        super().__init__()
        self.config = {"widths": list(widths), "blocks": list(blocks)}
        condition = 32
        self.condition = condition_mlp(3, condition)
        self.head = nn.Conv2d(4 + 3, widths[0], 3, padding=1)
        levels = range(len(widths) - 1)
        self.encoder = nn.ModuleList(Stage(widths[i], blocks[i], condition) for i in levels)
        self.down = nn.ModuleList(down(widths[i], widths[i + 1]) for i in levels)
        self.middle = Stage(widths[-1], blocks[-1], condition)
        self.overall = nn.Linear(widths[-1], widths[-1])
        self.middle2 = Stage(widths[-1], 1, condition)
        self.up = nn.ModuleList(up(widths[i + 1], widths[i]) for i in levels)
        self.decoder = nn.ModuleList(Stage(widths[i], blocks[i], condition) for i in levels)
        self.tail = nn.Conv2d(widths[0], 2, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)  # start from the hint, or from grey

    def forward(self, y_B1HW: Tensor, hint_B2hw: Tensor, describe_B3: Tensor) -> Tensor:
        """Luma (0..1), hint planes and their `describe` numbers -> chroma (B, 2, H/2, W/2) in units of CHROMA_UNIT."""
        condition = self.condition(describe_B3)
        known = describe_B3[:, :1, None, None].expand(-1, 1, *hint_B2hw.shape[2:])
        x = self.head(torch.cat([F.pixel_unshuffle(y_B1HW - 0.5, 2), hint_B2hw, known], 1))
        skips = []
        for stage, shrink in zip(self.encoder, self.down, strict=True):
            x = stage(x, condition)
            skips.append(x)
            x = shrink(x)
        x = self.middle(x, condition)
        x = self.middle2(x + self.overall(x.mean((2, 3)))[:, :, None, None], condition)
        for stage, grow, skip in reversed(list(zip(self.decoder, self.up, skips, strict=True))):
            x = stage(grow(x) + skip, condition)
        return hint_B2hw + self.tail(x).float()
