"""Full-size RGB from luma and chroma, in horizontal strips; shared by all receivers."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

#: Rows per strip.
STRIP = 256


def padded(x: Tensor, multiple: int) -> Tensor:
    """Pad the lower and right edges by replication, so that both sides are multiples of `multiple`."""
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def rgb_by_strips(y_B1HW: Tensor, chroma: Callable[[int, Tensor], Tensor]) -> Tensor:
    """Luma (B, 1, H, W) in 0..1 -> RGB (uint8, B x H x W x 3), on the same device.

    chroma: called with the first row of a strip and its luma; returns Cb and Cr (B, 2, rows, W) in 8-bit levels.
    """
    batch, _, height, width = y_B1HW.shape
    rgb = torch.empty((batch, height, width, 3), dtype=torch.uint8, device=y_B1HW.device)
    for top in range(0, height, STRIP):
        strip = y_B1HW[:, :, top : top + STRIP]
        cb, cr = chroma(top, strip).unbind(1)
        luma = strip[:, 0] * 255
        channels = luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb
        rgb[:, top : top + STRIP] = torch.stack(channels, 3).round_().clamp_(0, 255)
    return rgb


def enlarged_rows(planes: Tensor, top: int, height: int, width: int, extent: tuple[int, int]) -> Tensor:
    """One strip, from row `top`, of the bicubic upsampling of planes (B, C, h, w).

    extent: height and width (pixels) that the planes cover, of which the picture is the upper left `height` x `width`.
    """
    rows = torch.arange(top, min(top + STRIP, height), device=planes.device, dtype=torch.float32)
    columns = torch.arange(width, device=planes.device, dtype=torch.float32)
    y, x = (rows + 0.5) / extent[0] * 2 - 1, (columns + 0.5) / extent[1] * 2 - 1
    grid = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], 2).expand(len(planes), -1, -1, -1)
    return F.grid_sample(planes, grid, mode="bicubic", padding_mode="border", align_corners=False)
