"""Training task `luma`: the restorer learns to undo what scaling and the luma coder did."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from scodec.models.restorer import Restorer, enlarge, expected_error
from scodec.training import pairs
from scodec.training.losses import rms
from scodec.training.recipe import Recipe

# Low-resolution pixels around a patch that bicubic enlargement reads.
_MARGIN = 4


class LumaTask:
    """Batches of (enlarged decoded luma, scale, quantizer) -> luma."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], cache: Path, workers: int) -> None:
        self.recipe = recipe
        self.train = [pairs.load(path) for path in pairs.prepare(train, cache, workers)]
        self.train = [coded for coded in self.train if min(coded.y.shape) >= recipe.patch]
        self.held_out = [pairs.load(path) for path in pairs.prepare(held_out, cache, workers)]

    def network(self) -> nn.Module:
        return Restorer()

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: y_up and y (B, 1, patch, patch) in 0..1, scale and quantizer (B)."""
        picks: list[tuple[Tensor, Tensor, int, int]] = []
        while len(picks) < self.recipe.batch:
            coded = self.train[rng.integers(len(self.train))]
            picks.append(self._patch(coded, *coded.variants[rng.integers(len(coded.variants))], rng))
        y_up, y, scale, quantizer = zip(*picks, strict=True)
        return {
            "y_up": torch.cat(y_up),
            "y": torch.cat(y),
            "scale": torch.tensor(scale),
            "quantizer": torch.tensor(quantizer),
        }

    def loss(self, network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Error in units of what each quality makes of it: every quality then counts alike."""
        error = network(batch["y_up"], batch["scale"], batch["quantizer"]) - batch["y"]
        return 100 * rms(error / expected_error(batch["scale"], batch["quantizer"]))

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean gain in luma PSNR (dB) over the enlarged decoded luma, per scale."""
        gains: dict[int, list[float]] = {}
        for coded in self.held_out:
            y = torch.from_numpy(coded.y)[None, None].to(device) / 255
            y = y[..., : y.shape[2] // 24 * 24, : y.shape[3] // 24 * 24]
            for scale, quantizer, small in coded.variants:
                if quantizer < 30:
                    continue
                decoded = torch.from_numpy(small)[None, None].to(device) / 255
                y_up = enlarge(decoded, scale)[..., : y.shape[2], : y.shape[3]]
                condition = torch.tensor([scale], device=device), torch.tensor([quantizer], device=device)
                y_hat = network(y_up, *condition).clamp(0, 1)
                before, after = (y_up - y).square().mean(), (y_hat - y).square().mean()
                gains.setdefault(scale, []).append(float(10 * torch.log10(before / after)))
        return {f"gain_x{scale}_dB": float(np.mean(values)) for scale, values in sorted(gains.items())}

    def _patch(
        self, coded: pairs.Coded, scale: int, quantizer: int, small: np.ndarray, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, int, int]:
        size = -(-self.recipe.patch // scale)
        top, left = (int(rng.integers(0, side - size + 1)) for side in small.shape)
        rows, columns = (
            np.clip(np.arange(at - _MARGIN, at + size + _MARGIN), 0, side - 1)
            for at, side in ((top, small.shape[0]), (left, small.shape[1]))
        )
        window = torch.from_numpy(small[rows][:, columns])[None, None] / 255
        inner = slice(_MARGIN * scale, _MARGIN * scale + self.recipe.patch)
        y_up = enlarge(window, scale)[..., inner, inner]
        at = (
            slice(top * scale, top * scale + self.recipe.patch),
            slice(left * scale, left * scale + self.recipe.patch),
        )
        y = torch.from_numpy(np.ascontiguousarray(coded.y[at]))[None, None] / 255
        if y.shape != y_up.shape:  # a patch that scale 3 does not divide can pass the border by a pixel or two
            return self._patch(coded, scale, quantizer, small, rng)
        if rng.random() < 0.5:
            y_up, y = y_up.flip(3), y.flip(3)
        return y_up, y, scale, quantizer
