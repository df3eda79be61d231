"""Plain colour hints: a grid of mean chroma, Haar-transformed, quantized, entropy-coded. docs/hints.md has every bit.

    chroma -> rotate the (Cb, Cr) plane -> means of cells -> Haar pyramid -> dead-zone quantizer -> range coder

The pyramid is orthonormal, so one step size serves all its levels, and flat colour costs next to nothing.
"""

import math
from dataclasses import dataclass

import numpy as np

from scodec.colour.entropy import estimate, read, write
from scodec.colour.pyramid import EVEN, analyse, cell_means, main_angle, quantize_band, rotate, synthesize, unrotate
from scodec.errors import BadFile, Unsupported
from scodec.format import limits

#: Sides of a cell in pixels of the picture; the stream has their index.
CELLS = (8, 16, 32, 64, 128, 256, 512)
#: Quantization steps of the rotated chroma, in levels times sqrt(3) of RGB error; the stream has their index.
STEPS = tuple(4 * 2 ** (i / 3) for i in range(32))
# Cells of a grid: at most so many are tried, more never pay at the rates of hints.
_MOST_CELLS = limits.HINT_CELLS // 4
# The error of candidates is measured on planes reduced to this size: the finer rest of the error is common to all.
_WORKING_PIXELS = 1 << 15


@dataclass(frozen=True)
class HintGrid:
    """Decoded hints.

    grid: float32 (2, ceil(H / cell), ceil(W / cell)), mean Cb and Cr of each cell, about -128..127
    cell: side of a cell in pixels; step: the quantization step
    """

    cell: int
    step: float
    grid: np.ndarray


@dataclass(frozen=True)
class _Candidate:
    """A choice of cell and step (indices), its estimated bytes and the error of what it decodes to."""

    bytes: float
    mse: float
    k: int
    s: int


@dataclass(frozen=True)
class Rung:
    """One stream of the ladder: its bytes and the mean squared RGB error of its chroma, enlarged plainly."""

    data: bytes
    mse: float


def encode(cb: np.ndarray, cr: np.ndarray, max_bytes: int) -> bytes:
    """The best hints of at most `max_bytes` for chroma planes (H, W, float32); b"" if nothing fits."""
    pixels = _Working(np.stack([cb, cr]))
    # The estimate of the size is rough: code the most promising candidates until one fits.
    for candidate in sorted(_candidates(pixels, 1.2 * max_bytes), key=lambda candidate: candidate.mse):
        data = _coded(pixels, candidate)
        if len(data) <= max_bytes:
            return data
    return b""


def ladder(cb: np.ndarray, cr: np.ndarray) -> list[Rung]:
    """Streams on the lower convex hull of (estimated bytes, error), from no hints to the least error."""
    pixels = _Working(np.stack([cb, cr]))
    nothing = _Candidate(0, pixels.error(None, 0), 0, 0)
    hull = _lower_hull([nothing, *_candidates(pixels, math.inf)])
    return [Rung(b"" if each is nothing else _coded(pixels, each), each.mse) for each in hull]


def quantize(cb: np.ndarray, cr: np.ndarray, cell: int, step: float) -> HintGrid:
    """What `decode` gives back for a cell size and any step, without the coding between (for training)."""
    return quantize_means(cell_means(np.stack([cb, cr]), cell), cell, step)


def quantize_means(means: np.ndarray, cell: int, step: float) -> HintGrid:
    """`quantize` of a grid of means (2, rows, columns)."""
    angle = main_angle(means)
    quantized = [quantize_band(band, step) for band in analyse(rotate(means, angle))]
    return HintGrid(cell, step, unrotate(synthesize(quantized, step, *means.shape[1:]), angle))


def decode(data: bytes, width: int, height: int) -> HintGrid:
    """Decode hints of a `width` x `height` picture.

    Raises BadFile on data that can't be hints, Unsupported on forms of a later version.
    """
    if len(data) < 2:
        raise BadFile("the colour hints are truncated: get the file again")
    k, s, angle = data[0] >> 5, data[0] & 31, data[1] & 15
    if k >= len(CELLS) or data[1] >> 4:
        raise Unsupported("the file's colour hints have a form that this scodec does not know: update scodec")
    rows, columns = -(-height // CELLS[k]), -(-width // CELLS[k])
    if rows * columns > limits.HINT_CELLS:
        raise BadFile("the colour hints are impossibly large: the file is damaged, get it again")
    quantized = read(data[2:], rows, columns)
    return HintGrid(CELLS[k], STEPS[s], unrotate(synthesize(quantized, STEPS[s], rows, columns), angle))


def _candidates(pixels: "_Working", most: float) -> list[_Candidate]:
    """All sensible choices that take about `most` bytes or less."""
    found = []
    for k in pixels.cells():
        means = pixels.means(k)
        angle = main_angle(means)
        pyramid = analyse(rotate(means, angle))
        for s in reversed(range(len(STEPS))):
            quantized = [quantize_band(band, STEPS[s]) for band in pyramid]
            size = estimate(quantized)
            if size > most or size > means.size + 8:  # a byte a mean: smaller cells serve better than finer steps
                break
            grid = unrotate(synthesize(quantized, STEPS[s], *means.shape[1:]), angle)
            found.append(_Candidate(size, pixels.error(grid, k), k, s))
    return found


def _coded(pixels: "_Working", candidate: _Candidate) -> bytes:
    means = pixels.means(candidate.k)
    angle = main_angle(means)
    quantized = [quantize_band(band, STEPS[candidate.s]) for band in analyse(rotate(means, angle))]
    return write(quantized, candidate.k, candidate.s, angle)


class _Working:
    """The chroma at a size where the error of many candidates is quick to measure."""

    def __init__(self, planes: np.ndarray) -> None:
        self._planes = planes
        self._factor = 1
        while planes[0].size / self._factor**2 > _WORKING_PIXELS:
            self._factor *= 2
        self._small = cell_means(planes, self._factor).astype(np.float32)
        self._means: dict[int, np.ndarray] = {}

    def cells(self) -> list[int]:
        """Cell sizes worth a try: as coarse as can be judged here, not too many, not far larger than the picture."""
        height, width = self._planes.shape[1:]
        return [
            k
            for k, cell in enumerate(CELLS)
            if cell >= 2 * self._factor
            and -(-height // cell) * -(-width // cell) <= _MOST_CELLS
            and (k == 0 or CELLS[k - 1] < max(height, width))
        ]

    def means(self, k: int) -> np.ndarray:
        if k not in self._means:
            self._means[k] = cell_means(self._planes, CELLS[k])
        return self._means[k]

    def error(self, grid: np.ndarray | None, k: int) -> float:
        """Mean squared RGB error of the enlarged grid; of no colour for None."""
        error = self._small
        if grid is not None:
            height, width = self._small.shape[1:]
            error = error - _enlarged(grid, CELLS[k] / self._factor, height, width)
        return float(np.square(np.tensordot(EVEN.astype(np.float32), error, 1)).sum() / (3 * error[0].size))


def _enlarged(grid: np.ndarray, cell: float, height: int, width: int) -> np.ndarray:
    from PIL import Image

    box = (0, 0, min(width / cell, grid.shape[2]), min(height / cell, grid.shape[1]))
    return np.stack(
        [np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC, box)) for plane in grid]
    )


def _lower_hull(candidates: list[_Candidate]) -> list[_Candidate]:
    """Those that no mixture of others beats in bytes and error."""
    hull: list[_Candidate] = []
    for new in sorted(candidates, key=lambda each: (each.bytes, each.mse)):
        if hull and new.mse >= hull[-1].mse:
            continue
        while len(hull) > 1:
            first, last = hull[-2:]
            if (last.mse - first.mse) * (new.bytes - first.bytes) < (new.mse - first.mse) * (last.bytes - first.bytes):
                break
            hull.pop()
        hull.append(new)
    return hull
