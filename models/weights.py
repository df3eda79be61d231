"""Weights of the networks: safetensors files with their provenance in the header. Listing them needs no torch."""

import json
import struct
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from scodec.errors import Unsupported

if TYPE_CHECKING:
    from torch import Tensor, nn


def path(name: str) -> Path:
    """Path of a network's weights file in the installed package."""
    return Path(str(files("scodec.models") / "weights" / f"{name}.safetensors"))


@cache
def facts(name: str | Path) -> dict[str, str]:
    """Metadata in the header of a weights file, given by path or by the name of a network that comes with scodec.

    Keys: network, config and id; where known also recipe, data, licence, commit and result. Raises Unsupported if it is
    not a weights file of scodec or scodec's own are missing, OSError if a path can't be read.
    """
    try:
        with _file(name).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))["__metadata__"]
            return {key: str(header[key]) for key in header.keys() | {"network", "config", "id"}}
    except (OSError, struct.error, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        if isinstance(name, str):
            raise Unsupported(f"the weights {name} can't be read ({error}): reinstall scodec-image") from error
        if isinstance(error, OSError):
            raise
        raise Unsupported(f"{name} is not a safetensors file that scodec wrote: name another file") from error


def _file(name: str | Path) -> Path:
    return name if isinstance(name, Path) else path(name)


def installed() -> dict[str, str]:
    """Name -> weights id of every network whose weights are installed."""
    return {file.stem: facts(file.stem)["id"] for file in sorted(path("any").parent.glob("*.safetensors"))}


def load(name: str | Path) -> "nn.Module":
    """Build a network and load its weights: float32, on the CPU, whatever defaults torch was given.

    Raises Unsupported as `facts` does, and for weights of another version of a network.
    """
    import torch
    from safetensors.torch import load_file

    from scodec.models.registry import NETWORKS

    metadata = facts(name)
    kind, config = metadata["network"], json.loads(metadata["config"])
    tensors = load_file(_file(name))
    try:
        with torch.device("cpu"):
            network = NETWORKS[kind](**config).float()
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        remedy = "reinstall scodec-image" if isinstance(name, str) else "train it again with `scodec train`"
        raise Unsupported(f"{name} holds another version of the network {kind}: {remedy}") from error
    return network.eval()


def save(network: "nn.Module", target: Path, name: str, **provenance: str) -> None:
    """Write a weights file. Its header holds `provenance` and an id derived from the content.

    Parameters are stored as float16, buffers (such as entropy coding tables and bounds) unchanged.
    """
    from safetensors.torch import save as serialize

    parameters = {key for key, _ in network.named_parameters()}
    tensors: dict[str, Tensor] = {
        key: (value.half() if key in parameters else value).detach().cpu().contiguous()
        for key, value in network.state_dict().items()
    }
    digest = sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors.values())).hexdigest()[:8]
    metadata = {"network": name, "config": json.dumps(network.config), "id": f"{name}-{digest}", **provenance}
    target.write_bytes(serialize(tensors, metadata))
