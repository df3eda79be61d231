"""Measure colour alone, on the original luma. `python -m scodec.eval.lab.colour FOLDER`

Prints figures for guessed (blind) colours and, at several byte budgets, for coded ones: hints, chroma coded along with
the luma (`--hints auto`), and a plain grid as baseline.

The plain grid holds the mean chroma of each cell, quantized and predicted from its neighbours. Its size is the ideal
code length of the residuals under the best-fitting two-sided geometric distribution of each plane, whose parameter is
not counted, plus one byte for cell and step. It is enlarged bicubically; cell and step are the best for each picture
and budget.

The size of chroma coded along is what it adds to the file; at each budget, the best of `RUNGS` that fits is taken.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
import numpy as np
from PIL import Image
from tqdm import tqdm

from scodec import photo
from scodec.colour import hints
from scodec.eval import rd
from scodec.luma import vvc
from scodec.metrics import ciede2000, colourfulness_ratio, rgb_psnr
from scodec.options import LOOKS
from scodec.sender import rate, scaling
from scodec.tool import Tool

BUDGETS = (30, 60, 120, 250)
CELLS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
#: Rungs (scale, quantizer) of the rate ladder at which chroma is coded along with the luma.
RUNGS = rate.LADDERS["vvc"][0:40:3]
STEPS = (3, 4, 6, 8, 12, 16, 24, 32)


@click.command(cls=Tool)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-j", "--workers", default=2, show_default=True)
def main(folders: tuple[Path, ...], workers: int) -> None:
    """Print means over the pictures in FOLDERS."""
    paths = rd.pictures(list(folders))
    with ProcessPoolExecutor(workers) as pool:
        rows = list(tqdm(pool.map(_measure, paths), total=len(paths), unit="picture"))
    for name in rows[0]:
        click.echo(f"{name:34}{np.mean([row[name] for row in rows]):9.3f}")


def _measure(path: Path) -> dict[str, float]:
    from scodec.models.receiver import receiver
    from scodec.models.receiver.shared import Grid

    networks = receiver.get("cpu")
    rgb = photo.load(path).rgb
    y, cb, cr = photo.planes(rgb)
    luma = networks.plane(y)
    gray = np.repeat(y[..., None], 3, 2)
    figures = {"grey: RGB-PSNR": rgb_psnr(rgb, gray), "grey: CIEDE2000": ciede2000(rgb, gray)}
    for name, look in LOOKS.items():
        blind = networks.colorize(luma, [None], look)[0]
        figures[f"blind, {name}: RGB-PSNR"] = rgb_psnr(rgb, blind)
        figures[f"blind, {name}: CIEDE2000"] = ciede2000(rgb, blind)
        figures[f"blind, {name}: colourfulness"] = colourfulness_ratio(rgb, blind)
    plain, coded_along = _plain_grids(cb, cr), _coded_along(rgb)
    for budget in BUDGETS:
        hinted = hints.decode(hints.encode(cb, cr, budget), y.shape[1], y.shape[0])
        grids = [grid for size, grid in plain if size <= budget]
        figures[f"{budget} bytes, plain grid"] = max(rgb_psnr(rgb, photo.merge(y, *grid)) for grid in grids)
        grid = Grid(hinted.grid, hinted.cell, hinted.step)
        figures[f"{budget} bytes, hints"] = rgb_psnr(rgb, networks.colorize(luma, [grid], 0)[0])
        within_budget = [psnr for size, psnr in coded_along if size <= budget]
        figures[f"{budget} bytes, coded along"] = max(within_budget, default=figures["grey: RGB-PSNR"])
    return figures


def _coded_along(rgb: np.ndarray) -> list[tuple[int, float]]:
    """(bytes that chroma adds to the file, RGB-PSNR on the original luma) for every rung."""
    from scodec.models.receiver import receiver

    networks = receiver.get("cpu")
    y, cb, cr = photo.planes(rgb)
    found = []
    for scale, quantizer in RUNGS:
        small = scaling.shrink(y, scale)
        section = vvc.encode(small, quantizer, chroma=hints.cell_means(np.stack([cb, cr]), 2 * scale))
        added = len(section) - len(vvc.encode(small, quantizer))
        _, chroma = vvc.decode_colour(section, small.shape[1], small.shape[0])
        painted = networks.paint(networks.plane(y), chroma[None], 2 * scale)[0]
        found.append((added, rgb_psnr(rgb, painted)))
    return found


def _plain_grids(cb: np.ndarray, cr: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """(bytes, enlarged chroma) for every cell size and step."""
    found = []
    height, width = cb.shape
    for cell in CELLS:
        means = hints.cell_means(np.stack([cb, cr]), cell)
        box = (0, 0, width / cell, height / cell)
        for step in STEPS:
            levels = np.rint(means / step).astype(int)
            planes = [Image.fromarray((plane * step).astype(np.float32)) for plane in levels]
            large = [np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC, box)) for plane in planes]
            found.append((1 + sum(_bits(_predicted(plane)) for plane in levels) / 8, np.stack(large)))
    return found


def _predicted(levels: np.ndarray) -> np.ndarray:
    """Prediction residuals of the median edge detector of LOCO-I (Weinberger et al. 2000, eq. 1)."""
    padded = np.pad(levels, ((1, 0), (1, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    low, high = np.minimum(left, above), np.maximum(left, above)
    return levels - np.where(corner >= high, low, np.where(corner <= low, high, left + above - corner))


def _bits(values: np.ndarray) -> float:
    """Code length in bits of all values under the best-fitting two-sided geometric distribution."""
    mean = np.abs(values).mean()
    if mean == 0:
        return 0.0
    ratio = (np.sqrt(1 + mean**2) - 1) / mean
    return float(-values.size * (np.log2((1 - ratio) / (1 + ratio)) + mean * np.log2(ratio)))


if __name__ == "__main__":
    main()
