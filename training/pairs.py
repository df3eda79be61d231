"""Pairs for the restorer: luma and what the real luma coders make of it, cached on disk.

One .npz a picture: `y` (a crop of its luma) and for every variant the decoded luma by that coder, scale and quantizer.
"""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from scodec import luma, photo, scaling

#: How a picture is coded: for every coder and scale how many variants, and the quantizers they are drawn from.
#: The draws lean to the coarse end, where the codec lives.
VARIANTS = (
    ("vvc", 1, 5, 36, 58),
    ("vvc", 1, 1, 12, 36),
    ("vvc", 2, 4, 30, 56),
    ("vvc", 3, 1, 26, 54),
    ("vvc", 4, 1, 22, 54),
    ("av1", 1, 2, 34, 64),
    ("av1", 2, 1, 22, 64),
)
#: One is drawn for each variant: users take them all.
EFFORTS = ("fast", "medium")
CROP = 512


@dataclass(frozen=True)
class Variant:
    """What a luma coder made of a luma."""

    coder: str
    scale: int
    quantizer: int
    y_small: np.ndarray  # uint8, 1/scale of the size


@dataclass(frozen=True)
class Coded:
    """One picture: luma `y` (H x W, uint8) and its variants."""

    y: np.ndarray
    variants: list[Variant]


def prepare(paths: list[Path], cache: Path, workers: int) -> list[Path]:
    """Code every picture that the cache lacks; the cache files, in the order of `paths`."""
    cache.mkdir(parents=True, exist_ok=True)
    targets = [cache / (hashlib.sha256(path.read_bytes()).hexdigest()[:24] + ".npz") for path in paths]
    todo = [(path, target) for path, target in zip(paths, targets, strict=True) if not target.exists()]
    if todo:
        with ProcessPoolExecutor(workers) as pool:
            list(tqdm(pool.map(_code, *zip(*todo, strict=True)), "coding pairs", len(todo), unit="picture"))
    return targets


def load(path: Path) -> Coded:
    """One cached picture."""
    with np.load(path) as data:
        keys = zip(data["coders"], data["keys"].tolist(), strict=True)
        variants = [
            Variant(str(coder), scale, quantizer, data[f"v{i}"]) for i, (coder, (scale, quantizer)) in enumerate(keys)
        ]
        return Coded(data["y"], variants)


def _code(path: Path, target: Path) -> None:
    rng = np.random.default_rng(int(target.stem[:8], 16))
    y, _, _ = photo.planes(photo.load(path).rgb)
    top, left = (int(rng.integers(0, max(side - CROP, 0) + 1)) for side in y.shape)
    y = y[top : top + CROP, left : left + CROP]
    y = y[: y.shape[0] // 12 * 12, : y.shape[1] // 12 * 12]  # every scale divides it
    coders: list[str] = []
    keys: list[tuple[int, int]] = []
    planes: dict[str, np.ndarray] = {}
    for coder, scale, count, low, high in VARIANTS:
        small = scaling.shrink(y, scale)
        for quantizer in rng.integers(low, high, count).tolist():
            section = luma.CODERS[coder].encode(small, quantizer, str(rng.choice(EFFORTS)))
            planes[f"v{len(keys)}"] = luma.CODERS[coder].decode(section, small.shape[1], small.shape[0])
            coders.append(coder)
            keys.append((scale, quantizer))
    partial_file = target.with_suffix(".tmp")
    with partial_file.open("wb") as file:
        np.savez(file, y=y, coders=np.array(coders), keys=np.array(keys), **planes)
    partial_file.replace(target)
