"""Measurements of one system, for `eval.reports.systems`.

Colour: every photograph is reduced to its luma and colorized again. Size: every picture is downscaled bicubically and
enlarged again; PSNR and SSIM are taken of the luma (BT.601, 16 to 235) without borders of `scale` pixels, as in
super-resolution papers. Receivers: luminance-only files of scodec are decoded with the colours of the system.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

import scodec
from scodec import metrics, photo
from scodec.errors import Unsupported
from scodec.eval.codecs import CODECS

Colorize = Callable[[np.ndarray], np.ndarray]
Enlarge = Callable[[np.ndarray, int], np.ndarray]
Metric = Callable[[np.ndarray, np.ndarray], float]
Curve = list[list[float]]
#: Factors on scodec's chroma, to compare colourfulness at equal PSNR.
FACTORS = tuple(np.arange(1, 4.01, 0.25).tolist())
#: Pictures of the sample strips (names in skimage.data), their height and the gap between them in pixels.
SHOWN, HEIGHT, MARGIN = ("astronaut", "coffee", "chelsea"), 170, 6
#: Qualities of the files that receivers decode.
QUALITIES = (12, 27, 40, 52, 64)


def coloured(colorize: Colorize, paths: list[Path]) -> dict[str, float]:
    """Mean colour metrics over the photographs, and seconds per megapixel."""
    values: dict[str, list[float]] = {}
    seconds = pixels = 0.0
    for path in tqdm(paths, unit="picture", disable=None):
        rgb = photo.load(path).rgb
        y = photo.planes(rgb)[0].astype(np.float32)
        start = time.perf_counter()
        colorized = colorize(y)
        seconds, pixels = seconds + time.perf_counter() - start, pixels + y.size
        for metric, measure in _colour_metrics().items():
            values.setdefault(metric, []).append(measure(rgb, colorized))
    figures = {metric: float(np.mean(each)) for metric, each in values.items()}
    # PSNR of the mean error, which most systems minimize: colourful pictures dominate it, near-grey ones the mean PSNR.
    pooled = float(-10 * np.log10(np.mean(10 ** (-np.array(values["psnr"]) / 10))))
    return figures | {"pooled_psnr": pooled, "seconds_per_megapixel": seconds / pixels * 1e6}


def strengths(colorize: Colorize, paths: list[Path]) -> list[dict[str, float]]:
    """Mean PSNR and colourfulness with the chroma multiplied by each of `FACTORS`."""
    values = []
    for path in tqdm(paths, unit="picture", disable=None):
        rgb = photo.load(path).rgb
        y = photo.planes(rgb)[0].astype(np.float32)
        _, cb, cr = photo.planes(colorize(y))
        colorized = [photo.merge(y, factor * cb, factor * cr) for factor in FACTORS]
        values.append([(metrics.rgb_psnr(rgb, each), metrics.colourfulness_ratio(rgb, each)) for each in colorized])
    return [
        {"factor": factor, "psnr": float(psnr), "colourfulness": float(ratio)}
        for factor, (psnr, ratio) in zip(FACTORS, np.mean(values, 0), strict=True)
    ]


def enlarged(enlarge: Enlarge, scale: int, paths: list[Path]) -> dict[str, float]:
    """Mean luma PSNR and SSIM over the pictures of each folder."""
    folders = sorted({path.parent for path in paths})
    row: dict[str, float] = {"scale": scale}
    for folder in folders:
        figures = [_enlarged(path, enlarge, scale) for path in paths if path.parent == folder]
        row[f"{folder.name}_psnr"], row[f"{folder.name}_ssim"] = map(float, np.mean(figures, 0))
    return row


def rebuilt_curve(receivers: Sequence[str], paths: tuple[Path, ...]) -> Curve:
    """Mean (bpp, RGB-PSNR) points of luminance-only files decoded with `receivers`."""
    points = []
    for rgb, coded in tqdm(_coded(paths), unit="picture", disable=None):
        rebuilt = [np.asarray(scodec.decode(data, receivers=receivers)) for data in coded]
        points.append([_point(rgb, *each) for each in zip(coded, rebuilt, strict=True)])
    return np.mean(points, 0).tolist()


def jpeg_curve(paths: list[Path]) -> Curve:
    """Mean (bpp, RGB-PSNR) points of JPEG."""
    codec, points = CODECS["jpeg"], []
    for path in paths:
        rgb = photo.load(path).rgb
        coded = [codec.encode(rgb, quality) for quality in codec.qualities]
        points.append([_point(rgb, data, codec.decode(data)) for data in coded])
    return np.mean(points, 0).tolist()


def strip(colorize: Colorize) -> Image.Image:
    """Sample photographs of scikit-image, colorized by a system from their luma, side by side."""
    import skimage.data

    pictures = [Image.fromarray(getattr(skimage.data, name)()) for name in SHOWN]
    small = [each.resize((HEIGHT * each.width // each.height, HEIGHT), Image.Resampling.LANCZOS) for each in pictures]
    colorized = [colorize(photo.planes(np.asarray(each))[0].astype(np.float32)) for each in small]
    space = np.full((HEIGHT, MARGIN, 3), 255, np.uint8)
    return Image.fromarray(np.hstack([each for picture in colorized for each in (picture, space)][:-1]))


@cache
def _coded(paths: tuple[Path, ...]) -> list[tuple[np.ndarray, list[bytes]]]:
    """Pictures and their files, encoded once for all systems."""
    pictures = [photo.load(path).rgb for path in paths]
    return [(rgb, [scodec.encode(rgb, quality=quality) for quality in QUALITIES]) for rgb in pictures]


def _point(rgb: np.ndarray, data: bytes, rebuilt: np.ndarray) -> tuple[float, float]:
    """Bits per pixel and RGB-PSNR."""
    return 8 * len(data) / (rgb.shape[0] * rgb.shape[1]), metrics.rgb_psnr(rgb, rebuilt)


def _ssim(original: np.ndarray, rebuilt: np.ndarray) -> float:
    from skimage.metrics import structural_similarity

    return float(structural_similarity(original, rebuilt, channel_axis=2))


@cache
def _colour_metrics() -> dict[str, Metric]:
    """Metrics of the colour table, with LPIPS only if it is available."""
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


def _enlarged(path: Path, enlarge: Enlarge, scale: int) -> tuple[float, float]:
    """PSNR and SSIM of the luma."""
    from skimage.metrics import structural_similarity

    rgb = photo.load(path).rgb
    height, width = (side // scale for side in rgb.shape[:2])
    rgb = rgb[: height * scale, : width * scale]
    small = np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))
    inner = slice(scale, -scale), slice(scale, -scale)
    original, upscaled = (_studio_luma(picture)[inner] for picture in (rgb, enlarge(small, scale)))
    psnr = 10 * np.log10(255**2 / np.mean(np.square(original - upscaled)))
    # settings of Wang et al. 2004, as in super-resolution papers
    return psnr, structural_similarity(
        original, upscaled, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )


def _studio_luma(rgb: np.ndarray) -> np.ndarray:
    return 16 + rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255
