"""The chroma grid as numbers to code: means of cells, rotated, in a Haar pyramid, quantized. docs/hints.md."""

import math

import numpy as np

#: Angles of the chroma rotation; the stream has their index.
ANGLES = tuple(math.pi * i / 16 for i in range(16))


# Squared RGB error of a chroma error e is e' G e (JFIF matrix); the Cholesky factor of G makes it a squared length.
_RGB_OF_CHROMA = np.array([[0, 1.402], [-0.344136, -0.714136], [1.772, 0]])
EVEN = np.linalg.cholesky(_RGB_OF_CHROMA.T @ _RGB_OF_CHROMA).T
# The quantizer rounds down below this fraction of a step, and to zero below _DEAD: fewer bytes than plain rounding. The
# least chroma error at equal bytes of six settings, on 12 pictures of the training packs.
_ROUNDING, _DEAD = 0.55, 0.65
#: Of a quantized coefficient; also bounds the decoder's work on damaged data.
LARGEST = (1 << 14) - 1


def main_angle(means: np.ndarray) -> int:
    """Index of the angle that turns most of the chroma's energy into the first plane."""
    u, v = np.tensordot(EVEN, means, 1)
    direction = 0.5 * math.atan2(2 * float((u * v).sum()), float((u * u).sum() - (v * v).sum()))
    return round(direction / math.pi * 16) % 16


def _turn(angle: int) -> np.ndarray:
    c, s = math.cos(ANGLES[angle]), math.sin(ANGLES[angle])
    return np.array([[c, s], [-s, c]]) @ EVEN


def rotate(chroma: np.ndarray, angle: int) -> np.ndarray:
    return np.tensordot(_turn(angle), chroma, 1)


def unrotate(planes: np.ndarray, angle: int) -> np.ndarray:
    chroma = np.tensordot(np.linalg.inv(_turn(angle)), planes, 1)
    return np.clip(chroma, -128, 128).astype(np.float32)


def cell_means(planes: np.ndarray, cell: int) -> np.ndarray:
    """(2, H, W) -> means over cells, the last ones over what there is of them."""
    edges = [np.arange(0, side, cell) for side in planes.shape[1:]]
    sums = np.add.reduceat(np.add.reduceat(planes, edges[0], 1, dtype=np.float64), edges[1], 2)
    counts = [np.diff(np.append(edge, side)) for edge, side in zip(edges, planes.shape[1:], strict=True)]
    return sums / np.multiply.outer(*counts)


def sizes(rows: int, columns: int) -> list[tuple[int, int]]:
    """Sizes of the pyramid's levels from the grid up to the single mean."""
    sizes = [(rows, columns)]
    while sizes[-1] != (1, 1):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def analyse(planes: np.ndarray) -> list[np.ndarray]:
    """Haar pyramid of (2, rows, columns): [top (2, 1, 1, 1), details (2, 3, h, w) from coarse to fine].

    Odd sides are extended by their last cell; the details across the extension are then zero.
    """
    bands = []
    while planes.shape[1:] != (1, 1):
        padded = np.pad(planes, [(0, 0), (0, planes.shape[1] % 2), (0, planes.shape[2] % 2)], "edge")
        a, b, c, d = (padded[:, i::2, j::2] for i in (0, 1) for j in (0, 1))
        bands.append(np.stack([a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2)
        planes = (a + b + c + d) / 2
    return [planes[:, None], *reversed(bands)]


def synthesize(quantized: list[np.ndarray], step: float, rows: int, columns: int) -> np.ndarray:
    """The inverse of `analyse` for quantized bands."""
    planes = quantized[0][:, 0] * step
    for band, (height, width) in zip(quantized[1:], reversed(sizes(rows, columns)[:-1]), strict=True):
        x, y, z = (band[:, i] * step for i in range(3))
        wide = np.empty((2, 2 * band.shape[2], 2 * band.shape[3]))
        wide[:, ::2, ::2] = planes + x + y + z
        wide[:, ::2, 1::2] = planes - x + y - z
        wide[:, 1::2, ::2] = planes + x - y - z
        wide[:, 1::2, 1::2] = planes - x - y + z
        planes = wide[:, :height, :width] / 2
    return planes


def quantize_band(band: np.ndarray, step: float) -> np.ndarray:
    steps = np.abs(band) / step
    size = np.minimum(np.floor(steps + 1 - _ROUNDING) * (steps >= _DEAD), LARGEST)
    return (np.sign(band) * size).astype(np.int64)
