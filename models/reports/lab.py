"""CIELAB (D65) as scaled for the systems of the reports: (L* - 50) / 50, a* / 128 and b* / 128, all within -1..1."""

import torch
from torch import Tensor

#: The value of a* and b* that is scaled to 1; those of sRGB colours range from -108 to 98.
AB_UNIT = 128.0

# Linear sRGB -> XYZ (IEC 61966-2-1), and the D65 white point of the 2 degree observer.
_XYZ_OF_RGB = [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
_WHITE = [0.95047, 1.0, 1.08883]
# Below this value CIELAB's cube root is replaced by a line of this slope (CIE 15:2004, section 8.2.1.1).
_KNEE, _SLOPE = (6 / 29) ** 3, (29 / 6) ** 2 / 3


def from_rgb(rgb_B3HW: Tensor) -> tuple[Tensor, Tensor]:
    """sRGB in 0..1 -> lightness (B, 1, H, W) and colour (B, 2, H, W) in -1..1."""
    rgb = rgb_B3HW.float()
    with torch.autocast(rgb.device.type, enabled=False):
        linear = torch.where(rgb > 0.04045, ((rgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
        t = _mixed(rgb.new_tensor(_XYZ_OF_RGB), linear) / rgb.new_tensor(_WHITE)[:, None, None]
        f = torch.where(t > _KNEE, t.clamp_min(_KNEE) ** (1 / 3), _SLOPE * t + 4 / 29)
        x, y, z = f.split(1, 1)
    return (116 * y - 16) / 50 - 1, torch.cat([500 * (x - y), 200 * (y - z)], 1) / AB_UNIT


def to_rgb(l_B1HW: Tensor, ab_B2HW: Tensor) -> Tensor:
    """The inverse of `from_rgb`; colours outside sRGB are clipped."""
    lightness, ab = (l_B1HW.float() + 1) * 50, ab_B2HW.float() * AB_UNIT
    with torch.autocast(lightness.device.type, enabled=False):
        y = (lightness + 16) / 116
        f = torch.cat([y + ab[:, :1] / 500, y, (y - ab[:, 1:] / 200).clamp_min(0)], 1)
        t = torch.where(f > 6 / 29, f.clamp_min(6 / 29) ** 3, (f - 4 / 29) / _SLOPE)
        xyz = t * t.new_tensor(_WHITE)[:, None, None]
        linear = _mixed(torch.linalg.inv(t.new_tensor(_XYZ_OF_RGB)), xyz)
        rgb = torch.where(linear > 0.0031308, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear)
    return rgb.clamp(0, 1)


def _mixed(matrix: Tensor, planes: Tensor) -> Tensor:
    """Apply a matrix to the channels of planes (B, 3, H, W)."""
    return torch.einsum("ij,bjhw->bihw", matrix, planes)
