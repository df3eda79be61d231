"""What `eval.systems` measures of one system.

Colour: every photograph is turned grey (its luma) and coloured again. Size: every picture is reduced bicubically and
enlarged again; PSNR and SSIM of the luma (BT.601, 16 to 235, borders of `scale` pixels shaved), as the super-resolution
papers do. Receivers: luminance-only files of scodec, coloured by the system.
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
#: Our colours times this, to compare colourfulness at equal PSNR.
FACTORS = tuple(np.arange(1, 4.01, 0.25).tolist())
#: Pictures of the strips, by their names in skimage.data; their height in pixels and what stands between them.
SHOWN, HEIGHT, MARGIN = ("astronaut", "coffee", "chelsea"), 170, 6
#: Qualities of the files that are rebuilt.
QUALITIES = (12, 27, 40, 52, 64)


def coloured(colorize: Colorize, paths: list[Path]) -> dict[str, float]:
    """Means over the photographs."""
    values: dict[str, list[float]] = {}
    seconds = pixels = 0.0
    for path in tqdm(paths, unit="picture", disable=None):
        rgb = photo.load(path).rgb
        y = photo.planes(rgb)[0].astype(np.float32)
        began = time.perf_counter()
        painted = colorize(y)
        seconds, pixels = seconds + time.perf_counter() - began, pixels + y.size
        for metric, measure in _colour_metrics().items():
            values.setdefault(metric, []).append(measure(rgb, painted))
    figures = {metric: float(np.mean(each)) for metric, each in values.items()}
    # Of the mean error, which most systems minimize: colourful pictures rule it, near-grey ones the mean of decibels.
    pooled = float(-10 * np.log10(np.mean(10 ** (-np.array(values["psnr"]) / 10))))
    return figures | {"pooled_psnr": pooled, "seconds_per_megapixel": seconds / pixels * 1e6}


def strengths(colorize: Colorize, paths: list[Path]) -> list[dict[str, float]]:
    """PSNR and colourfulness of colours times each of `FACTORS`."""
    values = []
    for path in tqdm(paths, unit="picture", disable=None):
        rgb = photo.load(path).rgb
        y = photo.planes(rgb)[0].astype(np.float32)
        _, cb, cr = photo.planes(colorize(y))
        painted = [photo.merge(y, factor * cb, factor * cr) for factor in FACTORS]
        values.append([(metrics.rgb_psnr(rgb, each), metrics.colourfulness_ratio(rgb, each)) for each in painted])
    return [
        {"factor": factor, "psnr": float(psnr), "colourfulness": float(ratio)}
        for factor, (psnr, ratio) in zip(FACTORS, np.mean(values, 0), strict=True)
    ]


def enlarged(enlarge: Enlarge, scale: int, paths: list[Path]) -> dict[str, float]:
    """Means over the pictures of every folder."""
    folders = sorted({path.parent for path in paths})
    row: dict[str, float] = {"scale": scale}
    for folder in folders:
        figures = [_enlarged(path, enlarge, scale) for path in paths if path.parent == folder]
        row[f"{folder.name}_psnr"], row[f"{folder.name}_ssim"] = map(float, np.mean(figures, 0))
    return row


def rebuilt_curve(receivers: Sequence[str], paths: tuple[Path, ...]) -> Curve:
    """Mean (bpp, RGB-PSNR) points of luminance-only files that `receivers` paint."""
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
    """Photographs of scikit-image's as a system paints them from their luma, side by side."""
    import skimage.data

    pictures = [Image.fromarray(getattr(skimage.data, name)()) for name in SHOWN]
    small = [each.resize((HEIGHT * each.width // each.height, HEIGHT), Image.Resampling.LANCZOS) for each in pictures]
    painted = [colorize(photo.planes(np.asarray(each))[0].astype(np.float32)) for each in small]
    space = np.full((HEIGHT, MARGIN, 3), 255, np.uint8)
    return Image.fromarray(np.hstack([each for picture in painted for each in (picture, space)][:-1]))


@cache
def _coded(paths: tuple[Path, ...]) -> list[tuple[np.ndarray, list[bytes]]]:
    """Pictures and their files, coded once for all systems."""
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
