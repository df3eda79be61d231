"""Training task `decoded`: the colorizer is tuned on lumas as a receiver decodes them, its encoder left as it is.

The task `colour` trains on original lumas, some of them blurred. Decoded ones look different: smooth and edgy in the
faithful look, with invented texture in the natural look, and the colorizer stains them. Here it learns from them.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.errors import BadRequest
from scodec.models.receiver.colorizer import Colorizer
from scodec.models.receiver.shared import CHROMA_UNIT, describe
from scodec.training.data import decoded
from scodec.training.losses import chroma_rms
from scodec.training.perception import Features
from scodec.training.recipe import Recipe
from scodec.training.tasks.colour import ColourTask, hint_of, luma_and_chroma

#: Shares of a batch: blind and faithful, blind and natural; the rest has hints.
FAITHFUL, NATURAL = 1 / 3, 4 / 9


class DecodedTask(ColourTask):
    """Batches of (decoded luma, hint, look) -> chroma at half resolution."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], cache: Path, workers: int) -> None:
        self.recipe = recipe
        if recipe.patch % Colorizer.multiple:
            raise BadRequest(f"the recipe's patch must be a multiple of {Colorizer.multiple}, not {recipe.patch}")
        folder = cache.with_name("decoded")
        self.pool = decoded.pool(decoded.prepare(train, folder, workers), recipe.patch)
        if not len(self.pool.planes):
            raise BadRequest(f"no picture has a short side of {recipe.patch} pixels: give folders with larger ones")
        self.held_out_lumas = [decoded.load(path) for path in decoded.prepare(held_out, folder, workers)]
        self.features = Features(4)

    def ready(self, device: torch.device) -> None:
        self.pool = self.pool.to(device)
        self.features.to(device)

    def network(self) -> nn.Module:
        return Colorizer(**self.recipe.config)

    def groups(self, network: nn.Module) -> list[dict]:
        assert isinstance(network, Colorizer)
        network.encoder.requires_grad_(False)
        rest = [parameter for parameter in network.parameters() if parameter.requires_grad]
        return [{"params": rest, "share": 1.0}]

    def parts(self, count: int) -> tuple[int, int, int]:
        blind, natural = max(1, int(FAITHFUL * count)), max(1, int(NATURAL * count))
        return blind, count - blind - natural, natural

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """As in `ColourTask`; each sample has the luma of its look, but the first of those with hints its original."""
        side, count = self.recipe.patch, max(3, self.recipe.batch)
        generator = torch.Generator(self.pool.planes.device).manual_seed(int(rng.integers(2**62)))
        planes = self.pool.draw(count, side, generator)
        original, chroma = luma_and_chroma(planes[:, :3])
        blind, hinted, natural = self.parts(count)
        faithful = count - natural
        y = torch.cat([planes[:faithful, 3:4], planes[faithful:, 4:5]])
        y[blind : blind + 1] = original[blind : blind + 1]
        drawn = [hint_of(each, rng) for each in chroma[blind:faithful]]
        hints = chroma.new_zeros(count, 2, side // 2, side // 2)
        hints[blind:faithful] = torch.stack([hint.plane for hint in drawn])
        numbers = [describe(None, 0)] * blind + [describe(hint, 0) for hint in drawn] + [describe(None, 1)] * natural
        return {
            "y": y,
            "chroma": F.avg_pool2d(chroma / CHROMA_UNIT, 2),
            "hint": hints,
            "describe": torch.tensor(numbers),
        }

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Root mean square RGB error (levels) of blind colours on held-out decoded lumas, in both looks."""
        values: dict[str, list[float]] = {"faithful_rms": [], "natural_rms": []}
        for rgb, lumas in self.held_out_lumas:
            height, width = (side // Colorizer.multiple * Colorizer.multiple for side in rgb.shape[:2])
            picture = torch.from_numpy(rgb[:height, :width].copy()).to(device).permute(2, 0, 1)[None] / 255
            chroma = F.avg_pool2d(luma_and_chroma(picture)[1] / CHROMA_UNIT, 2)
            for look, (figures, luma) in enumerate(zip(values.values(), lumas, strict=True)):
                y = torch.from_numpy(luma[:height, :width].copy()).to(device)[None, None] / 255
                numbers = torch.tensor([describe(None, look)], device=device)
                error = network(y, torch.zeros_like(chroma), numbers) - chroma
                figures.append(CHROMA_UNIT * float(chroma_rms(error)))
        return {name: round(float(np.mean(each)), 4) for name, each in values.items()}
