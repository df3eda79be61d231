"""The receiver: decoded luma and hints -> full-resolution RGB.

y_small --enlarge--> restorer (in tiles) --> y --+----------------------------+--> RGB
                                                 +-> colorizer (whole, at     |
                                   hint grid --->|   bounded size) -> chroma -+ upsampled, guided by the luma
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models import weights
from scodec.models.device import best_device, choose_dtype, loading
from scodec.models.receiver.colorizer import CHROMA_UNIT, Colorizer, describe, enlarge_hint
from scodec.models.receiver.restorer import TEXTURED, Restorer, describe_coding, enlarge, noise
from scodec.models.strips import enlarged_rows, padded, rgb_by_strips
from scodec.models.tiling import tiles

#: Largest input of the colorizer, in luma pixels. Larger pictures are reduced to this, so that the cost of colorization
#: does not grow with the picture, and so that the network sees a whole tree rather than its leaves.
COLOUR_PIXELS = 448 * 672
#: Side of the restorer's tiles, in pixels.
TILE = 1024
#: By how much the natural look strengthens guessed chroma: on training pictures held out, as coded, that costs 0.01 dB.
#: The network, in doubt between hues, leans to grey.
STRONGER = 0.2
#: Guided upsampling: window radius (chroma pixels), and the variance of luma (0..1) below which it has no effect.
GUIDE_RADIUS, GUIDE_EPSILON = 2, 1e-3


#: Wraps a list and yields its items while it displays progress (as tqdm does).
Progress = Callable[[list], Iterable]


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
class Receiver:
    """The networks on a device."""

    restorer: Restorer
    colorizer: nn.Module
    device: torch.device
    dtype: torch.dtype

    @torch.inference_mode()
    def restore(
        self, luma: CodedLuma, look: float, seed: int, tile: int | None = None, progress: Progress = iter
    ) -> np.ndarray:
        """Restored luma at full size: float32 (height x width), 0..255.

        look: 0 (faithful) to 1 (natural); always faithful at scales above `TEXTURED`. seed: of the texture's noise.
        tile: side of the tiles in pixels. progress: wraps the list of tiles.
        """
        height, width, scale = luma.height, luma.width, luma.scale
        multiple = 24  # of all scales and of the network's stride
        step = max(multiple, (tile or TILE) // multiple * multiple)
        y = np.empty((height, width), np.float32)
        look = look if scale <= TEXTURED else 0
        texture = noise(seed, height, width) if look else np.zeros((1, 1), np.int8)
        texture = np.broadcast_to(texture, (height, width))
        coder, quantizer = describe_coding(luma.coder, torch.tensor([luma.quantizer], device=self.device))
        condition = coder, torch.tensor([scale], device=self.device), quantizer
        for rows, columns, needed_rows, needed_columns in progress(list(tiles(height, width, step))):
            y_up = self._enlarged(luma.y, scale, needed_rows, needed_columns)
            size = needed_rows.stop - needed_rows.start, needed_columns.stop - needed_columns.start
            grain = self._tensor(texture[needed_rows, needed_columns].copy(), 128)
            y_up, grain = (padded(each, Restorer.multiple) for each in (y_up, grain))
            y_hat = self._run(self.restorer, y_up, *condition, grain, look)[0, 0, : size[0], : size[1]]
            inner_rows = slice(rows.start - needed_rows.start, rows.stop - needed_rows.start)
            inner_columns = slice(columns.start - needed_columns.start, columns.stop - needed_columns.start)
            y[rows, columns] = (y_hat[inner_rows, inner_columns].clamp(0, 1) * 255).cpu().numpy()
        return y

    @torch.inference_mode()
    def colorize(self, y: np.ndarray, grid: np.ndarray | None, cell: float, step: float, look: float) -> np.ndarray:
        """Luma (float32, H x W, 0..255) and a hint grid (2, rows, columns; or None) -> RGB (uint8, H x W x 3).

        cell, step: of the hint grid. look: 0 (faithful) to 1 (natural).
        """
        height, width = y.shape
        reduction = min(1.0, math.sqrt(COLOUR_PIXELS / (height * width)))
        size = max(2, round(height * reduction / 2) * 2), max(2, round(width * reduction / 2) * 2)
        y_11HW = self._tensor(y)
        small = y_11HW if size == y.shape else F.interpolate(y_11HW, size, mode="bilinear", antialias=True).clamp(0, 1)
        hint = None if grid is None else enlarge_hint(grid, cell * reduction, step, *size)
        if hint is None:
            plane = torch.zeros(2, size[0] // 2, size[1] // 2, dtype=torch.float32, device=self.device)
        else:
            plane = hint.plane.to(self.device)
        numbers = torch.tensor([describe(hint, look)], dtype=torch.float32, device=self.device)
        multiple = Colorizer.multiple
        chroma = self._run(self.colorizer, padded(small, multiple), padded(plane[None], multiple // 2), numbers)
        if hint is None:
            chroma = chroma * (1 + STRONGER * look)
        chroma, luma = chroma[:, :, : size[0] // 2, : size[1] // 2], F.avg_pool2d(small, 2)
        planes = torch.cat([chroma, _slopes(chroma, luma), luma], 1)

        def guided(top: int, strip: Tensor) -> Tensor:
            smooth, slopes, blurred = enlarged_rows(planes, top, height, width, (height, width)).split([2, 2, 1], 1)
            return (smooth + slopes * (strip - blurred)) * CHROMA_UNIT

        return rgb_by_strips(y_11HW, guided)

    def colorize_blind(self, y: np.ndarray, look: float) -> np.ndarray:
        """`colorize` without hints."""
        return self.colorize(y, None, 0, 0, look)

    @torch.inference_mode()
    def paint(self, y: np.ndarray, chroma: np.ndarray, cell: int) -> np.ndarray:
        """Luma (float32, H x W, 0..255) and decoded chroma, one sample per cell (2, rows, columns; levels) -> RGB.

        Plain bicubic upsampling: neither the colorizer nor guided upsampling improves the chroma of VVC.
        """
        height, width = y.shape
        planes = torch.from_numpy(chroma)[None].to(self.device)
        extent = cell * chroma.shape[1], cell * chroma.shape[2]
        return rgb_by_strips(self._tensor(y), lambda top, _: enlarged_rows(planes, top, height, width, extent))

    def _tensor(self, plane: np.ndarray, unit: int = 255) -> Tensor:
        """float32 (1, 1, H, W), whatever torch's default: integers divided by `unit` would take on that."""
        return torch.from_numpy(plane)[None, None].to(self.device).float() / unit

    def _run(self, network: nn.Module, *inputs: Tensor | float) -> Tensor:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return network(*inputs).float()

    def _enlarged(self, y_small: np.ndarray, scale: int, rows: slice, columns: slice) -> Tensor:
        """The part of the upsampled luma that a tile needs, equal to a crop of the whole upsampled luma."""
        margin = 4  # bicubic interpolation reads two pixels beyond the edges
        crops, sources = [], []
        for needed, side in ((rows, y_small.shape[0]), (columns, y_small.shape[1])):
            first, last = max(needed.start // scale - margin, 0), min(-(-needed.stop // scale) + margin, side)
            sources.append(slice(first, last))
            crops.append(slice(needed.start - first * scale, needed.stop - first * scale))
        window = self._tensor(y_small[sources[0], sources[1]].copy())
        return enlarge(window, scale)[:, :, crops[0], crops[1]]


def get(device: str = "auto", dtype: str = "auto") -> Receiver:
    """The receiver on a device ("auto", "cpu", "cuda", "mps") with a dtype ("auto" or a name in torch).

    Loaded once per process, also if several threads call this. Raises BadRequest if the device is not available,
    Unsupported if weights are missing.
    """
    with loading:
        return _load(device, dtype)


@cache
def _load(device: str, dtype: str) -> Receiver:
    place = torch.device(best_device(device))
    return Receiver(
        cast(Restorer, weights.load("restorer")).to(place).to(memory_format=torch.channels_last),
        weights.load("colorizer").to(place).to(memory_format=torch.channels_last),
        place,
        choose_dtype(dtype, place),
    )


def _slopes(chroma: Tensor, luma: Tensor) -> Tensor:
    """Local slope of chroma over luma (the `a` of the guided filter, He et al. 2013, eq. 5)."""

    def mean(x: Tensor) -> Tensor:
        wider = F.pad(x, (GUIDE_RADIUS,) * 4, mode="replicate")
        return F.avg_pool2d(wider, 2 * GUIDE_RADIUS + 1, stride=1)

    covariance = mean(chroma * luma) - mean(chroma) * mean(luma)
    variance = mean(luma * luma) - mean(luma).square()
    return covariance / (variance + GUIDE_EPSILON)
