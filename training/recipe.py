"""Recipes: what to train and how, as small YAML files."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from scodec.errors import BadRequest


@dataclass(frozen=True)
class Recipe:
    """One training. Every field is a key of the YAML file."""

    task: str  # "luma" or "colour"
    steps: int
    batch: int
    patch: int  # pixels, full resolution
    lr: float  # peak; linear warm-up, then cosine to zero
    short_side: int = 0  # pixels; smaller pictures are left out
    warmup: int = 200
    weight_decay: float = 0.0
    ema: float = 0.999  # decay of the averaged weights, which are the ones validated and exported
    clip: float = 1.0  # largest norm of the gradient
    seed: int = 1


def names() -> list[str]:
    """The recipes that come with scodec."""
    return sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".yaml"))


def load(name: str) -> dict[str, Recipe]:
    """The trainings that a recipe names, itself or those it lists; by the name of a shipped recipe, or a YAML file.

    Raises BadRequest when there is none or it holds unknown keys.
    """
    path = Path(name) if name.endswith(".yaml") else _folder() / f"{name}.yaml"
    if not path.is_file():
        raise BadRequest(f"there is no recipe {name!r}: give one of {', '.join(names())} or a .yaml file")
    try:
        content = yaml.safe_load(path.read_text())
        if isinstance(content, list):
            return {stage: recipe for each in content for stage, recipe in load(each).items()}
        return {Path(name).stem: Recipe(**content)}
    except (TypeError, AttributeError, yaml.YAMLError) as error:
        raise BadRequest(f"the recipe {name} can't be read: {error}") from error


def _folder():
    return files("scodec.training") / "recipes"
