"""CIELAB (D65) as the systems of the reports take it: L* - 50 over 50, a* and b* over 128, all within -1..1."""

import torch
from torch import Tensor

#: a* and b* at the end of the scale: sRGB reaches from -108 to 98.
AB_UNIT = 128.0


def from_rgb(rgb_B3HW: Tensor) -> tuple[Tensor, Tensor]:
    """sRGB in 0..1 -> lightness (B, 1, H, W) and colour (B, 2, H, W) in -1..1."""
    from kornia.color import rgb_to_lab

    with torch.autocast(rgb_B3HW.device.type, enabled=False):
        lab = rgb_to_lab(rgb_B3HW.float())
    return lab[:, :1] / 50 - 1, lab[:, 1:] / AB_UNIT


def to_rgb(l_B1HW: Tensor, ab_B2HW: Tensor) -> Tensor:
    """The inverse of `from_rgb`; colours that sRGB has not are clipped."""
    from kornia.color import lab_to_rgb

    lab = torch.cat([(l_B1HW.float() + 1) * 50, ab_B2HW.float() * AB_UNIT], 1)
    with torch.autocast(lab.device.type, enabled=False):
        return lab_to_rgb(lab, clip=True)
