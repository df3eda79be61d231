"""Training task `colour`: the colorizer learns to predict chroma from luma, with and without hints, in both looks.

Every batch has three parts: blind samples (without hints) in the faithful look, samples with hints in the same look,
and blind samples in the natural look. The loss of the first two parts is the RGB error alone; that of the third is a
distance of ImageNet features, a little absolute error, and the loss of a critic.
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
from scodec.training.losses import chroma_rms, rgb_of_chroma
from scodec.training.perception import FeatureCritic, Features, distance
from scodec.training.recipe import Recipe
from scodec.training.tasks.task import Task

#: Shares of a batch: blind and faithful, blind and natural; the rest has hints.
FAITHFUL, NATURAL = 0.375, 0.375
#: Two pools of squares, the second one from large pictures: side of the squares and smallest short side of a picture,
#: relative to the patch size; and the share of batches from large pictures, of which there are few.
SMALL, LARGE, LARGE_SHARE = (1.0, 0.625), (2.0, 1.75), 0.3
#: Largest short side of the held-out pictures, relative to the patch size.
WATCHED = 2.0
#: Cell sizes of the hints (pixels), their probabilities, and the range of quantization steps.
CELLS, CELL_SHARES, STEPS = (8, 16, 32, 64), (0.45, 0.3, 0.15, 0.1), (6.0, 64.0)
#: Factors by which luma is reduced and enlarged again, to remove detail that a receiver does not get.
BLURS = (1.0, 1.4, 2.0, 2.7, 3.5)
#: Learning rate of the pretrained encoder, relative to the rest; weight of the absolute error in the natural look.
ENCODER_SHARE, ABSOLUTE = 0.2, 0.25


class ColourTask(Task):
    """Batches of (luma, hint, look) -> chroma at half resolution."""

    replayed = True

    def __init__(self, recipe: Recipe, train: list[Path], held_out: list[Path]) -> None:
        self.recipe = recipe
        if recipe.patch % Colorizer.multiple:
            raise BadRequest(f"the recipe's patch must be a multiple of {Colorizer.multiple}, not {recipe.patch}")
        sizes = [[round(share * recipe.patch) for share in kind] for kind in (SMALL, LARGE)]
        self.pools = [pool for pool in (pools.squares(train, *size) for size in sizes) if len(pool)]
        if not self.pools:
            raise BadRequest(f"no picture has a short side of {sizes[0][1]} pixels: give folders with larger pictures")
        self.held_out = [_reduced(path, round(WATCHED * recipe.patch)) for path in held_out]
        self.features = Features(5)

    def network(self) -> nn.Module:
        network = Colorizer(**self.recipe.config)
        network.encoder.load_state_dict(imagenet(network.backbone, 1).state_dict())
        return network

    def ready(self, device: torch.device) -> None:
        self.pools = [pool.to(device) for pool in self.pools]
        self.features.to(device)

    def groups(self, network: nn.Module) -> list[dict]:
        encoder: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in network.named_parameters():
            (encoder if name.startswith("encoder.") else rest).append(parameter)
        return [{"params": encoder, "share": ENCODER_SHARE}, {"params": rest, "share": 1.0}]

    def parts(self, count: int) -> tuple[int, int, int]:
        """How many samples of a batch are blind and faithful, have hints, and are blind and natural."""
        blind, natural = max(1, int(FAITHFUL * count)), max(1, int(NATURAL * count))
        return blind, count - blind - natural, natural

    def batch(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch: y (B, 1, side, side) in 0..1; hint and chroma (B, 2, side/2, side/2) in CHROMA_UNITs; describe.

        First blind faithful samples, then those with hints, then blind natural ones; `parts` gives their numbers.
        """
        side, count = self.recipe.patch, max(3, self.recipe.batch)  # at least one of each kind
        pool = self.pools[int(rng.random() < LARGE_SHARE) % len(self.pools)]
        generator = torch.Generator(pool.device).manual_seed(int(rng.integers(2**62)))
        rgb = pools.exposed(pools.draw(pool, count, side, generator), generator)
        y, chroma = luma_and_chroma(rgb)
        blind, hinted, natural = self.parts(count)
        drawn = [hint_of(each, rng) for each in chroma[blind : blind + hinted]]
        planes = chroma.new_zeros(count, 2, side // 2, side // 2)
        planes[blind : blind + hinted] = torch.stack([hint.plane for hint in drawn])
        numbers = [describe(None, 0)] * blind + [describe(hint, 0) for hint in drawn] + [describe(None, 1)] * natural
        return {
            "y": torch.cat([_blurred(part, float(rng.choice(BLURS))) for part in y.split(max(2, count // 12))]),
            "chroma": F.avg_pool2d(chroma / CHROMA_UNIT, 2),
            "hint": planes,
            "describe": torch.tensor(numbers),
        }

    def predict(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        chroma = network(batch["y"].contiguous(memory_format=torch.channels_last), batch["hint"], batch["describe"])
        natural = self.parts(len(chroma))[2]
        made, y, true = chroma[-natural:], batch["y"][-natural:], batch["chroma"][-natural:]
        output = {"faithful": chroma[:-natural], "made": made, "true": true}
        both = self.features(torch.cat([_rgb(y, made), _rgb(y, true)]))
        for level, features in enumerate(both):
            output[f"fake{level}"], output[f"target{level}"] = features[:natural], features[natural:].detach()
        return output

    def loss(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        faithful = chroma_rms(output["faithful"] - batch["chroma"][: len(output["faithful"])])
        target, fake = self.judged(output, batch)
        natural = distance(fake, target).mean() + ABSOLUTE * (output["made"] - output["true"]).abs().mean()
        return 2 * faithful + natural

    def critic(self) -> nn.Module:
        return FeatureCritic(self.features.channels)

    def judged(self, output: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        levels = range(len(self.features.channels))
        return [output[f"target{level}"] for level in levels], [output[f"fake{level}"] for level in levels]

    def made(self, output: dict[str, Tensor]) -> Tensor:
        return output["made"]

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


def _rgb(y_B1HW: Tensor, chroma_B2hw: Tensor) -> Tensor:
    """Luma (0..1) and chroma at half resolution, in CHROMA_UNITs -> RGB (0..1)."""
    chroma = F.interpolate(chroma_B2hw.float(), y_B1HW.shape[2:], mode="bilinear", align_corners=False)
    return y_B1HW + torch.einsum("rc,bchw->brhw", rgb_of_chroma(chroma.device), chroma) * (CHROMA_UNIT / 255)


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
