"""Luma coder `hyperprior`: a learned transform coder (models/luma/hyperprior.py); its entropy decoding is exact.

The latents are coded in independent squares, so that memory stays bounded. Analysis and synthesis run over the whole
picture in overlapping tiles, so that the borders of the squares don't show (docs/format.md).
"""

import zlib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from scodec.errors import BadFile, Unsupported
from scodec.extras import require
from scodec.format import leb128
from scodec.models.tiling import tiles

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from scodec.models.luma.hyperprior import LumaHyperprior

QUANTIZERS = range(64)
#: Side of the squares, in latents.
SQUARE = 64
#: Side of the tiles of analysis and synthesis, in pixels.
TILE = 1024
_HEAD = 5
#: A square's data has at least the state of the entropy coder.
_SHORTEST = 4


def encode(y: np.ndarray, quantizer: int, effort: str = "medium") -> bytes:
    """Code luma `y` (H x W, uint8, full range) with a `quantizer` of 0 (finest) to 63.

    effort: "slow" also tries latents refined for this picture (models/luma/annealing.py); "fast" equals "medium".
    """
    require("learned")
    import torch

    from scodec.models.luma.transforms import BLOCK

    network = _network()
    height, width = y.shape
    padded = np.pad(y, ((0, -height % 64), (0, -width % 64)), "edge")
    x = torch.from_numpy(padded)[None, None].float() / 255
    with torch.inference_mode(), torch.device("cpu"):
        y_latent = _analysed(network, x, quantizer)
    coded = []
    for rows, columns in _squares(height, width):
        top, bottom = BLOCK * rows.start, min(BLOCK * rows.stop, height)
        left, right = BLOCK * columns.start, min(BLOCK * columns.stop, width)
        seen = x[:, :, top:bottom, left:right]
        coded.append(_coded(network, y_latent[:, :, rows, columns], seen, quantizer, effort))
    checksum = _checksum_of_size(width, height)
    for _, part in coded:
        checksum ^= part
    lengths = b"".join(leb128.write(len(data)) for data, _ in coded[:-1])
    head = _tables_id() + checksum.to_bytes(2, "little") + bytes([quantizer])
    return head + lengths + b"".join(data for data, _ in coded)


def decode(section: bytes, width: int, height: int) -> np.ndarray:
    """Decode to luma (`height` x `width`, uint8). Raises as `latents`."""
    require("learned")
    import torch

    y_hat = latents(section, width, height)
    with torch.inference_mode(), torch.device("cpu"):
        return _synthesised(_network(), y_hat, section[4])[:height, :width]


def latents(section: bytes, width: int, height: int) -> "Tensor":
    """What of decoding is exact: y_hat in quantization steps (1, channels, 4 ceil(height / 64), 4 ceil(width / 64)).

    Raises BadFile when the data is not such a picture, Unsupported when it was coded with other weights.
    """
    import torch

    if len(section) < _HEAD or section[4] not in QUANTIZERS:
        raise BadFile("the luma data is truncated or damaged: get the file again")
    if section[:2] != _tables_id():
        raise Unsupported("the luma was coded with the weights of another release: decode it with that release")
    network, quantizer = _network(), section[4]
    squares = list(_squares(height, width))
    parts = _parts(section, len(squares))
    found = _checksum_of_size(width, height)
    with torch.inference_mode(), torch.device("cpu"):
        y_hat = torch.empty(1, network.groups[-1].stop, -(-height // 64) * 4, -(-width // 64) * 4, dtype=torch.float32)
        for (rows, columns), data in zip(squares, parts, strict=True):
            size = rows.stop - rows.start, columns.stop - columns.start
            y_hat[:, :, rows, columns], checksum = network.decompress(data, quantizer, *size)
            found ^= checksum
    if found.to_bytes(2, "little") != section[2:4]:
        raise BadFile("the luma data does not decode to what was coded: the file is damaged, get it again")
    return y_hat


def _coded(network: "LumaHyperprior", y: "Tensor", x: "Tensor", quantizer: int, effort: str) -> tuple[bytes, int]:
    """The data of a square and its checksum: of the cheapest latents that there are."""
    import torch

    from scodec.models.luma.annealing import anneal, cost

    quantizer_1 = torch.tensor([quantizer], device="cpu")
    with torch.inference_mode(), torch.device("cpu"):
        z = network.hyper_analysis(y, quantizer_1)
        plain = network.compress(y, z, quantizer)
        if effort != "slow":
            return plain
    with torch.device("cpu"):
        refined = anneal(network, x, y, z, quantizer)
    with torch.inference_mode(), torch.device("cpu"):
        return min(plain, network.compress(*refined, quantizer), key=lambda each: cost(network, x, each[0], quantizer))


def _checksum_of_size(width: int, height: int) -> int:
    return zlib.crc32(f"{width} x {height}".encode()) & 0xFFFF


def _parts(section: bytes, count: int) -> list[bytes]:
    """The data of every square.

    Raises BadFile where there is not enough, before anything of the picture's size is made.
    """
    lengths, at = [], _HEAD
    for _ in range(count - 1):
        length, at = leb128.read(section, at)
        lengths.append(length)
    lengths.append(len(section) - at - sum(lengths))
    if min(lengths) < _SHORTEST:
        raise BadFile("the luma data does not fit the header: the file is damaged, get it again")
    starts = np.cumsum([at, *lengths])
    return [section[start : start + length] for start, length in zip(starts, lengths, strict=False)]


def _analysed(network: "LumaHyperprior", x_11HW: "Tensor", quantizer: int) -> "Tensor":
    """Luma in 0..1 -> y in quantization steps."""
    import torch

    from scodec.models.luma.transforms import BLOCK

    height, width = x_11HW.shape[2:]
    y = x_11HW.new_empty(1, network.groups[-1].stop, height // BLOCK, width // BLOCK)
    for rows, columns, needed_rows, needed_columns in tiles(height, width, TILE):
        part = network.analysis(x_11HW[:, :, needed_rows, needed_columns], torch.tensor([quantizer]))
        inner = part[:, :, _within(rows, needed_rows, BLOCK), _within(columns, needed_columns, BLOCK)]
        y[:, :, _within(rows, slice(0, height), BLOCK), _within(columns, slice(0, width), BLOCK)] = inner
    return y


def _synthesised(network: "LumaHyperprior", y_hat: "Tensor", quantizer: int) -> np.ndarray:
    """y_hat in quantization steps -> luma (uint8), all that is coded."""
    import torch

    from scodec.models.luma.transforms import BLOCK

    height, width = (BLOCK * side for side in y_hat.shape[2:])
    y = np.empty((height, width), np.uint8)
    for rows, columns, needed_rows, needed_columns in tiles(height, width, TILE):
        at = _within(needed_rows, slice(0, height), BLOCK), _within(needed_columns, slice(0, width), BLOCK)
        with _autocast():
            part = network.synthesis(y_hat[:, :, at[0], at[1]], torch.tensor([quantizer]))[0, 0]
        inner = part[_within(rows, needed_rows), _within(columns, needed_columns)]
        y[rows, columns] = (inner.clamp(0, 1) * 255).round().byte().numpy()
    return y


def _autocast() -> "torch.autocast":
    """The synthesis is no part of what must be exact, and runs in the receiver's number format."""
    import torch

    from scodec.models.device import best_dtype

    dtype = best_dtype(torch.device("cpu"))
    return torch.autocast("cpu", dtype, enabled=dtype != torch.float32)


def _within(inner: slice, outer: slice, unit: int = 1) -> slice:
    """Where `inner` lies in `outer`, in units."""
    return slice((inner.start - outer.start) // unit, (inner.stop - outer.start) // unit)


def _squares(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the latents that are coded together, for a luma of height x width."""
    rows, columns = (-(-side // 64) * 4 for side in (height, width))
    for top in range(0, rows, SQUARE):
        for left in range(0, columns, SQUARE):
            yield slice(top, min(top + SQUARE, rows)), slice(left, min(left + SQUARE, columns))


def _tables_id() -> bytes:
    """Two bytes that name the weights."""
    from scodec.models import weights

    return bytes.fromhex(weights.facts("hyperprior")["id"][-4:])


def _network() -> "LumaHyperprior":
    from scodec.models.device import loading

    with loading:
        return _load()


@cache
def _load() -> "LumaHyperprior":
    import torch

    from scodec.models import weights

    return weights.load("hyperprior").to(memory_format=torch.channels_last)  # type: ignore[return-value]
