"""Training task `natural`: the restorer's natural weights learn to synthesize texture."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scodec.models.receiver.restorer import Restorer, expected_error
from scodec.training.perception import FeatureCritic, Features, PatchCritic, distance, unlike
from scodec.training.recipe import Recipe
from scodec.training.tasks.luma import WATCHED_FROM, LumaTask, whole

#: Weights of the absolute error (relative to that expected at each quality) and of the texture loss (`unlike`). The
#: gradient of the feature distance, whose weight is 1, is then about 60 and 3 times as large as theirs, respectively.
ABSOLUTE, TEXTURE = 20.0, 1.0
#: Number of resolutions of the features that losses and critics use.
LEVELS = 5


class Critic(nn.Module):
    """Critic of patches of the planes (luma and upsampled decoded luma), and of features of the luma.

    Its input includes that of the restorer, so that texture has to be consistent with it.
    """

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.patches = PatchCritic(2)
        self.features = FeatureCritic(channels)

    def forward(self, seen: list[Tensor]) -> list[Tensor]:
        """The planes (B, 2, H, W) and the features of every resolution -> logits."""
        return self.patches(seen[0]) + self.features(seen[1:])


class NaturalTask(LumaTask):
    """Batches of (upsampled decoded luma, coder, scale, quantizer, noise) -> luma."""

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
        """Nothing to do: the faithful weights have not changed."""

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        batch = super().batch(rng)
        y = batch["y"]
        generator = torch.Generator(y.device).manual_seed(int(rng.integers(2**62)))
        return batch | {"noise": 2 * torch.rand(y.shape, generator=generator, device=y.device) - 1}

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> Any:
        made = network(batch["y_up"], batch["coder"], batch["scale"], batch["quantizer"], batch["noise"], 1)
        output = {"made": made}
        with torch.no_grad():
            target = self.features(batch["y"])
        for level, (fake, true) in enumerate(zip(self.features(made), target, strict=True)):
            output |= {f"fake{level}": fake, f"target{level}": true}
        return output

    def loss(self, output: Any, batch: dict[str, Tensor]) -> Tensor:
        fake, target = ([output[f"{kind}{level}"] for level in range(LEVELS)] for kind in ("fake", "target"))
        unit = expected_error(batch["coder"], batch["scale"], batch["quantizer"])
        absolute = ((output["made"] - batch["y"]) / unit).abs().mean()
        return distance(fake, target).mean() + TEXTURE * unlike(fake, target).mean() + ABSOLUTE * absolute

    def critic(self) -> nn.Module:
        return Critic(self.features.channels)

    def judged(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        y_up, levels = batch["y_up"], range(LEVELS)
        real = [torch.cat([batch["y"], y_up], 1), *(output[f"target{level}"] for level in levels)]
        return real, [torch.cat([output["made"], y_up], 1), *(output[f"fake{level}"] for level in levels)]

    def made(self, output: dict[str, Tensor]) -> Tensor:
        return output["made"]

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Means over the held-out pictures coded by vvc, for both looks.

        They are gain in luma PSNR (dB), distance of features, and detail (standard deviation of the difference from the
        mean of 3 x 3 pixels) relative to the original's.
        """
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
            target = self.features(y)
            for name, look in (("faithful", 0), ("natural", 1)):
                y_hat = network(y_up, *condition, noise, look).clamp(0, 1)
                gain = 10 * torch.log10((y_up - y).square().mean() / (y_hat - y).square().mean())
                values.setdefault(f"{name}_gain_dB", []).append(float(gain))
                values.setdefault(f"{name}_distance", []).append(float(distance(self.features(y_hat), target)))
                values.setdefault(f"{name}_detail", []).append(float(_detail(y_hat) / _detail(y)))
        return {name: round(float(np.mean(each)), 4) for name, each in values.items()}


def _detail(y_11HW: Tensor) -> Tensor:
    return (y_11HW - nn.functional.avg_pool2d(y_11HW, 3, 1, 1)).std()
