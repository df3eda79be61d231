"""Compare the systems of the five reports with scodec's own networks. `python -m scodec.eval.reports.systems --help`

Each system gets its own file of figures, so that systems can be trained and measured one at a time. Each system that
colorizes also gets a strip of sample pictures.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import matplotlib
import numpy as np
from PIL import Image

from scodec import photo
from scodec.eval import rd
from scodec.eval.reports.figures import (
    Colorize,
    Enlarge,
    coloured,
    enlarged,
    jpeg_curve,
    rebuilt_curve,
    strengths,
    strip,
)
from scodec.models import weights
from scodec.models.receiver import receiver
from scodec.models.receiver.shared import CodedLuma
from scodec.models.reports import system
from scodec.restoration import QUANTIZER
from scodec.tool import Tool

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

Figures = dict[str, Any]
COLOUR_COLUMNS = {
    "psnr": ".2f", "pooled_psnr": ".2f", "ssim": ".3f", "lpips": ".3f", "ciede2000": ".2f", "colourfulness": ".2f",
    "ours_at_that_psnr": ".2f", "parameters": ",.0f", "seconds_per_megapixel": ".2f", "reported": "s",
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A system to measure, and its weights."""

    weights: str = ""
    parameters: int = 0
    colorize: Colorize | None = None
    enlarge: Enlarge | None = None
    scales: tuple[int, ...] = ()
    #: Values for `scodec decode --receiver`, empty for scodec's own networks; None if it does not decode files.
    receivers: tuple[str, ...] | None = None


def subjects(trained: Path) -> dict[str, Subject]:
    """The baselines (grey, bicubic), scodec's own networks, and every system under `trained`."""
    networks = receiver.get("cpu")

    def restored(small: np.ndarray, scale: int) -> np.ndarray:
        height, width, _ = small.shape
        y, cb, cr = photo.planes(_bicubic(small, scale))
        coded = CodedLuma(photo.planes(small)[0], "vvc", scale, QUANTIZER, height * scale, width * scale)
        y_hat = networks.restore([coded], 0, [0])[0, 0] * 255
        return photo.merge(y_hat.numpy(), cb, cr)

    def coloured(y: np.ndarray) -> np.ndarray:
        return networks.colorize(networks.plane(y), [None], 0)[0]

    colorizer, restorer = (weights.facts(name)["id"] for name in ("colorizer", "restorer"))
    found = {
        "grey": Subject(colorize=lambda y: np.repeat(y.round().astype(np.uint8)[..., None], 3, 2)),
        "scodec": Subject(colorizer, _parameters(networks.colorizer), coloured, receivers=()),
        "bicubic": Subject(enlarge=_bicubic, scales=(2, 3, 4)),
        "scodec-restorer": Subject(restorer, _parameters(networks.restorer), enlarge=restored, scales=(2, 3, 4)),
    }
    for file in sorted(trained.glob("*/weights.safetensors")):
        if weights.facts(file)["network"] not in ("restorer", "colorizer", "hyperprior"):
            found[file.parent.name] = _subject(file)
    return found


def measure(subject: Subject, known: Figures, parts: dict[str, list[Path]]) -> Figures:
    """Measure `parts` (colour, size, receivers -> pictures), except those already `known` for the same weights."""
    figures: Figures = {"weights": subject.weights, "parameters": subject.parameters}
    if known.get("weights") == subject.weights:
        figures |= known
    if subject.colorize and "colour" in parts and "colour" not in figures:
        figures["colour"] = coloured(subject.colorize, parts["colour"])
        if subject.receivers == ():  # scodec's own networks
            figures["strengths"] = strengths(subject.colorize, parts["colour"])
    if subject.enlarge and "size" in parts and "size" not in figures:
        figures["size"] = [enlarged(subject.enlarge, scale, parts["size"]) for scale in subject.scales]
    if subject.receivers is not None and "receivers" in parts and "receivers" not in figures:
        figures["receivers"] = rebuilt_curve(subject.receivers, tuple(parts["receivers"]))
    return figures


def colour_rows(results: dict[str, Figures]) -> list[Figures]:
    """The rows of the colour table, sorted by PSNR, the best last."""
    reported = json.loads((files("scodec.eval.reports") / "reported.json").read_text())
    rows = []
    for name, figures in results.items():
        if "colour" in figures:
            row = {"name": name, "parameters": figures["parameters"], **figures["colour"]}
            row["reported"] = ", ".join(str(value) for value in reported.get(name, {}).values())
            row["ours_at_that_psnr"] = _colourfulness_at(row["psnr"], results.get("scodec", {}).get("strengths", []))
            rows.append(row)
    return sorted(rows, key=lambda row: row["psnr"])


def size_rows(results: dict[str, Figures]) -> list[Figures]:
    """The rows of the size table, sorted by scale."""
    rows = [
        {"name": name, "parameters": figures["parameters"], **row}
        for name, figures in results.items()
        for row in figures.get("size", [])
    ]
    return sorted(rows, key=lambda row: row["scale"])


def table(rows: list[Figures], columns: dict[str, str]) -> str:
    """A Markdown table of the columns that have a value in any row."""
    columns = {column: form for column, form in columns.items() if any(row.get(column) for row in rows)}
    lines = [["system", *(column.replace("_", " ") for column in columns)], ["---"] * (len(columns) + 1)]
    for row in rows:
        values = ((row.get(column), form) for column, form in columns.items())
        lines.append([row["name"], *("" if value is None else format(value, form) for value, form in values)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(curves: dict[str, list[list[float]]], target: Path) -> None:
    """Plot the mean (bpp, RGB-PSNR) curve of every receiver, the best one first in the legend."""
    figure, axes = plt.subplots(figsize=(8, 6.5), layout="constrained")
    axes.set_prop_cycle(color=plt.get_cmap("tab20")(range(20)))
    for name, points in sorted(curves.items(), key=lambda curve: -curve[1][-1][1]):
        style = {"scodec": "o-k", "jpeg": "o:k"}.get(name, ".--")
        axes.plot(*zip(*points, strict=True), style, label=name, linewidth=1 if style == ".--" else 2)
    rates, best = zip(*curves["scodec"], strict=True)  # JPEG's extend further
    axes.set(xscale="log", xlabel="bits per pixel, whole file", ylabel="RGB-PSNR (dB)")
    axes.set(xlim=(0.9 * min(rates), 1.2 * max(rates)), ylim=(None, max(best) + 1.5))
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(target, dpi=120)
    plt.close(figure)


def _subject(file: Path) -> Subject:
    chosen = system.choose([str(file)], "cpu")
    each = chosen.painter or chosen.enlarger
    assert isinstance(each, system.System)
    about = weights.facts(file)["id"], _parameters(each.network)
    if each.colours:
        return Subject(*about, each.colorize, receivers=(str(file),))
    return Subject(*about, enlarge=lambda small, _: each.enlarge(small), scales=(each.scale,))


def _bicubic(small: np.ndarray, scale: int) -> np.ndarray:
    height, width, _ = small.shape
    return np.asarray(Image.fromarray(small).resize((width * scale, height * scale), Image.Resampling.BICUBIC))


def _parameters(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _colourfulness_at(psnr: float, rows: list[Figures]) -> float | None:
    """The colourfulness of scodec with its chroma amplified until its PSNR falls to `psnr`; None if out of range."""
    psnrs, colourfulness = (np.array([row[key] for row in rows]) for key in ("psnr", "colourfulness"))
    if not rows or not psnrs.min() <= psnr <= psnrs.max():
        return None
    falling = slice(int(psnrs.argmax()), None)
    return float(np.interp(psnr, psnrs[falling][::-1], colourfulness[falling][::-1]))


_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(cls=Tool)
@click.option("--trained", type=_FOLDER, required=True, help="Folder of trained systems, the --run of `scodec train`.")
@click.option("--photographs", type=_FOLDER, help="Photographs to colorize.")
@click.option("--small", type=_FOLDER, multiple=True, help="Pictures to downscale and enlarge (Set5, Set14).")
@click.option("--receivers", type=_FOLDER, help="Pictures to encode and decode (Kodak).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Output folder.")
def main(trained: Path, photographs: Path | None, small: tuple[Path, ...], receivers: Path | None, out: Path) -> None:
    """Measure scodec's networks and all trained systems, and colorize sample pictures.

    Writes figures (NAME.json) and a strip of pictures (NAME.jpg) for each system to OUT; existing figures of the same
    weights are kept. Prints tables of all figures in OUT and draws receivers.png.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts = {"colour": photographs and [photographs], "size": list(small), "receivers": receivers and [receivers]}
    pictures = {part: rd.pictures(folders) for part, folders in parts.items() if folders}
    for name, subject in subjects(trained).items():
        target = out / f"{name}.json"
        figures = measure(subject, json.loads(target.read_text()) if target.exists() else {}, pictures)
        target.write_text(json.dumps(figures, indent=1) + "\n")
        if subject.colorize:
            strip(subject.colorize).save(out / f"{name}.jpg", quality=90)
    jpeg = out / "jpeg.json"
    if receivers and not jpeg.exists():
        jpeg.write_text(json.dumps({"receivers": jpeg_curve(pictures["receivers"])}, indent=1) + "\n")

    results = {file.stem: json.loads(file.read_text()) for file in sorted(out.glob("*.json"))}
    sizes = size_rows(results)
    metric_columns = [column for column in (sizes or [{}])[0] if column.endswith(("_psnr", "_ssim"))]
    click.echo(table(colour_rows(results), COLOUR_COLUMNS) + "\n")
    formats = {column: ".2f" if column.endswith("psnr") else ".4f" for column in metric_columns}
    click.echo(table(sizes, {"scale": "d", **formats, "parameters": ",.0f"}))
    curves = {name: figures["receivers"] for name, figures in results.items() if "receivers" in figures}
    if "scodec" in curves:
        draw(curves, out / "receivers.png")


if __name__ == "__main__":
    main()
