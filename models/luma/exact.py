"""Fixed-point convolutions: the same results on every device, in every library version, with any number of threads.

Activations are integers in units of 1/256, weights integers in units of 1/4096. Both are stored as float64, in which
sums are exact below 2^53; |activation| <= 2^18, |weight| < 2^16 and at most 2^13 terms give at most 2^47. The result
therefore depends neither on the order of the additions nor on whether a library fuses operations.
"""

from torch import Tensor, nn
from torch.nn import functional as F

#: Fractional bits of activations and of weights.
ACTIVATION_BITS, WEIGHT_BITS = 8, 12
#: The number 1 as an activation.
UNIT = 1 << ACTIVATION_BITS
#: Largest magnitude of an activation and of a weight, in their units.
LARGEST, LARGEST_WEIGHT = 1 << 18, (1 << 16) - 1
#: Largest number of terms of a sum.
TERMS = 1 << 13


def to_fixed(x: Tensor) -> Tensor:
    """Real numbers -> fixed-point activations."""
    return (x.double() * UNIT).round().clamp(-LARGEST, LARGEST)


def run(layers: nn.Sequential, x: Tensor) -> Tensor:
    """Run fixed-point activations through convolutions, ReLU and nearest-neighbour upsampling."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            x = _convolved(layer, x)
        elif isinstance(layer, nn.ReLU):
            x = x.clamp_min(0)
        elif isinstance(layer, nn.Upsample):
            x = F.interpolate(x, scale_factor=layer.scale_factor)
        else:
            raise TypeError(f"{type(layer).__name__} has no fixed-point implementation")
    return x


def _convolved(layer: nn.Conv2d, x: Tensor) -> Tensor:
    weight = (layer.weight.double() * (1 << WEIGHT_BITS)).round().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT)
    if weight[0].numel() > TERMS:
        raise ValueError(f"a sum of {weight[0].numel()} terms may not be exact")
    assert layer.bias is not None
    bias = (layer.bias.double() * (1 << (WEIGHT_BITS + ACTIVATION_BITS))).round() + (1 << (WEIGHT_BITS - 1))
    total = F.conv2d(x, weight, None, layer.stride, layer.padding)
    total += bias[:, None, None]  # in place, like the rest: allocating memory takes longer than the arithmetic
    # a division by a power of two is exact, and so is the floor
    return total.div_(1 << WEIGHT_BITS).floor_().clamp_(-LARGEST, LARGEST)
