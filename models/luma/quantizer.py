"""The quantizer, 0 to 63, as the learned luma coder is told of it: a step, a band, gains and planes."""

import torch
from torch import Tensor

#: Quantization step at quantizer 0 and at quantizer 63, for coefficients of an orthonormal transform of luma in 0..1.
FINEST, COARSEST = 3 / 255, 192 / 255
#: Number of bands of quantizers. Each band has its own probability tables for z, whose share of the bits is largest at
#: low rates.
BANDS = 4
#: Number of knots of the log gains, which are piecewise linear in the quantizer (see `interpolated`).
KNOTS = 5


def step(quantizer_B: Tensor) -> Tensor:
    """Quantization step of each quantizer (0 to 63)."""
    return FINEST * (COARSEST / FINEST) ** (quantizer_B.float() / 63)


def interpolated(logs: Tensor, quantizer_B: Tensor) -> Tensor:
    """Piecewise linear functions of the quantizer, evaluated at the quantizers: (B, C, 1, 1).

    logs (knots, C): their offset, their slope, and the values that are added at the inner knots.
    """
    q, last = normalized(quantizer_B)[:, None], len(logs) - 1
    value = logs[0] + logs[1] * q
    for knot in range(1, last):
        value = value + logs[knot + 1] * (1 - (q * last - knot).abs()).clamp_min(0)
    return value[:, :, None, None]


def with_planes(planes: Tensor, quantizer_B: Tensor) -> Tensor:
    """Append two constant planes that encode the quantizer: q and q^4, with q = quantizer / 63."""
    q = normalized(quantizer_B).to(planes.dtype)
    numbers = torch.stack([q, q * q * q * q], 1)[:, :, None, None]
    return torch.cat([planes, numbers.expand(-1, -1, *planes.shape[2:])], 1)


def normalized(quantizer_B: Tensor) -> Tensor:
    """The quantizer from 0 to 1."""
    return quantizer_B.float() / 63


def band(quantizer_B: Tensor) -> Tensor:
    """The band (0 to BANDS - 1) of each quantizer."""
    return quantizer_B * BANDS // 64
