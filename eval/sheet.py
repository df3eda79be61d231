"""Contact sheet of codecs at equal file size. `python -m scodec.eval.sheet OUT.png PICTURE... --bpp 0.05 --crop 256`"""

from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import scodec
from scodec import photo
from scodec.eval.codecs import CODECS, within
from scodec.files import atomic, formats
from scodec.metrics import rgb_psnr
from scodec.tool import Tool

MARGIN, CAPTION = 6, 26  # pixels


Line = list[tuple[str, np.ndarray]]


def lines(rgb: np.ndarray, bpp: float) -> list[Line]:
    """Two lines of captioned pictures: original and luminance only in both looks; AVIF and hints in both looks."""
    most = max(1, int(bpp * rgb.shape[0] * rgb.shape[1] / 8))
    blind, guided = (scodec.encode(rgb, target_bytes=most, hints=hints) for hints in (0, "auto"))
    avif = within(CODECS["avif-iq"], rgb, most)
    files = (
        ("luminance only, natural", "scodec-natural", blind),
        ("luminance only, faithful", "scodec", blind),
        ("AVIF" if len(avif) <= most else "AVIF at its smallest", "avif-iq", avif),
        ("hints auto, natural", "scodec-natural", guided),
        ("hints auto, faithful", "scodec", guided),
    )
    cells = [("original", rgb)]
    for label, codec, data in files:
        rebuilt = CODECS[codec].decode(data)
        cells.append((f"{label}: {len(data)} B, {rgb_psnr(rgb, rebuilt):.1f} dB", rebuilt))
    return [cells[:3], cells[3:]]


def middle(picture: np.ndarray, side: int) -> np.ndarray:
    """The centred square of a picture with `side` pixels a side, clipped to the picture."""
    top, left = (max(0, (length - side) // 2) for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def sheet(lines: list[Line]) -> Image.Image:
    """A white page with the lines of captioned pictures."""
    font = ImageFont.load_default(14)
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


@click.command(cls=Tool)
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--bpp", "rates", type=click.FloatRange(min=0, min_open=True), multiple=True, default=(0.05,), show_default=True,
    help="Rates, two lines each.",
)  # fmt: skip
@click.option("--crop", type=click.IntRange(min=16), help="Show only a centred square of this many pixels a side.")
def main(out: Path, pictures: tuple[Path, ...], rates: tuple[float, ...], crop: int | None) -> None:
    """Write a contact sheet of PICTURES to OUT, as each codec decodes them from files of the same size."""
    kind = formats.written(str(out))
    atomic.check_writable(str(out), force=True)
    page = [line for path in pictures for bpp in rates for line in lines(photo.load(path).rgb, bpp)]
    if crop:
        page = [[(caption, middle(picture, crop)) for caption, picture in line] for line in page]
    sheet(page).save(out, kind)


if __name__ == "__main__":
    main()
