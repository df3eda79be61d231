"""Plain colour hints: a grid of mean chroma, Haar-transformed, quantized, entropy-coded. docs/hints.md has every bit.

    chroma -> rotate the (Cb, Cr) plane -> means of cells -> Haar pyramid -> dead-zone quantizer -> range coder

The pyramid is orthonormal, so one step size serves all its levels, and flat colour costs next to nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scodec.colour.range_coder import Decoder, Encoder
from scodec.errors import BadFile, Unsupported

#: Sides of a cell in pixels of the picture; the stream has their index.
CELLS = (8, 16, 32, 64, 128, 256, 512)
#: Quantization steps of the rotated chroma, in levels times sqrt(3) of RGB error; the stream has their index.
STEPS = tuple(4 * 2 ** (i / 3) for i in range(32))
#: Angles of the chroma rotation; the stream has their index.
ANGLES = tuple(math.pi * i / 16 for i in range(16))

# Squared RGB error of a chroma error e is e' G e (JFIF matrix); the Cholesky factor of G makes it a squared length.
_RGB_OF_CHROMA = np.array([[0, 1.402], [-0.344136, -0.714136], [1.772, 0]])
_EVEN = np.linalg.cholesky(_RGB_OF_CHROMA.T @ _RGB_OF_CHROMA).T
# The quantizer rounds down below this fraction of a step, and to zero below _DEAD: fewer bytes than plain rounding. The
# least chroma error at equal bytes of six settings, on 12 pictures of the training packs.
_ROUNDING, _DEAD = 0.55, 0.65
_LARGEST = (1 << 14) - 1  # of a quantized coefficient; also bounds the decoder's work on damaged data
# Contexts: zero flags (activity 6, plane 3), then magnitude flags (activity 6, position 2).
_MAGNITUDE = 18
# Initial probability of a zero bit in 1/256, by context: frequencies over 36 pictures of the training packs.
# Frozen: a part of the format.
_INITIAL = (
    *(253, 240, 225, 197, 161, 96),  # zero flag, first plane
    *(253, 248, 244, 227, 203, 171),  # second plane where the first is zero
    *(244, 216, 204, 163, 124, 77),  # second plane where it is not
    *(206, 217, 227, 219, 190, 114),  # magnitude above 1
    *(67, 95, 146, 150, 159, 72),  # above 2, 3, ...
)
# Cells of a grid: at most so many are tried, more never pay at the rates of hints, and at most so many are decoded.
_MOST_CELLS, _LARGEST_GRID = 1 << 14, 1 << 16
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
    angle = _angle(means)
    quantized = [_quantize(band, step) for band in _analyse(_rotate(means, angle))]
    return HintGrid(cell, step, _unrotate(_synthesize(quantized, step, *means.shape[1:]), angle))


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
    if rows * columns > _LARGEST_GRID:
        raise BadFile("the colour hints are impossibly large: the file is damaged, get it again")
    quantized = _read(data[2:], rows, columns)
    return HintGrid(CELLS[k], STEPS[s], _unrotate(_synthesize(quantized, STEPS[s], rows, columns), angle))


# --- colour -----------------------------------------------------------------------------------------------------------


def _angle(means: np.ndarray) -> int:
    """Index of the angle that turns most of the chroma's energy into the first plane."""
    u, v = np.tensordot(_EVEN, means, 1)
    direction = 0.5 * math.atan2(2 * float((u * v).sum()), float((u * u).sum() - (v * v).sum()))
    return round(direction / math.pi * 16) % 16


def _turn(angle: int) -> np.ndarray:
    c, s = math.cos(ANGLES[angle]), math.sin(ANGLES[angle])
    return np.array([[c, s], [-s, c]]) @ _EVEN


def _rotate(chroma: np.ndarray, angle: int) -> np.ndarray:
    return np.tensordot(_turn(angle), chroma, 1)


def _unrotate(planes: np.ndarray, angle: int) -> np.ndarray:
    chroma = np.tensordot(np.linalg.inv(_turn(angle)), planes, 1)
    return np.clip(chroma, -128, 128).astype(np.float32)


# --- grid and pyramid -------------------------------------------------------------------------------------------------


def cell_means(planes: np.ndarray, cell: int) -> np.ndarray:
    """(2, H, W) -> means over cells, the last ones over what there is of them."""
    edges = [np.arange(0, side, cell) for side in planes.shape[1:]]
    sums = np.add.reduceat(np.add.reduceat(planes, edges[0], 1, dtype=np.float64), edges[1], 2)
    counts = [np.diff(np.append(edge, side)) for edge, side in zip(edges, planes.shape[1:], strict=True)]
    return sums / np.multiply.outer(*counts)


def _sizes(rows: int, columns: int) -> list[tuple[int, int]]:
    """Sizes of the pyramid's levels from the grid up to the single mean."""
    sizes = [(rows, columns)]
    while sizes[-1] != (1, 1):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def _analyse(planes: np.ndarray) -> list[np.ndarray]:
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


def _synthesize(quantized: list[np.ndarray], step: float, rows: int, columns: int) -> np.ndarray:
    """The inverse of `_analyse` for quantized bands."""
    planes = quantized[0][:, 0] * step
    for band, (height, width) in zip(quantized[1:], reversed(_sizes(rows, columns)[:-1]), strict=True):
        x, y, z = (band[:, i] * step for i in range(3))
        wide = np.empty((2, 2 * band.shape[2], 2 * band.shape[3]))
        wide[:, ::2, ::2] = planes + x + y + z
        wide[:, ::2, 1::2] = planes - x + y - z
        wide[:, 1::2, ::2] = planes + x - y - z
        wide[:, 1::2, 1::2] = planes - x - y + z
        planes = wide[:, :height, :width] / 2
    return planes


def _quantize(band: np.ndarray, step: float) -> np.ndarray:
    steps = np.abs(band) / step
    size = np.minimum(np.floor(steps + 1 - _ROUNDING) * (steps >= _DEAD), _LARGEST)
    return (np.sign(band) * size).astype(np.int64)


# --- entropy coding ---------------------------------------------------------------------------------------------------


def _activities(band: np.ndarray, parent: np.ndarray | None) -> np.ndarray:
    """Context of each coefficient of a band (2, 3, h, w) from those coded before it, 0..5 (see `_activity`)."""
    size = np.abs(band)
    above, left, corner = (np.zeros_like(size) for _ in range(3))
    above[..., 1:, :], left[..., :, 1:], corner[..., 1:, 1:] = size[..., :-1, :], size[..., :-1], size[..., :-1, :-1]
    total = 2 * (above + left) + corner
    if parent is not None:
        total += np.abs(parent).repeat(2, 2).repeat(2, 3)[:, :, : band.shape[2], : band.shape[3]] * 2
    total[:, 1] += size[:, 0]
    total[:, 2] += size[:, 0] + size[:, 1]
    return _CLASS[np.minimum(total, len(_CLASS) - 1)]


# Sum of magnitudes around -> context
_CLASS = np.array([0, 1, 2, 3, 3, 4, 4, 4, 4, 5])


def _scan(sizes: list[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Levels from coarse to fine: (level, height, width) of their detail bands."""
    for level, (height, width) in enumerate(reversed(sizes[1:]), 1):
        yield level, height, width


def _estimate(quantized: list[np.ndarray]) -> float:
    """Bytes of a stream, about: adaptive code length of the zero flags, and Golomb-like lengths of the rest."""
    bits = 22.0 + float(2 * np.log2(1 + np.abs(quantized[0]).astype(float)).sum())
    counts = np.zeros((_MAGNITUDE, 2))
    for level in range(1, len(quantized)):
        band = quantized[level]
        contexts = _activities(band, quantized[level - 1] if level > 1 else None)
        for plane, base in ((0, np.zeros(band.shape[1:], int)), (1, 1 + (band[0] != 0))):
            index = contexts[plane] + 6 * base
            for bit in (0, 1):
                counts[:, bit] += np.bincount(index[(band[plane] != 0) == bit], minlength=_MAGNITUDE)
        size = np.abs(band[band != 0]).astype(float)
        bits += float((1 + 1.7 * np.log2(size)).sum() + 0.7 * (size > 0).sum())
    total = counts.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits -= float(np.nansum(counts * np.log2(counts / total[:, None])))
    return bits / 8


def _write(quantized: list[np.ndarray], k: int, s: int, angle: int) -> bytes:
    encoder = Encoder(_INITIAL)
    for plane in (0, 1):
        top = int(quantized[0][plane, 0, 0, 0])
        encoder.raw(int(top < 0))
        _write_golomb(encoder, abs(top) + 1)
    for level in range(1, len(quantized)):
        band = quantized[level]
        contexts = _activities(band, quantized[level - 1] if level > 1 else None).tolist()
        values = band.tolist()
        for i in range(band.shape[2]):
            for j in range(band.shape[3]):
                for plane in (0, 1):
                    for b in range(3):
                        other = 0 if plane == 0 else 1 + (values[0][b][i][j] != 0)
                        _write_value(encoder, values[plane][b][i][j], contexts[plane][b][i][j], other)
    return bytes([k << 5 | s, angle]) + encoder.finish()


def _write_value(encoder: Encoder, value: int, activity: int, other: int) -> None:
    size = abs(value)
    encoder.bit(activity + 6 * other, int(size > 0))
    if size == 0:
        return
    encoder.raw(int(value < 0))
    for more in range(1, 15):
        encoder.bit(_MAGNITUDE + activity + 6 * (more > 1), int(size > more))
        if size <= more:
            return
    _write_golomb(encoder, size - 14)


def _write_golomb(encoder: Encoder, value: int) -> None:
    """Exponential Golomb code of 1 and up."""
    length = value.bit_length() - 1
    for _ in range(length):
        encoder.raw(1)
    encoder.raw(0)
    for shift in reversed(range(length)):
        encoder.raw(value >> shift & 1)


def _read_value(decoder: Decoder, activity: int, other: int) -> int:
    if not decoder.bit(activity + 6 * other):
        return 0
    sign = -1 if decoder.raw() else 1
    for more in range(1, 15):
        if not decoder.bit(_MAGNITUDE + activity + 6 * (more > 1)):
            return sign * more
    return sign * (14 + _read_golomb(decoder))


def _read_golomb(decoder: Decoder) -> int:
    length = 0
    while decoder.raw():
        length += 1
        if length > 14:
            raise BadFile("the colour hints are damaged: get the file again")
    value = 1
    for _ in range(length):
        value = value << 1 | decoder.raw()
    return value


def _read(data: bytes, rows: int, columns: int) -> list[np.ndarray]:
    decoder = Decoder(data, _INITIAL)
    tops = [(-1 if decoder.raw() else 1) * (_read_golomb(decoder) - 1) for _ in range(2)]
    bands = [np.array(tops).reshape(2, 1, 1, 1)]
    classes, last = _CLASS.tolist(), len(_CLASS) - 1
    above_all: list = []
    for level, height, width in _scan(_sizes(rows, columns)):
        size = [[[[0] * (width + 1) for _ in range(height + 1)] for _ in range(3)] for _ in range(2)]
        band = np.zeros((2, 3, height, width), np.int64)
        for i in range(height):
            for j in range(width):
                for plane in (0, 1):
                    inner = 0
                    for b in range(3):
                        here = size[plane][b]
                        total = 2 * (here[i][j + 1] + here[i + 1][j]) + here[i][j] + inner
                        if level > 1:
                            total += 2 * above_all[plane][b][i // 2 + 1][j // 2 + 1]
                        other = 0 if plane == 0 else 1 + (size[0][b][i + 1][j + 1] != 0)
                        value = _read_value(decoder, classes[min(total, last)], other)
                        if value:
                            here[i + 1][j + 1] = abs(value)
                            band[plane, b, i, j] = value
                            inner += abs(value)
        bands.append(band)
        above_all = size
    return bands


# --- choice -----------------------------------------------------------------------------------------------------------


def _candidates(pixels: "_Working", most: float) -> list[_Candidate]:
    """All sensible choices that take about `most` bytes or less."""
    found = []
    for k in pixels.cells():
        means = pixels.means(k)
        angle = _angle(means)
        pyramid = _analyse(_rotate(means, angle))
        for s in reversed(range(len(STEPS))):
            quantized = [_quantize(band, STEPS[s]) for band in pyramid]
            size = _estimate(quantized)
            if size > most or size > means.size + 8:  # a byte a mean: smaller cells serve better than finer steps
                break
            grid = _unrotate(_synthesize(quantized, STEPS[s], *means.shape[1:]), angle)
            found.append(_Candidate(size, pixels.error(grid, k), k, s))
    return found


def _coded(pixels: "_Working", candidate: _Candidate) -> bytes:
    means = pixels.means(candidate.k)
    angle = _angle(means)
    quantized = [_quantize(band, STEPS[candidate.s]) for band in _analyse(_rotate(means, angle))]
    return _write(quantized, candidate.k, candidate.s, angle)


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
        return float(np.square(np.tensordot(_EVEN.astype(np.float32), error, 1)).sum() / (3 * error[0].size))


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
