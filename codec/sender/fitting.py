"""Which luma coder, and which rungs of its ladder, a picture is not too large for."""

import warnings

import numpy as np

from scodec.errors import BadRequest, ScodecWarning
from scodec.format import limits
from scodec.options import SCALES, EncodeOptions
from scodec.sender import rate

#: The coder for what is too large for another one: it needs nothing that a bare install does not have.
FALLBACK = "av1"


def rungs(coder: str, scale: int | str, width: int, height: int) -> tuple[tuple[int, int], ...]:
    """The rungs of a ladder whose coded luma is not too large, coarsest first: as the scales fall, a first part."""
    return tuple(rung for rung in rate.ladder(coder, scale) if limits.codable(coder, width, height, rung[0]))


def coder(options: EncodeOptions, y: np.ndarray, transparent: bool) -> str:
    """The luma coder asked for, or another where a picture (H x W) is too large for it, with a ScodecWarning.

    Transparency is coded at full size. With scale "auto" the luma is stored smaller where no coder takes it otherwise.
    Raises BadRequest where nothing helps.
    """
    height, width = y.shape
    limits.check_picture(width, height)
    coders = [
        coder
        for coder in dict.fromkeys((options.luma, FALLBACK))
        if rungs(coder, options.scale, width, height) and not (transparent and not limits.codable(coder, width, height))
    ]
    fitting = [coder for coder in coders if limits.codable(coder, width, height, _scale(coder, options, y))]
    if not coders:
        raise BadRequest(
            f"{width} x {height} pixels{' with transparency' if transparent else ''} are too many for the luma coder "
            f"{options.luma}: its sides may have {limits.CODED[options.luma].side:,} pixels, those of {FALLBACK} "
            f"{limits.CODED[FALLBACK].side:,}; cut the picture into tiles"
            + ("" if transparent else ", or take a larger scale")
        )
    chosen = fitting[0] if fitting else min(coders, key=lambda each: rungs(each, options.scale, width, height)[-1][0])
    if chosen != options.luma:
        warn_of_fallback(options.luma, width, height, transparent)
    elif not fitting:
        message = f"no coder takes {width} x {height} pixels at this rate: stored smaller; tiles would keep the detail"
        warnings.warn(message, ScodecWarning, stacklevel=5)
    return chosen


def warn_of_fallback(coder: str, width: int, height: int, transparent: bool = False) -> None:
    """A ScodecWarning that another coder was taken, and the scale at which the one asked for would do."""
    scales = (scale for scale in SCALES[1:] if limits.codable(coder, width, height, int(scale)))
    scale = None if transparent else next(scales, None)  # transparency is coded at full size
    way = f"; --scale {scale} keeps {coder}" if scale else ""
    most = limits.CODED[coder]
    warnings.warn(
        f"{width} x {height} pixels are too many for {coder} at this rate (sides up to {most.side:,}, {most.pixels:,} "
        f"pixels in all): coded with {FALLBACK} instead{way}",
        ScodecWarning,
        stacklevel=5,  # names the caller of `scodec.encode`, or nearly
    )


def _scale(coder: str, options: EncodeOptions, y: np.ndarray) -> int:
    """The scale that the options lead to; with a target size, the largest: the search begins there."""
    ladder = rate.ladder(coder, options.scale)
    return ladder[0 if options.target_bytes is not None else rate.rung(coder, options.quality, ladder, y)][0]
