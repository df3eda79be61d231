"""Training task `enlarge`: the super-resolution systems of the reports learn to predict RGB from smaller RGB."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from scodec import photo
from scodec.metrics import y_psnr
from scodec.models.registry import NETWORKS
from scodec.models.reports.srresnet import SRCritic
from scodec.models.reports.system import System
from scodec.training import losses
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Task

#: Side of the crops of held-out pictures, in pixels.
WATCHED = 384


class EnlargeTask(Task):
    """Batches of RGB, reduced bicubically as in the super-resolution papers -> RGB of `patch` x `patch` pixels."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path], pretrained: bool) -> None:
        self.recipe = recipe
        scale = self.network().scale
        assert isinstance(scale, int)
        self.scale = scale
        self.train = [path for path in train if min(photo.size(path)) >= recipe.patch]
        self.pictures: dict[Path, np.ndarray] = {}
        side = WATCHED // self.scale * self.scale
        self.held_out = [
            rgb[:side, :side] for rgb in (photo.load(path).rgb for path in held_out) if min(rgb.shape[:2]) >= side
        ]
        self.criterion = losses.picture_loss(recipe.loss, pretrained)

    def network(self) -> nn.Module:
        return NETWORKS[self.recipe.network](**self.recipe.config)

    def critic(self) -> nn.Module | None:
        return SRCritic() if self.recipe.adversarial else None

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: small (B, 3, patch / scale, patch / scale) and rgb (B, 3, patch, patch) in 0..1."""
        patches = [self._patch(rng) for _ in range(self.recipe.batch)]
        small = [_reduced(patch, self.scale) for patch in patches]
        return {"small": _tensor(small), "rgb": _tensor(patches)}

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return network(batch["small"])

    def loss(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        return self.criterion(output, batch)

    def judged(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        return batch["rgb"], output["rgb"]

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean luma PSNR (dB) of held-out pictures, enlarged by Pillow's bicubic filter and by the network."""
        system = System(network, False, device, torch.bfloat16)
        values: dict[str, list[float]] = {}
        for rgb in self.held_out:
            small = _reduced(rgb, self.scale)
            plain = Image.fromarray(small).resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.BICUBIC)
            values.setdefault("bicubic_dB", []).append(y_psnr(rgb, np.asarray(plain)))
            values.setdefault("enlarged_dB", []).append(y_psnr(rgb, system.enlarge(small)))
        return {name: float(np.mean(each)) for name, each in values.items()}

    def _patch(self, rng: np.random.Generator) -> np.ndarray:
        """RGB (uint8, patch x patch x 3): a random square, randomly rotated and flipped."""
        path, side = self.train[rng.integers(len(self.train))], self.recipe.patch
        if path not in self.pictures:
            self.pictures[path] = photo.load(path).rgb
        rgb = self.pictures[path]
        top, left = (int(rng.integers(whole - side + 1)) for whole in rgb.shape[:2])
        patch = np.rot90(rgb[top : top + side, left : left + side], rng.integers(4))
        return np.ascontiguousarray(patch[:, :: 1 if rng.random() < 0.5 else -1])


def _reduced(rgb: np.ndarray, scale: int) -> np.ndarray:
    height, width, _ = rgb.shape
    return np.asarray(Image.fromarray(rgb).resize((width // scale, height // scale), Image.Resampling.BICUBIC))


def _tensor(pictures: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
