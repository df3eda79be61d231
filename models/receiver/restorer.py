"""Restorer: decoded luma at any scale and quality -> full-resolution luma.

The decoded luma is first upsampled to full size (bicubic), so that super-resolution by 2, 3 or 4 and the removal of
coding artefacts at scale 1 are one task for one network, conditioned on coder, scale and quantizer. It works at half
resolution and below:

    y_up -> unshuffle 2 -> U-Net -> shuffle 2 -> (+ y_up) -> y_hat
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import UNet
from scodec.models.receiver.shared import CODERS, ordinary_quantizer

#: For every luma coder that the restorer was trained on: slope (dB per quantizer) and level (dB) of the error at scale
#: 1; see `expected_error`.
FADE = {"av1": (0.42, 23.0), "vvc": (0.55, 26.5)}

# Shape suffixes: B batch, H and W full-size height and width, h and w those of the coded luma.


def enlarge(y_B1hw: Tensor, scale: int) -> Tensor:
    """Bicubic upsampling, which the network then corrects: values in 0..1 -> (B, 1, h * scale, w * scale)."""
    if scale == 1:
        return y_B1hw
    return F.interpolate(y_B1hw, scale_factor=scale, mode="bicubic", align_corners=False).clamp(0, 1)


def describe_coding(coder: str, quantizer_B: Tensor) -> tuple[Tensor, Tensor]:
    """Coder index and quantizers, both (B), on which the network is conditioned; see `ordinary_quantizer`."""
    return torch.full_like(quantizer_B, CODERS[coder]), ordinary_quantizer(coder, quantizer_B)


def expected_error(coder_B: Tensor, scale_B: Tensor, quantizer_B: Tensor) -> Tensor:
    """Rough RMS error of the upsampled luma (0..1), relative to that at scale 2 and above, as (B, 1, 1, 1).

    At scale 1 the PSNR of the luma falls linearly with the quantizer (see `FADE`, fitted on the training packs); at
    higher scales the loss of detail dominates. The network's output is in this unit, so that it hardly changes pictures
    of high quality.
    """
    slope_B, level_B = (
        sum(value * (coder_B == number).float() for number, value in enumerate(values))
        for values in zip(*FADE.values(), strict=True)
    )
    coded = 10 ** ((slope_B * quantizer_B.float() - level_B) / 20)
    return torch.where(scale_B == 1, coded, torch.ones_like(coded))[:, None, None, None]


class Luma(UNet):
    """U-Net of EDSR blocks over pixel-unshuffled luma and noise, conditioned on coder, scale and quantizer."""

    def __init__(self, *size: Any) -> None:
        """size: widths, blocks and hidden of the `UNet`."""
        super().__init__(4 + 4, 4, 4 + 2 + len(FADE), *size)

    def forward(
        self, y_up_B1HW: Tensor, coder_B: Tensor, scale_B: Tensor, quantizer_B: Tensor, noise_B1HW: Tensor
    ) -> Tensor:
        """As `Restorer.forward`."""
        quality_B1 = quantizer_B.float()[:, None] / 63
        scale_B4, coder_BC = F.one_hot(scale_B - 1, 4), F.one_hot(coder_B, len(FADE))
        numbers = torch.cat([scale_B4, quality_B1, quality_B1**4, coder_BC], 1)
        planes = F.pixel_unshuffle(torch.cat([y_up_B1HW - 0.5, noise_B1HW], 1), 2)
        correction = F.pixel_shuffle(self.correction(planes, numbers), 2)
        return y_up_B1HW + expected_error(coder_B, scale_B, quantizer_B) * correction.float()


class Restorer(nn.Module):
    """One network with two sets of weights.

    faithful: trained for the smallest error; natural: synthesizes texture from noise. hidden: the hidden channels that
    pruning has left of each, see `UNet` and `scodec.training.prune`.
    """

    #: Heights and widths must be multiples of this (pad by replication).
    multiple = 8

    def __init__(
        self,
        widths: Sequence[int] = (64, 96, 128),
        blocks: Sequence[int] = (2, 2, 4),
        hidden: Mapping[str, Sequence[Sequence[int]]] | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"widths": list(widths), "blocks": list(blocks), "hidden": hidden}
        left = hidden or {}
        self.faithful = Luma(widths, blocks, left.get("faithful"))
        self.natural = Luma(widths, blocks, left.get("natural"))

    def forward(
        self, y_up_B1HW: Tensor, coder_B: Tensor, scale_B: Tensor, quantizer_B: Tensor, noise_B1HW: Tensor, look: float
    ) -> Tensor:
        """Restored luma (about 0..1) from luma upsampled by `enlarge` (0..1).

        coder and quantizer: from `describe_coding`; scale: 1..4. noise: uniform in -1..1, see `shared.noise`.
        look: 0 (faithful) to 1 (natural); in between, both networks run and their outputs are interpolated.
        """
        inputs = y_up_B1HW, coder_B, scale_B, quantizer_B, noise_B1HW
        if look in (0, 1):
            return self.natural(*inputs) if look else self.faithful(*inputs)
        return torch.lerp(self.faithful(*inputs), self.natural(*inputs), look)
