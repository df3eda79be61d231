"""The way from a picture to bytes: photo -> planes -> smaller luma -> luma coder, hint coder -> container."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image, ImageFilter

from scodec import luma, metadata, photo, rate, scaling, target
from scodec.colour import hints
from scodec.errors import BadRequest
from scodec.format import container
from scodec.format.container import Header, Stream
from scodec.luma import vvc
from scodec.options import DecodeOptions, EncodeOptions

#: Transparency is coded at full size, finely: a mask costs little and every fault of its edge shows.
ALPHA_QUANTIZER = {"vvc": 34, "av1": 40, "hyperprior": 20}

#: What the receiver makes of a file: `decoder.rebuild`.
Rebuild = Callable[[Stream, DecodeOptions], np.ndarray]


@dataclass(frozen=True)
class Sender:
    """A picture and all that its encoding needs, prepared once for however many attempts a target size takes."""

    options: EncodeOptions
    source: photo.Photo
    y: np.ndarray  # uint8 (H, W)
    cb: np.ndarray  # float32 (H, W)
    cr: np.ndarray
    rungs: tuple[tuple[int, int], ...]  # the ladder of scales and quantizers, coarsest first
    chroma: bool  # is coded together with the luma
    hints: list[hints.Rung]  # to choose from by what they cost; empty when there are none to choose
    alpha: bytes
    boxes: tuple[tuple[bytes, bytes], ...]
    rebuild: Rebuild


def encode(source: photo.Photo, options: EncodeOptions, rebuild: Rebuild) -> bytes:
    """Encode a picture; see `scodec.encode`. rebuild: shows what the receiver makes of a file, for effort "slow"."""
    sender = prepare(source, options, rebuild)
    if options.target_bytes is None:
        return container.pack(encode_at(sender, rate.rung(options.luma, options.quality, sender.rungs, sender.y)))
    stream = encode_within(sender, options.target_bytes)
    data = container.pack(stream)
    target.warn_if_missed(len(data), options.target_bytes)
    return data


def prepare(source: photo.Photo, options: EncodeOptions, rebuild: Rebuild) -> Sender:
    """Split a picture into planes, and encode what does not depend on the rate: transparency, metadata, hints."""
    y, cb, cr = photo.planes(source.rgb)
    height, width = y.shape
    if max(height, width) > container.MAX_SIDE:
        raise BadRequest(f"{width} x {height} pixels: no side may exceed {container.MAX_SIDE}, cut the picture")
    wanted = 0 if source.gray else options.hints
    # VVC predicts chroma from luma, block by block: half the bytes of hints that are coded apart.
    chroma = wanted == "auto" and options.luma == "vvc"
    choices: list[hints.Rung] = []
    if wanted == "auto" and not chroma:
        choices = hints.ladder(cb, cr)
    elif isinstance(wanted, int) and wanted > 0:
        choices = [hints.Rung(hints.encode(cb, cr, wanted), 0.0)]
    alpha = b""
    if source.alpha is not None:
        alpha = luma.CODERS[options.luma].encode(source.alpha, ALPHA_QUANTIZER[options.luma], quick_effort(options))
    return Sender(
        options=options,
        source=source,
        y=y,
        cb=cb,
        cr=cr,
        rungs=rate.ladder(options.luma, options.scale),
        chroma=chroma,
        hints=choices,
        alpha=alpha,
        boxes=metadata.boxes(metadata.stripped(source.metadata, options.strip)),
        rebuild=rebuild,
    )


def quick_effort(options: EncodeOptions) -> str:
    """The effort at which scales are compared and a target size is searched: less than the final one where that is
    worth it only once."""
    return luma.TRIALS[options.luma] if options.effort == "slow" else options.effort


def encode_at(sender: Sender, rung: int, blur: float = 0.0, final: bool = True) -> Stream:
    """The file at a rung of the ladder, its luma blurred before; or, if it is not the final one, much the same."""
    options = sender.options
    scale, quantizer = sender.rungs[rung]
    y = sender.y if blur == 0 else np.asarray(Image.fromarray(sender.y).filter(ImageFilter.GaussianBlur(blur)))
    price = rate.price(options.luma, scale, quantizer) * 8 / y.size  # of a byte, in squared error
    quick = quick_effort(options)
    if options.effort == "slow" and options.scale == "auto":
        stream = cheapest_scale(sender, y, scale, quantizer, price)
    else:
        stream = encode_luma(sender, y, scale, quantizer, quick)
    if final and quick != options.effort:
        stream = encode_luma(sender, y, stream.header.scale, stream.header.quantizer, options.effort)
    chosen = min(sender.hints, key=lambda each: each.mse + price * len(each.data)).data if sender.hints else b""
    return replace(stream, hints=chosen, alpha=sender.alpha, boxes=sender.boxes)


def encode_luma(sender: Sender, y: np.ndarray, scale: int, quantizer: int, effort: str) -> Stream:
    """Reduce the luma and encode it, with its chroma where that is coded together."""
    height, width = y.shape
    coder = sender.options.luma
    header = Header(width, height, scale, quantizer, coder, sender.source.gray, sender.chroma, bool(sender.alpha))
    y_small = scaling.shrink(y, scale)
    if sender.chroma:
        chroma_small = hints.cell_means(np.stack([sender.cb, sender.cr]), 2 * scale)
        return Stream(header, vvc.encode(y_small, quantizer, effort, chroma_small))
    return Stream(header, luma.CODERS[coder].encode(y_small, quantizer, effort))


def cheapest_scale(sender: Sender, y: np.ndarray, scale: int, quantizer: int, price: float) -> Stream:
    """The file of the scale that the receiver rebuilds best for its bytes, at quantizers where a bit buys as much."""
    truth = sender.source.rgb if sender.chroma else y

    def cost(stream: Stream) -> float:
        rebuilt = sender.rebuild(stream, DecodeOptions(color=sender.chroma, look="faithful"))
        return float(np.mean(np.square(rebuilt.astype(np.float32) - truth))) + price * len(stream.luma)

    rungs = (scale, quantizer), *rate.rivals(sender.options.luma, scale, quantizer)
    return min((encode_luma(sender, y, *rung, quick_effort(sender.options)) for rung in rungs), key=cost)


def encode_within(sender: Sender, most: int) -> Stream:
    """The best file of at most so many bytes, or the smallest one; what is left goes to the hints."""
    quick, final = partial(encode_at, sender, final=False), partial(encode_at, sender)
    if quick_effort(sender.options) != sender.options.effort:
        stream = target.search_twice(most, len(sender.rungs), quick, final)
    else:
        _, _, stream = target.search(most, len(sender.rungs), final)
    spare = most - target.size(stream)
    if sender.options.hints != "auto" or not sender.hints or spare < 0:
        return stream
    richer = replace(stream, hints=hints.encode(sender.cb, sender.cr, spare + len(stream.hints) - 2))
    return richer if len(richer.hints) > len(stream.hints) else stream
