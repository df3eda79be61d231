"""Text and line art, which a codec for photographs blurs until nobody can read it: found, and said."""

import warnings

import numpy as np

from scodec.errors import ScodecWarning
from scodec.format.container import Header
from scodec.sender import rate

#: A picture is sampled in so many squares a side, of so many pixels.
SQUARES, SIDE = 4, 128
#: Steps between neighbouring pixels, in levels: up to FLAT they are paper, from SHARP on the edge of a stroke.
FLAT, SHARP = 8, 64
#: Text and line art are flat in this share of their steps or more, have at least this share of sharp steps, and this
#: share of sharp ones among those that aren't flat. On text drawn by Pillow, with noise, blur or JPEG's errors, and on
#: a scanned page, the last is 0.24 to 1; on 18 photographs of scikit-image, also at half and a third of their size,
#: at most 0.14.
FLAT_SHARE, SHARP_SHARE, SHARP_OF_STEPS = 0.4, 0.02, 0.2
#: Small print stays readable where it is stored at full size and a bit per pixel lowers the squared error by no more
#: than that: 27 dB and above (quantizer 44 of vvc).
SERVES = 420.0


def warn_if_unreadable(y: np.ndarray, header: Header) -> None:
    """A ScodecWarning that names what serves, where text or line art (luma, H x W, uint8) was coded too coarsely."""
    if serves(header.luma, header.scale, header.quantizer) or not is_line_art(y):
        return
    ladder = rate.ladder(header.luma, "auto")
    qualities = (
        quality
        for quality in rate.QUALITIES
        if serves(header.luma, *ladder[rate.rung(header.luma, quality, ladder, y)])
    )
    warnings.warn(
        "this looks like text or line art, which can hardly be read at this rate: "
        f"quality {next(qualities)} at scale auto serves; lossless WebP or PNG may be smaller still",
        ScodecWarning,
        stacklevel=4,  # names the caller of `scodec.encode`
    )


def serves(coder: str, scale: int, quantizer: int) -> bool:
    """Whether small print stays readable at a rung."""
    return scale == 1 and rate.price(coder, scale, quantizer) <= SERVES


def is_line_art(y: np.ndarray) -> bool:
    """Whether a luma (H x W, uint8) is mostly flat and its edges are mostly sharp. Icons are too small to tell."""
    height, width = y.shape
    if min(height, width) < SIDE // 2:
        return False
    tops, lefts = (np.unique(np.linspace(0, max(side - SIDE, 0), SQUARES).astype(int)) for side in (height, width))
    squares = [y[top : top + SIDE, left : left + SIDE].astype(np.int16) for top in tops for left in lefts]
    steps = np.concatenate([np.abs(np.diff(square, axis=axis)).ravel() for square in squares for axis in (0, 1)])
    sharp, stepped = float(np.mean(steps >= SHARP)), float(np.mean(steps > FLAT))
    return stepped <= 1 - FLAT_SHARE and sharp >= SHARP_SHARE and sharp >= SHARP_OF_STEPS * stepped
