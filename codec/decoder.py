"""The way from bytes to a picture: container -> luma -> full-resolution luma -> colour."""

import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from scodec import container, hints, luma, luma_vvc, metadata, photo
from scodec.errors import BadFile, BadRequest
from scodec.look import DEFAULT, number

Data = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO

#: Opacity nearer than this to none or to all is taken for it.
ALPHA_SNAP = 8


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
    alpha: bool  # has transparency
    luma_bytes: int  # with that chroma
    hints_bytes: int
    alpha_bytes: int
    exif_bytes: int  # as stored
    xmp_bytes: int
    total_bytes: int  # the whole file
    bpp: float  # bits of the whole file per pixel of the picture


def decode(
    data: Data,
    *,
    color: bool = True,
    look: str | float = DEFAULT,
    device: str = "auto",
    dtype: str = "auto",
    tile: int | None = None,
    check: bool = True,
    progress: Callable[[list], Iterable] = iter,
    receivers: Sequence[str] = (),
) -> Image.Image:
    """Rebuild the picture of an .scz file.

    data: the file's bytes, its path, or a binary file object.
    color: False gives the luminance alone, in grey; so does a file whose source was grey.
    look: "faithful" (least error), "natural" (plausible colours and texture), or a number from 0 to 1 between them.
    device: "auto", "cpu", "cuda" or "mps"; dtype: "auto", "float32", "bfloat16" or "float16" for the networks.
    tile: side of the square tiles that large pictures are restored in, in pixels (at least 64).
    check: False shows of a damaged file what can be shown: no checksum, colour and transparency only where readable.
    progress: wraps the list of tiles, to show how far the work is (tqdm, say).
    receivers: other networks in the place of those that come with scodec, by name or weights file: systems of the
    reports (docs/systems.md), one that colours, whatever colour was coded, one that enlarges what was coded at a
    smaller scale, or both; and restorers and colorizers of one's own training.

    Returns a picture of mode "RGB" or "L", with transparency "RGBA" or "LA", with EXIF and XMP in its `info`.
    Raises BadFile, Unsupported, BadRequest; OSError when a path can't be read.
    """
    stream = parse(data, check)
    image = Image.fromarray(rebuild(stream, color, look, device, dtype, tile, progress, receivers))
    if stream.header.alpha:
        image.putalpha(Image.fromarray(opacity(stream)))
    image.info.update(metadata.as_info(metadata.from_boxes(stream.boxes)))
    return image


def parse(data: Data, check: bool = True) -> container.Stream:
    """A file taken apart; without `check` also a damaged one, less what can't be read of it. Raises as `decode`."""
    stream = container.parse(_bytes(data), check)
    return stream if check else _readable(stream)


def preview(
    stream: container.Stream,
    reduction: int,
    color: bool = True,
    look: str | float = DEFAULT,
    device: str = "auto",
    dtype: str = "auto",
) -> Image.Image:
    """The picture at 1/reduction of its size, rounded up: what `decode` gives, without the restorer and quickly.

    Needs torch only where the colours are to be guessed. Raises as `decode`.
    """
    header = stream.header
    size = -(-header.width // reduction), -(-header.height // reduction)

    def resized(plane: np.ndarray, cell: int) -> np.ndarray:
        """A plane of one sample for each `cell` pixels, at the size of the preview."""
        box = (0, 0, header.width / cell, header.height / cell)
        small = Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BICUBIC, box)
        return np.asarray(small)

    y_small, chroma_small = _planes(stream)
    y = np.clip(resized(y_small, header.scale), 0, 255)
    grid = hints.decode(stream.hints, header.width, header.height) if stream.hints else None
    if header.gray or not color:
        rgb = y.round().astype(np.uint8)
    elif chroma_small is not None:
        rgb = photo.merge(y, *(resized(plane, 2 * header.scale) for plane in chroma_small))
    elif grid is not None:
        rgb = photo.merge(y, *(resized(plane, grid.cell) for plane in grid.grid))
    else:
        from scodec.models import receiver

        rgb = receiver.get(device, dtype).colorize_blind(y, number(look))
    image = Image.fromarray(rgb)
    if header.alpha:
        image.putalpha(Image.fromarray(opacity(stream)).resize(size, Image.Resampling.BOX))
    return image


def opacity(stream: container.Stream) -> np.ndarray:
    """Alpha (uint8, H x W) of a file with transparency. What is nearly clear or opaque was so: coding blurred it."""
    header = stream.header
    alpha = luma.CODERS[header.luma].decode(stream.alpha, header.width, header.height)
    return np.where(alpha < ALPHA_SNAP, 0, np.where(alpha > 255 - ALPHA_SNAP, 255, alpha)).astype(np.uint8)


def _readable(stream: container.Stream) -> container.Stream:
    """A damaged file without the sections that can't be read."""
    header = stream.header

    def works(part: Callable[[], object]) -> bool:
        try:
            part()
        except BadFile:
            return False
        return True

    if stream.hints and not works(lambda: hints.decode(stream.hints, header.width, header.height)):
        stream = replace(stream, hints=b"")
    if header.alpha and not works(lambda: opacity(stream)):
        stream = replace(stream, header=replace(header, alpha=False), alpha=b"")
    return stream if works(lambda: metadata.from_boxes(stream.boxes)) else replace(stream, boxes=())


def rebuild(
    stream: container.Stream,
    color: bool = True,
    look: str | float = DEFAULT,
    device: str = "auto",
    dtype: str = "auto",
    tile: int | None = None,
    progress: Callable[[list], Iterable] = iter,
    receivers: Sequence[str] = (),
) -> np.ndarray:
    """`decode` for a file taken apart; without transparency; uint8 (H, W, 3), or (H, W) where grey."""
    if tile is not None and tile < 64:
        raise BadRequest(f"tiles of {tile} pixels are too small: take 64 or more")
    header, shown = stream.header, number(look)
    grid = hints.decode(stream.hints, header.width, header.height) if stream.hints else None
    y_small, chroma_small = _planes(stream)

    from scodec.models import receiver  # torch: only where pictures are rebuilt

    networks = receiver.get(device, dtype)
    painter = enlarger = None
    if receivers:
        from scodec.models import system

        chosen = system.chosen(receivers, device, dtype)
        networks, painter, enlarger = chosen.networks, chosen.painter, chosen.enlarger
    if header.scale == 1:
        enlarger = None  # there is nothing to enlarge, but coding faults to restore
    # A system that enlarges RGB comes after the colours, at the size that the luma was coded in.
    unit = header.scale if enlarger else 1
    if enlarger:
        y = y_small.astype(np.float32)
    else:
        y = networks.restore(
            y_small,
            header.luma,
            header.scale,
            header.quantizer,
            header.height,
            header.width,
            shown,
            zlib.crc32(stream.luma),  # the same file gives the same picture, whatever its metadata
            tile or receiver.TILE,
            progress,
        )
    grey = header.gray or not color
    if grey:
        picture = y.round().astype(np.uint8)
    elif painter:
        picture = painter.colorize(y)
    elif chroma_small is not None:
        picture = networks.paint(y, chroma_small, 2 * header.scale // unit)
    elif grid is None:
        picture = networks.colorize_blind(y, shown)
    else:
        picture = networks.colorize(y, grid.grid, grid.cell / unit, grid.step, shown)
    if enlarger is None:
        return picture
    rgb = np.repeat(picture[..., None], 3, 2) if grey else picture
    rgb = system.enlarged(enlarger, rgb, header.scale, header.width, header.height)
    return photo.planes(rgb)[0] if grey else rgb


def _planes(stream: container.Stream) -> tuple[np.ndarray, np.ndarray | None]:
    """Decoded luma and, where it was coded along, chroma."""
    header = stream.header
    if header.luma == "vvc":
        y, chroma = luma_vvc.decode_colour(stream.luma, *header.luma_size, strict=stream.checked)
        return y, chroma if header.chroma else None
    return luma.CODERS[header.luma].decode(stream.luma, *header.luma_size), None


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
        alpha=header.alpha,
        luma_bytes=len(stream.luma),
        hints_bytes=len(stream.hints),
        alpha_bytes=len(stream.alpha),
        exif_bytes=sum(len(content) for kind, content in stream.boxes if kind == b"EXIF"),
        xmp_bytes=sum(len(content) for kind, content in stream.boxes if kind == b"XMP "),
        total_bytes=len(raw),
        bpp=len(raw) * 8 / (header.width * header.height),
    )


def _bytes(data: Data) -> bytes:
    if isinstance(data, str | os.PathLike):
        return Path(data).read_bytes()
    return bytes(data) if isinstance(data, bytes | bytearray | memoryview) else data.read()
