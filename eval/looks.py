"""Compare both looks with other codecs at equal file size. `python -m scodec.eval.looks FOLDER... --quality 40`

For every picture and quality, the size of the file with `--hints auto` is the budget: each anchor uses its best setting
within it, or its smallest file if none fits. The luminance-only file has the same quality and is therefore smaller.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
import numpy as np
from tqdm import tqdm

import scodec
from scodec import photo
from scodec.eval import rd
from scodec.eval.codecs import CODECS, within
from scodec.metrics import METRICS
from scodec.metrics.perception import frechet, patches
from scodec.options import LOOKS
from scodec.tool import Tool

COLUMNS = ("rgb_psnr", "y_psnr", "ciede2000", "colourfulness_ratio", "feature_distance")
ANCHORS = [name for name in CODECS if name.startswith("avif-") or name == "jxl"]
Row = dict[str, Any]


@click.command(cls=Tool)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--quality", "qualities", multiple=True, type=int, default=(34, 40, 46), show_default=True)
@click.option("--anchors/--no-anchors", default=True, show_default=True, help="Also measure AVIF and JPEG XL.")
@click.option("-j", "--workers", default=2, show_default=True)
def main(folders: tuple[Path, ...], qualities: tuple[int, ...], anchors: bool, workers: int) -> None:
    """Print means over the pictures in FOLDERS; the Frechet distance is computed over all of them together."""
    paths = rd.pictures(list(folders))
    jobs = [(path, quality, ANCHORS if anchors else []) for quality in qualities for path in paths]
    with ProcessPoolExecutor(workers) as pool:
        measured = list(tqdm(pool.map(_measure, jobs), total=len(jobs), unit="picture"))
    click.echo(f"{'':30}{'bpp':>8}" + "".join(f"{name:>20}" for name in (*COLUMNS, "frechet")))
    for quality in qualities:
        click.echo(f"quality {quality}")
        rows = [row for (_, each, _), row in zip(jobs, measured, strict=True) if each == quality]
        for name in (each for each in rows[0] if each != "original"):
            means = [float(np.mean([row[name][key] for row in rows])) for key in ("bpp", *COLUMNS)]
            distance = frechet([row["original"] for row in rows], [row[name]["patches"] for row in rows])
            click.echo(f"  {name:28}{means[0]:8.4f}" + "".join(f"{value:20.3f}" for value in (*means[1:], distance)))


def _measure(job: tuple[Path, int, list[str]]) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    path, quality, anchors = job
    rgb = photo.load(path).rgb
    rows: dict[str, Any] = {}

    def add(name: str, data: bytes, rebuilt: np.ndarray) -> None:
        row: Row = {metric: METRICS[metric](rgb, rebuilt) for metric in COLUMNS}
        rows[name] = row | {"bpp": 8 * len(data) / (rgb.shape[0] * rgb.shape[1]), "patches": patches(rebuilt)}

    most = 0
    for mode, hints in (("hints auto", "auto"), ("luminance only", 0)):
        data = scodec.encode(rgb, quality=quality, hints=hints)
        most = max(most, len(data))
        for look in LOOKS:
            add(f"scodec, {mode}, {look}", data, np.array(scodec.decode(data, look=look).convert("RGB")))
    for name in anchors:
        data = within(CODECS[name], rgb, most)
        add(name, data, CODECS[name].decode(data))
    return rows | {"original": patches(rgb)}


if __name__ == "__main__":
    main()
