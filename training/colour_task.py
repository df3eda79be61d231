"""Training task `colour`: the colorizer learns chroma from luma, with and without hints."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from scodec import hints, luma_av1, luma_vvc, photo, scaling
from scodec.models.colorizer import CHROMA_UNIT, Colorizer, describe, enlarge_hint
from scodec.models.restorer import enlarge
from scodec.training.losses import RGB_OF_CHROMA, chroma_rms
from scodec.training.recipe import Recipe

#: What is known of the chroma of a sample, and how often: nothing, hints, or chroma coded along with the luma.
KNOWN = {"nothing": 0.35, "hints": 0.25, "coded": 0.4}
#: The hints of a sample: for every cell size how often it is drawn, and the range of quantization steps; as files of 20
#: to 1,000 bytes have them.
HINTS = {8: (0.4, 12.0, 128.0), 16: (0.3, 6.0, 80.0), 32: (0.2, 10.0, 64.0), 64: (0.1, 10.0, 64.0)}
#: Share of the lumas that went through a luma coder where the chroma did not.
CODED = 0.6
#: Scales and quantizers of the coders, the coarse end; av1, the quicker, where only luma is coded (faults look alike).
SCALES, VVC_QUANTIZERS, AV1_QUANTIZERS = (1, 1, 2, 2, 3), (34, 52), (38, 64)


class ColourTask:
    """Batches of (luma, hint) -> chroma at half resolution."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path]) -> None:
        self.recipe = recipe
        self.train = [path.read_bytes() for path in tqdm(train, "reading pictures", unit="picture")]
        self.held_out = [self._sample(path.read_bytes(), np.random.default_rng(i)) for i, path in enumerate(held_out)]

    def network(self) -> nn.Module:
        return Colorizer()

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: y (B, 1, patch, patch) in 0..1; hint and chroma (B, 2, patch/2, patch/2) in CHROMA_UNITs."""
        samples = []
        for _ in range(self.recipe.batch):
            y, cb, cr = self._sample(self.train[rng.integers(len(self.train))], rng)
            known = rng.choice(list(KNOWN), p=list(KNOWN.values()))
            if known == "coded":
                scale, quantizer = int(rng.choice(SCALES)), int(rng.integers(*VVC_QUANTIZERS))
                samples.append(_coded_together(y, cb, cr, scale, quantizer))
            else:
                shown = _coded(y, rng) if rng.random() < CODED else y
                samples.append(_tensors(shown, cb, cr, _hint(cb, cr, rng) if known == "hints" else None))
        return {key: torch.cat([sample[key] for sample in samples]) for key in samples[0]}

    def loss(self, network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return chroma_rms(network(batch["y"], batch["hint"], batch["describe"]) - batch["chroma"])

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean RGB-PSNR (dB) with true luma: grey, blind, with hints and coded chroma, enlarged plainly and by the
        network."""
        values: dict[str, list[float]] = {}
        for y, cb, cr in self.held_out:
            blind = _on(device, _tensors(y, cb, cr, None))
            hinted = _on(device, _tensors(y, cb, cr, hints.quantize(cb, cr, 16, 24.0)))
            coded = _on(device, _coded_together(y, cb, cr, 1, 44))
            for name, sample, predict in (
                ("grey", blind, False),
                ("blind", blind, True),
                ("bicubic", hinted, False),
                ("hinted", hinted, True),
                ("coded", coded, False),
                ("coded_and_network", coded, True),
            ):
                chroma = network(sample["y"], sample["hint"], sample["describe"]) if predict else sample["hint"]
                values.setdefault(f"{name}_dB", []).append(_psnr(chroma - sample["chroma"]))
        return {name: float(np.mean(each)) for name, each in values.items()}

    def _sample(self, data: bytes, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Luma and chroma of a random patch; large pictures are first reduced to a random size."""
        with Image.open(io.BytesIO(data)) as image:
            patch = self.recipe.patch
            short = min(image.size)
            wanted = patch if short <= patch else int(np.exp(rng.uniform(np.log(patch), np.log(min(short, 3 * patch)))))
            width, height = (max(patch, round(side * wanted / short)) for side in image.size)
            rgb = np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0))
        top, left = (int(rng.integers(0, side - patch + 1)) for side in rgb.shape[:2])
        rgb = rgb[top : top + patch, left : left + patch]
        return photo.planes(rgb[:, ::-1] if rng.random() < 0.5 else rgb)


def _hint(cb: np.ndarray, cr: np.ndarray, rng: np.random.Generator) -> hints.HintGrid:
    cell = int(rng.choice(list(HINTS), p=[share for share, _, _ in HINTS.values()]))
    _, finest, coarsest = HINTS[cell]
    return hints.quantize(cb, cr, cell, float(np.exp(rng.uniform(np.log(finest), np.log(coarsest)))))


def _coded(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the receiver would see of a luma, but for the restorer."""
    scale, quantizer = int(rng.choice(SCALES)), int(rng.integers(*AV1_QUANTIZERS))
    small = scaling.shrink(y, scale)
    return _enlarged(luma_av1.decode(luma_av1.encode(small, quantizer, "fast"), *small.shape[::-1]), scale, y.shape)


def _coded_together(y: np.ndarray, cb: np.ndarray, cr: np.ndarray, scale: int, quantizer: int) -> dict[str, Tensor]:
    """A sample whose chroma was coded along with the luma."""
    small, chroma = scaling.shrink(y, scale), hints.cell_means(np.stack([cb, cr]), 2 * scale)
    section = luma_vvc.encode(small, quantizer, "fast", chroma)
    y_hat, chroma_hat = luma_vvc.decode_colour(section, *small.shape[::-1])
    known = hints.HintGrid(2 * scale, luma_vvc.step(quantizer), chroma_hat)
    return _tensors(_enlarged(y_hat, scale, y.shape), cb, cr, known)


def _enlarged(y_small: np.ndarray, scale: int, shape: tuple[int, ...]) -> np.ndarray:
    large = enlarge(torch.from_numpy(y_small.copy())[None, None] / 255, scale)[0, 0, : shape[0], : shape[1]]
    return (large * 255).numpy()


def _tensors(y: np.ndarray, cb: np.ndarray, cr: np.ndarray, grid: hints.HintGrid | None) -> dict[str, Tensor]:
    chroma = torch.from_numpy(np.stack([cb, cr]))[None] / CHROMA_UNIT
    hint = None if grid is None else enlarge_hint(grid.grid, grid.cell, grid.step, *y.shape)
    return {
        "y": torch.from_numpy(y.astype(np.float32))[None, None] / 255,
        "chroma": F.avg_pool2d(chroma, 2),
        "hint": torch.zeros(1, 2, y.shape[0] // 2, y.shape[1] // 2) if hint is None else hint.plane[None],
        "describe": torch.tensor([describe(hint)]),
    }


def _on(device: torch.device, sample: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.to(device) for key, value in sample.items()}


def _psnr(error_B2HW: Tensor) -> float:
    rgb = torch.einsum("rc,bchw->brhw", RGB_OF_CHROMA.to(error_B2HW.device), error_B2HW.float()) * CHROMA_UNIT
    return float(10 * torch.log10(255**2 / rgb.square().mean().clamp_min(1e-3)))
