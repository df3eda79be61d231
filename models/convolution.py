"""3 x 3 convolutions, most of the arithmetic of a decoding, by the fastest way that the processor has."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

#: Pixels, and channels on either side, from which on NNPACK is faster: it has to transform weights and planes.
SMALLEST, NARROWEST = 32 * 32, 32


def winograd(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether NNPACK, which comes with torch, is worth calling: for float32 on processors with AVX2 but not AVX-512.

    It multiplies less than half as often (Winograd's minimal filtering, Lavin and Gray 2016), 8 numbers at a time;
    oneDNN, which torch calls by itself, makes up for that with 16 at a time. NNPACK wants planes one after the other
    (torch.contiguous_format), oneDNN the channels of a pixel (torch.channels_last).
    """
    return device.type == "cpu" and dtype == torch.float32 and _has_winograd()


@cache
def _has_winograd() -> bool:
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx2")) and not able.get("avx512_f") and torch.backends.nnpack.is_available()


def conv3x3(x_BCHW: Tensor, weight_OC33: Tensor, bias_O: Tensor | None) -> Tensor:
    """A convolution with a padding of 1."""
    large = x_BCHW[0, 0].numel() >= SMALLEST and min(weight_OC33.shape[:2]) >= NARROWEST
    fits = large and not torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
    if fits and winograd(x_BCHW.device, x_BCHW.dtype) and weight_OC33.dtype == torch.float32:
        return torch._nnpack_spatial_convolution(x_BCHW.contiguous(), weight_OC33.contiguous(), bias_O, padding=1)
    return F.conv2d(x_BCHW, weight_OC33, bias_O, padding=1)
