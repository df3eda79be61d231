"""Find the best scale at every rate, by the PSNR of the restored luma. `python -m scodec.eval.lab.hull FILE...`

Prints the numbers kept in codec/sender/rate.py: the quantizers at which each scale lies on the convex hull of rate and
restored luma PSNR, and the slope of the hull, which sets the price of a byte of colour. Use pictures held out of
training, never a test set.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from scodec import luma, photo
from scodec.sender import scaling
from scodec.tool import Tool

QUANTIZERS = (63, 62, 60, 57, 54, 51, 48, 46, 44, 42, 40, 37, 34, 31, 27, 22, 16, 10)
CROP = 512


@click.command(cls=Tool)
@click.argument("pictures", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--luma", "coder", type=click.Choice(list(luma.CODERS)), default="vvc", show_default=True)
@click.option("-j", "--workers", default=2, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Also write the mean curves as JSON.")
def main(pictures: tuple[Path, ...], coder: str, workers: int, out: Path | None) -> None:
    """Print the convex hull of the means over PICTURES (files)."""
    with ProcessPoolExecutor(workers) as pool:
        tables = list(tqdm(pool.map(partial(_measure, coder), pictures), total=len(pictures), unit="picture"))
    bpp, decoded, restored = np.moveaxis(np.mean(tables, 0), 2, 0)  # each of shape (scale, quantizer)
    mse = np.exp(np.log(10) * (np.log10(255**2) - restored / 10))
    if out is not None:
        out.write_text(json.dumps({"bpp": bpp.tolist(), "decoded": decoded.tolist(), "restored": restored.tolist()}))
    points = [(bpp[s, i], restored[s, i], s + 1, q) for s in range(4) for i, q in enumerate(QUANTIZERS)]
    print("scale quantizer     bpp  decoded restored  on hull  -dMSE/dbpp")
    hull = set(_hull([(x, y) for x, y, _, _ in points]))
    for s in range(4):
        slopes = -np.gradient(mse[s], bpp[s])
        for i, q in enumerate(QUANTIZERS):
            mark = "*" if s * len(QUANTIZERS) + i in hull else ""
            figures = f"{bpp[s, i]:8.4f} {decoded[s, i]:7.2f} {restored[s, i]:8.2f}"
            print(f"{s + 1:5} {q:9} {figures} {mark:^8} {slopes[i]:10.1f}")


def _measure(coder: str, path: Path) -> np.ndarray:
    """(scale, quantizer, 3): bpp, PSNR of the enlarged luma, PSNR of the restored luma."""
    import torch

    from scodec.models.receiver import receiver
    from scodec.models.receiver.restorer import enlarge
    from scodec.models.receiver.shared import CodedLuma

    torch.set_num_threads(1)
    networks = receiver.get("cpu")
    y, _, _ = photo.planes(photo.load(path).rgb[:CROP, :CROP])
    height, width = y.shape
    table = np.empty((4, len(QUANTIZERS), 3))
    for scale in (1, 2, 3, 4):
        small = scaling.shrink(y, scale)
        for i, quantizer in enumerate(QUANTIZERS):
            section = luma.CODERS[coder].encode(small, quantizer)
            decoded = luma.CODERS[coder].decode(section, small.shape[1], small.shape[0])
            up = enlarge(torch.from_numpy(decoded.copy())[None, None] / 255, scale)[0, 0, :height, :width].numpy() * 255
            coded = CodedLuma(decoded, coder, scale, quantizer, height, width)
            y_hat = networks.restore([coded], 0, [0])[0, 0].numpy() * 255
            table[scale - 1, i] = 8 * len(section) / y.size, _psnr(up - y), _psnr(y_hat - y)
    return table


def _psnr(error: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean(np.square(error)), 1e-3)))


def _hull(points: list[tuple[float, float]]) -> list[int]:
    """Indices of the points on the upper convex hull, from the lowest rate to the highest PSNR."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    best: list[int] = []
    for i in order:
        while len(best) > 1 and _cross(points[best[-2]], points[best[-1]], points[i]) >= 0:
            best.pop()
        best.append(i)
    top = max(range(len(best)), key=lambda k: points[best[k]][1])
    return best[: top + 1]


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


if __name__ == "__main__":
    main()
