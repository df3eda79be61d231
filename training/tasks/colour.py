"""Training task `colour`: the colorizer learns to predict chroma from luma, with and without hints.

The loss is the RGB error alone. A critic makes colours stronger where the hue is in doubt, but stains dark skin red
(docs/experiments.md, "Photographs that no training has seen").
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from scodec import photo
from scodec.colour import hints
from scodec.errors import BadRequest
from scodec.metrics import ciede2000, colourfulness_ratio, rgb_psnr
from scodec.models.device import best_dtype
from scodec.models.efficientnet import imagenet
from scodec.models.receiver.colorizer import Colorizer, Hint, enlarge_hint
from scodec.models.receiver.receiver import Receiver
from scodec.models.receiver.restorer import Restorer
from scodec.models.receiver.shared import CHROMA_UNIT, Grid, describe
from scodec.training.data import pools
from scodec.training.losses import chroma_rms
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Batch, Task

#: Share of a batch that has hints; the rest is blind.
HINTED = 0.25
#: Two pools of squares, the second one from large pictures: side of the squares and smallest short side of a picture,
#: relative to the patch size; and the share of batches from large pictures, of which there are few.
SMALL, LARGE, LARGE_SHARE = (1.0, 0.625), (2.0, 1.75), 0.3
#: Largest short side of the held-out pictures, relative to the patch size.
WATCHED = 2.0
#: Cell sizes of the hints (pixels), their probabilities, and the range of quantization steps.
CELLS, CELL_SHARES, STEPS = (8, 16, 32, 64), (0.45, 0.3, 0.15, 0.1), (6.0, 64.0)
#: Factors by which luma is reduced and enlarged again, to remove detail that a receiver does not get.
BLURS = (1.0, 1.4, 2.0, 2.7, 3.5)


class ColourTask(Task):
    """Batches of (luma, hint) -> chroma at half resolution."""

    replayed = True
    #: Learning rate of the pretrained encoder, relative to the rest.
    encoder_share = 0.2

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path]) -> None:
        self.recipe = recipe
        if recipe.patch % Colorizer.multiple:
            raise BadRequest(f"the recipe's patch must be a multiple of {Colorizer.multiple}, not {recipe.patch}")
        sizes = [[round(share * recipe.patch) for share in kind] for kind in (SMALL, LARGE)]
        self.pools = [pool for pool in (pools.squares(train, *size) for size in sizes) if len(pool)]
        if not self.pools:
            raise BadRequest(f"no picture has a short side of {sizes[0][1]} pixels: give folders with larger pictures")
        self.held_out = [_reduced(path, round(WATCHED * recipe.patch)) for path in held_out]

    def network(self) -> nn.Module:
        network = Colorizer(**self.recipe.config)
        network.encoder.load_state_dict(imagenet(network.backbone, 1).state_dict())
        return network

    def ready(self, device: torch.device) -> None:
        self.pools = [pool.to(device) for pool in self.pools]

    def groups(self, network: nn.Module) -> list[dict]:
        encoder: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in network.named_parameters():
            (encoder if name.startswith("encoder.") else rest).append(parameter)
        return [{"params": encoder, "share": self.encoder_share}, {"params": rest, "share": 1.0}]

    def batch(self, rng: np.random.Generator) -> Batch:
        """One batch: y (B, 1, side, side) in 0..1; hint and chroma (B, 2, side/2, side/2) in CHROMA_UNITs; describe."""
        side, count = self.recipe.patch, max(2, self.recipe.batch)  # with hints and blind
        pool = self.pools[int(rng.random() < LARGE_SHARE) % len(self.pools)]
        generator = torch.Generator(pool.device).manual_seed(int(rng.integers(2**62)))
        y, chroma = luma_and_chroma(pools.exposed(pools.draw(pool, count, side, generator), generator))
        y = torch.cat([_blurred(part, float(rng.choice(BLURS))) for part in y.split(max(2, count // 12))])
        return colour_batch(y, chroma, rng)

    def predict(self, network: nn.Module, batch: Batch) -> Tensor:
        return network(batch["y"].contiguous(memory_format=torch.channels_last), batch["hint"], batch["describe"])

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        return chroma_rms(output - batch["chroma"])

    def validate(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Means over the held-out pictures, colorized from their original luma.

        RGB-PSNR (dB) is that of grey, blind in both looks, and with hints; CIEDE2000 and the colourfulness relative to
        the original are those of blind in both looks.
        """
        networks = Receiver(Restorer(), network, device, best_dtype(device))
        values: dict[str, list[float]] = {}
        for rgb in self.held_out:
            y, cb, cr = photo.planes(rgb)
            hint = hints.quantize(cb, cr, 16, 24.0)
            luma, grid = networks.plane(y), Grid(hint.grid, hint.cell, hint.step)
            rebuilt = {
                "grey": np.repeat(y[..., None], 3, 2),
                "blind": networks.colorize(luma, [None], 0.0)[0],
                "natural": networks.colorize(luma, [None], 1.0)[0],
                "hinted": networks.colorize(luma, [grid], 0.0)[0],
            }
            for name, picture in rebuilt.items():
                values.setdefault(f"{name}_dB", []).append(rgb_psnr(rgb, picture))
            for name in ("blind", "natural"):
                values.setdefault(f"{name}_ciede", []).append(ciede2000(rgb, rebuilt[name]))
                values.setdefault(f"{name}_colourful", []).append(colourfulness_ratio(rgb, rebuilt[name]))
        return {name: round(float(np.mean(each)), 4) for name, each in values.items()}


def _reduced(path: Path, side: int) -> np.ndarray:
    """Load a picture, reduced to a short side of at most `side` pixels."""
    with Image.open(path) as image:
        share = min(1.0, side / min(image.size))
        size = round(image.width * share), round(image.height * share)
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))


def luma_and_chroma(rgb_B3HW: Tensor) -> tuple[Tensor, Tensor]:
    """RGB (0..1) -> luma (0..1) and chroma (levels), as in `photo.planes`."""
    red, green, blue = rgb_B3HW.split(1, 1)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    return y, torch.cat([(blue - y) / 1.772, (red - y) / 1.402], 1) * 255


def colour_batch(y_B1HW: Tensor, chroma_B2HW: Tensor, rng: np.random.Generator) -> Batch:
    """A batch as `ColourTask.batch` returns it, from lumas (0..1) and true chroma (levels). The first have hints."""
    drawn = [hint_of(each, rng) for each in chroma_B2HW[: max(1, round(HINTED * len(y_B1HW)))]]
    chroma = F.avg_pool2d(chroma_B2HW / CHROMA_UNIT, 2)
    planes = torch.zeros_like(chroma)
    for plane, hint in zip(planes[: len(drawn)], drawn, strict=True):
        plane.copy_(hint.plane)
    numbers = [describe(hint) for hint in drawn] + [describe(None)] * (len(y_B1HW) - len(drawn))
    return {"y": y_B1HW, "chroma": chroma, "hint": planes, "describe": torch.tensor(numbers)}


def _blurred(y_B1HW: Tensor, factor: float) -> Tensor:
    """Luma without the detail that is lost when it is coded at 1/factor of the size."""
    if factor == 1:
        return y_B1HW
    size = [round(side / factor) for side in y_B1HW.shape[2:]]
    small = F.interpolate(y_B1HW, size, mode="bilinear", antialias=True)
    return F.interpolate(small, y_B1HW.shape[2:], mode="bicubic", align_corners=False).clamp(0, 1)


def hint_of(chroma_2HW: Tensor, rng: np.random.Generator) -> Hint:
    """Hints of random cell size and step, in the ranges that hints of 20 to 2,000 bytes use.

    Such hints have coarser steps the smaller their cells are; here the two are drawn independently.
    """
    cell, step = int(rng.choice(CELLS, p=CELL_SHARES)), float(np.exp(rng.uniform(*np.log(STEPS))))
    means = F.avg_pool2d(chroma_2HW[None], cell, ceil_mode=True, count_include_pad=False)[0]
    grid = hints.quantize_means(means.cpu().numpy(), cell, step).grid
    return enlarge_hint(torch.from_numpy(grid).to(chroma_2HW.device), cell, step, *chroma_2HW.shape[1:])
