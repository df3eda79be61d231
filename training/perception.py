"""Losses of the natural look: distances of ImageNet features, and critics (discriminators) of features and patches."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from scodec.models.efficientnet import LEVELS, imagenet

#: Sides of the windows of `unlike`, in positions at each resolution (16 to 64 pixels).
WINDOWS = (8, 8, 4, 4)


class Features(nn.Module):
    """Frozen EfficientNet-Lite0: pictures (B, 1 or 3, H, W; 0..1) -> features at the first `levels` resolutions."""

    def __init__(self, levels: int, inputs: int = 3) -> None:
        super().__init__()
        self.network = imagenet("lite0", inputs).eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.network.stages = self.network.stages[: LEVELS[levels - 1] + 1]
        self.channels = self.network.channels[:levels]

    def forward(self, picture: Tensor) -> list[Tensor]:
        return self.network((picture * 2 - 1).contiguous(memory_format=torch.channels_last))


def distance(made: list[Tensor], true: list[Tensor]) -> Tensor:
    """LPIPS without learned weights (Zhang et al. 2018, eq. 1), per sample.

    Features are normalized to unit length; their squared difference is averaged over positions and summed over levels.
    """
    return torch.stack(
        [(_unit(a.float()) - _unit(b.float())).square().sum(1).mean((1, 2)) for a, b in zip(made, true, strict=True)]
    ).sum(0)


def unlike(made: list[Tensor], true: list[Tensor]) -> Tensor:
    """Difference in the local energy of the finer features, regardless of where exactly structures lie, per sample.

    The texture term of DISTS (Ding et al. 2020, eq. 2), but over windows instead of the whole picture, and of standard
    deviations instead of means.
    """
    total = torch.zeros((), device=made[0].device)
    for window, one, other in zip(WINDOWS, made, true, strict=False):
        ours, target = _variance(one.float(), window), _variance(other.float(), window)
        total = total + (1 - (2 * (ours * target + 1e-8).sqrt() + 1e-2) / (ours + target + 1e-2)).mean((1, 2, 3))
    return total


def _variance(features: Tensor, window: int) -> Tensor:
    mean = F.avg_pool2d(features, window, window // 2)
    return (F.avg_pool2d(features.square(), window, window // 2) - mean.square()).clamp_min(0)


def _unit(features: Tensor) -> Tensor:
    return features * torch.rsqrt(features.square().sum(1, keepdim=True) + 1e-4)


class FeatureCritic(nn.Module):
    """Projected discriminator (Sauer et al. 2021, section 3.2): small critics on each resolution of frozen features."""

    def __init__(self, channels: list[int], width: int = 128) -> None:
        super().__init__()
        leaky = nn.LeakyReLU(0.2)
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(count, width, 1)), leaky,
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)), leaky,
                spectral_norm(nn.Conv2d(width, 1, 1)),
            )
            for count in channels
        )  # fmt: skip

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [head(each) for head, each in zip(self.heads, features, strict=True)]


class PatchCritic(nn.Module):
    """Critic of patches: planes (B, inputs, H, W; 0..1) -> logits at 1/8 of the size."""

    def __init__(self, inputs: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [spectral_norm(nn.Conv2d(inputs, width, 3, padding=1)), nn.LeakyReLU(0.2)]
        for i, outputs in enumerate((width, 2 * width, 4 * width)):
            before = width * max(1, 2 ** (i - 1))
            layers += [spectral_norm(nn.Conv2d(before, outputs, 4, 2, 1)), nn.LeakyReLU(0.2)]
            layers += [spectral_norm(nn.Conv2d(outputs, outputs, 3, padding=1)), nn.LeakyReLU(0.2)]
        layers.append(spectral_norm(nn.Conv2d(4 * width, 1, 1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, planes: Tensor) -> list[Tensor]:
        return [self.layers((planes * 2 - 1).contiguous(memory_format=torch.channels_last))]
