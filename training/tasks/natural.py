"""Training task `natural`: the restorer's natural weights learn to put back texture."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scodec.models.receiver.restorer import Restorer, expected_error
from scodec.training.perception import FeatureCritic, Features, PatchCritic, distance, unlike
from scodec.training.recipe import Recipe
from scodec.training.tasks.luma import WATCHED_FROM, LumaTask, whole

#: Weights of the absolute error, in units of what each quality makes of it, and of textures that differ, beside the
#: distance of features: its gradient is then some sixty and three times theirs.
ABSOLUTE, TEXTURE = 20.0, 1.0
#: Resolutions of the features that the losses and critics look at.
LEVELS = 5


class Critic(nn.Module):
    """Judges planes (luma and enlarged decoded luma) by patches, and features of the luma.

    It sees what the restorer was given, so texture has to go with that.
    """

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.patches = PatchCritic(2)
        self.features = FeatureCritic(channels)

    def forward(self, seen: list[Tensor]) -> list[Tensor]:
        return self.patches(seen[0]) + self.features(seen[1:])


class NaturalTask(LumaTask):
    """Batches of (enlarged decoded luma, coder, scale, quantizer, noise) -> luma."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], cache: Path, workers: int) -> None:
        super().__init__(recipe, train, held_out, cache, workers)
        self.features = Features(LEVELS, 1)

    def ready(self, device: torch.device) -> None:
        super().ready(device)
        self.features.to(device)

    def groups(self, network: nn.Module) -> list[dict]:
        assert isinstance(network, Restorer)
        network.faithful.requires_grad_(False)
        return [{"params": list(network.natural.parameters()), "share": 1.0}]

    def finished(self, network: nn.Module) -> None:
        """Nothing: the faithful side is as it was."""

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        batch = super().batch(rng)
        y = batch["y"]
        generator = torch.Generator(y.device).manual_seed(int(rng.integers(2**62)))
        return batch | {"noise": 2 * torch.rand(y.shape, generator=generator, device=y.device) - 1}

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> Any:
        made = network(batch["y_up"], batch["coder"], batch["scale"], batch["quantizer"], batch["noise"], 1)
        output = {"made": made}
        with torch.no_grad():
            wanted = self.features(batch["y"])
        for level, (mine, true) in enumerate(zip(self.features(made), wanted, strict=True)):
            output |= {f"seen{level}": mine, f"wanted{level}": true}
        return output

    def loss(self, output: Any, batch: dict[str, Tensor]) -> Tensor:
        made, wanted = ([output[f"{kind}{level}"] for level in range(LEVELS)] for kind in ("seen", "wanted"))
        unit = expected_error(batch["coder"], batch["scale"], batch["quantizer"])
        absolute = ((output["made"] - batch["y"]) / unit).abs().mean()
        return distance(made, wanted).mean() + TEXTURE * unlike(made, wanted).mean() + ABSOLUTE * absolute

    def critic(self) -> nn.Module:
        return Critic(self.features.channels)

    def judged(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        y_up, levels = batch["y_up"], range(LEVELS)
        real = [torch.cat([batch["y"], y_up], 1), *(output[f"wanted{level}"] for level in levels)]
        return real, [torch.cat([output["made"], y_up], 1), *(output[f"seen{level}"] for level in levels)]

    def made(self, output: dict[str, Tensor]) -> Tensor:
        return output["made"]

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Of vvc and both looks, means over the pictures held out: gain in luma PSNR (dB), distance of features, and
        detail (deviation from the mean of 3 x 3 pixels) over the original's."""
        assert isinstance(network, Restorer)
        values: dict[str, list[float]] = {}
        watched = [
            (coded, variant)
            for coded in self.held_out
            for variant in coded.variants[:8]
            if variant.coder == "vvc" and variant.quantizer >= WATCHED_FROM
        ]
        for coded, variant in watched:
            y, y_up, condition = whole(coded, variant, device)
            noise = torch.rand(y.shape, generator=torch.Generator().manual_seed(1)).to(device) * 2 - 1
            wanted = self.features(y)
            for name, look in (("faithful", 0), ("natural", 1)):
                y_hat = network(y_up, *condition, noise, look).clamp(0, 1)
                gain = 10 * torch.log10((y_up - y).square().mean() / (y_hat - y).square().mean())
                values.setdefault(f"{name}_gain_dB", []).append(float(gain))
                values.setdefault(f"{name}_distance", []).append(float(distance(self.features(y_hat), wanted)))
                values.setdefault(f"{name}_detail", []).append(float(_detail(y_hat) / _detail(y)))
        return {name: round(float(np.mean(each)), 4) for name, each in values.items()}


def _detail(y_11HW: Tensor) -> Tensor:
    return (y_11HW - nn.functional.avg_pool2d(y_11HW, 3, 1, 1)).std()
