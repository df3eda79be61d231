"""Entropy coding of the quantized pyramid: contexts, adaptive bits, Golomb codes of what is large. docs/hints.md."""

from collections.abc import Iterator

import numpy as np

from scodec.colour.pyramid import sizes
from scodec.colour.range_coder import Decoder, Encoder
from scodec.errors import BadFile

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


def estimate(quantized: list[np.ndarray]) -> float:
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


def write(quantized: list[np.ndarray], k: int, s: int, angle: int) -> bytes:
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


def read(data: bytes, rows: int, columns: int) -> list[np.ndarray]:
    decoder = Decoder(data, _INITIAL)
    tops = [(-1 if decoder.raw() else 1) * (_read_golomb(decoder) - 1) for _ in range(2)]
    bands = [np.array(tops).reshape(2, 1, 1, 1)]
    classes, last = _CLASS.tolist(), len(_CLASS) - 1
    above_all: list = []
    for level, height, width in _scan(sizes(rows, columns)):
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
