"""Recipes: what to train and how, as small YAML files."""

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from scodec.errors import BadRequest


@dataclass(frozen=True)
class Recipe:
    """One training. Every field is a key of the YAML file; `base` there names a recipe whose keys it takes over."""

    task: str  # a name in tasks.TASKS
    steps: int
    batch: int
    patch: int  # pixels, full resolution
    lr: float  # peak; falls to zero along a cosine
    network: str  # a name in models.registry.NETWORKS
    config: dict[str, Any] = field(default_factory=dict)  # of the network
    after: str = ""  # the training in the same folder of runs that it goes on from, if there is one
    source: str = ""  # the paper or report that the numbers are from
    loss: str = ""  # of the systems of the reports: a name in losses.LOSSES
    adversarial: float = 0.0  # weight of the critic's judgement in the loss
    adversarial_from: int = 0  # step from which on there is a critic
    balanced: bool = False  # that weight is of gradients: the critic's is so many times that of the rest
    critic_lr: float = 0.0  # constant; 0: `lr`
    optimizer: str = "adamw"  # a name in update.OPTIMIZERS
    short_side: int = 0  # pixels; smaller pictures are left out
    warmup: int = 200
    weight_decay: float = 0.0
    ema: float = 0.999  # decay of the averaged weights, which are the ones validated and exported
    clip: float = 1.0  # largest norm of the gradient
    seed: int = 1


@dataclass(frozen=True)
class Setting:
    """What a task may work with."""

    recipe: Recipe
    train: list[Path]  # pictures
    held_out: list[Path]
    cache: Path  # a folder for what takes long to make
    workers: int  # processes that make it
    pretrained: bool  # whether backbones start from their authors' weights


def names() -> list[str]:
    """The recipes that come with scodec, less those that only others build on."""
    found = sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return [name for name in found if not name.startswith("base-")]


def load(name: str) -> dict[str, Recipe]:
    """The trainings that a recipe names, itself or those it lists; by the name of a shipped recipe, or a YAML file.

    Raises BadRequest when there is none or it holds unknown keys.
    """
    path = Path(name) if name.endswith(".yaml") else _folder() / f"{name}.yaml"
    if not path.is_file():
        raise BadRequest(f"there is no recipe {name!r}: give one of {', '.join(names())} or a .yaml file")
    try:
        content = _content(path)
        if isinstance(content, list):
            return {stage: recipe for each in content for stage, recipe in load(each).items()}
        return {Path(name).stem: Recipe(**content)}
    except (TypeError, AttributeError, OSError, yaml.YAMLError) as error:
        raise BadRequest(f"the recipe {name} can't be read: {error}") from error


def _content(path: Any) -> Any:
    content = yaml.safe_load(path.read_text())
    if isinstance(content, dict) and "base" in content:
        content = _content(_folder() / f"{content.pop('base')}.yaml") | content
    return content


def _folder():
    return files("scodec.training") / "recipes"
