"""Restorer: decoded luma at any scale and quality -> full-resolution luma.

The decoded luma is first enlarged to full size (bicubic), so super-resolution by 2, 3 or 4 and the removal of coding
artefacts at scale 1 are one task for one network, told coder, scale and quantizer. It works at half resolution and
below:

    y_up -> unshuffle 2 -> U-Net -> shuffle 2 -> (+ y_up) -> y_hat
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from scodec.models.blocks import UNet

#: For every luma coder it was trained on the slope (dB a quantizer step) and level (dB) of its error at scale 1; see
#: `expected_error`.
FADE = {"av1": (0.42, 23.0), "vvc": (0.55, 26.5)}
#: The number by which the network knows each luma coder. The learned one is restored as AV1 is (see `told`).
CODERS = {"av1": 0, "vvc": 1, "hyperprior": 0}

# Shape suffixes: B batch, H and W full-size height and width, h and w those of the coded luma.


def enlarge(y_B1hw: Tensor, scale: int) -> Tensor:
    """The bicubic enlargement that the network improves on: values in 0..1 -> (B, 1, h * scale, w * scale)."""
    if scale == 1:
        return y_B1hw
    return F.interpolate(y_B1hw, scale_factor=scale, mode="bicubic", align_corners=False).clamp(0, 1)


def told(coder: str, quantizer_B: Tensor) -> tuple[Tensor, Tensor]:
    """Number and quantizers, both (B), that the network is told.

    AV1's finest quantizers are finer than the learned coder's: where that has 0, AV1 has about 12.
    """
    coarseness_B = (4 * quantizer_B + 63) // 5 if coder == "hyperprior" else quantizer_B
    return torch.full_like(quantizer_B, CODERS[coder]), coarseness_B


def expected_error(coder_B: Tensor, scale_B: Tensor, quantizer_B: Tensor) -> Tensor:
    """Rough root-mean-square error (0..1) of the enlarged luma, relative to that of scale 2 and above, as (B, 1, 1, 1).

    At scale 1 the PSNR of the luma falls with the quantizer as `FADE` says (fitted on the training packs); at higher
    scales the loss of detail rules. The network's output is in this unit, so that fine pictures are left in peace.
    """
    slope_B, level_B = torch.tensor(list(FADE.values()), device=coder_B.device)[coder_B].unbind(1)
    coded = 10 ** ((slope_B * quantizer_B.float() - level_B) / 20)
    return torch.where(scale_B == 1, coded, torch.ones_like(coded))[:, None, None, None]


class Restorer(UNet):
    """U-Net of EDSR blocks over pixel-unshuffled luma, conditioned on coder, scale and quantizer."""

    #: Heights and widths must be multiples of this (pad by replication).
    multiple = 8

    def __init__(self, widths: tuple[int, ...] = (64, 96, 128), blocks: tuple[int, ...] = (2, 2, 4)) -> None:
        super().__init__(4, 4, 4 + 2 + len(FADE), widths, blocks)

    def forward(self, y_up_B1HW: Tensor, coder_B: Tensor, scale_B: Tensor, quantizer_B: Tensor) -> Tensor:
        """Restored luma (about 0..1) from luma enlarged by `enlarge` (0..1).

        coder and quantizer: as `told` has them; scale: 1..4.
        """
        quality_B1 = quantizer_B.float()[:, None] / 63
        scale_B4, coder_BC = F.one_hot(scale_B - 1, 4), F.one_hot(coder_B, len(FADE))
        numbers = torch.cat([scale_B4, quality_B1, quality_B1**4, coder_BC], 1)
        correction = F.pixel_shuffle(self.correction(F.pixel_unshuffle(y_up_B1HW - 0.5, 2), numbers), 2)
        return y_up_B1HW + expected_error(coder_B, scale_B, quantizer_B) * correction.float()
