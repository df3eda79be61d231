"""Which library runs the networks."""

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from scodec.errors import BadRequest
from scodec.extras import require
from scodec.models.chosen import Chosen


def resolve(backend: str, device: str = "auto", dtype: str = "auto", names: Sequence[str] = ()) -> str:
    """What "auto" stands for: onnx, unless there is a GPU for torch, or something is asked for that only torch can do.

    names: systems of the reports. Raises BadRequest for what a backend can't do.
    """
    torch_only = device not in ("auto", "cpu") or dtype not in ("auto", "float32")
    if backend == "onnx" and names:
        raise BadRequest("systems of the reports run on torch alone: leave out --backend onnx")
    if backend == "onnx" and torch_only:
        raise BadRequest("the backend onnx runs on the CPU in float32: leave out --device and --dtype")
    if backend != "auto":
        return backend
    if names or torch_only:
        return "torch"
    return "torch" if device == "auto" and find_spec("torch") is not None and _may_have_gpu() else "onnx"


def choose(names: Sequence[str], backend: str, device: str, dtype: str, threads: int = 0) -> Chosen:
    """scodec's networks on a backend ("auto", "torch" or "onnx"), and on torch the named systems.

    threads: of ONNX Runtime for a picture, see `OnnxReceiver`.
    Raises BadRequest as `resolve`, Unsupported where the backend or weights are missing, and otherwise as
    `scodec.models.reports.system.choose`.
    """
    if resolve(backend, device, dtype, names) == "torch":
        require("torch")
        from scodec.models.reports import system

        return system.choose(names, device, dtype)
    from scodec.models.receiver import onnx

    return Chosen(onnx.OnnxReceiver(threads))


def _may_have_gpu() -> bool:
    """Whether the driver of a GPU that torch may use is there; torch itself would take long to tell."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None or any(map(os.path.exists, ("/dev/nvidia0", "/dev/kfd")))
