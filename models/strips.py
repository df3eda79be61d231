"""Full-size colour a strip at a time: what the receivers share."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

#: Rows of the picture that are coloured at a time.
STRIP = 256


def padded(x: Tensor, multiple: int) -> Tensor:
    """Replicate the lower and right edges up to a multiple."""
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def rgb_by_strips(y_11HW: Tensor, chroma: Callable[[int, Tensor], Tensor]) -> np.ndarray:
    """RGB (uint8, H x W x 3) of a luma; `chroma` gives the levels from a top row on, for a strip of luma."""
    height, width = y_11HW.shape[2:]
    rgb = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, STRIP):
        strip = y_11HW[:, :, top : top + STRIP]
        cb, cr = chroma(top, strip)[0]
        luma = strip[0, 0] * 255
        channels = luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb
        rgb[top : top + STRIP] = torch.stack(channels, 2).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return rgb


def enlarged_rows(planes: Tensor, top: int, height: int, width: int, extent: tuple[int, int]) -> Tensor:
    """A strip of the bicubic enlargement of planes (1, C, h, w) to an extent, of which height x width are wanted."""
    rows = torch.arange(top, min(top + STRIP, height), device=planes.device, dtype=torch.float32)
    columns = torch.arange(width, device=planes.device, dtype=torch.float32)
    y, x = (rows + 0.5) / extent[0] * 2 - 1, (columns + 0.5) / extent[1] * 2 - 1
    where = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], 2)[None]
    return F.grid_sample(planes, where, mode="bicubic", padding_mode="border", align_corners=False)
