"""Report 1: colorization, then super-resolution by 2 with EDSR (edsr.py). This is the colorizer, in three variants.

The report names the feature extractors but does not specify the layers. It builds on "Deep Koalarization", whose
encoder, fusion and decoder are used here.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.reports.backbones import as_rgb, backbone
from scodec.models.reports.koalarization import decoder, encoder

#: Names of the feature extractors in timm.
EXTRACTORS = {"xception": "legacy_xception", "resnet50": "resnet50"}


class SuperColorization(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1}; H and W multiples of 8.

    extractor: None (a plain ConvNet), "xception" or "resnet50", whose 2048 pooled features are concatenated to the
    encoder's features at every position.
    """

    size, multiple = 224, 8

    def __init__(self, extractor: str | None = None, pretrained: bool = False) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"extractor": extractor}
        self.encoder = encoder()
        self.extractor = backbone(EXTRACTORS[extractor], pretrained, num_classes=0) if extractor else None
        self.fusion = nn.Sequential(nn.Conv2d(256 + (2048 if extractor else 0), 256, 1), nn.ReLU())
        self.decoder = decoder()

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        features = self.encoder(l_B1HW)
        if self.extractor is not None:
            resized = F.interpolate(l_B1HW, (224, 224), mode="bilinear", antialias=True)
            pooled = self.extractor(as_rgb(resized))[:, :, None, None].expand(-1, -1, *features.shape[2:])
            features = torch.cat([features, pooled], 1)
        return {"ab": self.decoder(self.fusion(features))}
