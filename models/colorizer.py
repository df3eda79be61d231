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

from scodec.models.blocks import CONDITION, Stage, UNet

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


class Colorizer(UNet):
    """Chroma from luma and hints; see the module's description."""

    #: Heights and widths must be multiples of this (pad by replication).
    multiple = 64

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 48, 64, 96, 128, 160),
        blocks: tuple[int, ...] = (1, 1, 2, 2, 2, 3),
    ) -> None:
        super().__init__(4 + 3, 2, 3, widths, blocks)
        self.overall = nn.Linear(widths[-1], widths[-1])
        self.middle2 = Stage(widths[-1], 1, CONDITION)

    def forward(self, y_B1HW: Tensor, hint_B2hw: Tensor, describe_B3: Tensor) -> Tensor:
        """Luma (0..1), hint planes and their `describe` numbers -> chroma (B, 2, H/2, W/2) in units of CHROMA_UNIT."""
        known = describe_B3[:, :1, None, None].expand(-1, 1, *hint_B2hw.shape[2:])
        x = torch.cat([F.pixel_unshuffle(y_B1HW - 0.5, 2), hint_B2hw, known], 1)
        return hint_B2hw + self.correction(x, describe_B3).float()

    def bottom(self, x: Tensor, condition: Tensor) -> Tensor:
        x = self.middle(x, condition)
        return self.middle2(x + self.overall(x.mean((2, 3)))[:, :, None, None], condition)
