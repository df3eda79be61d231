"""Where training runs leave their weights. Asking needs no torch."""

from pathlib import Path

from scodec.errors import BadRequest

#: Folder of training runs, relative to the current folder.
RUNS = Path("runs")


def weights_file(name: str) -> Path:
    """The weights file of a network that the user trained: itself, or by the name of the run. Raises BadRequest if
    there is none."""
    file = Path(name) if name.endswith(".safetensors") else RUNS / name / "weights.safetensors"
    if not file.exists():
        raise BadRequest(
            f"there is no {file}: `scodec train FOLDER... --system {file.parent.name}` writes it; or name another file"
        )
    return file
