"""Report 3: VGG16 as the encoder, followed by a small decoder."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.reports.backbones import as_rgb, backbone


class VGG16Autoencoder(nn.Module):
    """L (B, 1, H, W) in -1..1 -> {"ab": (B, 2, H, W) in -1..1}; H and W multiples of 56.

    The report has inputs of 224 x 224 and 4 x 4 x 512 features. VGG16 gives such features for inputs of 128 x 128, and
    the decoder upsamples them (by 7, 2, 2 and 2) to 224 x 224, so L is first reduced to 4/7. The encoder is frozen if
    its weights are pretrained; otherwise it would be random, so it is trained too.
    """

    size, multiple = 224, 56

    def __init__(self, pretrained: bool = False) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        encoder = backbone("vgg16", pretrained).features
        assert isinstance(encoder, nn.Module)
        self.encoder = encoder
        self.encoder.requires_grad_(not pretrained)

        def conv(inputs: int, outputs: int) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]

        up = nn.Upsample(scale_factor=2)
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=7), *conv(512, 128), up, *conv(128, 64), *conv(64, 64), up, *conv(64, 32),
            nn.Conv2d(32, 2, 3, padding=1), nn.Tanh(), up,
        )  # fmt: skip

    def forward(self, l_B1HW: Tensor) -> dict[str, Tensor]:
        height, width = (side // 7 * 4 for side in l_B1HW.shape[2:])
        resized = F.interpolate(l_B1HW, (height, width), mode="bilinear", antialias=True)
        return {"ab": self.decoder(self.encoder(as_rgb(resized)))}
