"""Zhang, Isola and Efros, "Colorful Image Colorization" (2016): colorization as classification.

Reports 1 and 4 build on it. Layers as in the authors' network: 3x3 convolutions with ReLU; each block ends with batch
normalization.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.reports import lab
from scodec.models.reports.lab import AB_UNIT

#: Size of the bins in a* and b*, and the temperature of the annealed mean (section 2.3).
BIN, TEMPERATURE = 10, 0.38
#: Blocks of (channels, convolutions, stride of the last, dilation).
BLOCKS = ((64, 2, 2, 1), (128, 2, 2, 1), (256, 3, 2, 1), (512, 3, 1, 1), (512, 3, 1, 2), (512, 3, 1, 2), (512, 3, 1, 1))


@cache
def bins() -> np.ndarray:
    """Centres of the a*b* bins within the sRGB gamut, float32 (bins, 2).

    These are the bins that contain an sRGB colour: 260. The paper, which does not state its rule, has 313.
    """
    levels = torch.linspace(0, 1, 52, dtype=torch.float32)
    rgb = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).flatten(1)
    ab = lab.from_rgb(rgb[None, :, None])[1][0, :, 0].T * AB_UNIT
    return np.unique(np.rint(ab.numpy() / BIN), axis=0).astype(np.float32) * BIN


class Zhang(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W), "bin_logits": (B, bins, H/4, W/4)}; H and W multiples of 8.

    The colour is the annealed mean of the distribution over the bins.
    """

    size, multiple = 224, 8

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        layers: list[nn.Module] = []
        channels = 1
        for width, count, stride, dilation in BLOCKS:
            for i in range(count):
                step = stride if i == count - 1 else 1
                layers += [nn.Conv2d(channels, width, 3, step, dilation, dilation), nn.ReLU()]
                channels = width
            layers.append(nn.BatchNorm2d(width))
        layers += [nn.ConvTranspose2d(512, 256, 4, 2, 1), nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, len(bins()), 1)]
        self.layers = nn.Sequential(*layers)
        self.register_buffer("centres", torch.from_numpy(bins() / AB_UNIT), persistent=False)

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        logits = self.layers(l_B1HW)
        annealed = torch.softmax(logits.float() / TEMPERATURE, 1)
        ab = torch.einsum("bqhw,qc->bchw", annealed, self.centres)
        return {"ab": F.interpolate(ab, scale_factor=4, mode="bilinear"), "bin_logits": logits}
