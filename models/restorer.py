"""Restorer: decoded luma at any scale and quality -> full-resolution luma.

The decoded luma is first enlarged to full size (bicubic), so super-resolution by 2, 3 or 4 and the removal of coding
artefacts at scale 1 are one task for one network, told scale and quantizer. It works at half resolution and below:

    y_up -> unshuffle 2 -> conv -> [stage] ----------------(+)-> [stage] -> conv -> shuffle 2 -> (+ y_up) -> y_hat
                                     down -> [stage] -(+)-> [stage] -> up
                                              down -> [stage] -> up
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import Stage, condition_mlp, down, up

# Shape suffixes: B batch, H and W full-size height and width, h and w those of the coded luma.


def enlarge(y_B1hw: Tensor, scale: int) -> Tensor:
    """The bicubic enlargement that the network improves on: values in 0..1 -> (B, 1, h * scale, w * scale)."""
    if scale == 1:
        return y_B1hw
    return F.interpolate(y_B1hw, scale_factor=scale, mode="bicubic", align_corners=False).clamp(0, 1)


def expected_error(scale_B: Tensor, quantizer_B: Tensor) -> Tensor:
    """Rough root-mean-square error (0..1) of the enlarged luma, relative to that of scale 2 and above, as (B, 1, 1, 1).

    At scale 1 the PSNR of AV1 luma falls by about 0.42 dB a quantizer step (fitted on the training packs); at higher
    scales the loss of detail rules. The network's output is in this unit, so that fine pictures are left in peace.
    """
    coded = 10 ** ((0.42 * quantizer_B.float() - 23) / 20)
    return torch.where(scale_B == 1, coded, torch.ones_like(coded))[:, None, None, None]


class Restorer(nn.Module):
    """U-Net of EDSR blocks over pixel-unshuffled luma, conditioned on scale and quantizer."""

    #: Heights and widths must be multiples of this (pad by replication).
    multiple = 8

    def __init__(self, widths: tuple[int, ...] = (64, 96, 128), blocks: tuple[int, ...] = (2, 2, 4)) -> None:
        super().__init__()
        self.config = {"widths": list(widths), "blocks": list(blocks)}
        condition = 32
        self.condition = condition_mlp(6, condition)
        self.head = nn.Conv2d(4, widths[0], 3, padding=1)
        levels = range(len(widths) - 1)
        self.encoder = nn.ModuleList(Stage(widths[i], blocks[i], condition) for i in levels)
        self.down = nn.ModuleList(down(widths[i], widths[i + 1]) for i in levels)
        self.middle = Stage(widths[-1], blocks[-1], condition)
        self.up = nn.ModuleList(up(widths[i + 1], widths[i]) for i in levels)
        self.decoder = nn.ModuleList(Stage(widths[i], blocks[i], condition) for i in levels)
        self.tail = nn.Conv2d(widths[0], 4, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)  # start as the bicubic enlargement

    def forward(self, y_up_B1HW: Tensor, scale_B: Tensor, quantizer_B: Tensor) -> Tensor:
        """Luma enlarged by `enlarge` (0..1), scales (1..4) and quantizers (0..63) -> restored luma (about 0..1)."""
        quality_B = quantizer_B.float() / 63
        one_hot_B4 = F.one_hot(scale_B.long() - 1, 4).float()
        condition = self.condition(torch.cat([one_hot_B4, quality_B[:, None], quality_B[:, None] ** 4], 1))
        x = self.head(F.pixel_unshuffle(y_up_B1HW - 0.5, 2))
        skips = []
        for stage, shrink in zip(self.encoder, self.down, strict=True):
            x = stage(x, condition)
            skips.append(x)
            x = shrink(x)
        x = self.middle(x, condition)
        for stage, grow, skip in reversed(list(zip(self.decoder, self.up, skips, strict=True))):
            x = stage(grow(x) + skip, condition)
        return y_up_B1HW + expected_error(scale_B, quantizer_B) * F.pixel_shuffle(self.tail(x), 2).float()
