"""Pictures beside what a receiver makes of their luma, in both looks, cached on disk.

One .npz file per picture: `rgb` and `y`, two lumas. The pictures are reduced to sizes at which the colorizer works, and
encoded at a random quality of the low rates that scodec is made for.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from scodec import api, photo
from scodec.options import LOOKS
from scodec.training.data import cache

#: Range of the short side in pixels, largest side of the crop, and range (end exclusive) of the quality.
SHORT_SIDES, CROP, QUALITIES = (288, 480), 480, (28, 56)


def prepare(paths: list[Path], folder: Path, workers: int) -> list[Path]:
    """Encode and decode every picture that is not in the cache yet. Returns the cache files in the order of `paths`."""
    return cache.prepare(_code, paths, folder, workers, "decoding pictures")


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) and its decoded lumas, faithful and natural (2, H, W); all uint8."""
    with np.load(path) as data:
        return data["rgb"], data["y"]


@dataclass
class Pool:
    """Pictures on the training device: R, G, B and both decoded lumas, uint8 (N, 5, side, side), padded with zeros.

    sizes: (N, 2), heights and widths.
    """

    planes: Tensor
    sizes: Tensor

    def to(self, device: torch.device) -> "Pool":
        return Pool(self.planes.to(device), self.sizes.to(device))

    def draw(self, count: int, patch: int, generator: torch.Generator) -> Tensor:
        """Random patches, half of them mirrored: float (count, 5, patch, patch), 0..1."""
        device = self.planes.device
        chosen = torch.randint(len(self.planes), (count,), generator=generator, device=device)
        room = self.sizes[chosen] - patch + 1
        corner = (torch.rand(count, 2, generator=generator, device=device) * room).long()
        along = torch.arange(patch, device=device)
        rows, columns = corner[:, :1] + along, corner[:, 1:] + along
        mirrored = torch.rand(count, 1, generator=generator, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
        channels = torch.arange(5, device=device)[:, None, None]
        cut = self.planes[chosen[:, None, None, None], channels, rows[:, None, :, None], columns[:, None, None, :]]
        return cut.float() / 255


def pool(paths: list[Path], patch: int) -> Pool:
    """The cached pictures that have room for a patch; none may be left."""
    planes, sizes = [], []
    for path in tqdm(paths, "reading pictures", unit="picture"):
        rgb, y = load(path)
        height, width = rgb.shape[:2]
        if min(height, width) < patch:
            continue
        square = torch.zeros(5, CROP, CROP, dtype=torch.uint8)
        square[:3, :height, :width] = torch.from_numpy(rgb).permute(2, 0, 1)
        square[3:, :height, :width] = torch.from_numpy(y)
        planes.append(square)
        sizes.append((height, width))
    return Pool(torch.stack(planes) if planes else torch.empty(0, 5, CROP, CROP), torch.tensor(sizes))


def _code(path: Path, target: Path) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(zlib.crc32(target.stem.encode()))
    image = Image.fromarray(photo.load(path).rgb)
    reduction = min(1.0, float(rng.uniform(*SHORT_SIDES)) / min(image.size))
    width, height = (round(side * reduction) for side in image.size)
    left, top = (int(rng.integers(0, max(side - CROP, 0) + 1)) for side in (width, height))
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    image = image.crop((left, top, left + min(width, CROP), top + min(height, CROP)))
    data = api.encode(image, quality=int(rng.integers(*QUALITIES)))
    lumas = [np.asarray(api.decode(data, color=False, look=look)) for look in LOOKS]
    partial = target.with_suffix(".tmp")
    with partial.open("wb") as file:
        np.savez(file, rgb=np.asarray(image), y=np.stack(lumas))
    partial.replace(target)
