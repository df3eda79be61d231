"""The receiver on ONNX Runtime: no torch needed, and it starts in a tenth of the time. CPU, float32.

The graphs (models/graphs/*.onnx, see graph.py) hold no weights: those come from the safetensors files.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scodec.errors import ScodecError
from scodec.models import weights
from scodec.models.receiver.shared import (
    CHROMA_UNIT,
    CODERS,
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
    ordinary_quantizer,
    plan,
)

#: Graph -> the weights file and the prefix of its tensors there.
GRAPHS = {
    "faithful": ("restorer", "faithful."),
    "natural": ("restorer", "natural."),
    "colorizer": ("colorizer", ""),
}
#: What heights and widths of the inputs must be multiples of.
RESTORER_MULTIPLE, COLORIZER_MULTIPLE = 8, 32
#: Rows of full-size RGB that are made at a time.
STRIP = 256

#: Lock held while networks are loaded, and the sessions of this process, by graph and threads.
_loading = threading.Lock()
_sessions: dict[tuple[str, int], Any] = {}


@dataclass(frozen=True)
class OnnxReceiver:
    """The networks as ONNX Runtime sessions; see `Networks` for what the methods do.

    threads: how many work on a picture; 0: one for each core, or as many as OMP_NUM_THREADS says, as with torch.
    """

    threads: int = 0

    def restore(
        self,
        lumas: Sequence[CodedLuma],
        look: float,
        seeds: Sequence[int],
        tile: int | None = None,
        progress: Progress = iter,
    ) -> np.ndarray:
        height, width = lumas[0].height, lumas[0].width
        look, parts = plan(lumas[0], look, tile or TILE)
        grains = [noise(seed, height, width) for seed in seeds if look]
        y = np.empty((len(lumas), 1, height, width), np.float32)
        for rows, columns, needed_rows, needed_columns in progress(parts):
            inner = (
                slice(rows.start - needed_rows.start, rows.stop - needed_rows.start),
                slice(columns.start - needed_columns.start, columns.stop - needed_columns.start),
            )
            for number, luma in enumerate(lumas):
                y_up = _enlarged(luma, needed_rows, needed_columns)
                grain = np.zeros_like(y_up)
                if look:
                    grain = grains[number][needed_rows, needed_columns].astype(np.float32) / 128
                y_hat = self._restored(luma, y_up, grain, look)
                np.clip(y_hat[inner], 0, 1, out=y[number, 0, rows, columns])
        return y

    def colorize(self, y_B1HW: np.ndarray, hints: Sequence[Grid | None], look: float) -> np.ndarray:
        return np.stack([self._colorized(y[0], grid, look) for y, grid in zip(y_B1HW, hints, strict=True)])

    def paint(self, y_B1HW: np.ndarray, chroma: np.ndarray, cell: int) -> np.ndarray:
        extent = cell * chroma.shape[2], cell * chroma.shape[3]

        def painted(y: np.ndarray, planes: np.ndarray) -> np.ndarray:
            return _rgb_by_strips(y, lambda rows, _: _enlarged_rows(planes, rows, y.shape[1], extent))

        return np.stack([painted(y[0], planes) for y, planes in zip(y_B1HW, chroma.astype(np.float32), strict=True)])

    def gray(self, y_B1HW: np.ndarray) -> np.ndarray:
        return np.rint(y_B1HW[:, 0] * 255).astype(np.uint8)

    def levels(self, y_11HW: np.ndarray) -> np.ndarray:
        return y_11HW[0, 0] * np.float32(255)

    def plane(self, y: np.ndarray) -> np.ndarray:
        return y[None, None].astype(np.float32) / 255

    def _restored(self, luma: CodedLuma, y_up: np.ndarray, grain: np.ndarray, look: float) -> np.ndarray:
        """A tile (0..1) restored by one network, or by both and interpolated."""
        inputs = {
            "y_up": _padded(y_up, RESTORER_MULTIPLE)[None, None],
            "noise": _padded(grain, RESTORER_MULTIPLE)[None, None],
            "coder": _number(CODERS[luma.coder]),
            "scale": _number(luma.scale),
            "quantizer": _number(ordinary_quantizer(luma.coder, luma.quantizer)),
        }
        parts = [
            share * self._run(name, **inputs) for name, share in (("faithful", 1 - look), ("natural", look)) if share
        ]
        return sum(parts[1:], parts[0])[0, 0, : y_up.shape[0], : y_up.shape[1]]

    def _colorized(self, y: np.ndarray, grid: Grid | None, look: float) -> np.ndarray:
        """Luma (H x W, 0..1) -> RGB (uint8); the same steps as `receiver.Receiver.colorize`."""
        height, width = y.shape
        reduction, rows, columns = colorizer_size(height, width)
        small = y
        if (rows, columns) != y.shape:
            small = np.asarray(Image.fromarray(y).resize((columns, rows), Image.Resampling.BILINEAR))
            small = np.clip(small, 0, 1)
        plane = np.zeros((2, rows // 2, columns // 2), np.float32)
        known = None
        if grid is not None:
            known = Grid(grid.samples, grid.cell * reduction, grid.step)
            # as `colorizer.enlarge_hint`: the grid is enlarged to whole pixels, and its border continues
            count = [round(side * known.cell / 2) for side in grid.samples.shape[1:]]
            positions = [
                (np.minimum(np.arange(side), large - 1) + 0.5) * of / large - 0.5
                for side, large, of in zip(plane.shape[1:], count, grid.samples.shape[1:], strict=True)
            ]
            plane = _bicubic(grid.samples, *positions) / np.float32(CHROMA_UNIT)
        chroma = self._run(
            "colorizer",
            y=_padded(small, COLORIZER_MULTIPLE)[None, None],
            hint=_padded(plane, COLORIZER_MULTIPLE // 2)[None],
            numbers=np.array([describe(known)], np.float32),
        )[0, :, : rows // 2, : columns // 2]
        if grid is None:
            chroma = chroma * np.float32(1 + STRONGER * look)
        luma = small.reshape(rows // 2, 2, columns // 2, 2).mean((1, 3))
        planes = np.concatenate([chroma, _slopes(chroma, luma), luma[None]])

        def guided(part: slice, strip: np.ndarray) -> np.ndarray:
            large = _enlarged_rows(planes, part, width, (height, width))
            return (large[:2] + large[2:4] * (strip - large[4])) * np.float32(CHROMA_UNIT)

        return _rgb_by_strips(y, guided)

    def _run(self, graph: str, **inputs: np.ndarray) -> np.ndarray:
        key = graph, self.threads
        try:
            with _loading:
                if key not in _sessions:
                    _sessions[key] = _session(*key)
                session = _sessions[key]
            (output,) = session.run(None, inputs)
        except ScodecError:
            raise
        except Exception as error:  # its own kinds, which derive from nothing else
            raise RuntimeError(f"ONNX Runtime: {error}") from error
        return output


def _session(graph: str, threads: int) -> Any:
    """A graph with its weights."""
    import onnxruntime
    from safetensors.numpy import load_file

    file, prefix = GRAPHS[graph]
    weights.facts(file)  # raises Unsupported if they are missing
    tensors = {
        name.removeprefix(prefix): onnxruntime.OrtValue.ortvalue_from_numpy(value.astype(np.float32))
        for name, value in load_file(weights.path(file)).items()
        if name.startswith(prefix)
    }
    options = onnxruntime.SessionOptions()
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # a list has the outermost level first
    options.intra_op_num_threads = threads or (int(wanted) if wanted.isdecimal() else 0)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waits without using the processor
    options.log_severity_level = 4  # what is fatal; errors are raised besides
    options.add_external_initializers(list(tensors), list(tensors.values()))
    path = Path(str(files("scodec.models") / "graphs" / f"{graph}.onnx"))
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


#: Sessions that a forked child has inherited without their threads. It would wait for those forever, even to end them.
_lifeless: list[dict[tuple[str, int], Any]] = []


def _forked() -> None:
    """A forked child loads its own sessions."""
    _lifeless.append(_sessions.copy())
    _sessions.clear()
    _loading.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_forked)


def _enlarged(luma: CodedLuma, rows: slice, columns: slice) -> np.ndarray:
    """The part of the upsampled luma (0..1) that a tile needs."""
    scale = luma.scale
    if scale == 1:
        return luma.y[rows, columns].astype(np.float32) / 255
    margin = 4  # bicubic interpolation reads two pixels beyond the edges
    positions, sources = [], []
    for needed, side in zip((rows, columns), luma.y.shape, strict=True):
        first, last = max(needed.start // scale - margin, 0), min(-(-needed.stop // scale) + margin, side)
        sources.append(slice(first, last))
        positions.append((np.arange(needed.start, needed.stop) + 0.5) / scale - 0.5 - first)
    window = luma.y[tuple(sources)].astype(np.float32) / 255
    return np.clip(_bicubic(window[None], *positions)[0], 0, 1)


def _slopes(chroma: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Local slope of chroma over luma (the `a` of the guided filter, He et al. 2013, eq. 5)."""

    def mean(x: np.ndarray) -> np.ndarray:
        side = 2 * GUIDE_RADIUS + 1
        for axis in (-2, -1):
            margins = [(GUIDE_RADIUS, GUIDE_RADIUS) if axis % x.ndim == each else (0, 0) for each in range(x.ndim)]
            x = np.lib.stride_tricks.sliding_window_view(np.pad(x, margins, mode="edge"), side, axis).mean(-1)
        return x

    covariance = mean(chroma * luma) - mean(chroma) * mean(luma)
    return covariance / (mean(luma * luma) - mean(luma) ** 2 + np.float32(GUIDE_EPSILON))


def _rgb_by_strips(y: np.ndarray, chroma: Any) -> np.ndarray:
    """Luma (H x W, 0..1) -> RGB (uint8). chroma: of some rows and their luma -> Cb and Cr (2, rows, W) in levels."""
    rgb = np.empty((*y.shape, 3), np.uint8)
    for top in range(0, len(y), STRIP):
        part = slice(top, min(top + STRIP, len(y)))
        (cb, cr), luma = chroma(part, y[part]), y[part] * np.float32(255)
        channels = luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb
        for channel, samples in enumerate(channels):
            rgb[part, :, channel] = np.clip(np.rint(samples), 0, 255)
    return rgb


def _enlarged_rows(planes: np.ndarray, part: slice, width: int, extent: tuple[int, int]) -> np.ndarray:
    """Some rows of the bicubic upsampling of planes (C, h, w), which cover `extent` (height and width in pixels)."""
    height, columns = planes.shape[1:]
    rows = (np.arange(part.start, part.stop) + 0.5) / extent[0] * height - 0.5
    return _bicubic(planes, rows, (np.arange(width) + 0.5) / extent[1] * columns - 0.5)


def _bicubic(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Planes (C, h, w; float32) at positions between their samples: (C, len(rows), len(columns)).

    Keys' kernel with a = -0.75, which torch uses; the border continues.
    """
    for axis, positions in ((1, rows), (2, columns)):
        first = np.floor(positions).astype(int)
        x = (positions - first).astype(np.float32)
        a = np.float32(-0.75)
        far, near, next_, last = (
            ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a,
            ((a + 2) * x - (a + 3)) * x * x + 1,
            ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1,
            ((a * (2 - x) - 5 * a) * (2 - x) + 8 * a) * (2 - x) - 4 * a,
        )
        shape = (-1, 1) if axis == 1 else (-1,)
        planes = sum(
            planes.take(np.clip(first + offset, 0, planes.shape[axis] - 1), axis) * weight.reshape(shape)
            for offset, weight in ((-1, far), (0, near), (1, next_), (2, last))
        )
    return planes


def _number(value: int) -> np.ndarray:
    return np.array([value], np.int64)


def _padded(x: np.ndarray, multiple: int) -> np.ndarray:
    """Pad the lower and right edges by replication, so that both sides are multiples of `multiple`."""
    edges = [(0, 0)] * (x.ndim - 2) + [(0, -side % multiple) for side in x.shape[-2:]]
    return np.pad(x, edges, mode="edge")
