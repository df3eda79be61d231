"""Feature extractors from timm, with their published ImageNet weights where available."""

from typing import Any

from torch import Tensor, nn

from scodec.errors import Unsupported
from scodec.extras import require

#: ImageNet's mean and standard deviation of R, G, B (0..1).
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def backbone(name: str, pretrained: bool, **options: Any) -> nn.Module:
    """A network from timm. Raises Unsupported if timm is not installed or `pretrained` weights can't be downloaded."""
    require("train")
    import timm

    try:
        return timm.create_model(name, pretrained=pretrained, **options)
    except Exception as error:  # the hub's client raises many kinds
        if not pretrained:
            raise
        reason = str(error).splitlines()[0][:120]
        raise Unsupported(
            f"the pretrained weights of {name} can't be downloaded ({reason}): connect to the internet, or use "
            "--no-pretrained to train the backbone from scratch"
        ) from error


def as_rgb(l_B1HW: Tensor) -> Tensor:
    """Lightness (-1..1) repeated to three channels and normalized with ImageNet's statistics (B, 3, H, W)."""
    mean, std = (l_B1HW.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((l_B1HW + 1) / 2 - mean) / std
