"""Pairs for the restorer: luma and what the real luma coder makes of it, cached on disk.

One .npz a picture: `y` (a crop of its luma) and for every variant the decoded luma at that scale and quantizer.
"""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from scodec import luma_av1, photo, scaling

#: How a picture is coded: for every scale how many variants, and the quantizers they are drawn from.
#: The draws lean to the coarse end, where the codec lives.
VARIANTS = {1: (6, 34, 64), 2: (4, 22, 64), 3: (2, 16, 64), 4: (2, 12, 64)}
FINE_VARIANTS = {1: (1, 4, 34)}
CROP = 640


@dataclass(frozen=True)
class Coded:
    """One picture: luma `y` (H x W, uint8) and its variants (scale, quantizer, decoded luma of the scaled size)."""

    y: np.ndarray
    variants: list[tuple[int, int, np.ndarray]]


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
        keys = data["keys"]
        return Coded(data["y"], [(int(s), int(q), data[f"v{i}"]) for i, (s, q) in enumerate(keys)])


def _code(path: Path, target: Path) -> None:
    rng = np.random.default_rng(int(target.stem[:8], 16))
    y, _, _ = photo.planes(photo.load(path).rgb)
    top, left = (int(rng.integers(0, max(side - CROP, 0) + 1)) for side in y.shape)
    y = y[top : top + CROP, left : left + CROP]
    y = y[: y.shape[0] // 12 * 12, : y.shape[1] // 12 * 12]  # every scale divides it
    keys: list[tuple[int, int]] = []
    planes: dict[str, np.ndarray] = {}
    for table in (VARIANTS, FINE_VARIANTS):
        for scale, (count, low, high) in table.items():
            small = scaling.shrink(y, scale)
            for quantizer in rng.integers(low, high, count).tolist():
                section = luma_av1.encode(small, quantizer)
                planes[f"v{len(keys)}"] = luma_av1.decode(section, small.shape[1], small.shape[0])
                keys.append((scale, quantizer))
    partial_file = target.with_suffix(".tmp")
    with partial_file.open("wb") as file:
        np.savez(file, y=y, keys=np.array(keys), **planes)
    partial_file.replace(target)
