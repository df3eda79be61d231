"""Application of the reports' systems to pictures of any size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.errors import BadRequest
from scodec.models import weights
from scodec.models.chosen import Chosen
from scodec.models.device import loading
from scodec.models.receiver import receiver
from scodec.models.receiver.restorer import Restorer
from scodec.models.registry import COLOUR_SYSTEMS, ENLARGING_SYSTEMS
from scodec.models.reports import lab
from scodec.models.runs import weights_file
from scodec.models.strips import enlarged_rows, rgb_by_strips
from scodec.models.tiling import tiles

#: scodec's own networks that the user may replace by newly trained ones.
OWN = ("restorer", "colorizer")
#: Side of the tiles for super-resolution, in pixels of the small picture.
TILE = 512


@dataclass(frozen=True)
class System:
    """A network on a device, of COLOUR_SYSTEMS or of ENLARGING_SYSTEMS."""

    network: nn.Module
    colours: bool  # otherwise it enlarges
    device: torch.device
    dtype: torch.dtype

    @torch.inference_mode()
    def colorize(self, y: np.ndarray) -> np.ndarray:
        """Luma (float32, H x W, 0..255) -> RGB (uint8, H x W x 3).

        The network's input is the lightness of the grey picture, at about the size that it was trained for. Only the
        chroma of its output is used, so that the luma does not change.
        """
        y_11HW = torch.from_numpy(y)[None, None].to(self.device) / 255
        height, width = y.shape
        l_small = lightness(F.interpolate(y_11HW, self._input_size(height, width), mode="bilinear", antialias=True))
        ab = self._run(l_small)["ab"]

        def chroma(top: int, strip: Tensor) -> Tensor:
            rgb = lab.to_rgb(lightness(strip), enlarged_rows(ab, top, height, width, (height, width)))[0] * 255
            luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
            return torch.stack([(rgb[2] - luma) / 1.772, (rgb[0] - luma) / 1.402])[None]

        return receiver.to_host(rgb_by_strips(y_11HW, chroma))[0]

    @torch.inference_mode()
    def enlarge(self, rgb: np.ndarray) -> np.ndarray:
        """RGB (uint8, H x W x 3) -> RGB (uint8, scale H x scale W x 3), in tiles."""
        scale = self.scale
        height, width, _ = rgb.shape
        large = np.empty((height * scale, width * scale, 3), np.uint8)
        for rows, columns, needed_rows, needed_columns in tiles(height, width, TILE):
            source = torch.from_numpy(rgb[needed_rows, needed_columns].copy()).to(self.device)
            tile = self._run(source.permute(2, 0, 1)[None].float() / 255)["rgb"][0].permute(1, 2, 0)
            top, left = rows.start - needed_rows.start, columns.start - needed_columns.start
            bottom, right = top + rows.stop - rows.start, left + columns.stop - columns.start
            inner = tile[top * scale : bottom * scale, left * scale : right * scale]
            samples = (inner * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
            large[rows.start * scale : rows.stop * scale, columns.start * scale : columns.stop * scale] = samples
        return large

    def enlarge_to(self, rgb: np.ndarray, scale: int, width: int, height: int) -> np.ndarray:
        """RGB (uint8, H x W x 3) -> height x width pixels, enlarged `scale` times in as many steps as needed."""
        factor = 1
        while factor < scale:
            rgb, factor = self.enlarge(rgb), factor * self.scale
        box = (0, 0, width * factor / scale, height * factor / scale)
        return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC, box))

    @property
    def scale(self) -> int:
        """Scale factor of `enlarge`."""
        scale = self.network.scale
        assert isinstance(scale, int)
        return scale

    def _input_size(self, height: int, width: int) -> tuple[int, int]:
        """Input size of the network: area of its training pictures, aspect ratio of the picture, allowed multiples."""
        size, multiple = self.network.size, self.network.multiple
        assert isinstance(size, int) and isinstance(multiple, int)
        reduction = size / math.sqrt(height * width)
        rows, columns = (max(round(side * reduction / multiple), 1) * multiple for side in (height, width))
        return rows, columns

    def _run(self, picture: Tensor) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return {name: output.float() for name, output in self.network(picture).items()}


def lightness(y_B1HW: Tensor) -> Tensor:
    """Luma (0..1) -> L* of the grey picture, in -1..1."""
    return lab.from_rgb(y_B1HW.expand(-1, 3, -1, -1))[0]


def choose(names: Sequence[str], device: str = "auto", dtype: str = "auto") -> Chosen:
    """Load the named systems, at most one for each kind of work: colouring, enlarging and restoring.

    names: weights files, or names under which `scodec train` has stored weights in RUNS. Restorers and colorizers that
    the user has trained replace those that come with scodec. Each system is loaded once per process. Raises BadRequest
    if two systems do the same work or a file does not exist, Unsupported if a file can't be read.
    """
    own = receiver.get(device, dtype)
    result, done = Chosen(own), set()
    for name in names:
        with loading:
            kind, network = _load(name, own.device, own.dtype)
        work = "restore" if kind == "restorer" else "enlarge" if kind in ENLARGING_SYSTEMS else "colour"
        if work in done:
            raise BadRequest("two systems do the same work: give one that colours, one that enlarges, or one of each")
        done.add(work)
        if kind in OWN:
            own = replace(own, restorer=network) if isinstance(network, Restorer) else replace(own, colorizer=network)
            result = result._replace(networks=own)
        elif work == "colour":
            result = result._replace(painter=System(network, True, own.device, own.dtype))
        else:
            result = result._replace(enlarger=System(network, False, own.device, own.dtype))
    return result


@cache
def _load(name: str, device: torch.device, dtype: torch.dtype) -> tuple[str, nn.Module]:
    file = weights_file(name)
    kind = weights.facts(file)["network"]
    if kind not in COLOUR_SYSTEMS | ENLARGING_SYSTEMS and kind not in OWN:
        raise BadRequest(f"{name} holds the {kind}, which rebuilds no pictures: see docs/systems.md for those that do")
    network = weights.load(file)
    if kind in OWN:
        return kind, receiver.arranged(network, device, dtype)
    return kind, network.to(device).to(memory_format=torch.channels_last)
