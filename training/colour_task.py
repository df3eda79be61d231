"""Training task `colour`: the colorizer learns chroma from luma, with and without hints."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from scodec import hints, luma_av1, photo, scaling
from scodec.models.colorizer import CHROMA_UNIT, Colorizer, describe, enlarge_hint
from scodec.models.restorer import enlarge
from scodec.training.loop import Task
from scodec.training.losses import RGB_OF_CHROMA, chroma_rms
from scodec.training.recipe import Recipe

#: Share of the samples without hints, and of those whose luma went through the luma coder.
BLIND, CODED = 0.5, 0.6
#: Cell sizes of the hints, how often each is drawn, and the range of quantization steps.
CELLS, CELL_SHARES, STEPS = (8, 16, 32, 64), (0.45, 0.3, 0.15, 0.1), (6.0, 64.0)
#: The coded luma of a sample: scales, and the coarse end of the quantizers of the quicker coder (faults look alike).
SCALES, QUANTIZERS = (1, 1, 2, 2, 3), (38, 64)


class ColourTask(Task):
    """Batches of (luma, hint) -> chroma at half resolution."""

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path]) -> None:
        self.recipe = recipe
        self.train = [path.read_bytes() for path in tqdm(train, "reading pictures", unit="picture")]
        self.held_out = [self._sample(path.read_bytes(), np.random.default_rng(i)) for i, path in enumerate(held_out)]

    def network(self) -> nn.Module:
        return Colorizer(**self.recipe.config)

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: y (B, 1, patch, patch) in 0..1; hint and chroma (B, 2, patch/2, patch/2) in CHROMA_UNITs."""
        samples = []
        for _ in range(self.recipe.batch):
            y, cb, cr = self._sample(self.train[rng.integers(len(self.train))], rng)
            shown = _code(y, rng) if rng.random() < CODED else y
            blind = rng.random() < BLIND
            samples.append(_tensors(shown, cb, cr, None if blind else _hint(cb, cr, rng)))
        return {key: torch.cat([sample[key] for sample in samples]) for key in samples[0]}

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return network(batch["y"], batch["hint"], batch["describe"])

    def loss(self, output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return chroma_rms(output - batch["chroma"])

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Mean RGB-PSNR (dB) with true luma: grey, blind, and with hints, enlarged plainly and by the network."""
        values: dict[str, list[float]] = {}
        for y, cb, cr in self.held_out:
            blind = _on(device, _tensors(y, cb, cr, None))
            hinted = _on(device, _tensors(y, cb, cr, hints.quantize(cb, cr, 16, 24.0)))
            for name, sample, predict in (
                ("grey", blind, False),
                ("blind", blind, True),
                ("bicubic", hinted, False),
                ("hinted", hinted, True),
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
    """Hints as files of 20 to 2,000 bytes have them: the smaller the cells, the coarser the step."""
    cell = int(rng.choice(CELLS, p=CELL_SHARES))
    return hints.quantize(cb, cr, cell, float(np.exp(rng.uniform(*np.log(STEPS)))))


def _code(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the receiver would see of a luma, but for the restorer."""
    scale, quantizer = SCALES[rng.integers(len(SCALES))], int(rng.integers(*QUANTIZERS))
    small = scaling.shrink(y, scale)
    small = luma_av1.decode(luma_av1.encode(small, quantizer, "fast"), small.shape[1], small.shape[0])
    large = enlarge(torch.from_numpy(small)[None, None] / 255, scale)[0, 0, : y.shape[0], : y.shape[1]]
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
