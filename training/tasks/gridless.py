"""Training task `gridless`: the restorer's natural weights unlearn the grid that they draw on smooth areas.

The natural look's texture has a part that repeats with the stride of the network, a faint regular pattern on skin and
walls. Here the network learns from its own pictures, less that part; the texture stays.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.receiver.restorer import Restorer, expected_error
from scodec.training.tasks.luma import whole
from scodec.training.tasks.natural import NaturalTask

#: Stride of the network in pixels, with which the pattern repeats.
PERIOD = Restorer.multiple
#: Standard deviations of the windows that separate texture from shading (pixels), and the pattern from other texture
#: (periods).
FINE, NEAR = 4.0, 2.0
#: Weight of the pattern's error relative to that of the picture.
WEIGHT = 10.0


def pattern(texture_B1HW: Tensor) -> Tensor:
    """The part of a texture that repeats with `PERIOD`, estimated from some fifty periods around each pixel."""
    fine = texture_B1HW - _blurred(texture_B1HW, FINE)
    return F.pixel_shuffle(_blurred(F.pixel_unshuffle(fine, PERIOD), NEAR), PERIOD)


def _blurred(planes_BCHW: Tensor, deviation: float) -> Tensor:
    reach = round(3 * deviation)
    weights = torch.exp(-(torch.arange(-reach, reach + 1, device=planes_BCHW.device) ** 2) / (2 * deviation**2))
    kernel = (weights / weights.sum()).expand(planes_BCHW.shape[1], 1, 1, -1)
    padded = F.pad(planes_BCHW, (reach,) * 4, mode="replicate")
    groups = planes_BCHW.shape[1]
    return F.conv2d(F.conv2d(padded, kernel, groups=groups), kernel.mT, groups=groups)


class GridlessTask(NaturalTask):
    """Batches of (upsampled decoded luma, coder, scale, quantizer, noise) -> natural luma without the pattern."""

    def groups(self, network: nn.Module) -> list[dict]:
        assert isinstance(network, Restorer)
        self.teacher = copy.deepcopy(network).requires_grad_(False)  # the network before training
        return super().groups(network)

    def critic(self) -> None:
        return None

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> Any:
        inputs = [batch[name] for name in ("y_up", "coder", "scale", "quantizer", "noise")]
        with torch.no_grad():
            faithful, natural = (self.teacher(*inputs, look) for look in (0, 1))
        return {"made": network(*inputs, 1), "faithful": faithful, "natural": natural}

    def loss(self, output: Any, batch: dict[str, Tensor]) -> Tensor:
        unit = expected_error(batch["coder"], batch["scale"], batch["quantizer"])
        faithful = output["faithful"]
        target = output["natural"] - pattern(output["natural"] - faithful)
        error = ((output["made"] - target) / unit).square().mean()
        left = (pattern(output["made"] - faithful) / unit).square().mean()
        return 1e4 * (error + WEIGHT * left)

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """As in `NaturalTask`, and the RMS of the pattern in levels, as it was and as it is."""
        found = []
        for coded in self.held_out:
            _, y_up, condition = whole(coded, coded.variants[0], device)
            noise = torch.rand(y_up.shape, generator=torch.Generator().manual_seed(1)).to(device) * 2 - 1
            faithful, before = (self.teacher(y_up, *condition, noise, look) for look in (0, 1))
            after = network(y_up, *condition, noise, 1)
            found.append([float(pattern(each - faithful).square().mean()) for each in (before, after)])
        before, after = 255 * torch.tensor(found).mean(0).sqrt()
        figures = super().validate(network, device)
        return figures | {"pattern_before": round(float(before), 3), "pattern": round(float(after), 3)}
