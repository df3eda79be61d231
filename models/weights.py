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
    """Where the weights of a network lie in the installed package."""
    return Path(str(files("scodec.models") / "weights" / f"{name}.safetensors"))


@cache
def facts(name: str | Path) -> dict[str, str]:
    """Header of a weights file, by path or by the name of one that comes with scodec.

    network, config, id, recipe, data, licence, commit, result. Raises Unsupported when there is no such file of ours.
    """
    try:
        with _file(name).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))["__metadata__"]
            return {key: str(header[key]) for key in header.keys() | {"network", "config", "id"}}
    except (OSError, struct.error, ValueError, KeyError, TypeError, MemoryError) as error:
        again = "name another file" if isinstance(name, Path) else "install scodec-image again"
        raise Unsupported(f"the weights {name} can't be read ({error}): {again}") from error


def _file(name: str | Path) -> Path:
    return name if isinstance(name, Path) else path(name)


def installed() -> dict[str, str]:
    """Name -> id of every network that has weights."""
    return {file.stem: facts(file.stem)["id"] for file in sorted(path("any").parent.glob("*.safetensors"))}


def load(name: str | Path) -> "nn.Module":
    """Build a network and give it its weights (float32, on the CPU). Raises Unsupported as `facts` does."""
    from safetensors.torch import load_file

    from scodec.models.registry import NETWORKS

    about = facts(name)
    network = NETWORKS[about["network"]](**json.loads(about["config"]))
    network.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in load_file(_file(name)).items()}
    )
    return network.eval()


def save(network: "nn.Module", target: Path, name: str, **provenance: str) -> None:
    """Write weights as float16, tables and bounds as they are, with an id that names their content, and provenance."""
    from safetensors.torch import save as pack

    learned = {key for key, _ in network.named_parameters()}
    tensors: dict[str, Tensor] = {
        key: (value.half() if key in learned else value).detach().cpu().contiguous()
        for key, value in network.state_dict().items()
    }
    digest = sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors.values())).hexdigest()[:8]
    about = {"network": name, "config": json.dumps(network.config), "id": f"{name}-{digest}", **provenance}
    target.write_bytes(pack(tensors, about))
