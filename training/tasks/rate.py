"""Training task `rate`: rate-distortion training of the learned luma coder, at all quantizers at once.

With the loss `restored`, the distortion is measured after the shipped restorer, on full-size luma and at all scales:
the coder is then trained end to end with the receiver, whose weights are frozen.
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from scodec import photo
from scodec.errors import BadRequest
from scodec.luma import av1
from scodec.metrics.bd import bd_rate
from scodec.models import weights
from scodec.models.luma.hyperprior import BIT, HYPER_BLOCK, LumaHyperprior
from scodec.models.luma.quantizer import step
from scodec.models.receiver.restorer import describe_coding, enlarge
from scodec.sender import scaling
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Task

#: Largest factor by which pictures are reduced before a patch is cropped: the codec also codes reduced pictures, and
#: their statistics differ.
LARGEST_REDUCTION = 3.0
#: With the loss `restored`: probabilities of storing luma at 1/1, 1/2, 1/3 and 1/4 of the size, and the side of the
#: stored patches relative to that at scale 1.
SCALE_SHARES, SCALE_SIDES = (0.5, 0.3, 0.1, 0.1), (1, 2 / 3, 2 / 3, 1 / 3)
#: The bits of the hyperlatents are free up to this share of the latents' bits (free bits, Kingma et al. 2016, C.8).
#: Otherwise the hyperlatents would collapse to constants early in training, before they carry useful information.
FREE_SHARE = 0.03
#: Quantizers for validation, and side in pixels of the crops of held-out pictures.
WATCHED, SIDE = (16, 26, 34, 42, 50, 58), 384
#: Settings of the anchors for validation: quantizers of AV1, qualities of JPEG.
ANCHOR_QUANTIZERS = (20, 32, 40, 46, 52, 57, 61)
JPEG_QUALITIES = (1, 3, 5, 8, 11, 15, 20, 26, 32, 45, 60)


class RateTask(Task):
    """Batches of luma and quantizers."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path]) -> None:
        self.recipe = recipe
        self.restorer = weights.load("restorer").requires_grad_(False) if recipe.loss == "restored" else None
        self.train = [photo.planes(photo.load(path).rgb)[0] for path in train]
        lumas = [photo.planes(photo.load(path).rgb)[0][:SIDE, :SIDE] for path in held_out]
        self.held_out = [y for y in lumas if y.shape == (SIDE, SIDE)]
        if not self.held_out:
            raise BadRequest(f"no held-out picture has {SIDE} x {SIDE} pixels: give folders with larger pictures")
        self.anchors = {"jpeg": _curve(self.held_out, _jpeg), "av1": _curve(self.held_out, self._av1)}

    def network(self) -> nn.Module:
        return LumaHyperprior(**self.recipe.config)

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: x (B, 1, side, side) in 0..1, quantizer (B); y, which is `scale` times as large, and scale (B).

        All samples have the same scale; the smaller y is, the larger is the batch.
        """
        scale = int(rng.choice(len(SCALE_SHARES), p=SCALE_SHARES)) + 1 if self.restorer else 1
        side = max(1, round(self.recipe.patch * SCALE_SIDES[scale - 1] / HYPER_BLOCK)) * HYPER_BLOCK * scale
        count = max(2, self.recipe.batch * self.recipe.patch**2 // side**2)
        y = [self._patch(rng, side) for _ in range(count)]
        quantizers = (64 * rng.random(count) ** 0.6).astype(int)  # mostly coarse ones, as the codec uses
        return {
            "x": torch.from_numpy(np.stack([scaling.shrink(patch, scale) for patch in y]))[:, None] / 255,
            "quantizer": torch.from_numpy(quantizers),
            "y": torch.from_numpy(np.stack(y))[:, None] / 255,
            "scale": torch.full((count,), scale),
        }

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> dict:
        assert isinstance(network, LumaHyperprior)
        output = network(batch["x"], batch["quantizer"])
        y_hat = self._restored(output["x_hat"], "hyperprior", batch["scale"], batch["quantizer"])
        return output | {"y_hat": y_hat, "auxiliary": network.aux_loss()}

    def loss(self, output: dict, batch: dict[str, Tensor]) -> Tensor:
        """Bits per pixel plus distortion in bits (see `BIT`).

        Low rates get larger weights, so that all rates count equally.
        """
        pixels = batch["x"][0].numel()
        y, z = ((-torch.log2(output["likelihoods"][name])).flatten(1).sum(1) / pixels for name in ("y", "z"))
        bits = y + torch.maximum(z, FREE_SHARE * y.detach())
        distortion = (output["y_hat"].float() - batch["y"]).square().mean((1, 2, 3))
        square = step(batch["quantizer"]).square()
        return ((bits + distortion / (BIT * square)) * square**0.4).mean() * 100 + 0.01 * output["auxiliary"]

    def finished(self, network: nn.Module) -> None:
        """Build the entropy coding tables, which are stored with the weights."""
        assert isinstance(network, LumaHyperprior)
        network.update()

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """BD-rate against the anchors (%; luma PSNR at scale 1, estimated bits); bpp and PSNR at a medium quantizer."""
        points = []
        for quantizer in WATCHED:
            rows = [self._point(network, y, quantizer, device) for y in self.held_out]
            points.append(np.mean(rows, 0))
        curve = tuple(np.array(points[::-1]).T)
        figures = {f"bd_{name}": bd_rate(anchor, curve) for name, anchor in self.anchors.items()}
        bpp, psnr = points[3]
        found = {name: value for name, value in figures.items() if value is not None}
        return found | {"bpp": float(bpp), "psnr_dB": float(psnr)}

    def _restored(self, x_hat: Tensor, coder: str, scale_B: Tensor, quantizer_B: Tensor) -> Tensor:
        """Decoded luma after the restorer, if that is part of the training; otherwise the decoded luma itself."""
        if self.restorer is None:
            return x_hat
        y_up = enlarge(x_hat.float().clamp(0, 1), int(scale_B[0]))
        coder_B, coded_B = describe_coding(coder, quantizer_B)
        blank = torch.zeros_like(y_up)
        return self.restorer.to(y_up.device)(y_up, coder_B, scale_B, coded_B, blank, 0)

    def _patch(self, rng: np.random.Generator, side: int) -> np.ndarray:
        y = self.train[rng.integers(len(self.train))]
        while min(y.shape) < side:
            y = self.train[rng.integers(len(self.train))]
        largest = min(LARGEST_REDUCTION, min(y.shape) / side)
        reduction = float(np.exp(rng.uniform(0, np.log(largest)))) if rng.random() < 0.6 else 1.0
        crop = min(int(side * reduction), *y.shape)
        top, left = (int(rng.integers(whole - crop + 1)) for whole in y.shape)
        patch = y[top : top + crop, left : left + crop]
        if crop != side:
            patch = np.asarray(Image.fromarray(patch).resize((side, side), Image.Resampling.LANCZOS))
        return np.ascontiguousarray(patch[:, :: 1 if rng.random() < 0.5 else -1])

    def _point(self, network: nn.Module, y: np.ndarray, quantizer: int, device: torch.device) -> tuple[float, float]:
        x, quantizer_1 = torch.from_numpy(y)[None, None].to(device) / 255, torch.tensor([quantizer], device=device)
        output = network(x, quantizer_1)
        bits = sum(float(-torch.log2(each).sum()) for each in output["likelihoods"].values())
        y_hat = self._restored(output["x_hat"], "hyperprior", torch.ones_like(quantizer_1), quantizer_1)
        return bits / y.size, _psnr(x, y_hat)

    def _av1(self, y: np.ndarray) -> list[tuple[float, float]]:
        points = []
        for quantizer in ANCHOR_QUANTIZERS[::-1]:
            data = av1.encode(y, quantizer, "medium")
            x, x_hat = (
                torch.from_numpy(each.copy())[None, None] / 255
                for each in (y, av1.decode(data, y.shape[1], y.shape[0]))
            )
            y_hat = self._restored(x_hat, "av1", torch.tensor([1]), torch.tensor([quantizer]))
            points.append((8 * len(data) / y.size, _psnr(x, y_hat)))
        return points


def _curve(lumas: list[np.ndarray], code) -> tuple[np.ndarray, np.ndarray]:
    """Mean bits per pixel and PSNR at every setting of an anchor, coarsest first."""
    points = np.mean([code(y) for y in lumas], 0)
    return points[:, 0], points[:, 1]


def _jpeg(y: np.ndarray) -> list[tuple[float, float]]:
    points = []
    for quality in JPEG_QUALITIES:
        file = io.BytesIO()
        Image.fromarray(y).save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        x, x_hat = (torch.from_numpy(np.array(each)) / 255 for each in (y, Image.open(file)))
        points.append((8 * file.tell() / y.size, _psnr(x, x_hat)))
    return points


def _psnr(x: Tensor, y_hat: Tensor) -> float:
    return float(-10 * torch.log10((x - y_hat.float().clamp(0, 1)).square().mean()))
