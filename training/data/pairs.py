"""Training pairs for the restorer: luma, and variants of it from the real luma coders, cached on disk.

One .npz file per picture: `y`, a crop of its luma as a JPEG file, and the luma section of every variant, as in a .scz
file. The pairs of 400 pictures thus take 50 MB; they are decoded when training starts.
"""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from scodec import luma, photo
from scodec.models.receiver.restorer import enlarge
from scodec.models.receiver.shared import CODERS
from scodec.sender import scaling
from scodec.training.data import cache

#: The variants of a picture: coder, scale, number of variants, and range (end exclusive) of their random quantizers.
#: The ranges favour coarse quantizers, which the codec mostly uses.
VARIANTS = (
    ("vvc", 1, 3, 36, 58),
    ("vvc", 1, 1, 12, 36),
    ("vvc", 2, 3, 30, 56),
    ("vvc", 3, 1, 26, 54),
    ("vvc", 4, 1, 22, 54),
    ("av1", 1, 1, 34, 64),
    ("av1", 2, 1, 22, 64),
)
#: One effort is drawn for each variant, since users encode with any of them.
EFFORTS = ("fast", "medium")
#: Side of the crops in pixels, and their JPEG quality.
CROP, QUALITY = 640, 92


@dataclass(frozen=True)
class Variant:
    """Luma as decoded by a luma coder."""

    coder: str
    scale: int
    quantizer: int
    y_small: np.ndarray  # uint8, 1/scale of the size


@dataclass(frozen=True)
class Coded:
    """One picture: luma `y` (H x W, uint8) and its variants."""

    y: np.ndarray
    variants: list[Variant]


def prepare(paths: list[Path], folder: Path, workers: int) -> list[Path]:
    """Encode every picture that is not in the cache yet. Returns the cache files in the order of `paths`."""
    return cache.prepare(_code, paths, folder, workers, "coding pairs")


def load(paths: list[Path]) -> list[Coded]:
    """Load cached pictures, decoding them on all cores."""
    with ThreadPoolExecutor() as pool:  # the coders are separate processes or release the GIL
        return list(tqdm(pool.map(_decoded, paths), "decoding pairs", len(paths), unit="picture"))


@dataclass
class Pool:
    """Pictures and all their upsampled variants, on the training device; smaller ones are padded with zeros.

    y: uint8 (N, side, side); sizes: (N, 2), heights and widths; y_up: uint8 (M, side, side); of: (M), index of the
    picture of each variant; conditions: (M, 3), coder, scale and quantizer.
    """

    y: Tensor
    sizes: Tensor
    y_up: Tensor
    of: Tensor
    conditions: Tensor

    def to(self, device: torch.device) -> "Pool":
        return Pool(*(getattr(self, each.name).to(device) for each in fields(self)))

    def draw(self, count: int, patch: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Random patches, some mirrored: y and y_up (count, 1, patch, patch; 0..1); coder, scale, quantizer (count)."""
        device = self.y.device

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=device)

        chosen = torch.randint(len(self.of), (count,), generator=generator, device=device)
        of = self.of[chosen]
        begin = (uniform(count, 2) * (self.sizes[of] - patch + 1)).long()
        inside = torch.arange(patch, device=device)
        across = torch.where(uniform(count, 1) < 0.5, inside, inside.flip(0))
        rows, columns = begin[:, :1] + inside, begin[:, 1:] + across

        def cut(planes: Tensor, index: Tensor) -> Tensor:
            return planes[index[:, None, None], rows[:, :, None], columns[:, None, :]][:, None].float() / 255

        coder, scale, quantizer = self.conditions[chosen].unbind(1)
        return {"y": cut(self.y, of), "y_up": cut(self.y_up, chosen),
                "coder": coder, "scale": scale, "quantizer": quantizer}  # fmt: skip


def pool(pictures: list[Coded]) -> Pool:
    """All variants of the pictures, upsampled to full size."""
    side = max(max(each.y.shape) for each in pictures)
    count = sum(len(each.variants) for each in pictures)
    found = Pool(
        torch.zeros(len(pictures), side, side, dtype=torch.uint8),
        torch.tensor([each.y.shape for each in pictures]),
        torch.zeros(count, side, side, dtype=torch.uint8),
        torch.tensor([number for number, each in enumerate(pictures) for _ in each.variants]),
        torch.tensor([(CODERS[v.coder], v.scale, v.quantizer) for each in pictures for v in each.variants]),
    )
    row = 0
    for number, each in enumerate(pictures):
        height, width = each.y.shape
        found.y[number, :height, :width] = torch.from_numpy(each.y)
        for variant in each.variants:
            large = enlarge(torch.from_numpy(variant.y_small)[None, None] / 255, variant.scale)[0, 0]
            found.y_up[row, :height, :width] = (large * 255).round().to(torch.uint8)
            row += 1
    return found


def _decoded(path: Path) -> Coded:
    with np.load(path) as data:
        y = np.array(Image.open(io.BytesIO(data["y"].tobytes())))
        variants = []
        for i, (coder, (scale, quantizer)) in enumerate(zip(data["coders"], data["keys"].tolist(), strict=True)):
            height, width = (side // scale for side in y.shape)
            section = data[f"v{i}"].tobytes()
            y_small = np.array(luma.CODERS[str(coder)].decode(section, width, height))
            variants.append(Variant(str(coder), scale, quantizer, y_small))
        return Coded(y, variants)


def _code(path: Path, target: Path) -> None:
    rng = np.random.default_rng(int(target.stem[:8], 16))
    whole, _, _ = photo.planes(photo.load(path).rgb)
    top, left = (int(rng.integers(0, max(side - CROP, 0) + 1)) for side in whole.shape)
    cut = whole[top : top + CROP, left : left + CROP]
    cut = cut[: cut.shape[0] // 12 * 12, : cut.shape[1] // 12 * 12]  # multiples of every scale
    kept = io.BytesIO()
    Image.fromarray(cut).save(kept, "JPEG", quality=QUALITY, optimize=True)
    y = np.array(Image.open(kept))  # the target is the decoded JPEG file
    coders: list[str] = []
    keys: list[tuple[int, int]] = []
    sections: dict[str, np.ndarray] = {}
    for coder, scale, count, low, high in VARIANTS:
        small = scaling.shrink(y, scale)
        for quantizer in rng.integers(low, high, count).tolist():
            section = luma.CODERS[coder].encode(small, quantizer, str(rng.choice(EFFORTS)))
            sections[f"v{len(keys)}"] = np.frombuffer(section, np.uint8)
            coders.append(coder)
            keys.append((scale, quantizer))
    partial_file = target.with_suffix(".tmp")
    with partial_file.open("wb") as file:
        jpeg = np.frombuffer(kept.getvalue(), np.uint8)
        np.savez(file, y=jpeg, coders=np.array(coders), keys=np.array(keys), **sections)
    partial_file.replace(target)
