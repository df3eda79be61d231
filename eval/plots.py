"""Plot the rate-distortion curves of a run as PNG and SVG. `python -m scodec.eval.plots results.json [FOLDER]`"""

import json
from importlib.resources import files
from itertools import cycle
from pathlib import Path
from typing import Any

import click
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from scodec.eval.codecs import OURS  # noqa: E402
from scodec.eval.rd import Record, curve, load  # noqa: E402
from scodec.tool import Tool  # noqa: E402

LABELS = {
    "rgb_psnr": "RGB-PSNR (dB)",
    "y_psnr": "Y-PSNR (dB)",
    "ms_ssim": "MS-SSIM",
    "ssimulacra2": "SSIMULACRA 2",
    "ciede2000": "CIEDE2000 (less is better)",
    "lpips": "LPIPS (less is better)",
    "feature_distance": "distance of features (less is better)",
    "frechet": "Frechet distance of patches (less is better)",
    "colourfulness_ratio": "colourfulness, rebuilt / original",
}
#: Range of rates shown, in bits per pixel.
RATES = (0.008, 0.4)


def baselines() -> list[dict[str, Any]]:
    """Published curves on Kodak: name, metric, source and (bpp, value) points."""
    folder = files("scodec.eval") / "baselines"
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name
    )
    return [json.loads(entry.read_text()) for entry in entries]


def draw(records: list[Record], folder: Path) -> list[Path]:
    """Draw one figure per metric, as PNG and SVG; returns the files written."""
    written = []
    for metric in (m for m in LABELS if m in records[0]):
        figure, axes = plt.subplots(figsize=(8, 5.5), layout="constrained")
        for codec in dict.fromkeys(record["codec"] for record in records):
            bpp, quality = curve(records, codec, metric)
            ours = codec in OURS
            axes.plot(bpp, quality, "o-" if ours else ".--", label=codec, linewidth=2.2 if ours else 1.2, markersize=4)
        for published, marker in zip(baselines(), cycle("xsv^D*P")):
            if published["metric"] == metric:
                points = published["points"]
                axes.plot(
                    *zip(*points, strict=True),
                    ":",
                    color="0.45",
                    marker=marker,
                    markersize=5,
                    label=f"{published['name']} (published)",
                    linewidth=1,
                )
        axes.set(xscale="log", xlim=RATES, xlabel="bits per pixel, whole file", ylabel=LABELS[metric])
        bpp, quality = (np.concatenate([line.get_data()[i] for line in axes.lines]) for i in (0, 1))
        shown = quality[(bpp >= RATES[0]) & (bpp <= RATES[1]) & np.isfinite(quality)]
        if shown.size:  # all files of a tiny picture may exceed the range of rates
            axes.set_ylim(np.min(shown) - 0.02 * np.ptp(shown), np.max(shown) + 0.02 * np.ptp(shown))
        axes.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.4], ["0.01", "0.02", "0.05", "0.1", "0.2", "0.4"])
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=8)
        for suffix in ("png", "svg"):
            written.append(folder / f"{metric}.{suffix}")
            figure.savefig(written[-1], dpi=120)
        plt.close(figure)
    return written


@click.command(cls=Tool)
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def main(results: Path, folder: Path | None) -> None:
    """Plot the curves in RESULTS (results.json of `scodec eval`) to FOLDER, by default next to RESULTS."""
    target = folder or results.parent
    target.mkdir(parents=True, exist_ok=True)
    written = draw(load(results), target)
    for path in written:
        click.echo(path)


if __name__ == "__main__":
    main()
