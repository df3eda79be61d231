"""The way from a picture to bytes: photo -> planes -> smaller luma -> luma coder, hint coder -> container."""

import dataclasses
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageFilter

from scodec import container, luma_vvc, metadata, photo, rate, scaling
from scodec import hints as hint_coder
from scodec import luma as luma_coders
from scodec.errors import BadRequest, TargetWarning

#: Transparency is coded at full size, finely: a mask costs little and every fault of its edge shows.
ALPHA_QUANTIZER = {"vvc": 34, "av1": 40, "hyperprior": 20}
#: A target size counts as met from this share of it upwards.
ENOUGH = 0.95


def encode(
    image: photo.Source,
    *,
    quality: int = rate.DEFAULT_QUALITY,
    scale: int | str = "auto",
    hints: int | str = 0,
    luma: str = "vvc",
    effort: str = "medium",
    target_bytes: int | None = None,
    strip: bool = False,
) -> bytes:
    """Code a picture; the bytes of an .scz file.

    image: path, bytes or file object of a picture, PIL image, or uint8 array (H, W, 3) or (H, W).
    quality: 1 (smallest) to 100. scale: the luma is stored at 1/scale of the size, 1 to 4, or "auto" by rate.
    hints: 0 stores luminance only, N at most N bytes of colour, "auto" as much colour as pays.
    luma: the luma coder, "vvc", the quicker "av1", or "hyperprior", which is learned (with torch).
    effort: "fast", "medium" or "slow"; slow also tries the other scales and takes the one that the receiver rebuilds
    best for its bytes (with torch), and refines what hyperprior codes for the picture at hand.
    target_bytes: largest size of the file; replaces `quality`.
    strip: leave out EXIF and XMP, which are kept otherwise.

    Raises BadImage when the picture can't be used, BadRequest for impossible arguments, Unsupported where the luma
    coder is not to be had. Warns TargetWarning when `target_bytes` is out of reach; the nearest possible file is
    returned then.
    """
    _check(quality, scale, hints, luma, effort, target_bytes)
    source = photo.load(image)
    y, cb, cr = photo.planes(source.rgb)
    height, width = y.shape
    if max(height, width) > container.MAX_SIDE:
        raise BadRequest(f"{width} x {height} pixels: no side may exceed {container.MAX_SIDE}, cut the picture")
    if source.gray:
        hints = 0
    boxes = () if strip else metadata.boxes(source.metadata)
    trial = luma_coders.TRIALS[luma] if effort == "slow" else effort
    alpha = b""
    if source.alpha is not None:
        alpha = luma_coders.CODERS[luma].encode(source.alpha, ALPHA_QUANTIZER[luma], trial)
    rungs = rate.ladder(luma, scale)
    # VVC predicts chroma from luma, block by block: half the bytes of hints that are coded apart.
    together = hints == "auto" and luma == "vvc"
    colours = hint_coder.ladder(cb, cr) if hints == "auto" and not together else []
    fixed = hint_coder.encode(cb, cr, hints) if isinstance(hints, int) and hints > 0 else b""

    def code(index: int, blur: float = 0.0, final: bool = True) -> container.Stream:
        """The file at a rung of the ladder, its luma blurred before; or, if it is not the final one, much the same."""
        blurred = y if blur == 0 else _blurred(y, blur)
        price = rate.price(luma, *rungs[index]) * 8 / (width * height)  # of a byte, in squared error

        def at(factor: int, quantizer: int, effort: str) -> container.Stream:
            header = container.Header(width, height, factor, quantizer, luma, source.gray, together, bool(alpha))
            small = scaling.shrink(blurred, factor)
            if together:
                chroma = hint_coder.cell_means(np.stack([cb, cr]), 2 * factor)
                return container.Stream(header, luma_vvc.encode(small, quantizer, effort, chroma))
            return container.Stream(header, luma_coders.CODERS[luma].encode(small, quantizer, effort))

        if effort == "slow" and scale == "auto":
            rivals = [at(*rung, trial) for rung in (rungs[index], *rate.rivals(luma, *rungs[index]))]
            truth = source.rgb if together else y
            stream = min(rivals, key=lambda rival: _error(rival, truth) + price * len(rival.luma))
        else:
            stream = at(*rungs[index], trial)
        if final and trial != effort:
            stream = at(stream.header.scale, stream.header.quantizer, effort)
        chosen = min(colours, key=lambda rung: rung.mse + price * len(rung.data)).data if colours else fixed
        return dataclasses.replace(stream, hints=chosen, alpha=alpha, boxes=boxes)

    if target_bytes is None:
        return container.pack(code(rate.rung(luma, quality, rungs, y)))
    stream = _within(target_bytes, len(rungs), code, trial != effort)
    if colours and _size(stream) <= target_bytes:
        stream = _with_more_colour(stream, target_bytes, cb, cr)
    data = container.pack(stream)
    _warn_if_missed(len(data), target_bytes)
    return data


def _check(quality: int, scale: int | str, hints: int | str, luma: str, effort: str, target_bytes: int | None) -> None:
    if quality not in rate.QUALITIES:
        raise BadRequest(f"quality {quality} is impossible: give 1 (smallest) to 100 (best)")
    if scale not in ("auto", 1, 2, 3, 4):
        raise BadRequest(f"scale {scale!r} is impossible: give 1, 2, 3, 4 or 'auto'")
    if not (hints == "auto" or isinstance(hints, int) and hints >= 0):
        raise BadRequest(f"hints {hints!r} are impossible: give a number of bytes or 'auto'")
    if luma not in luma_coders.CODERS:
        raise BadRequest(f"luma coder {luma!r} is unknown: give {' or '.join(luma_coders.CODERS)}")
    if effort not in luma_coders.EFFORTS:
        raise BadRequest(f"effort {effort!r} is unknown: give {', '.join(luma_coders.EFFORTS)}")
    if target_bytes is not None and target_bytes < 1:
        raise BadRequest(f"a file of {target_bytes} bytes is impossible: give at least 1")


def _within(target: int, count: int, code: Callable[..., container.Stream], refine: bool) -> container.Stream:
    """The best file of at most `target` bytes, or the smallest file there is.

    refine: only what was found is coded as a final file, and the next rungs as long as there is room.
    """
    index, blur, best = _searched(target, count, partial(code, final=not refine))
    if not refine:
        return best
    for attempt in dict.fromkeys([(index, blur), *((richer, 0.0) for richer in range(index, count))]):
        stream = code(*attempt)
        if _size(stream) > target:
            break
        best = stream
        if _filled(best, target):
            break
    return best


def _searched(
    target: int, count: int, code: Callable[[int, float], container.Stream]
) -> tuple[int, float, container.Stream]:
    """Rung and blur of the best file of at most `target` bytes, or of the smallest one, and the file.

    A bisection over the ladder; when the rung below the target leaves much of it unused, the next rung is tried with
    its luma blurred a little, which makes sizes between two quantizers.
    """
    low, best = 0, code(0, 0.0)
    if _size(best) > target:
        return 0, 0.0, best
    high = count
    while high - low > 1:
        middle = (low + high) // 2
        stream = code(middle, 0.0)
        if _size(stream) <= target:
            low, best = middle, stream
        else:
            high = middle
    found = low, 0.0, best
    if high == count:
        return found
    weak, strong = 0.0, 3.0
    for _ in range(7):
        if _filled(found[2], target):
            break
        blur = (weak + strong) / 2
        stream = code(high, blur)
        if _size(stream) <= target:
            strong = blur
            found = max(found, (high, blur, stream), key=lambda each: _size(each[2]))
        else:
            weak = blur
    return found


def _filled(stream: container.Stream, target: int) -> bool:
    return _size(stream) >= target * (1 + ENOUGH) / 2


def _with_more_colour(stream: container.Stream, target: int, cb: np.ndarray, cr: np.ndarray) -> container.Stream:
    """Give what is left of the target to the hints."""
    spare = target - _size(stream) + len(stream.hints)
    richer = dataclasses.replace(stream, hints=hint_coder.encode(cb, cr, spare - 2))
    return richer if len(richer.hints) > len(stream.hints) else stream


def _warn_if_missed(size: int, target: int) -> None:
    if size > target:
        warnings.warn(
            f"{target} bytes are out of reach: the smallest file of this picture has {size}",
            TargetWarning,
            stacklevel=3,
        )
    elif size < target * ENOUGH:
        warnings.warn(
            f"{target} bytes were not used up: the best file of this picture has {size}",
            TargetWarning,
            stacklevel=3,
        )


def _error(stream: container.Stream, truth: np.ndarray) -> float:
    """Mean squared error of what the receiver will rebuild, of rgb (H, W, 3) or luma (H, W)."""
    from scodec.decoder import rebuild

    return float(np.mean(np.square(rebuild(stream, truth.ndim == 3, "faithful").astype(np.float32) - truth)))


def _size(stream: container.Stream) -> int:
    return len(container.pack(stream))


def _blurred(y: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(y).filter(ImageFilter.GaussianBlur(radius)))
