"""Where training runs leave their weights. Asking needs no torch."""

from pathlib import Path

from scodec.errors import BadRequest
from scodec.models.registry import COLOUR_SYSTEMS, ENLARGING_SYSTEMS

#: Folder of training runs, relative to the current folder.
RUNS = Path("runs")


def weights_file(name: str) -> Path:
    """The weights file of a network that the user trained: itself, or by the name of the run. Raises BadRequest if
    there is none."""
    file = Path(name) if name.endswith(".safetensors") else RUNS / name / "weights.safetensors"
    if not file.exists():
        raise BadRequest(_missing(name, file))
    return file


def _missing(name: str, file: Path) -> str:
    if name.endswith(".safetensors"):
        return f"there is no file {name}: name another weights file, or a system that you trained"
    if Path(name).is_file():
        return f"{name} is no weights file: name one that ends in .safetensors, or a system that you trained"
    known = name in COLOUR_SYSTEMS | ENLARGING_SYSTEMS
    way = f"`scodec train FOLDER... --system {name}` trains it" if known else "docs/systems.md lists those to train"
    return f"{name} is no trained system, as there is no {file}: {way}; or name a weights file (.safetensors)"
