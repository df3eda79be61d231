"""Measure time and memory, with other codecs for comparison. `python -m scodec.eval.lab.speed PICTURE`

PICTURE is scaled to 768 x 512 for the comparison, and to 1, 4, 16 and 64 megapixels to show how cost grows with size.
CompressAI's models have random weights, which is enough for timing. Run this on an otherwise idle machine.
"""

import io
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import click
import numpy as np
from PIL import Image

import scodec
from scodec.luma import CODERS
from scodec.models import weights
from scodec.photo import planes
from scodec.tool import Tool

REPEATS = 5
#: Qualities of the files for `decode_many`.
QUALITIES = range(20, 60, 5)
MEGAPIXELS = (1, 4, 16, 64)
#: What AVIF's encoder calls speed: smaller is slower.
AVIF_SPEEDS = (4, 6)

# Runs in a separate process, to measure its peak memory.
_LARGE = """
import json, resource, sys
from time import perf_counter
from PIL import Image
import scodec
path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
Image.MAX_IMAGE_PIXELS = None
scodec.decode(scodec.encode(Image.new("RGB", (64, 64)), hints=10))  # loads everything
def peak():
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6
picture = Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
start = perf_counter()
data = scodec.encode(picture)
encoded, encoding = perf_counter(), peak()
scodec.decode(data)
print(json.dumps([len(data), encoded - start, encoding, perf_counter() - encoded, peak()]))
"""


@click.command(cls=Tool)
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--large/--no-large", default=True, show_default=True, help="Also measure 1 to 64 megapixels.")
@click.option(
    "--record", type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file to which the ratios are appended, with date, versions and machine.",
)  # fmt: skip
def main(picture: Path, large: bool, record: Path | None) -> None:
    """Print seconds, ratios and peak memory for PICTURE."""
    with Image.open(picture) as image:
        photo = image.convert("RGB").resize((768, 512), Image.Resampling.LANCZOS)
    if large:  # first, because a child's peak memory starts at that of its parent
        _sizes(picture)
    ratios = _encoding(photo) | _decoding(photo) | _starting(photo) | _many(photo) | _tiles(photo)
    if record is not None:
        history = json.loads(record.read_text()) if record.exists() else []
        history.append(
            {
                "date": str(date.today()),
                "picture": picture.name,
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "versions": {name: version(name) for name in ("scodec-image", "torch", "numpy", "pillow")},
                "models": weights.installed(),
                "ratios": ratios,
            }
        )
        record.write_text(json.dumps(history, indent=1) + "\n")


def _encoding(photo: Image.Image) -> dict[str, float]:
    """Ratios of AVIF's times to ours, by mode."""
    ratios = {}
    click.echo("encoding 768 x 512                    bytes   seconds   AVIF speed 4 / this   speed 6 / this")
    for avif_quality, quality in ((3, 27), (15, 45)):
        times = {}
        for speed in AVIF_SPEEDS:
            encode = partial(_avif, photo, avif_quality, speed)
            times[speed] = _best(encode)
            click.echo(f"AVIF speed {speed}, quality {avif_quality:<10}{len(encode()):12}{times[speed]:10.3f}")
        for luma, effort in (("av1", "fast"), ("av1", "medium"), ("vvc", "fast"), ("vvc", "medium"), ("vvc", "slow")):
            encode = partial(scodec.encode, photo, quality=quality, luma=luma, effort=effort)
            seconds, size = _best(encode), len(encode())
            columns = "".join(f"{each / seconds:18.2f} x" for each in times.values())
            click.echo(f"  {luma} {effort:8} quality {quality:<11}{size:12}{seconds:10.3f}{columns}")
            for speed, each in times.items():
                name = f"encode, {luma} {effort} quality {quality}: AVIF speed {speed} / this"
                ratios[name] = round(each / seconds, 3)
    return ratios


def _decoding(photo: Image.Image) -> dict[str, float]:
    """Ratios of the time of CompressAI's models to ours, by mode."""
    import torch
    from compressai.zoo import cheng2020_attn, mbt2018_mean

    click.echo("decoding 768 x 512                  seconds   this / scodec")
    ours, ratios = {}, {}
    modes: tuple[tuple[str, int | str], ...] = (("luminance only", 0), ("hints auto", "auto"))
    for name, hints in modes:
        data = scodec.encode(photo, hints=hints)
        ours[name] = _best(partial(scodec.decode, data, backend="onnx", device="cpu"))
        torch_takes = _best(partial(scodec.decode, data, backend="torch", device="cpu"))
        click.echo(f"scodec, {name:24}{ours[name]:10.3f}   torch {torch_takes:.3f}")
        ratios[f"decode, {name}: torch / onnx"] = round(torch_takes / ours[name], 2)
    y = planes(np.array(photo))[0]
    for name, coder in CODERS.items():
        section = coder.encode(y, 45)
        ours[name] = _best(partial(coder.decode, section, *photo.size))
        click.echo(f"luma coder {name:24}{ours[name]:10.3f}")
    x = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 255
    for name, build, repeats in (("mbt2018_mean", mbt2018_mean, REPEATS), ("cheng2020_attn", cheng2020_attn, 1)):
        model = build(quality=1, pretrained=False).eval()
        model.update(force=True)
        with torch.inference_mode():
            coded = model.compress(x)
            seconds = _best(partial(model.decompress, coded["strings"], coded["shape"]), repeats)
        for mine in ("luminance only", "hints auto", "hyperprior"):
            click.echo(f"CompressAI {name:24}{seconds:10.3f}{seconds / ours[mine]:10.1f} x {mine}")
            ratios[f"decode, {mine}: {name} / this"] = round(seconds / ours[mine], 2)
    return ratios


def _starting(photo: Image.Image) -> dict[str, float]:
    """Ratio of the times that `scodec decode` takes for one file, from the shell, on torch and on ONNX Runtime."""
    with TemporaryDirectory() as folder:
        file, target = Path(folder, "x.scz"), Path(folder, "x.png")
        file.write_bytes(scodec.encode(photo, hints="auto"))
        command = [sys.executable, "-m", "scodec", "decode", str(file), str(target), "--force", "--device", "cpu"]
        seconds = {
            name: _best(partial(subprocess.run, [*command, "--backend", name], check=True, capture_output=True), 3)
            for name in ("onnx", "torch")
        }
    click.echo(f"scodec decode from the shell: onnx {seconds['onnx']:.2f} s, torch {seconds['torch']:.2f} s")
    return {"scodec decode from the shell: torch / onnx": round(seconds["torch"] / seconds["onnx"], 2)}


def _tiles(photo: Image.Image) -> dict[str, float]:
    """What small tiles cost, on a picture of 12 megapixels."""
    data = scodec.encode(photo.resize((4242, 2828), Image.Resampling.BICUBIC), hints="auto", effort="fast")
    scodec.decode(data, tile=256)  # warms up
    whole, small = (_best(partial(scodec.decode, data, tile=tile), 1) for tile in (None, 256))
    click.echo(f"12 megapixels: decode {whole:.1f} s, with --tile 256 {small:.1f} s")
    return {"decode, 12 megapixels: --tile 256 / this": round(small / whole, 2)}


def _many(photo: Image.Image) -> dict[str, float]:
    """Ratio of the time for files one after the other to that of `decode_many`."""
    files = [scodec.encode(photo, quality=quality, hints="auto") for quality in QUALITIES]
    alone = _best(lambda: [scodec.decode(data) for data in files], 2)
    together = _best(lambda: list(scodec.decode_many(files)), 2)
    click.echo(f"{len(files)} files one after the other {alone:.3f} s, decode_many {together:.3f} s")
    return {"decode_many: one after the other / this": round(alone / together, 2)}


def _sizes(picture: Path) -> None:
    click.echo("megapixels     bytes  encode s  peak GB  decode s  peak GB")
    for megapixels in MEGAPIXELS:
        height = round((megapixels * 1e6 / 1.5) ** 0.5)
        arguments = [str(picture), str(round(height * 1.5)), str(height)]
        run = subprocess.run([sys.executable, "-c", _LARGE, *arguments], check=True, capture_output=True, text=True)
        size, encode, encode_peak, decode, decode_peak = json.loads(run.stdout.splitlines()[-1])
        click.echo(f"{megapixels:10}{size:10}{encode:10.1f}{encode_peak:9.2f}{decode:10.1f}{decode_peak:9.2f}")


def _avif(photo: Image.Image, quality: int, speed: int) -> bytes:
    file = io.BytesIO()
    photo.save(file, "AVIF", quality=quality, speed=speed)
    return file.getvalue()


def _best(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Seconds of the fastest run; if there are several, after a warm-up run."""
    if repeats > 1:
        work()
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
