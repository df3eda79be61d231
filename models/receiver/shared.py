"""What the receiver on torch and the one on ONNX Runtime have in common; needs neither."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from scodec.models.tiling import OVERLAP, OVERLAP_FAITHFUL, tiles

#: Index of each luma coder in the restorer's condition. The learned coder shares AV1's (see `ordinary_quantizer`).
CODERS = {"av1": 0, "vvc": 1, "hyperprior": 0}
#: Largest scale at which the natural look synthesizes texture: above it, rows of dots would appear in smooth areas.
TEXTURED = 2
#: Side of the restorer's tiles in pixels.
TILE = 768
#: What the sides of tiles are multiples of: all scales and the stride of the network.
TILE_MULTIPLE = 24

#: Chroma is carried as Cb, Cr / 64 inside the colorizer.
CHROMA_UNIT = 64.0
#: Largest input of the colorizer, in luma pixels. Larger pictures are reduced to this, so that the cost of colorization
#: does not grow with the picture, and so that the network sees a whole face rather than a cheek, which it would stain.
COLOUR_PIXELS = 320 * 480
#: By how much the natural look strengthens guessed chroma. The network, in doubt between hues, leans to grey.
STRONGER = 0.2
#: Guided upsampling: window radius (chroma pixels), and the variance of luma (0..1) below which it has no effect.
GUIDE_RADIUS, GUIDE_EPSILON = 2, 1e-3

#: Wraps a list and yields its items while it displays progress (as tqdm does).
Progress = Callable[[list], Iterable]
#: Lumas of pictures of one size, 0..1, as (B, 1, height, width): a tensor on the device, or an array.
Lumas = Any


@dataclass(frozen=True)
class CodedLuma:
    """Decoded luma and how it was coded."""

    y: np.ndarray  # uint8 (ceil(height / scale), ceil(width / scale))
    coder: str
    scale: int
    quantizer: int
    height: int  # of the whole picture
    width: int


@dataclass(frozen=True)
class Grid:
    """Colour hints: mean chroma of square cells."""

    samples: np.ndarray  # float32 (2, rows, columns), levels
    cell: float  # side in pixels of the picture
    step: float  # quantization step


class Networks(Protocol):
    """The receiver: decoded luma and hints -> full-resolution RGB. look: 0 (faithful) to 1 (natural)."""

    def restore(
        self,
        lumas: Sequence[CodedLuma],
        look: float,
        seeds: Sequence[int],
        tile: int | None = None,
        progress: Progress = iter,
    ) -> Lumas:
        """Restored lumas of pictures of one size.

        look: always faithful at scales above `TEXTURED`, and the scales of a batch lie on one side of that. seeds: of
        the textures' noise. tile: side of the tiles in pixels. progress: wraps the list of tiles.
        """

    def colorize(self, y_B1HW: Lumas, hints: Sequence[Grid | None], look: float) -> np.ndarray:
        """Lumas and the hints of each, None for guessed colours -> RGB (uint8, B x H x W x 3)."""

    def paint(self, y_B1HW: Lumas, chroma: np.ndarray, cell: int) -> np.ndarray:
        """Lumas and decoded chroma, one sample per cell (B, 2, rows, columns; levels) -> RGB (uint8, B x H x W x 3).

        Plain bicubic upsampling: neither the colorizer nor guided upsampling improves the chroma of VVC.
        """

    def gray(self, y_B1HW: Lumas) -> np.ndarray:
        """Lumas -> uint8 (B, H, W)."""

    def levels(self, y_11HW: Lumas) -> np.ndarray:
        """Luma of one picture -> float32 (H, W), 0..255."""

    def plane(self, y: np.ndarray) -> Lumas:
        """Luma (H x W, 0..255) -> (1, 1, H, W), 0..1."""


def ordinary_quantizer(coder: str, quantizer: Any) -> Any:
    """The quantizer on which the restorer is conditioned: that of the learned coder is mapped to AV1's scale.

    AV1's finest quantizers are finer than the learned coder's, whose 0 corresponds to about 12 of AV1.
    """
    return (4 * quantizer + 63) // 5 if coder == "hyperprior" else quantizer


class Known(Protocol):
    """Hints, as far as they are described to the colorizer."""

    @property
    def cell(self) -> float:
        """Side of the grid's cells in luma pixels of the network's input."""

    @property
    def step(self) -> float:
        """Quantization step of the grid in chroma levels."""


def describe(hint: Known | None) -> list[float]:
    """The numbers on which the colorizer is conditioned.

    They are: whether there are hints; the hints' cell size and step, which tell how reliable they are.
    """
    if hint is None:
        return [0.0, 0.0, 0.0]
    return [1.0, math.log2(hint.cell) / 4 - 1, math.log2(max(hint.step, 1)) / 4]


def colorizer_size(height: int, width: int) -> tuple[float, int, int]:
    """By how much a picture is reduced for the colorizer (1 at most), and its even height and width there."""
    reduction = min(1.0, math.sqrt(COLOUR_PIXELS / (height * width)))
    return reduction, max(2, round(height * reduction / 2) * 2), max(2, round(width * reduction / 2) * 2)


def plan(luma: CodedLuma, look: float, largest: int) -> tuple[float, list[tuple[slice, slice, slice, slice]]]:
    """The look in which a luma can be restored, and its tiles (see `tiles`), whose sides are at most `largest`."""
    look = look if luma.scale <= TEXTURED else 0
    side = max(TILE_MULTIPLE, largest // TILE_MULTIPLE * TILE_MULTIPLE)
    return look, list(tiles(luma.height, luma.width, side, OVERLAP if look else OVERLAP_FAITHFUL))


def noise(seed: int, height: int, width: int) -> np.ndarray:
    """Noise (height x width, int8 that stands for -1..1) from which the texture of a picture is synthesized.

    The raw output of PCG64, which for a given seed is the same in every version of NumPy and on every machine.
    """
    words = np.random.PCG64(seed).random_raw(-(-height * width // 8)).astype("<u8")
    return words.view(np.int8)[: height * width].reshape(height, width)
