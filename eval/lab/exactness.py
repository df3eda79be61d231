"""Check that the learned luma coder decodes identically everywhere. `python -m scodec.eval.lab.exactness FOLDER`

Crops of the pictures are coded at random quantizers and decoded under every setting below; all decodings must give
bit-identical latents. The actual size of the files is printed relative to the rate estimated in training.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import click
import numpy as np
import torch
from tqdm import tqdm

from scodec import photo
from scodec.files.folders import pictures
from scodec.models import weights
from scodec.models.luma.hyperprior import HYPER_BLOCK, LumaHyperprior
from scodec.tool import Tool


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


#: Decoder settings to test, as context managers.
SETTINGS: dict[str, Callable[[], AbstractContextManager]] = {
    "1 thread": lambda: _threads(1),
    "2 threads": lambda: _threads(2),
    "8 threads": lambda: _threads(8),
    "bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "without MKLDNN": lambda: torch.backends.mkldnn.flags(enabled=False),
    "deterministic": _deterministic,
}


def mismatches(network: LumaHyperprior, data: bytes, quantizer: int, height: int, width: int) -> list[str]:
    """The settings (and devices) under which `data` decodes to other latents than by default."""
    with torch.inference_mode():
        expected, checksum = network.decompress(data, quantizer, height, width)
        wrong = []
        for name, setting in SETTINGS.items():
            with setting():
                y_hat, found = network.decompress(data, quantizer, height, width)
            if found != checksum or not torch.equal(y_hat, expected):
                wrong.append(name)
        if torch.cuda.is_available():
            y_hat, found = network.cuda().decompress(data, quantizer, height, width)
            if found != checksum or not torch.equal(y_hat.cpu(), expected):
                wrong.append("CUDA")
            network.cpu()
    return wrong


@click.command(cls=Tool)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--weights", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Weights trained with the recipe hyperprior; default: the shipped weights.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), default=500, show_default=True, help="Number of files.")
@click.option("--seed", default=1, show_default=True)
def main(folder: Path, file: Path | None, count: int, seed: int) -> None:
    """Count mismatches over crops of the pictures in FOLDER and its subfolders."""
    network = weights.load(file or "hyperprior")
    assert isinstance(network, LumaHyperprior)
    paths = pictures([folder])
    rng = np.random.default_rng(seed)
    failures = decoded = bits = 0
    estimated = 0.0
    for number in tqdm(range(count), unit="file"):
        y = photo.planes(photo.load(paths[number % len(paths)]).rgb)[0]
        height, width = (HYPER_BLOCK * int(rng.integers(1, 7)) for _ in range(2))
        top, left = (int(rng.integers(max(y.shape[axis] - (height, width)[axis], 0) + 1)) for axis in (0, 1))
        crop = y[top : top + height, left : left + width]
        crop = np.pad(crop, ((0, height - crop.shape[0]), (0, width - crop.shape[1])), "edge")
        quantizer = int(rng.integers(64))
        quantizer_1 = torch.tensor([quantizer])
        with torch.inference_mode():
            y_latent = network.analysis(torch.from_numpy(crop)[None, None] / 255, quantizer_1)
            z_latent = network.hyper_analysis(y_latent, quantizer_1)
            data, _ = network.compress(y_latent, z_latent, quantizer, patience=0)
            likelihoods = network.coded(y_latent, z_latent, quantizer_1)["likelihoods"]
        bits += 8 * len(data)
        estimated += sum(float(-torch.log2(each).sum()) for each in likelihoods.values())
        wrong = mismatches(network, data, quantizer, *y_latent.shape[2:])
        failures += len(wrong)
        decoded += len(SETTINGS) + torch.cuda.is_available()
        for name in wrong:
            click.echo(f"{paths[number % len(paths)]}, quantizer {quantizer}: {name}", err=True)
    click.echo(f"{count} files, {decoded} decodings under {', '.join(SETTINGS)}: {failures} mismatches")
    click.echo(f"{bits // 8} bytes, {bits / estimated - 1:+.2%} relative to the rate estimated in training")


if __name__ == "__main__":
    main()
