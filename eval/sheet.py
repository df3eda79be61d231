"""A sheet of pictures at equal bytes. `python -m scodec.eval.sheet OUT.png PICTURE... --bpp 0.05`"""

from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import scodec
from scodec import photo
from scodec.errors import ScodecError
from scodec.eval.codecs import CODECS
from scodec.eval.metrics import rgb_psnr

MARGIN, CAPTION = 6, 26  # pixels


def at_bytes(name: str, rgb: np.ndarray, most: int) -> bytes:
    """An anchor's largest file of at most that many bytes, or its smallest file."""
    codec = CODECS[name]
    low, high = 0, 100
    while low < high:  # the largest quality that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(codec.encode(rgb, middle)) <= most else (low, middle - 1)
    return codec.encode(rgb, low)


def rows(rgb: np.ndarray, bpp: float) -> list[tuple[str, np.ndarray]]:
    """Captions and pictures of one line: the original, JPEG, AVIF, scodec without and with hints."""
    most = int(bpp * rgb.shape[0] * rgb.shape[1] / 8)
    files = {
        "JPEG": ("jpeg", at_bytes("jpeg", rgb, most)),
        "AVIF": ("avif-psnr", at_bytes("avif-psnr", rgb, most)),
        "scodec": ("scodec", scodec.encode(rgb, target_bytes=most)),
        "scodec with hints": ("scodec", scodec.encode(rgb, target_bytes=most, hints="auto")),
    }
    line = [("original", rgb)]
    for label, (codec, data) in files.items():
        rebuilt = CODECS[codec].decode(data)
        line.append((f"{label}: {len(data)} bytes, {rgb_psnr(rgb, rebuilt):.1f} dB", rebuilt))
    return line


def sheet(lines: list[list[tuple[str, np.ndarray]]]) -> Image.Image:
    """Lines of captioned pictures on white."""
    font = ImageFont.load_default(16)
    width = max(sum(picture.shape[1] + MARGIN for _, picture in line) for line in lines) + MARGIN
    height = sum(line[0][1].shape[0] + CAPTION + MARGIN for line in lines) + MARGIN
    page = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(page)
    top = MARGIN
    for line in lines:
        left = MARGIN
        for caption, picture in line:
            draw.text((left, top), caption, "black", font)
            page.paste(Image.fromarray(picture), (left, top + CAPTION))
            left += picture.shape[1] + MARGIN
        top += line[0][1].shape[0] + CAPTION + MARGIN
    return page


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--bpp", type=float, default=0.05, show_default=True, help="Rate of every file.")
def main(out: Path, pictures: tuple[Path, ...], bpp: float) -> None:
    """Write a sheet OUT of PICTURES, each as every codec rebuilds it from files of the same size."""
    try:
        sheet([rows(photo.load(path).rgb, bpp) for path in pictures]).save(out)
    except ScodecError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
