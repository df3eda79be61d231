"""The first two rows of report 5's table: a plain CNN, and the same CNN with an additional classifier."""

from typing import Any

from torch import Tensor, nn


class DTUCNN(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1} and, with classes, {"class_logits": (B, classes)}.

    H and W must be multiples of 16. The report does not specify the layers. Here they are four strided convolutions, up
    to 512 channels, four upsampling steps, batch normalization, and a classifier on the encoder's pooled features.
    """

    size, multiple = 256, 16

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"classes": classes}
        widths = (64, 128, 256, 512)
        self.encoder = nn.Sequential(
            *(_layer(inputs, outputs, 2) for inputs, outputs in zip((1, *widths[:-1]), widths, strict=True))
        )
        self.classifier = None
        if classes:
            self.classifier = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, classes)
            )
        upsampling = [
            nn.Sequential(nn.Upsample(scale_factor=2), _layer(inputs, outputs, 1))
            for inputs, outputs in ((512, 256), (256, 128), (128, 64), (64, 32))
        ]
        self.decoder = nn.Sequential(*upsampling, nn.Conv2d(32, 2, 3, padding=1), nn.Tanh())

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        features = self.encoder(l_B1HW)
        outputs = {"ab": self.decoder(features)}
        return outputs if self.classifier is None else outputs | {"class_logits": self.classifier(features)}


def _layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU())
