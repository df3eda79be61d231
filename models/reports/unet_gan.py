"""Report 5's GANs: the U-Net generator and PatchGAN critic of pix2pix (Isola et al. 2017, appendix 6.1), and a
variant with attention gates on the skip connections (Oktay et al. 2018, section 2.2)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ENCODER = (64, 128, 256, 512, 512, 512, 512, 512)


class UNetGenerator(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1}; H and W multiples of 256.

    C64-C128-C256-C512-C512-C512-C512-C512 down, CD512-CD512-CD512-C512-C256-C128-C64 up, 4x4 kernels of stride 2. The
    noise of pix2pix is dropout in the first three decoder layers; it is switched off at inference.
    """

    size, multiple = 256, 256

    def __init__(self, attention: bool = False) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"attention": attention}
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        channels = 1
        for i, width in enumerate(ENCODER):
            normalized = 0 < i < len(ENCODER) - 1  # neither the first (as in the paper) nor the last (one pixel)
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if i else []
            layers += [nn.Conv2d(channels, width, 4, 2, 1, bias=not normalized)]
            self.down.append(nn.Sequential(*layers, *([nn.BatchNorm2d(width)] if normalized else [])))
            channels = width
        skips = ENCODER[-2::-1]
        for i, width in enumerate(skips):
            layers = [nn.ReLU(), nn.ConvTranspose2d(channels, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width)]
            self.up.append(nn.Sequential(*layers, *([nn.Dropout(0.5)] if i < 3 else [])))
            channels = 2 * width
        self.gates = nn.ModuleList(AttentionGate(width) for width in skips) if attention else None
        self.tail = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(channels, 2, 4, 2, 1), nn.Tanh())

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        x, skips = l_B1HW, []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        skips.pop()
        for i, layer in enumerate(self.up):
            x, skip = layer(x), skips.pop()
            x = torch.cat([x, skip if self.gates is None else self.gates[i](skip, x)], 1)
        return {"ab": self.tail(x)}


class AttentionGate(nn.Module):
    """Skip (B, C, H, W) and gating features of the same shape -> the skip, weighted by attention (eq. 1 to 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.of_skip = nn.Conv2d(channels, hidden, 1, bias=False)
        self.of_gate = nn.Conv2d(channels, hidden, 1)
        self.attention = nn.Conv2d(hidden, 1, 1)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return skip * torch.sigmoid(self.attention(F.relu(self.of_skip(skip) + self.of_gate(gate))))


class PatchCritic(nn.Module):
    """L and ab (B, 3, H, W) -> logits (positive: real), one for each 70 x 70 patch: C64-C128-C256-C512."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, stride in ((64, 2), (128, 2), (256, 2), (512, 1)):
            layers.append(nn.Conv2d(channels, width, 4, stride, 1))
            layers += [nn.BatchNorm2d(width)] if channels > 3 else []
            layers.append(nn.LeakyReLU(0.2))
            channels = width
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        return self.layers(picture)
