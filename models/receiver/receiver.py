"""The receiver on torch: decoded luma and hints -> full-resolution RGB.

y_small --enlarge--> restorer (in tiles) --> y --+----------------------------+--> RGB
                                                 +-> colorizer (whole, at     |
                                   hint grid --->|   bounded size) -> chroma -+ upsampled, guided by the luma
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models import weights
from scodec.models.convolution import winograd
from scodec.models.device import best_device, choose_dtype, loading
from scodec.models.receiver.colorizer import Colorizer, enlarge_hint
from scodec.models.receiver.restorer import Restorer, describe_coding, enlarge
from scodec.models.receiver.shared import (
    CHROMA_UNIT,
    GUIDE_EPSILON,
    GUIDE_RADIUS,
    STRONGER,
    TILE,
    CodedLuma,
    Grid,
    Progress,
    colorizer_size,
    describe,
    noise,
    plan,
)
from scodec.models.strips import enlarged_rows, padded, rgb_by_strips

#: Side of the largest tiles that a GPU gets. There each pixel takes so many bytes, for the activations of the first
#: level (64 channels at half the resolution) some ten times over.
LARGEST_TILE, BYTES_PER_PIXEL = 4096, 640


@dataclass(frozen=True)
class Receiver:
    """The networks on a device; see `Networks` for what the methods do."""

    restorer: Restorer
    colorizer: nn.Module
    device: torch.device
    dtype: torch.dtype

    @torch.inference_mode()
    def restore(
        self,
        lumas: Sequence[CodedLuma],
        look: float,
        seeds: Sequence[int],
        tile: int | None = None,
        progress: Progress = iter,
    ) -> Tensor:
        height, width = lumas[0].height, lumas[0].width
        look, parts = plan(lumas[0], look, tile or self._tile(len(lumas)))
        coded = [_tensor(luma.y).to(self.device) for luma in lumas]
        grains = [_tensor(noise(seed, height, width)).to(self.device) for seed in seeds if look]
        condition = self._condition(lumas)
        y = torch.empty((len(lumas), 1, height, width), device=self.device, dtype=torch.float32)
        for rows, columns, needed_rows, needed_columns in progress(parts):
            y_up = torch.cat([
                _enlarged(each, luma.scale, needed_rows, needed_columns)
                for each, luma in zip(coded, lumas, strict=True)
            ])  # fmt: skip
            size = y_up.shape[2:]
            grain = torch.zeros_like(y_up)
            if look:
                grain = torch.cat([each[:, :, needed_rows, needed_columns] for each in grains]).float() / 128
            y_up, grain = (padded(each, Restorer.multiple) for each in (y_up, grain))
            y_hat = self._run(self.restorer, y_up, *condition, grain, look)[:, :, : size[0], : size[1]]
            inner_rows = slice(rows.start - needed_rows.start, rows.stop - needed_rows.start)
            inner_columns = slice(columns.start - needed_columns.start, columns.stop - needed_columns.start)
            y[:, :, rows, columns] = y_hat[:, :, inner_rows, inner_columns].clamp_(0, 1)
        return y

    @torch.inference_mode()
    def colorize(self, y_B1HW: Tensor, hints: Sequence[Grid | None], look: float) -> np.ndarray:
        height, width = y_B1HW.shape[2:]
        reduction, *size = colorizer_size(height, width)
        small = y_B1HW
        if size != [height, width]:
            small = F.interpolate(small, size, mode="bilinear", antialias=True).clamp(0, 1)
        known = [
            None if grid is None else enlarge_hint(grid.samples, grid.cell * reduction, grid.step, *size)
            for grid in hints
        ]
        plane = torch.zeros((len(known), 2, size[0] // 2, size[1] // 2), dtype=torch.float32, device=self.device)
        for each, hint in zip(plane, known, strict=True):
            if hint is not None:
                each.copy_(hint.plane)
        numbers = torch.tensor([describe(hint) for hint in known], dtype=torch.float32, device=self.device)
        guessed = torch.tensor([float(hint is None) for hint in known], device=self.device, dtype=torch.float32)
        multiple = Colorizer.multiple
        plane = padded(plane, multiple // 2)
        chroma = self._run(self.colorizer, padded(small, multiple), plane, numbers)
        chroma = chroma[:, :, : size[0] // 2, : size[1] // 2]
        chroma = chroma * (1 + STRONGER * look * guessed)[:, None, None, None]
        luma = F.avg_pool2d(small, 2)
        planes = torch.cat([chroma, _slopes(chroma, luma), luma], 1)

        def guided(top: int, strip: Tensor) -> Tensor:
            smooth, slopes, blurred = enlarged_rows(planes, top, height, width, (height, width)).split([2, 2, 1], 1)
            return (smooth + slopes * (strip - blurred)) * CHROMA_UNIT

        return to_host(rgb_by_strips(y_B1HW, guided))

    @torch.inference_mode()
    def paint(self, y_B1HW: Tensor, chroma: np.ndarray, cell: int) -> np.ndarray:
        height, width = y_B1HW.shape[2:]
        planes = torch.from_numpy(chroma).to(self.device)
        extent = cell * chroma.shape[2], cell * chroma.shape[3]
        return to_host(rgb_by_strips(y_B1HW, lambda top, _: enlarged_rows(planes, top, height, width, extent)))

    def gray(self, y_B1HW: Tensor) -> np.ndarray:
        return to_host((y_B1HW[:, 0] * 255).round().to(torch.uint8))

    def levels(self, y_11HW: Tensor) -> np.ndarray:
        return to_host(y_11HW[0, 0] * 255)

    def plane(self, y: np.ndarray) -> Tensor:
        # float32 whatever torch's default: integers divided by 255 would take on that
        return _tensor(y).to(self.device).float() / 255

    def _condition(self, lumas: Sequence[CodedLuma]) -> tuple[Tensor, Tensor, Tensor]:
        """Coders, scales and quantizers, each (B)."""
        described = [describe_coding(luma.coder, torch.tensor([luma.quantizer], device=self.device)) for luma in lumas]
        coders, quantizers = (torch.cat(each) for each in zip(*described, strict=True))
        return coders, torch.tensor([luma.scale for luma in lumas], device=self.device), quantizers

    def _tile(self, batch: int) -> int:
        """Side of the tiles: on a GPU as large as a quarter of its free memory allows."""
        if self.device.type != "cuda":
            return TILE
        free, _ = torch.cuda.mem_get_info(self.device)
        return max(TILE, min(LARGEST_TILE, math.isqrt(free // 4 // (batch * BYTES_PER_PIXEL))))

    def _run(self, network: nn.Module, *inputs: Tensor | float) -> Tensor:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return network(*inputs).float()


def _tensor(plane: np.ndarray) -> Tensor:
    """(H, W) -> (1, 1, H, W), copied only where it is not writable: torch warns of that."""
    return torch.from_numpy(np.require(plane, requirements="W"))[None, None]


def _enlarged(y_small: Tensor, scale: int, rows: slice, columns: slice) -> Tensor:
    """The part of the upsampled luma that a tile needs, equal to a crop of the whole upsampled luma.

    y_small: uint8 (1, 1, h, w); the result: 0..1.
    """
    margin = 4  # bicubic interpolation reads two pixels beyond the edges
    crops, sources = [], []
    for needed, side in zip((rows, columns), y_small.shape[2:], strict=True):
        first, last = max(needed.start // scale - margin, 0), min(-(-needed.stop // scale) + margin, side)
        sources.append(slice(first, last))
        crops.append(slice(needed.start - first * scale, needed.stop - first * scale))
    window = y_small[:, :, sources[0], sources[1]].float() / 255
    return enlarge(window, scale)[:, :, crops[0], crops[1]]


def to_host(pictures: Tensor) -> np.ndarray:
    """Pictures on a device as an array, from a GPU in one copy by pinned memory."""
    if pictures.device.type != "cuda":
        return pictures.cpu().numpy()
    return torch.empty(pictures.shape, dtype=pictures.dtype, pin_memory=True).copy_(pictures).numpy()


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
    kind = choose_dtype(dtype, place)
    restorer, colorizer = (arranged(weights.load(name), place, kind) for name in ("restorer", "colorizer"))
    return Receiver(cast(Restorer, restorer), colorizer, place, kind)


def arranged(network: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """A restorer or colorizer on a device, its weights in the order of memory that is fastest there."""
    network = network.to(device)
    if not winograd(device, dtype):
        return network.to(memory_format=torch.channels_last)
    if isinstance(network, Colorizer):
        network.encoder.to(memory_format=torch.channels_last)  # has no `conv3x3`
    return network


def _slopes(chroma: Tensor, luma: Tensor) -> Tensor:
    """Local slope of chroma over luma (the `a` of the guided filter, He et al. 2013, eq. 5)."""

    def mean(x: Tensor) -> Tensor:
        wider = F.pad(x, (GUIDE_RADIUS,) * 4, mode="replicate")
        return F.avg_pool2d(wider, 2 * GUIDE_RADIUS + 1, stride=1)

    covariance = mean(chroma * luma) - mean(chroma) * mean(luma)
    variance = mean(luma * luma) - mean(luma).square()
    return covariance / (variance + GUIDE_EPSILON)
