"""Report 5's first two rows: a plain CNN, and the same with a classifier beside it."""

from typing import Any

from torch import Tensor, nn


class DTUCNN(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1} and, with classes, {"class_logits": (B, classes)}.

    H and W multiples of 16. The report leaves the layers open: four strides down to 512 channels, four steps up, batch
    normalization, and the classifier on the pooled features at the bottom.
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
        growing = [
            nn.Sequential(nn.Upsample(scale_factor=2), _layer(inputs, outputs, 1))
            for inputs, outputs in ((512, 256), (256, 128), (128, 64), (64, 32))
        ]
        self.decoder = nn.Sequential(*growing, nn.Conv2d(32, 2, 3, padding=1), nn.Tanh())

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        features = self.encoder(l_B1HW)
        outputs = {"ab": self.decoder(features)}
        return outputs if self.classifier is None else outputs | {"class_logits": self.classifier(features)}


def _layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU())
