"""Colorizer: full-resolution luma, with or without colour hints -> chroma at half resolution.

The content of a picture determines its colours, so the encoder is an ImageNet classifier applied to the luma,
EfficientNet-Lite2 (Zhang et al. 2016 and Iizuka et al. 2016 show how such features help colorization). The decoder is
that of a U-Net, with self-attention at the lowest resolution, so that colours are consistent over the picture. The hint
grid is an input at every resolution, and the network predicts a correction to it; without hints, to grey.

    y -> EfficientNet-Lite2 -+-> 1/2 -> 1/4 -> 1/8 -> 1/16 -> 1/32 + attention + global mean
                             |    |      |      |      |       |
    hint, enlarged -----+---(+)->[48] <-[64] <-[96] <-[128] <-[192]
                        +---(+)<- conv
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import CONDITION, Stage, condition_mlp, up
from scodec.models.efficientnet import EfficientNetLite
from scodec.models.receiver.shared import CHROMA_UNIT


@dataclass(frozen=True)
class Hint:
    """Hints of the chroma of one picture.

    plane: (2, H/2, W/2), Cb / 64 and Cr / 64, upsampled from the hint grid (zeros without hints)
    cell: cell size of the grid in luma pixels of the network's input
    step: quantization step of the grid in chroma levels
    """

    plane: Tensor
    cell: float
    step: float


def enlarge_hint(grid: np.ndarray | Tensor, cell: float, step: float, height: int, width: int) -> Hint:
    """Bicubic upsampling of a hint grid (2, rows, columns; chroma levels) to half of a `height` x `width` luma.

    cell: luma pixels per grid cell (any real number, since the network's input may be a reduced picture).
    """
    rows, columns = (round(count * cell / 2) for count in grid.shape[1:])
    planes = torch.from_numpy(grid) if isinstance(grid, np.ndarray) else grid
    large = F.interpolate(planes[None], (rows, columns), mode="bicubic", align_corners=False)[0]
    bottom, right = max(height // 2 - rows, 0), max(width // 2 - columns, 0)
    large = F.pad(large, (0, right, 0, bottom), mode="replicate")  # rounding may leave the last pixel uncovered
    return Hint(large[:, : height // 2, : width // 2] / CHROMA_UNIT, cell, step)


class Attention(nn.Module):
    """Self-attention over all positions (Vaswani et al. 2017, section 3.2), initialized as the identity."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x_BChw: Tensor) -> Tensor:
        batch, channels, height, width = x_BChw.shape
        tokens = self.norm(x_BChw.flatten(2).transpose(1, 2))
        q, k, v = self.qkv(tokens).view(batch, height * width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, height * width, channels)
        return x_BChw + self.out(attended).transpose(1, 2).reshape(batch, channels, height, width)


class Colorizer(nn.Module):
    """Chroma from luma and hints; see the module's description."""

    #: Heights and widths must be multiples of this (pad by replication).
    multiple = 32

    def __init__(
        self,
        backbone: str = "lite2",
        widths: tuple[int, ...] = (48, 64, 96, 128, 192),
        blocks: tuple[int, ...] = (1, 2, 2, 2, 2),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.config = {"backbone": backbone, "widths": list(widths), "blocks": list(blocks)}
        self.encoder = EfficientNetLite(backbone, 1)
        self.condition = condition_mlp(3, CONDITION)
        levels = range(len(widths))
        self.skip = nn.ModuleList(nn.Conv2d(self.encoder.channels[i] + 3, widths[i], 1) for i in levels)
        self.decoder = nn.ModuleList(Stage(widths[i], blocks[i], CONDITION) for i in levels)
        self.up = nn.ModuleList(up(widths[i + 1], widths[i]) for i in levels[:-1])
        self.attention = Attention(widths[-1])
        self.overall = nn.Linear(widths[-1], widths[-1])
        self.tail = nn.Conv2d(widths[0], 2, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def forward(self, y_B1HW: Tensor, hint_B2hw: Tensor, describe_B3: Tensor) -> Tensor:
        """Luma (0..1), hint planes and their `describe` numbers -> chroma (B, 2, H/2, W/2) in units of CHROMA_UNIT."""
        hinted = describe_B3[:, :1, None, None].expand(-1, 1, *hint_B2hw.shape[2:])
        planes = torch.cat([hint_B2hw, hinted], 1)
        condition = self.condition(describe_B3)
        x = None
        for level, features in reversed(list(enumerate(self.encoder(y_B1HW * 2 - 1)))):
            hint = F.avg_pool2d(planes, 2**level) if level else planes
            skip = self.skip[level](torch.cat([features, hint], 1))
            if x is None:
                skip = self.attention(skip)
                x = skip + self.overall(skip.mean((2, 3)))[:, :, None, None]
            else:
                x = self.up[level](x) + skip
            x = self.decoder[level](x, condition)
        return hint_B2hw + self.tail(x).float()
