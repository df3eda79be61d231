"""Report 2: colorization and super-resolution by one network, end to end. L* at 96 x 96 -> a*b* at 256 x 256."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

ENCODER = ((64, 2), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2))
DECODER = (512, 256, 128, 64, 32, 16, 8, 2)


class Joint(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W)}; L is first reduced to 3/8 of its size (256 to 96).

    All convolutions are 3x3, with batch normalization and LeakyReLU. The report does not say where the decoder
    upsamples. The encoder's four strides reduce a side of 96 to 6; here it is doubled four times and then resized to
    256, each time by nearest-neighbour interpolation before a convolution. The last convolution has neither
    normalization nor activation, since a* and b* are signed.
    """

    size, multiple = 256, 8
    reduction = 3 / 8

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        channels = 1
        for width, stride in ENCODER:
            self.encoder.append(_layer(channels, width, stride))
            channels = width
        for width in DECODER[:-1]:
            self.decoder.append(_layer(channels, width, 1))
            channels = width
        self.decoder.append(nn.Conv2d(channels, DECODER[-1], 3, padding=1))

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        x = F.interpolate(l_B1HW, scale_factor=self.reduction, mode="bicubic", antialias=True)
        sizes = [l_B1HW.shape[2:]]
        for layer, (_, stride) in zip(self.encoder, ENCODER, strict=True):
            if stride == 2:
                sizes.append(x.shape[2:])
            x = layer(x)
        for i, layer in enumerate(self.decoder):
            if i >= 1 and sizes:
                x = F.interpolate(x, sizes.pop())
            x = layer(x)
        return {"ab": x}


def _layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))
