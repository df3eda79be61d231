"""Report 1's super-resolution: EDSR (Lim et al. 2017, section 3 and table 1, the baseline of 64 channels)."""

from typing import Any

import torch
from torch import Tensor, nn

from scodec.models.reports.backbones import IMAGENET_MEAN, IMAGENET_STD


class EDSR(nn.Module):
    """RGB (B, 3, H, W) in 0..1 -> {"rgb": (B, 3, scale H, scale W)}.

    blocks: residual blocks (the report tries 8, 12, 16 and 24, and uses 16 above scale 2). deep: number of additional
    convolutions of 64 channels after the upsampling, the report's "deep network after EDSR". Input and output are
    normalized with ImageNet's mean and standard deviation.

        x -> head -> [blocks] -> conv --(+)-> up -> tail
    """

    mean: Tensor
    std: Tensor

    def __init__(self, blocks: int = 16, scale: int = 2, deep: int = 0) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"blocks": blocks, "scale": scale, "deep": deep}
        self.scale = scale
        self.head = _conv(3, 64)
        self.body = nn.Sequential(*(_Block() for _ in range(blocks)), _conv(64, 64))
        steps = [2] * (scale.bit_length() - 1) if scale & (scale - 1) == 0 else [scale]
        up = [layer for step in steps for layer in (_conv(64, 64 * step**2), nn.PixelShuffle(step))]
        after = [layer for _ in range(deep) for layer in (_conv(64, 64), nn.ReLU())]
        self.tail = nn.Sequential(*up, *after, _conv(64, 3))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN, dtype=torch.float32)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD, dtype=torch.float32)[:, None, None], persistent=False)

    def forward(self, rgb_B3HW: Tensor) -> dict[str, Tensor]:
        x = self.head((rgb_B3HW - self.mean) / self.std)
        return {"rgb": self.tail(x + self.body(x)) * self.std + self.mean}


class _Block(nn.Module):
    """x --conv--> ReLU --conv--(+ x)-->, without batch normalization (figure 2c)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(_conv(64, 64), nn.ReLU(), _conv(64, 64))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
