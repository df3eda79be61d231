"""Report 2's super-resolution: SRResNet, and the critic (discriminator) of SRGAN (Ledig et al. 2017, figure 4)."""

from typing import Any

from torch import Tensor, nn


class SRResNet(nn.Module):
    """RGB (B, 3, H, W) in 0..1 -> {"rgb": (B, 3, scale H, scale W)}; scale a power of two.

    x -> 9x9, PReLU -> [blocks of conv, norm, PReLU, conv, norm] -> conv, norm --(+)-> up -> 9x9
    """

    def __init__(self, blocks: int = 16, scale: int = 2) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"blocks": blocks, "scale": scale}
        self.scale = scale
        self.head = nn.Sequential(nn.Conv2d(3, 64, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(
            *(_Block() for _ in range(blocks)), nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64)
        )
        up = [
            layer
            for _ in range(scale.bit_length() - 1)
            for layer in (nn.Conv2d(64, 256, 3, padding=1), nn.PixelShuffle(2), nn.PReLU())
        ]
        self.tail = nn.Sequential(*up, nn.Conv2d(64, 3, 9, padding=4))

    def forward(self, rgb_B3HW: Tensor) -> dict[str, Tensor]:
        x = self.head(rgb_B3HW)
        return {"rgb": self.tail(x + self.body(x))}


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64), nn.PReLU(),
            nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class SRCritic(nn.Module):
    """RGB (B, 3, H, W) in 0..1 -> logits (B, 1; positive: real). Pooled to 6 x 6 before the dense layers."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1), nn.LeakyReLU(0.2)]
        channels = 64
        for width, stride in ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)):
            layers += [nn.Conv2d(channels, width, 3, stride, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
            channels = width
        dense = [nn.Linear(512 * 36, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 1)]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(6), nn.Flatten(), *dense)

    def forward(self, rgb_B3HW: Tensor) -> Tensor:
        return self.layers(rgb_B3HW)
