"""Which library runs the networks, and which networks rebuild a picture."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from scodec.errors import BadRequest
from scodec.models.receiver.shared import Networks

if TYPE_CHECKING:
    from scodec.models.reports.system import System


class Chosen(NamedTuple):
    """The networks that rebuild a picture: scodec's own, and the systems that colour and enlarge in their place."""

    networks: Networks
    painter: "System | None" = None
    enlarger: "System | None" = None


def resolve(backend: str) -> str:
    """The backend that is used: for "auto" torch where it is installed, else onnx."""
    return backend if backend != "auto" else "torch" if find_spec("torch") is not None else "onnx"


def choose(names: Sequence[str], backend: str, device: str, dtype: str) -> Chosen:
    """scodec's networks on a backend ("auto", "torch" or "onnx"), and on torch the named systems.

    Raises BadRequest for what a backend can't do, Unsupported where it or weights are missing, and otherwise as
    `scodec.models.reports.system.choose`.
    """
    if resolve(backend) == "torch":
        from scodec.models.reports import system

        return system.choose(names, device, dtype)
    if names:
        raise BadRequest("systems of the reports run on torch alone: leave out --backend onnx")
    if device not in ("auto", "cpu") or dtype not in ("auto", "float32"):
        raise BadRequest("the backend onnx runs on the CPU in float32: leave out --device and --dtype")
    from scodec.models.receiver import onnx

    return Chosen(onnx.get())
