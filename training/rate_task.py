"""Training task `rate`: the learned luma coder, rate against distortion at all quantizers at once."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from scodec import luma_av1, photo
from scodec.errors import BadRequest
from scodec.eval.bd import bd_rate
from scodec.eval.codecs import CODECS
from scodec.models.hyperprior import BIT, LumaHyperprior, step
from scodec.training.loop import Task
from scodec.training.recipe import Recipe

#: Pictures are reduced by up to this before a patch is taken: reduced ones are coded too, and have other statistics.
LARGEST_REDUCTION = 3.0
#: Up to this share of the latents' bits those of the hyperlatents cost nothing (free bits, Kingma et al. 2016, C.8):
#: they would fall silent before they have learned what to say.
FREE_SHARE = 0.03
#: Quantizers and size of what is looked at of held-out pictures.
WATCHED, SIDE = (16, 26, 34, 42, 50, 58), 384
ANCHOR_QUANTIZERS = (20, 32, 40, 46, 52, 57, 61)


class RateTask(Task):
    """Batches of luma and quantizers."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path]) -> None:
        self.recipe = recipe
        self.train = [photo.planes(photo.load(path).rgb)[0] for path in train]
        lumas = [photo.planes(photo.load(path).rgb)[0][:SIDE, :SIDE] for path in held_out]
        self.held_out = [y for y in lumas if y.shape == (SIDE, SIDE)]
        if not self.held_out:
            raise BadRequest(f"of the pictures held out none has {SIDE} pixels a side: give folders with larger ones")
        self.anchors = {"jpeg": _curve(self.held_out, _jpeg), "av1": _curve(self.held_out, _av1)}

    def network(self) -> nn.Module:
        return LumaHyperprior(**self.recipe.config)

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: x (B, 1, patch, patch) in 0..1, quantizer (B)."""
        patches = [self._patch(rng) for _ in range(self.recipe.batch)]
        quantizers = (64 * rng.random(self.recipe.batch) ** 0.6).astype(int)  # the codec lives at the coarse end
        return {"x": torch.from_numpy(np.stack(patches))[:, None] / 255, "quantizer": torch.from_numpy(quantizers)}

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> dict:
        assert isinstance(network, LumaHyperprior)
        return network(batch["x"], batch["quantizer"]) | {"auxiliary": network.aux_loss()}

    def loss(self, output: dict, batch: dict[str, Tensor]) -> Tensor:
        """Bits per pixel and distortion in what a bit is worth, lower rates weighted so that all rates count alike."""
        pixels = batch["x"][0].numel()
        y, z = ((-torch.log2(output["likelihoods"][name])).flatten(1).sum(1) / pixels for name in ("y", "z"))
        bits = y + torch.maximum(z, FREE_SHARE * y.detach())
        distortion = (output["x_hat"].float() - batch["x"]).square().mean((1, 2, 3))
        square = step(batch["quantizer"]).square()
        return ((bits + distortion / (BIT * square)) * square**0.4).mean() * 100 + 0.01 * output["auxiliary"]

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """BD-rate (%, luma PSNR, estimated bits) against the anchors, and a middle point."""
        points = []
        for quantizer in WATCHED:
            rows = [_point(network, y, quantizer, device) for y in self.held_out]
            points.append(np.mean(rows, 0))
        curve = tuple(np.array(points[::-1]).T)
        figures = {f"bd_{name}": bd_rate(anchor, curve) for name, anchor in self.anchors.items()}
        bpp, psnr = points[3]
        found = {name: value for name, value in figures.items() if value is not None}
        return found | {"bpp": float(bpp), "psnr_dB": float(psnr)}

    def _patch(self, rng: np.random.Generator) -> np.ndarray:
        y, side = self.train[rng.integers(len(self.train))], self.recipe.patch
        most = min(LARGEST_REDUCTION, min(y.shape) / side)
        reduction = float(np.exp(rng.uniform(0, np.log(most)))) if rng.random() < 0.6 else 1.0
        wanted = min(int(side * reduction), *y.shape)
        top, left = (int(rng.integers(whole - wanted + 1)) for whole in y.shape)
        patch = y[top : top + wanted, left : left + wanted]
        if wanted != side:
            patch = np.asarray(Image.fromarray(patch).resize((side, side), Image.Resampling.LANCZOS))
        return np.ascontiguousarray(patch[:, :: 1 if rng.random() < 0.5 else -1])


def _point(network: nn.Module, y: np.ndarray, quantizer: int, device: torch.device) -> tuple[float, float]:
    x = torch.from_numpy(y)[None, None].to(device) / 255
    output = network(x, torch.tensor([quantizer], device=device))
    bits = sum(float(-torch.log2(each).sum()) for each in output["likelihoods"].values())
    x_hat = output["x_hat"].float().clamp(0, 1)
    return bits / y.size, float(-10 * torch.log10((x_hat - x).square().mean()))


def _curve(lumas: list[np.ndarray], code) -> tuple[np.ndarray, np.ndarray]:
    """Mean bits per pixel and PSNR at every setting of an anchor, coarsest first."""
    points = np.mean([code(y) for y in lumas], 0)
    return points[:, 0], points[:, 1]


def _jpeg(y: np.ndarray) -> list[tuple[float, float]]:
    rgb, codec = np.repeat(y[..., None], 3, 2), CODECS["jpeg"]
    files = [codec.encode(rgb, quality) for quality in (*codec.qualities, 45, 60)]
    return [(8 * len(data) / y.size, _psnr(y, codec.decode(data)[..., 0])) for data in files]


def _av1(y: np.ndarray) -> list[tuple[float, float]]:
    sections = [luma_av1.encode(y, quantizer, "medium") for quantizer in ANCHOR_QUANTIZERS[::-1]]
    return [(8 * len(data) / y.size, _psnr(y, luma_av1.decode(data, y.shape[1], y.shape[0]))) for data in sections]


def _psnr(y: np.ndarray, y_hat: np.ndarray) -> float:
    return float(-10 * np.log10(np.square((y.astype(float) - y_hat) / 255).mean()))
