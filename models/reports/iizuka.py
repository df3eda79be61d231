"""Report 2's stand-alone colorizer: Iizuka, Simo-Serra and Ishikawa, "Let there be Color!" (2016), table 1.

L -> low-level features -+-> mid-level ---------------+-> fusion -> colorization -> ab
     (of L at 224 x 224) +-> global -+-> classes      |
                                     +-> 256 numbers -+
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Iizuka(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1, "class_logits": (B, classes)}; H, W multiples of 8."""

    size, multiple = 224, 8

    def __init__(self, classes: int = 1) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"classes": classes}
        self.low = nn.Sequential(
            *_conv(1, 64, 2), *_conv(64, 128), *_conv(128, 128, 2), *_conv(128, 256), *_conv(256, 256, 2),
            *_conv(256, 512),
        )  # fmt: skip
        self.middle = nn.Sequential(*_conv(512, 512), *_conv(512, 256))
        self.whole = nn.Sequential(
            *_conv(512, 512, 2), *_conv(512, 512), *_conv(512, 512, 2), *_conv(512, 512), nn.Flatten(),
            nn.Linear(7 * 7 * 512, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(),
        )  # fmt: skip
        self.summary = nn.Sequential(nn.Linear(512, 256), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, classes))
        self.fusion = nn.Sequential(nn.Conv2d(512, 256, 1), nn.ReLU())
        up = nn.Upsample(scale_factor=2)
        # the paper scales colours to 0..1 and ends in a sigmoid; with -1..1 that becomes a tanh
        last = [nn.Conv2d(32, 2, 3, padding=1), nn.Tanh(), up]
        self.colorization = nn.Sequential(
            *_conv(256, 128), up, *_conv(128, 64), *_conv(64, 64), up, *_conv(64, 32), *last
        )

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        resized = F.interpolate(l_B1HW, (224, 224), mode="bilinear", antialias=True)
        whole = self.whole(self.low(resized))
        middle = self.middle(self.low(l_B1HW))
        summary = self.summary(whole)[:, :, None, None].expand(-1, -1, *middle.shape[2:])
        ab = self.colorization(self.fusion(torch.cat([middle, summary], 1)))
        return {"ab": ab, "class_logits": self.classifier(whole)}


def _conv(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
