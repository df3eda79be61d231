"""Compare settings of the AV1 luma coder. `python -m scodec.eval.lab.luma_settings PICTURE...`

Prints the BD-rate of luma PSNR at low rates and the time, both relative to libaom's tune=psnr at speed 4.
"""

import io
from pathlib import Path
from time import perf_counter

import click
import numpy as np
from PIL import Image

from scodec import photo
from scodec.luma import av1
from scodec.metrics.bd import Curve, bd_rate
from scodec.tool import Tool

QUALITIES = (1, 5, 10, 17, 25)
WIDTH, HEIGHT = 768, 512
PSNR = {"tune": "psnr"}
SETTINGS: dict[str, tuple[int, dict[str, str]]] = {
    "tune=psnr speed 4": (4, PSNR),
    **{f"speed {speed}": (speed, PSNR) for speed in (6, 3, 2, 1)},
    **{f"tune={tune}": (4, {"tune": tune}) for tune in ("ssim", "iq")},
    **{
        f"{option}={value}": (4, PSNR | {option: value})
        for option, value in (
            ("sb-size", "64"),
            ("enable-qm", "1"),
            ("reduced-tx-type-set", "1"),
            ("enable-restoration", "0"),
            ("enable-cdef", "0"),
            ("min-partition-size", "8"),
            ("enable-palette", "0"),
            ("deltaq-mode", "0"),
            ("disable-trellis-quant", "0"),
        )
    },
    "speed 3, sb-size=64 (shipped)": (3, PSNR | {"sb-size": "64"}),
}


@click.command(cls=Tool)
@click.argument("pictures", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(pictures: tuple[Path, ...]) -> None:
    """Compare the settings on the top left 768 x 512 pixels of PICTURES."""
    lumas = [photo.planes(photo.load(path).rgb[:HEIGHT, :WIDTH])[0] for path in pictures]
    reference, base = _measure(lumas, *SETTINGS["tune=psnr speed 4"])
    for name, setting in SETTINGS.items():
        curve, seconds = _measure(lumas, *setting)
        rate = bd_rate(reference, curve)
        click.echo(f"{name:32}{'-' if rate is None else f'{rate:+.1f}%':>8}{seconds / base:7.2f} x")


def _measure(lumas: list[np.ndarray], speed: int, advanced: dict[str, str]) -> tuple[Curve, float]:
    """Mean rate-distortion curve over the pictures, and total seconds."""
    bpp, psnr, start = [], [], perf_counter()
    for quality in QUALITIES:
        rates, values = [], []
        for y in lumas:
            file = io.BytesIO()
            Image.fromarray(y).save(
                file, "AVIF", quality=quality, subsampling="4:0:0", speed=speed, codec="aom", advanced=advanced
            )
            with Image.open(file) as image:
                error = np.asarray(image.convert("L")).astype(float) - y
            rates.append(8 * len(av1.av1_data(file.getvalue())) / y.size)
            values.append(10 * np.log10(255**2 / np.mean(np.square(error))))
        bpp.append(np.mean(rates))
        psnr.append(np.mean(values))
    return (np.array(bpp), np.array(psnr)), perf_counter() - start


if __name__ == "__main__":
    main()
