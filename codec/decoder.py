"""The way from bytes to a picture: container -> luma -> full-resolution luma -> colour."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from scodec import container, hints, luma, luma_vvc
from scodec.errors import BadRequest

Data = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class Info:
    """What an .scz file is, told by its header alone."""

    version: int  # of the format
    width: int  # of the picture, in pixels
    height: int
    gray: bool  # the source had no colour
    scale: int  # the luma is stored at 1/scale of the size
    quantizer: int  # of the luma coder, 0 (finest) to 63
    luma: str  # luma coder
    chroma: bool  # coded along with the luma
    luma_bytes: int  # with that chroma
    hints_bytes: int
    total_bytes: int  # the whole file
    bpp: float  # bits of the whole file per pixel of the picture


def decode(
    data: Data,
    *,
    color: bool = True,
    device: str = "auto",
    dtype: str = "auto",
    tile: int | None = None,
    progress: Callable[[list], Iterable] = iter,
) -> Image.Image:
    """Rebuild the picture of an .scz file.

    data: the file's bytes, its path, or a binary file object.
    color: False gives the luminance alone, as a picture of mode "L"; so does a file whose source was grey.
    device: "auto", "cpu", "cuda" or "mps"; dtype: "auto", "float32", "bfloat16" or "float16" for the networks.
    tile: side of the square tiles that large pictures are restored in, in pixels (at least 64).
    progress: wraps the list of tiles, to show how far the work is (tqdm, say).

    Returns a picture of mode "RGB" or "L". Raises BadFile, Unsupported, BadRequest; OSError when a path can't be read.
    """
    return Image.fromarray(rebuild(container.parse(_bytes(data)), color, device, dtype, tile, progress))


def rebuild(
    stream: container.Stream,
    color: bool = True,
    device: str = "auto",
    dtype: str = "auto",
    tile: int | None = None,
    progress: Callable[[list], Iterable] = iter,
) -> np.ndarray:
    """`decode` for a file taken apart; uint8 (H, W, 3), or (H, W) where `decode` gives mode "L"."""
    if tile is not None and tile < 64:
        raise BadRequest(f"tiles of {tile} pixels are too small: take 64 or more")
    header = stream.header
    grid = hints.decode(stream.hints, header.width, header.height) if stream.hints else None
    if header.chroma:
        y_small, chroma = luma_vvc.decode_colour(stream.luma, *header.luma_size)
    else:
        y_small = luma.CODERS[header.luma].decode(stream.luma, *header.luma_size)

    from scodec.models import receiver  # torch: only where pictures are rebuilt

    networks = receiver.get(device, dtype)
    y = networks.restore(
        y_small,
        header.luma,
        header.scale,
        header.quantizer,
        header.height,
        header.width,
        tile or receiver.TILE,
        progress,
    )
    if header.gray or not color:
        return y.round().astype(np.uint8)
    if header.chroma:
        return networks.paint(y, chroma, 2 * header.scale)
    if grid is None:
        return networks.colorize(y, None, 0, 0)
    return networks.colorize(y, grid.grid, grid.cell, grid.step)


def info(data: Data) -> Info:
    """What the file is, without decoding it. Raises as `decode` does."""
    raw = _bytes(data)
    stream = container.parse(raw)
    header = stream.header
    return Info(
        version=header.version,
        width=header.width,
        height=header.height,
        gray=header.gray,
        scale=header.scale,
        quantizer=header.quantizer,
        luma=header.luma,
        chroma=header.chroma,
        luma_bytes=len(stream.luma),
        hints_bytes=len(stream.hints),
        total_bytes=len(raw),
        bpp=len(raw) * 8 / (header.width * header.height),
    )


def _bytes(data: Data) -> bytes:
    if isinstance(data, str | os.PathLike):
        return Path(data).read_bytes()
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else data.read()
