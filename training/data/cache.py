"""What takes long to make of a picture is made once, in several processes, and kept in files named by its bytes."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm


def prepare(make: Callable[[Path, Path], None], paths: list[Path], cache: Path, workers: int, doing: str) -> list[Path]:
    """Make what is not in the cache yet. Returns the cache files in the order of `paths`.

    make: (picture, target) -> the target written whole or not at all; importable by other processes. doing: the words
    of the progress bar.
    """
    cache.mkdir(parents=True, exist_ok=True)
    targets = [cache / f"{key(path.read_bytes())}.npz" for path in paths]
    todo = {target: path for path, target in zip(paths, targets, strict=True) if not target.exists()}
    if todo:
        with ProcessPoolExecutor(workers) as pool:
            list(tqdm(pool.map(make, todo.values(), todo.keys()), doing, len(todo), unit="picture"))
    return targets


def key(picture: bytes) -> str:
    """Name of a picture's file in a cache, derived from the bytes of its own file."""
    return hashlib.sha256(picture).hexdigest()[:24]
