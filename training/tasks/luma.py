"""Training task `luma`: the restorer learns to undo the effects of scaling and of the luma coder."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scodec.errors import BadRequest
from scodec.models.receiver.restorer import Restorer, enlarge, expected_error
from scodec.models.receiver.shared import CODERS
from scodec.training.data import pairs
from scodec.training.losses import rms
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Task

#: Finest quantizer of the variants that are used for validation.
WATCHED_FROM = 30


class LumaTask(Task):
    """Batches of (upsampled decoded luma, coder, scale, quantizer) -> luma."""

    replayed = True

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], cache: Path, workers: int) -> None:
        self.recipe = recipe
        known = pairs.load(pairs.prepare(train, cache, workers))
        large = [coded for coded in known if min(coded.y.shape) >= recipe.patch]
        if not large:
            raise BadRequest(f"no picture has a short side of {recipe.patch} pixels: give folders with larger pictures")
        self.pool = pairs.pool(large)
        self.held_out = pairs.load(pairs.prepare(held_out, cache, workers))

    def ready(self, device: torch.device) -> None:
        self.pool = self.pool.to(device)

    def network(self) -> nn.Module:
        return Restorer(**self.recipe.config)

    def groups(self, network: nn.Module) -> list[dict]:
        assert isinstance(network, Restorer)
        network.natural.requires_grad_(False)
        return [{"params": list(network.faithful.parameters()), "share": 1.0}]

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: y_up and y (B, 1, patch, patch) in 0..1; coder (number in CODERS), scale and quantizer (B)."""
        generator = torch.Generator(self.pool.y.device).manual_seed(int(rng.integers(2**62)))
        return self.pool.draw(self.recipe.batch, self.recipe.patch, generator)

    def finished(self, network: nn.Module) -> None:
        """Copy the faithful weights to the natural ones, whose training starts from them: see the task `natural`."""
        assert isinstance(network, Restorer)
        network.natural.load_state_dict(network.faithful.state_dict())

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> Any:
        blank = torch.zeros_like(batch["y_up"])
        return network(batch["y_up"], batch["coder"], batch["scale"], batch["quantizer"], blank, 0)

    def loss(self, output: Any, batch: dict[str, Tensor]) -> Tensor:
        """Error relative to that expected at each quality, so that all qualities count equally."""
        return 100 * rms((output - batch["y"]) / expected_error(batch["coder"], batch["scale"], batch["quantizer"]))

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean gain in luma PSNR (dB) over the upsampled decoded luma, per coder and scale."""
        assert isinstance(network, Restorer)
        gains: dict[str, list[float]] = {}
        for coded in self.held_out:
            for variant in coded.variants:
                if variant.quantizer >= WATCHED_FROM:
                    y, y_up, condition = whole(coded, variant, device)
                    y_hat = network(y_up, *condition, torch.zeros_like(y_up), 0).clamp(0, 1)
                    before, after = (y_up - y).square().mean(), (y_hat - y).square().mean()
                    name = f"gain_{variant.coder}_x{variant.scale}_dB"
                    gains.setdefault(name, []).append(float(10 * torch.log10(before / after)))
        return {name: float(np.mean(values)) for name, values in sorted(gains.items())}


def _condition(variant: pairs.Variant) -> dict[str, Tensor]:
    numbers = {"coder": CODERS[variant.coder], "scale": variant.scale, "quantizer": variant.quantizer}
    return {key: torch.tensor([number]) for key, number in numbers.items()}


def whole(coded: pairs.Coded, variant: pairs.Variant, device: torch.device) -> tuple[Tensor, Tensor, list[Tensor]]:
    """A held-out picture: y and y_up (1, 1, H, W) in 0..1, cropped to multiples of all scales, and its conditions."""
    y = torch.from_numpy(coded.y)[None, None].to(device) / 255
    y = y[..., : y.shape[2] // 24 * 24, : y.shape[3] // 24 * 24]
    decoded = torch.from_numpy(variant.y_small)[None, None].to(device) / 255
    y_up = enlarge(decoded, variant.scale)[..., : y.shape[2], : y.shape[3]]
    return y, y_up, [x.to(device) for x in _condition(variant).values()]
