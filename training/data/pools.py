"""Pictures as one tensor on the training device, where batches are cropped, zoomed and mirrored."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

#: Smallest crop of a random zoom, as a share of the side of the squares.
LEAST = 0.55
#: Largest random change of a picture's gamma, in powers of two.
GAMMA = 0.6
#: Pictures of a larger aspect ratio (long side / short side) give a square at each end instead of one in the middle.
LONG = 1.15


def squares(paths: list[Path], side: int, least: int) -> Tensor:
    """Squares (N, 3, side, side; uint8) of all pictures whose short side has at least `least` pixels.

    Pictures are first resized so that their short side is `side`.
    """

    def cut(path: Path) -> Iterator[np.ndarray]:
        with Image.open(path) as image:
            short = min(image.size)
            if short < least:
                return
            size = [max(side, round(length * side / short)) for length in image.size]
            image.draft("RGB", (size[0], size[1]))
            rgb = np.asarray(
                image.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=2.0)
            )
        spare = max(rgb.shape[:2]) - side
        for offset in (0, spare) if spare > (LONG - 1) * side else (spare // 2,):
            part = rgb[offset:, :] if rgb.shape[0] > rgb.shape[1] else rgb[:, offset:]
            yield part[:side, :side].transpose(2, 0, 1)

    with ThreadPoolExecutor() as pool:  # Pillow releases the GIL when it decodes and resizes
        found = list(
            tqdm(pool.map(lambda path: list(cut(path)), paths), "reading pictures", len(paths), unit="picture")
        )
    parts = [part for each in found for part in each]
    return torch.from_numpy(np.stack(parts)) if parts else torch.empty(0, 3, side, side, dtype=torch.uint8)


def draw(pool: Tensor, count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random squares, randomly zoomed, shifted and mirrored, `side` pixels wide: (count, 3, side, side), 0..1."""
    device = pool.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device)

    chosen = torch.randint(len(pool), (count,), generator=generator, device=device)
    rgb = pool[chosen].float() / 255
    while rgb.shape[2] >= 2 * side:  # bilinear sampling alone would alias
        rgb = F.avg_pool2d(rgb, 2)
    zoom = LEAST + (1 - LEAST) * uniform(count)
    shift = (2 * uniform(count, 2) - 1) * (1 - zoom)[:, None]
    affine = torch.zeros(count, 2, 3, device=device)
    affine[:, 0, 0] = torch.where(uniform(count) < 0.5, zoom, -zoom)
    affine[:, 1, 1] = zoom
    affine[:, :, 2] = shift
    grid = F.affine_grid(affine, [count, 3, side, side], align_corners=False)
    return F.grid_sample(rgb, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def exposed(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Random exposure: the gamma of each picture (B, channels, H, W; 0..1) is changed with a probability of 0.5."""
    power = 2 ** (torch.rand(len(pictures), generator=generator, device=pictures.device) * 2 * GAMMA - GAMMA)
    chosen = torch.rand(len(pictures), generator=generator, device=pictures.device) < 0.5
    return pictures.clamp(0, 1) ** torch.where(chosen, power, 1.0)[:, None, None, None]
