"""Recipes: what to train and how, as small YAML files."""

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from scodec.errors import BadRequest


@dataclass(frozen=True)
class Recipe:
    """One training run. Every field is a key of the YAML file; the key `base` names a recipe to inherit keys from."""

    task: str  # a name in tasks.TASKS
    steps: int
    batch: int
    patch: int  # pixels, full resolution
    lr: float  # peak; cosine schedule down to zero
    network: str  # a name in models.registry.NETWORKS
    config: dict[str, Any] = field(default_factory=dict)  # keyword arguments of the network
    after: str = ""  # a run in the same folder of runs from whose weights this one starts, if it exists
    source: str = ""  # the paper or report that the numbers are from
    loss: str = ""  # name for losses.colour_loss or losses.picture_loss; for the task rate: "restored" or empty
    adversarial: float = 0.0  # weight of the critic's loss
    adversarial_from: int = 0  # first step with a critic
    balanced: bool = False  # `adversarial` is then the critic's gradient relative to that of the other losses
    critic_lr: float = 0.0  # constant; 0: the value of `lr`
    optimizer: str = "adamw"  # a name in update.OPTIMIZERS
    short_side: int = 0  # pixels; smaller pictures are left out
    warmup: int = 200  # steps of linear increase of the learning rate
    weight_decay: float = 0.0
    ema: float = 0.999  # decay of the averaged weights, which are the ones validated and exported
    clip: float = 1.0  # largest gradient norm; larger ones are clipped
    seed: int = 1


@dataclass(frozen=True)
class Setting:
    """The inputs of a task."""

    recipe: Recipe
    train: list[Path]  # pictures
    held_out: list[Path]
    cache: Path  # folder for coded training pairs, which take long to make
    workers: int  # processes that make them
    pretrained: bool  # whether backbones start from published weights


def names() -> list[str]:
    """The recipes that come with scodec, without those that only serve as a base of others."""
    found = sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return [name for name in found if not name.startswith("base-")]


def load(name: str) -> dict[str, Recipe]:
    """The training runs of a recipe, by name: the recipe itself, or those that it lists.

    name: a recipe that comes with scodec, or a YAML file. Raises BadRequest if it does not exist or has unknown keys.
    """
    path = Path(name) if name.endswith(".yaml") else _folder() / f"{name}.yaml"
    if not path.is_file() and name.endswith(".yaml"):
        raise BadRequest(f"there is no file {name}: name another, or a recipe that comes with scodec")
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
