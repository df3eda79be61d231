"""The way from bytes to a picture: container -> luma -> full-resolution luma -> colour."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from scodec import luma, metadata, photo
from scodec.colour import hints
from scodec.colour.hints import HintGrid
from scodec.errors import BadFile, memory_advice
from scodec.format import container
from scodec.format.container import Stream
from scodec.luma import vvc
from scodec.models.backend import choose
from scodec.models.receiver.shared import CodedLuma, Grid
from scodec.options import DecodeOptions, Progress, look_number

#: Opacity nearer than this to none or to all is taken for it.
ALPHA_SNAP = 8
_SMALLER_TILES = memory_advice("take smaller tiles (--tile 256), or a machine with more")


def decode(data: bytes, options: DecodeOptions, progress: Progress = iter) -> Image.Image:
    """Decode a file; see `scodec.decode`."""
    stream = parse(data, options.check)
    return finish(Image.fromarray(rebuild(stream, options, progress)), stream)


def parse(data: bytes, check: bool = True) -> Stream:
    """A file taken apart; without `check` also a damaged one, less what can't be read of it. Raises as `decode`."""
    stream = container.parse(data, check)
    return stream if check else _readable(stream)


@dataclass(frozen=True)
class Sections:
    """What the sections of a file decode to, before the networks."""

    stream: Stream
    y: np.ndarray  # uint8 luma, 1/scale of the size
    chroma: np.ndarray | None  # (2, rows, columns), where it was coded together with the luma
    hints: HintGrid | None


@_SMALLER_TILES
def sections(stream: Stream) -> Sections:
    """The sections of a file taken apart, decoded; needs no torch but for the luma coder hyperprior."""
    header = stream.header
    grid = hints.decode(stream.hints, header.width, header.height) if stream.hints else None
    return Sections(stream, *decode_luma(stream), grid)


def rebuild(stream: Stream, options: DecodeOptions, progress: Progress = iter) -> np.ndarray:
    """The picture of a file taken apart, without transparency; uint8 (H, W, 3), or (H, W) where grey."""
    return rebuild_batch([sections(stream)], options, progress)[0]


@_SMALLER_TILES
def rebuild_batch(
    files: Sequence[Sections], options: DecodeOptions, progress: Progress = iter, threads: int = 0
) -> list[np.ndarray]:
    """The pictures of files, as `rebuild` gives each, by one run of the networks.

    All have the same size, kind of colour and, with the natural look, scales that all get texture, or none. threads:
    see `choose`.
    """
    networks, painter, enlarger = choose(options.receivers, options.backend, options.device, options.dtype, threads)
    if len(files) > 1 and (painter is not None or enlarger is not None):
        return [rebuild_batch([file], options, progress)[0] for file in files]
    header, look = files[0].stream.header, look_number(options.look)

    def coded(file: Sections) -> CodedLuma:
        of = file.stream.header
        return CodedLuma(file.y, of.luma, of.scale, of.quantizer, of.height, of.width)

    if enlarger is not None and header.scale > 1:
        # A system that enlarges RGB comes after the colours, at the size that the luma was coded in.
        y, unit = networks.plane(files[0].y), header.scale
    else:
        seeds = [zlib.crc32(file.stream.luma) for file in files]  # the same file gives the same picture
        y, unit = networks.restore([coded(file) for file in files], look, seeds, options.tile, progress), 1
    if header.gray or not options.color:
        pictures = networks.gray(y)
    elif painter is not None:
        pictures = painter.colorize(networks.levels(y))[None]
    elif files[0].chroma is not None:
        chroma = np.stack([file.chroma for file in files if file.chroma is not None])
        pictures = networks.paint(y, chroma, 2 * header.scale // unit)
    else:
        grids = [file.hints for file in files]
        known = [None if grid is None else Grid(grid.grid, grid.cell / unit, grid.step) for grid in grids]
        pictures = networks.colorize(y, known, look)
    if enlarger is None or unit == 1:
        return list(pictures)
    (picture,) = pictures
    rgb = np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture
    rgb = enlarger.enlarge_to(rgb, header.scale, header.width, header.height)
    return [photo.planes(rgb)[0] if picture.ndim == 2 else rgb]


@_SMALLER_TILES
def finish(image: Image.Image, stream: Stream) -> Image.Image:
    """A rebuilt picture with the transparency and the metadata of its file."""
    if stream.header.alpha:
        image.putalpha(Image.fromarray(opacity(stream)).resize(image.size, Image.Resampling.BOX))
    image.info.update(metadata.as_info(metadata.from_boxes(stream.boxes)))
    return image


@_SMALLER_TILES
def preview(stream: Stream, reduction: int, options: DecodeOptions) -> Image.Image:
    """The picture at 1/reduction of its size, rounded up: what `decode` gives, without the restorer and quickly.

    Needs networks only where the colours are to be guessed. Raises as `decode`.
    """
    header = stream.header
    size = -(-header.width // reduction), -(-header.height // reduction)

    def resized(plane: np.ndarray, cell: int) -> np.ndarray:
        """A plane of one sample for each `cell` pixels, at the size of the preview."""
        box = (0, 0, header.width / cell, header.height / cell)
        small = Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BICUBIC, box)
        return np.asarray(small)

    y_small, chroma_small = decode_luma(stream)
    y = np.clip(resized(y_small, header.scale), 0, 255)
    grid = hints.decode(stream.hints, header.width, header.height) if stream.hints else None
    if header.gray or not options.color:
        picture = y.round().astype(np.uint8)
    elif chroma_small is not None:
        picture = photo.merge(y, *(resized(plane, 2 * header.scale) for plane in chroma_small))
    elif grid is not None:
        picture = photo.merge(y, *(resized(plane, grid.cell) for plane in grid.grid))
    else:
        networks = choose((), options.backend, options.device, options.dtype).networks
        (picture,) = networks.colorize(networks.plane(y), [None], look_number(options.look))
    return finish(Image.fromarray(picture), stream)


def decode_luma(stream: Stream) -> tuple[np.ndarray, np.ndarray | None]:
    """Decoded luma and, where it was coded together with it, chroma."""
    header = stream.header
    if header.luma == "vvc":
        y, chroma = vvc.decode_colour(stream.luma, *header.luma_size, strict=stream.checked)
        return y, chroma if header.chroma else None
    return luma.CODERS[header.luma].decode(stream.luma, *header.luma_size), None


def opacity(stream: Stream) -> np.ndarray:
    """Alpha (uint8, H x W) of a file with transparency. What is nearly clear or opaque was so: coding blurred it."""
    header = stream.header
    alpha = luma.CODERS[header.luma].decode(stream.alpha, header.width, header.height)
    return np.where(alpha < ALPHA_SNAP, 0, np.where(alpha > 255 - ALPHA_SNAP, 255, alpha)).astype(np.uint8)


def _readable(stream: Stream) -> Stream:
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
