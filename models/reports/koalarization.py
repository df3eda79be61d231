"""Report 4, after Baldassarre, Morin and Rodes-Guirao, "Deep Koalarization" (2017), table 1.

L -> encoder (H/8 x W/8 x 256) -+-> fusion 1x1 -> decoder -> ab
  -> Inception-ResNet-v2 -------+   repeated at every position
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.reports.backbones import as_rgb, backbone


def encoder() -> nn.Sequential:
    """L (B, 1, H, W) -> features (B, 256, H/8, W/8): eight 3x3 convolutions with ReLU."""
    layers: list[nn.Module] = []
    channels = 1
    for width, stride in ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 1), (256, 1)):
        layers += [nn.Conv2d(channels, width, 3, stride, 1), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)


def decoder() -> nn.Sequential:
    """Features (B, 256, H/8, W/8) -> ab (B, 2, H, W) in -1..1."""

    def conv(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]

    up = nn.Upsample(scale_factor=2)
    last = [nn.Conv2d(32, 2, 3, padding=1), nn.Tanh(), up]
    return nn.Sequential(*conv(256, 128), up, *conv(128, 64), *conv(64, 64), up, *conv(64, 32), *last)


class Koalarization(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1}; H and W multiples of 8.

    The embedding is the classifier's output for L, resized to 299 x 299 and repeated to three channels (section 3.2).
    The report has 1001 outputs, one of them for background, which timm's weights lack: here there are 1000.
    """

    size, multiple = 224, 8

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        self.encoder = encoder()
        self.inception = backbone("inception_resnet_v2", pretrained)
        self.fusion = nn.Sequential(nn.Conv2d(256 + 1000, 256, 1), nn.ReLU())
        self.decoder = decoder()

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        features = self.encoder(l_B1HW)
        resized = F.interpolate(l_B1HW, (299, 299), mode="bilinear", antialias=True)
        embedding = self.inception(as_rgb(resized))[:, :, None, None].expand(-1, -1, *features.shape[2:])
        return {"ab": self.decoder(self.fusion(torch.cat([features, embedding], 1)))}
