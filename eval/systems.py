"""The systems of the five reports beside scodec's own networks. `python -m scodec.eval.systems --help`

Colour: every photograph is turned grey (its luma) and coloured again. Size: every picture is reduced bicubically and
enlarged again; PSNR and SSIM of the luma (BT.601, 16 to 235, borders of `scale` pixels shaved), as the super-resolution
papers do. Receivers: luminance-only files of scodec, coloured by every system.
"""

import json
import time
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import matplotlib
import numpy as np
from PIL import Image
from tqdm import tqdm

import scodec
from scodec import photo
from scodec.errors import Unsupported
from scodec.eval import metrics, rd
from scodec.eval.codecs import CODECS
from scodec.eval.sheet import sheet
from scodec.models import receiver, system, weights

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

Colorize = Callable[[np.ndarray], np.ndarray]
Enlarge = Callable[[np.ndarray, int], np.ndarray]
Metric = Callable[[np.ndarray, np.ndarray], float]
Row = dict[str, Any]
#: Our colours times this, to compare colourfulness at equal PSNR.
FACTORS = np.arange(1, 4.01, 0.25)
#: Pictures of the strips, by their names in skimage.data; their width in pixels, and how many stand abreast.
SHOWN, SIDE, ABREAST = ("astronaut", "coffee", "chelsea"), 230, 5
#: Qualities of the files that the receivers rebuild.
QUALITIES = (12, 27, 40, 52, 64)
COLOUR_COLUMNS = {
    "psnr": ".2f", "pooled_psnr": ".2f", "ssim": ".3f", "lpips": ".3f", "ciede2000": ".2f", "colourfulness": ".2f",
    "ours_at_that_psnr": ".2f", "parameters": ",.0f", "seconds_per_megapixel": ".2f", "reported": "s",
}  # fmt: skip


def colour_rows(trained: dict[str, Path], paths: list[Path]) -> list[Row]:
    """A row for grey, for scodec and for every colour system, of means over the photographs."""
    networks = receiver.get("cpu")
    painters: dict[str, tuple[Colorize, int]] = {
        "grey": (lambda y: np.repeat(y.round().astype(np.uint8)[..., None], 3, 2), 0),
        "scodec": (networks.colorize_blind, _parameters(networks.colorizer)),
    }
    for name, each in _systems(trained).items():
        if each.colours:
            painters[name] = each.colorize, _parameters(each.network)
    rows = [_coloured(name, *painter, paths) for name, painter in painters.items()]
    stronger = [_coloured("", _stronger(painters["scodec"][0], factor), 0, paths[::2]) for factor in FACTORS]
    for row in rows:
        row["ours_at_that_psnr"] = _at(row["psnr"] + stronger[0]["psnr"] - rows[1]["psnr"], stronger)
    return rows


def size_rows(trained: dict[str, Path], folders: tuple[Path, ...]) -> list[Row]:
    """A row for bicubic enlargement, for scodec's restorer and for every system that enlarges, and for every folder."""
    networks = receiver.get("cpu")

    def bicubic(small: np.ndarray, scale: int) -> np.ndarray:
        height, width, _ = small.shape
        return np.asarray(Image.fromarray(small).resize((width * scale, height * scale), Image.Resampling.BICUBIC))

    def restored(small: np.ndarray, scale: int) -> np.ndarray:
        height, width, _ = small.shape
        y, cb, cr = photo.planes(bicubic(small, scale))
        y_hat = networks.restore(photo.planes(small)[0], "vvc", scale, 22, height * scale, width * scale)
        return photo.merge(y_hat, cb, cr)

    rows = []
    for name, each in {"bicubic": None, "scodec": None, **_systems(trained)}.items():
        enlarge: Enlarge = bicubic
        scales: tuple[int, ...] = (2, 3, 4)
        parameters = 0
        if name == "scodec":
            enlarge, parameters = restored, _parameters(networks.restorer)
        elif each is not None:
            if each.colours:
                continue
            enlarge, scales, parameters = _enlarger(each), (each.scale,), _parameters(each.network)
        for scale in scales:
            row: Row = {"name": name, "scale": scale, "parameters": parameters}
            for folder in folders:
                figures = [_enlarged(path, enlarge, scale) for path in rd.pictures([folder])]
                row[f"{folder.name}_psnr"], row[f"{folder.name}_ssim"] = map(float, np.mean(figures, 0))
            rows.append(row)
    return sorted(rows, key=lambda row: row["scale"])


def receiver_curves(trained: dict[str, Path], paths: list[Path]) -> dict[str, list[list[float]]]:
    """Mean (bpp, RGB-PSNR) points of luminance-only files, by what colours them, and of JPEG."""
    names = {name: [str(trained[name])] for name, each in _systems(trained).items() if each.colours}
    points: dict[str, list[list[list[float]]]] = {name: [] for name in ("scodec", *names, "jpeg")}
    for path in tqdm(paths, unit="picture", disable=None):
        rgb = photo.load(path).rgb
        pixels = rgb.shape[0] * rgb.shape[1]
        for name in points:
            points[name].append([])
        for quality in QUALITIES:
            data = scodec.encode(rgb, quality=quality)
            for name in ("scodec", *names):
                rebuilt = np.asarray(scodec.decode(data, receivers=names.get(name, ())))
                points[name][-1].append([8 * len(data) / pixels, metrics.rgb_psnr(rgb, rebuilt)])
        codec = CODECS["jpeg"]
        for quality in codec.qualities:
            data = codec.encode(rgb, quality)
            points["jpeg"][-1].append([8 * len(data) / pixels, metrics.rgb_psnr(rgb, codec.decode(data))])
    return {name: np.mean(each, 0).tolist() for name, each in points.items()}


def strips(trained: dict[str, Path]) -> Image.Image:
    """Photographs of scikit-image's as every colour system paints them, from their luma."""
    import skimage.data

    painters = {"scodec": receiver.get("cpu").colorize_blind}
    painters |= {name: each.colorize for name, each in _systems(trained).items() if each.colours}
    lines = []
    for name in SHOWN:
        picture = Image.fromarray(getattr(skimage.data, name)())
        rgb = np.asarray(picture.resize((SIDE, SIDE * picture.height // picture.width), Image.Resampling.LANCZOS))
        y = photo.planes(rgb)[0].astype(np.float32)
        tiles = [("original", rgb)] + [(label, colorize(y)) for label, colorize in painters.items()]
        lines += [tiles[first : first + ABREAST] for first in range(0, len(tiles), ABREAST)]
    return sheet(lines)


def table(rows: list[Row], columns: dict[str, str]) -> str:
    """Markdown."""
    lines = [["system", *(column.replace("_", " ") for column in columns)], ["---"] * (len(columns) + 1)]
    for row in rows:
        values = ((row.get(column), form) for column, form in columns.items())
        lines.append([row["name"], *("" if value is None else format(value, form) for value, form in values)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(curves: dict[str, list[list[float]]], target: Path) -> None:
    """The curves of the receivers as a picture."""
    figure, axes = plt.subplots(figsize=(8, 5.5), layout="constrained")
    for name, points in curves.items():
        strong = name in ("scodec", "jpeg")
        axes.plot(*zip(*points, strict=True), "o-" if strong else ".--", label=name, linewidth=2.2 if strong else 1)
    axes.set(xscale="log", xlim=rd_limits(curves), xlabel="bits per pixel, whole file", ylabel="RGB-PSNR (dB)")
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=7)
    figure.savefig(target, dpi=120)
    plt.close(figure)


def rd_limits(curves: dict[str, list[list[float]]]) -> tuple[float, float]:
    """Rates that are drawn: as far as our files go, and JPEG a little further."""
    rates = [point[0] for point in curves["scodec"]]
    return 0.9 * min(rates), 1.5 * max(rates)


def _systems(trained: dict[str, Path]) -> dict[str, system.System]:
    return {name: system.get(str(file), "cpu") for name, file in trained.items()}


def _coloured(name: str, colorize: Colorize, parameters: int, paths: list[Path]) -> Row:
    values: dict[str, list[float]] = {}
    seconds = pixels = 0.0
    for path in tqdm(paths, desc=name, unit="picture", disable=None):
        rgb = photo.load(path).rgb
        y = photo.planes(rgb)[0].astype(np.float32)
        began = time.perf_counter()
        coloured = colorize(y)
        seconds, pixels = seconds + time.perf_counter() - began, pixels + y.size
        for metric, measure in _colour_metrics().items():
            values.setdefault(metric, []).append(measure(rgb, coloured))
    means = {metric: float(np.mean(each)) for metric, each in values.items()}
    row: Row = {"name": name, "parameters": parameters, "seconds_per_megapixel": seconds / pixels * 1e6} | means
    # Of the mean error, which most systems minimize: colourful pictures rule it, near-grey ones the mean of decibels.
    row["pooled_psnr"] = float(-10 * np.log10(np.mean(10 ** (-np.array(values["psnr"]) / 10))))
    told = json.loads((files("scodec.eval") / "reported.json").read_text()).get(name)
    row["reported"] = told and ", ".join(str(value) for value in told.values())
    return row


def _ssim(original: np.ndarray, rebuilt: np.ndarray) -> float:
    from skimage.metrics import structural_similarity

    return float(structural_similarity(original, rebuilt, channel_axis=2))


@cache
def _colour_metrics() -> dict[str, Metric]:
    """What a row has, LPIPS only where it can be had."""
    found: dict[str, Metric] = {
        "psnr": metrics.rgb_psnr,
        "ssim": _ssim,
        "ciede2000": metrics.ciede2000,
        "colourfulness": metrics.colourfulness_ratio,
    }
    try:
        metrics.lpips(*np.zeros((2, 64, 64, 3), np.uint8))
    except Unsupported:
        return found
    return found | {"lpips": metrics.lpips}


def _stronger(colorize: Colorize, factor: float) -> Colorize:
    def painted(y: np.ndarray) -> np.ndarray:
        _, cb, cr = photo.planes(colorize(y))
        return photo.merge(y, factor * cb, factor * cr)

    return painted


def _at(psnr: float, rows: list[Row]) -> float | None:
    """Colourfulness where rows of falling PSNR reach a value; None where they don't."""
    known, colourfulness = ([row[key] for row in rows[::-1]] for key in ("psnr", "colourfulness"))
    return float(np.interp(psnr, known, colourfulness)) if known[0] <= psnr <= known[-1] else None


def _enlarger(each: system.System) -> Enlarge:
    return lambda small, _: each.enlarge(small)


def _enlarged(path: Path, enlarge: Enlarge, scale: int) -> tuple[float, float]:
    """PSNR and SSIM of the luma."""
    from skimage.metrics import structural_similarity

    rgb = photo.load(path).rgb
    height, width = (side // scale for side in rgb.shape[:2])
    rgb = rgb[: height * scale, : width * scale]
    small = np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))
    shaved = slice(scale, -scale), slice(scale, -scale)
    true, made = (_studio_luma(picture)[shaved] for picture in (rgb, enlarge(small, scale)))
    psnr = 10 * np.log10(255**2 / np.mean(np.square(true - made)))
    # Wang et al. 2004 as the super-resolution papers take it
    return psnr, structural_similarity(
        true, made, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )


def _studio_luma(rgb: np.ndarray) -> np.ndarray:
    return 16 + rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def _parameters(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@click.command()
@click.option(
    "--trained", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True,
    help="Folder of trainings, the --run of `scodec train`.",
)  # fmt: skip
@click.option("--photographs", type=click.Path(exists=True, file_okay=False, path_type=Path), help="To be coloured.")
@click.option(
    "--small", type=click.Path(exists=True, file_okay=False, path_type=Path), multiple=True,
    help="To be reduced and enlarged (Set5, Set14).",
)  # fmt: skip
@click.option("--receivers", type=click.Path(exists=True, file_okay=False, path_type=Path), help="To be coded (Kodak).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="For systems.json.")
def main(trained: Path, photographs: Path | None, small: tuple[Path, ...], receivers: Path | None, out: Path) -> None:
    """Measure scodec's networks and all trained systems, and show what they paint.

    Prints tables, writes systems.json (which keeps what an earlier run measured otherwise), systems.png, receivers.png.
    """
    found = {file.parent.name: file for file in sorted(trained.glob("*/weights.safetensors"))}
    found = {
        name: file for name, file in found.items() if weights.facts(file)["network"] not in ("restorer", "colorizer")
    }
    out.mkdir(parents=True, exist_ok=True)
    target = out / "systems.json"
    results: dict[str, Any] = json.loads(target.read_text()) if target.exists() else {}
    if photographs:
        results["colour"] = colour_rows(found, rd.pictures([photographs]))
        click.echo(table(results["colour"], COLOUR_COLUMNS))
    if small:
        results["size"] = size_rows(found, small)
        columns = {
            f"{folder.name}_{figure}": form for folder in small for figure, form in (("psnr", ".2f"), ("ssim", ".4f"))
        }
        click.echo(table(results["size"], {"scale": "d", **columns, "parameters": ",.0f"}))
    if receivers:
        results["receivers"] = receiver_curves(found, rd.pictures([receivers]))
        draw(results["receivers"], out / "receivers.png")
    target.write_text(json.dumps(results, indent=1) + "\n")
    strips(found).save(out / "systems.png")


if __name__ == "__main__":
    main()
