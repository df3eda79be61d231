"""Training task `decoded`: the colorizer is tuned on lumas as a receiver decodes them.

The task `colour` trains on original lumas, some of them blurred. Decoded ones look different: smooth and edgy in the
faithful look, with invented texture in the natural look, and the colorizer stains them. Here it learns from them.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from scodec.errors import BadRequest
from scodec.models.receiver.colorizer import Colorizer
from scodec.models.receiver.shared import CHROMA_UNIT, describe
from scodec.training.data import decoded, pools
from scodec.training.losses import chroma_rms
from scodec.training.recipe import Recipe
from scodec.training.tasks.colour import ColourTask, colour_batch, luma_and_chroma
from scodec.training.tasks.task import Batch

#: Every so many-th sample keeps its original luma.
ORIGINAL = 8


class DecodedTask(ColourTask):
    """Batches of (decoded luma, hint) -> chroma at half resolution."""

    encoder_share = 0.1

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], cache: Path, workers: int) -> None:
        self.recipe = recipe
        if recipe.patch % Colorizer.multiple:
            raise BadRequest(f"the recipe's patch must be a multiple of {Colorizer.multiple}, not {recipe.patch}")
        folder = cache.with_name("decoded")
        self.pool = decoded.pool(decoded.prepare(train, folder, workers), recipe.patch)
        if not len(self.pool.planes):
            raise BadRequest(f"no picture has a short side of {recipe.patch} pixels: give folders with larger ones")
        self.held_out_lumas = [decoded.load(path) for path in decoded.prepare(held_out, folder, workers)]

    def ready(self, device: torch.device) -> None:
        self.pool = self.pool.to(device)

    def network(self) -> nn.Module:
        return Colorizer(**self.recipe.config)

    def batch(self, rng: np.random.Generator) -> Batch:
        """As in `ColourTask`; the lumas are by turns those of the faithful and of the natural look."""
        side, count = self.recipe.patch, max(2, self.recipe.batch)  # with hints and blind
        generator = torch.Generator(self.pool.planes.device).manual_seed(int(rng.integers(2**62)))
        planes = pools.exposed(self.pool.draw(count, side, generator), generator)
        original, chroma = luma_and_chroma(planes[:, :3])
        y = planes[:, 3:4].clone()
        y[1::2] = planes[1::2, 4:5]
        y[::ORIGINAL] = original[::ORIGINAL]
        return colour_batch(y, chroma, rng)

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Root mean square RGB error (levels) of blind colours on held-out decoded lumas, of both looks."""
        values: dict[str, list[float]] = {"faithful_rms": [], "natural_rms": []}
        for rgb, lumas in self.held_out_lumas:
            height, width = (side // Colorizer.multiple * Colorizer.multiple for side in rgb.shape[:2])
            picture = torch.from_numpy(rgb[:height, :width].copy()).to(device).permute(2, 0, 1)[None] / 255
            chroma = F.avg_pool2d(luma_and_chroma(picture)[1] / CHROMA_UNIT, 2)
            for figures, luma in zip(values.values(), lumas, strict=True):
                y = torch.from_numpy(luma[:height, :width].copy()).to(device)[None, None] / 255
                error = network(y, torch.zeros_like(chroma), torch.tensor([describe(None)], device=device)) - chroma
                figures.append(CHROMA_UNIT * float(chroma_rms(error)))
        return {name: round(float(np.mean(each)), 4) for name, each in values.items()}
