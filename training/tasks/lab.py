"""Training task `lab`: the colour systems of the reports learn to predict a*b* from L*."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from scodec import photo
from scodec.metrics import rgb_psnr
from scodec.models.registry import NETWORKS, WITH_BACKBONE
from scodec.models.reports import lab
from scodec.models.reports.system import System
from scodec.models.reports.unet_gan import PatchCritic
from scodec.training import losses
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Task

#: Smallest side of a sample, as a share of the picture's short side: these systems need to see whole scenes.
LEAST = 0.75


class LabTask(Task):
    """Batches of lightness -> colour, and the class of the picture: the name of its folder."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], pretrained: bool) -> None:
        self.recipe, self.pretrained = recipe, pretrained
        self.classes = sorted({path.parent.name for path in train})
        self.train = [(path.read_bytes(), self.classes.index(path.parent.name)) for path in train]
        self.held_out = [photo.load(path).rgb for path in held_out]
        self.criterion = losses.colour_loss(recipe.loss, (self._picture(data) for data, _ in self.train))

    def network(self) -> nn.Module:
        options = dict(self.recipe.config)
        if self.recipe.network in WITH_BACKBONE:
            options["pretrained"] = self.pretrained
        if self.recipe.loss == "mse+classes":
            options["classes"] = len(self.classes)
        return NETWORKS[self.recipe.network](**options)

    def critic(self) -> nn.Module | None:
        return PatchCritic() if self.recipe.adversarial else None

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: l (B, 1, patch, patch) and ab (B, 2, patch, patch) in -1..1, label (B)."""
        chosen = [self.train[i] for i in rng.integers(len(self.train), size=self.recipe.batch)]
        pictures = torch.from_numpy(np.stack([self._sample(data, rng) for data, _ in chosen]))
        l, ab = lab.from_rgb(pictures.permute(0, 3, 1, 2) / 255)  # noqa: E741
        return {"l": l, "ab": ab, "label": torch.tensor([label for _, label in chosen])}

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return network(batch["l"])

    def loss(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        return self.criterion(output, batch)

    def judged(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        return torch.cat([batch["l"], batch["ab"]], 1), torch.cat([batch["l"], output["ab"]], 1)

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean RGB-PSNR (dB) of whole pictures: colorized from their original luma, and grey."""
        system = System(network, True, device, torch.bfloat16)
        values: dict[str, list[float]] = {"grey_dB": [], "colour_dB": []}
        for rgb in self.held_out:
            y = photo.planes(rgb)[0]
            values["grey_dB"].append(rgb_psnr(rgb, np.repeat(y[..., None], 3, 2)))
            values["colour_dB"].append(rgb_psnr(rgb, system.colorize(y.astype(np.float32))))
        return {name: float(np.mean(each)) for name, each in values.items()}

    def _sample(self, data: bytes, rng: np.random.Generator) -> np.ndarray:
        """RGB (uint8, patch x patch x 3): a random square, randomly flipped."""
        image = self._picture(data)
        side = int(min(image.size) * rng.uniform(LEAST, 1))
        left, top = (int(rng.integers(whole - side + 1)) for whole in image.size)
        box = left, top, left + side, top + side
        patch = image.resize((self.recipe.patch,) * 2, Image.Resampling.BICUBIC, box, reducing_gap=2.0)
        return np.asarray(patch)[:, :: 1 if rng.random() < 0.5 else -1]

    @staticmethod
    def _picture(data: bytes) -> Image.Image:
        with Image.open(io.BytesIO(data)) as image:
            return image.convert("RGB")
