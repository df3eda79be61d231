"""`make demo`: code one photograph in both colour modes and looks, and compare it with AVIF and JPEG.

Prints a table and writes the .scz files and a labelled comparison to the folder demo/.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFont

import scodec
from scodec.eval.codecs import CODECS, within
from scodec.metrics import rgb_psnr, y_psnr
from scodec.options import LOOKS

FOLDER = Path("demo")
CREDIT = "Chelsea, by Stefan van der Walt, CC0; from scikit-image"
MARGIN, CAPTION = 8, 36  # pixels


@dataclass(frozen=True)
class Result:
    """A decoded picture, its file and the time taken."""

    name: str
    data: bytes
    rgb: np.ndarray
    seconds: float  # to encode and decode; for AVIF and JPEG, whose quality is searched for, only to decode


def code(original: np.ndarray, hints: int | str, looks: dict[str, str]) -> list[Result]:
    """Encode with scodec and decode in each look; `looks` maps looks to captions."""
    start = perf_counter()
    data = scodec.encode(original, hints=hints)
    encoding = perf_counter() - start
    results = []
    for look, name in looks.items():
        start = perf_counter()
        rgb = np.array(scodec.decode(data, look=look).convert("RGB"))
        results.append(Result(name, data, rgb, encoding + perf_counter() - start))
    return results


def anchor(original: np.ndarray, codec: str, name: str, most: int) -> Result:
    """The best file of another codec within `most` bytes, or its smallest file if none fits."""
    data = within(CODECS[codec], original, most)
    start = perf_counter()
    rgb = CODECS[codec].decode(data)
    name = f"{name} at the same bytes" if len(data) <= most else f"{name} at its smallest"
    return Result(name, data, rgb, perf_counter() - start)


def table(original: np.ndarray, results: list[Result]) -> str:
    """A text table, one line per result."""
    lines = [f"{'':32}{'bytes':>7}{'bpp':>8}{'RGB-PSNR':>10}{'Y-PSNR':>8}{'seconds':>9}"]
    for result in results:
        bpp = 8 * len(result.data) / (original.shape[0] * original.shape[1])
        lines.append(
            f"{result.name:32}{len(result.data):7}{bpp:8.4f}"
            f"{rgb_psnr(original, result.rgb):10.2f}{y_psnr(original, result.rgb):8.2f}{result.seconds:9.2f}"
        )
    return "\n".join(lines)


def sheet(original: np.ndarray, results: list[Result]) -> Image.Image:
    """The original and five results in two rows, each below its caption."""
    height, width, _ = original.shape
    font = ImageFont.load_default(16)
    page = Image.new("RGB", (3 * width + 4 * MARGIN, 2 * (height + CAPTION) + MARGIN), "white")
    draw = ImageDraw.Draw(page)
    cells = [("Original", original)]
    for result in results:
        quality = f"{rgb_psnr(original, result.rgb):.1f} dB"
        cells.append((f"{result.name}: {len(result.data)} bytes, {quality}", result.rgb))
    for index, (caption, rgb) in enumerate(cells):
        left = MARGIN + index % 3 * (width + MARGIN)
        top = index // 3 * (height + CAPTION)
        draw.text((left, top + CAPTION - 6), caption, fill="black", font=font, anchor="ls")
        page.paste(Image.fromarray(rgb), (left, top + CAPTION))
    return page


def main() -> None:
    """Encode, decode and compare; print the table and write the files."""
    original = skimage.data.chelsea()
    for look in LOOKS:  # load the networks now, so that loading is not timed
        scodec.decode(scodec.encode(original[:64, :64]), look=look)
    natural, faithful = code(
        original, 0, {"natural": "luminance only, natural", "faithful": "luminance only, faithful"}
    )
    (guided,) = code(original, "auto", {"natural": "with colour hints, natural"})
    most = len(guided.data)
    results = [
        natural,
        faithful,
        guided,
        anchor(original, "avif-iq", "AVIF", most),
        anchor(original, "jpeg", "JPEG", most),
    ]

    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "luminance.scz").write_bytes(natural.data)
    (FOLDER / "hints.scz").write_bytes(guided.data)
    sheet(original, results).save(FOLDER / "comparison.png")
    height, width, _ = original.shape
    print(f"{CREDIT}; {width} x {height} pixels\n\n{table(original, results)}\n")
    print(f"Comparison: {FOLDER / 'comparison.png'}; files: {FOLDER}/*.scz")


if __name__ == "__main__":
    main()
