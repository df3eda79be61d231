"""The way from a picture to bytes: photo -> planes -> smaller luma -> luma coder, hint coder -> container."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image, ImageFilter

from scodec import luma, metadata, photo
from scodec.colour import hints
from scodec.format import container, limits
from scodec.format.container import Header, Stream
from scodec.luma import vvc
from scodec.options import DecodeOptions, EncodeOptions
from scodec.sender import budget, content, fitting, rate, scaling, target
from scodec.sender.budget import Transparency

#: What the receiver makes of a file: `decoder.rebuild`.
Rebuild = Callable[[Stream, DecodeOptions], np.ndarray]


@dataclass(frozen=True)
class Sender:
    """A picture and all that its encoding needs, prepared once for however many attempts a target size takes."""

    options: EncodeOptions  # of a luma coder that the picture is not too large for
    source: photo.Photo
    y: np.ndarray  # uint8 (H, W)
    cb: np.ndarray  # float32 (H, W)
    cr: np.ndarray
    rungs: tuple[tuple[int, int], ...]  # the ladder of scales and quantizers, coarsest first
    chroma: bool  # is coded together with the luma
    hints: list[hints.Rung]  # to choose from by what they cost; empty when there are none to choose
    transparency: Transparency | None
    boxes: tuple[tuple[bytes, bytes], ...]
    rebuild: Rebuild

    @property
    def clipped(self) -> bool:
        """Whether the coder has finer rungs that the picture is too large for, and another coder may take it there."""
        options = self.options
        return options.luma != fitting.FALLBACK and len(self.rungs) < len(rate.ladder(options.luma, options.scale))


def encode(source: photo.Photo, options: EncodeOptions, rebuild: Rebuild) -> bytes:
    """Encode a picture; see `scodec.encode`. rebuild: shows what the receiver makes of a file, for effort "slow"."""
    sender = prepare(source, options, rebuild)
    most = options.target_bytes
    if most is None:
        stream = encode_at(sender, quality_rung(sender, options.quality))
    else:
        stream = encode_within(sender, most)
        if sender.clipped and not target.filled(stream, most):
            height, width = sender.y.shape
            fitting.warn_of_fallback(sender.options.luma, width, height)
            return encode(source, replace(options, luma=fitting.FALLBACK), rebuild)
        target.warn_if_missed(target.size(stream), most)
    content.warn_if_unreadable(sender.y, stream.header)
    return container.pack(stream)


def prepare(source: photo.Photo, options: EncodeOptions, rebuild: Rebuild) -> Sender:
    """Split a picture into planes, choose the coder, and encode what does not depend on the rate: metadata, hints."""
    limits.check_picture(*source.rgb.shape[1::-1])
    y, cb, cr = photo.planes(source.rgb)
    options = replace(options, luma=fitting.coder(options, y, source.alpha is not None))
    wanted = 0 if source.gray else options.hints
    # VVC predicts chroma from luma, block by block: half the bytes of hints that are coded apart.
    chroma = wanted == "auto" and options.luma == "vvc"
    choices: list[hints.Rung] = []
    if wanted == "auto" and not chroma:
        choices = hints.ladder(cb, cr)
    elif isinstance(wanted, int) and wanted > 0:
        choices = [hints.Rung(hints.encode(cb, cr, wanted), 0.0)]
    transparency = None
    if source.alpha is not None:
        transparency = Transparency(source.alpha, options.luma, quick_effort(options))
    return Sender(
        options=options,
        source=source,
        y=y,
        cb=cb,
        cr=cr,
        rungs=fitting.rungs(options.luma, options.scale, *y.shape[::-1]),
        chroma=chroma,
        hints=choices,
        transparency=transparency,
        boxes=metadata.boxes(metadata.stripped(source.metadata, options.strip)),
        rebuild=rebuild,
    )


def quick_effort(options: EncodeOptions) -> str:
    """The effort at which scales are compared and a target size is searched: less than the final one where that is
    worth it only once."""
    return luma.TRIALS[options.luma] if options.effort == "slow" else options.effort


def quality_rung(sender: Sender, quality: int) -> int:
    """Position of a quality on the ladder, or the last that the picture is not too large for."""
    options = sender.options
    wanted = rate.rung(options.luma, quality, rate.ladder(options.luma, options.scale), sender.y)
    return min(wanted, len(sender.rungs) - 1)


def encode_at(sender: Sender, rung: int, blur: float = 0.0, final: bool = True) -> Stream:
    """The file at a rung of the ladder, its luma blurred before; or, if it is not the final one, much the same."""
    options = sender.options
    scale, quantizer = sender.rungs[rung]
    y = sender.y if blur == 0 else np.asarray(Image.fromarray(sender.y).filter(ImageFilter.GaussianBlur(blur)))
    price = rate.price(options.luma, scale, quantizer) * 8 / y.size  # of a byte, in squared error
    quick = quick_effort(options)
    if options.effort == "slow" and (options.scale == "auto" or options.target_bytes is None):
        stream = best_scale(sender, y, scale, quantizer, price)
    else:
        stream = encode_luma(sender, y, scale, quantizer, quick)
    if final and quick != options.effort:
        refined = encode_luma(sender, y, stream.header.scale, stream.header.quantizer, options.effort)
        stream = min(stream, refined, key=lambda each: len(each.luma))
    chosen = min(sender.hints, key=lambda each: each.mse + price * len(each.data)).data if sender.hints else b""
    stream = replace(stream, hints=chosen, boxes=sender.boxes)
    return stream if sender.transparency is None else replace(stream, alpha=sender.transparency.fair(stream))


def encode_luma(sender: Sender, y: np.ndarray, scale: int, quantizer: int, effort: str) -> Stream:
    """Reduce the luma and encode it, with its chroma where that is coded together."""
    height, width = y.shape
    coder, transparent = sender.options.luma, sender.transparency is not None
    header = Header(width, height, scale, quantizer, coder, sender.source.gray, sender.chroma, transparent)
    y_small = scaling.shrink(y, scale)
    if sender.chroma:
        chroma_small = hints.cell_means(np.stack([sender.cb, sender.cr]), 2 * scale)
        return Stream(header, vvc.encode(y_small, quantizer, effort, chroma_small))
    return Stream(header, luma.CODERS[coder].encode(y_small, quantizer, effort))


def best_scale(sender: Sender, y: np.ndarray, scale: int, quantizer: int, price: float) -> Stream:
    """The file of the scale that the receiver rebuilds best for its bytes, at quantizers where a bit buys as much.

    At a quality it is no larger than that of effort "medium"; a target size bounds the file itself.
    """
    truth = sender.source.rgb if sender.chroma else y
    coder, (height, width) = sender.options.luma, y.shape

    def cost(stream: Stream) -> float:
        rebuilt = sender.rebuild(stream, DecodeOptions(color=sender.chroma, look="faithful"))
        return float(np.mean(np.square(rebuilt.astype(np.float32) - truth))) + price * len(stream.luma)

    rungs = [(scale, quantizer)]
    if sender.options.scale == "auto":
        rungs += [
            rung for rung in rate.rivals(coder, scale, quantizer) if limits.codable(coder, width, height, rung[0])
        ]
    attempt = partial(encode_luma, sender, y, effort=quick_effort(sender.options))
    if sender.options.target_bytes is not None:
        return min((attempt(*rung) for rung in rungs), key=cost)
    medium = encode_luma(sender, y, scale, quantizer, "medium")
    smaller = (no_larger(partial(attempt, scale), first, len(medium.luma)) for scale, first in rungs)
    return min((medium, *(stream for stream in smaller if stream is not None)), key=cost)


def no_larger(attempt: Callable[[int], Stream], first: int, most: int) -> Stream | None:
    """The file at the finest quantizer from `first` on that gives no more than `most` bytes of luma."""
    files = (attempt(quantizer) for quantizer in range(first, 64))
    return next((stream for stream in files if len(stream.luma) <= most), None)


def encode_within(sender: Sender, most: int) -> Stream:
    """The best file of at most so many bytes, or the smallest one; what is left goes to the hints."""
    if sender.boxes:
        picture = encode_at(replace(sender, boxes=()), quality_rung(sender, 1), final=False)
        sender = replace(sender, boxes=budget.boxes_within(sender.source.metadata, most, target.size(picture)))
    quick, final = partial(encode_at, sender, final=False), partial(encode_at, sender)
    if quick_effort(sender.options) != sender.options.effort:
        stream = target.search_twice(most, len(sender.rungs), quick, final)
    else:
        _, _, stream = target.search(most, len(sender.rungs), final)
    if sender.transparency is not None:
        spare = most - target.size(stream)
        finer = replace(stream, alpha=sender.transparency.within(len(stream.alpha) + spare - 2))
        stream = max(stream, finer, key=target.size) if target.size(finer) <= most else stream
    spare = most - target.size(stream)
    if sender.options.hints != "auto" or not sender.hints or spare < 0:
        return stream
    richer = replace(stream, hints=hints.encode(sender.cb, sender.cr, spare + len(stream.hints) - 2))
    return richer if len(richer.hints) > len(stream.hints) else stream
