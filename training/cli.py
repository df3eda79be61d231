"""The command `scodec train`."""

import dataclasses
import hashlib
import os
import shutil
import zipfile
from pathlib import Path

import click

from scodec import photo
from scodec.errors import BadRequest
from scodec.files.folders import pictures
from scodec.training import recipe as recipes
from scodec.training.recipe import Setting

#: One picture in this many, chosen by a hash of its name, is held out for validation.
HELD_OUT = 16
#: Largest number of held-out pictures that are used for validation.
WATCHED = 24


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--recipe", "--system", "name", required=True, metavar="NAME|FILE",
    help="Name of a recipe (release for restorer and colorizer, or a system from docs/systems.md), or a .yaml file.",
)  # fmt: skip
@click.option(
    "--run", type=click.Path(path_type=Path), default="runs", show_default=True,
    help="Folder for checkpoints and logs; a training run that is found there is resumed.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), help="Number of steps, instead of the recipe's.")
@click.option("--device", default="auto", show_default=True, help="Where to train: auto, cpu, cuda or mps.")
@click.option("--every", type=click.IntRange(min=1), default=250, show_default=True, help="Steps between log lines.")
@click.option(
    "--pretrained/--no-pretrained", default=True, show_default=True,
    help="Start backbones from their published ImageNet weights, which are downloaded.",
)  # fmt: skip
@click.option("--fresh", is_flag=True, help="Train from scratch, not from the weights that come with scodec.")
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that encode training pairs."
)
def train(
    sources: tuple[Path, ...],
    name: str,
    run: Path,
    steps: int | None,
    device: str,
    every: int,
    fresh: bool,
    pretrained: bool,
    workers: int,
) -> None:
    """Train the networks of a recipe on SOURCES: folders of pictures (searched recursively), or files that
    `python -m scodec.training.pack` has made from such folders.

    Writes RUN/NAME/weights.safetensors for each training run of the recipe, and during training a checkpoint and
    log.jsonl.
    """
    stages = recipes.load(name)
    folders = tuple(
        source if source.is_dir() else _unpacked(source, run, run / "packed" / f"{number}-{source.stem}")
        for number, source in enumerate(sources)
    )
    for stage, recipe in stages.items():
        if steps is not None:
            recipe = dataclasses.replace(recipe, steps=steps)
        train_on, held_out = _split(folders, recipe.short_side)
        provenance = {
            "recipe": f"{stage}: {dataclasses.asdict(recipe)}, {'fresh' if fresh else 'from the shipped weights'}",
            "data": ", ".join(sorted({str(source) for source in sources})),
        }
        setting = Setting(recipe, train_on, held_out[:WATCHED], run / "pairs", workers, pretrained)
        _train(setting, run / stage, device, every, fresh, provenance)


def _train(setting: Setting, run: Path, device: str, every: int, fresh: bool, provenance: dict[str, str]) -> None:
    from safetensors.torch import load_file

    from scodec.models import weights
    from scodec.models.device import best_device
    from scodec.training import loop
    from scodec.training.tasks import TASKS

    recipe = setting.recipe
    shipped = weights.path(recipe.network)
    previous = run.parent / recipe.after / "weights.safetensors"
    if recipe.after and previous.exists():
        start: Path | None = previous
    else:
        start = None if fresh or not shipped.exists() else shipped
    task = TASKS[recipe.task](setting)
    trained = loop.train(task, recipe, run, best_device(device), every, load_file(start) if start else None)
    target = run / "weights.safetensors"
    weights.save(trained, target, recipe.network, **provenance)
    click.echo(f"scodec: {target}", err=True)


def _unpacked(source: Path, run: Path, target: Path) -> Path:
    """Unpack a file of `pack`: pictures into `target`, which is emptied first, and pairs into the cache under `run`."""
    shutil.rmtree(target, ignore_errors=True)
    try:
        with zipfile.ZipFile(source) as file:
            names = file.namelist()
            file.extractall(target, [name for name in names if name.startswith("pictures/")])
            file.extractall(run, [name for name in names if name.startswith("pairs/")])
    except zipfile.BadZipFile as error:
        raise BadRequest(f"{source} is neither a folder nor a file made by scodec.training.pack") from error
    return target


def _split(folders: tuple[Path, ...], short_side: int) -> tuple[list[Path], list[Path]]:
    """Training and held-out pictures: all those in the folders with at least this short side (pixels)."""
    found = pictures(folders)
    large = [path for path in found if min(photo.size(path)) >= short_side]
    held_out = [path for path in large if hashlib.sha256(path.stem.encode()).digest()[0] % HELD_OUT == 0]
    chosen = set(held_out)
    train_on = [path for path in large if path not in chosen]
    if not train_on or not held_out:
        raise BadRequest(
            f"too few pictures for training and validation: of {len(found)} found, {len(large)} have a shorter side of "
            f"{short_side} pixels or more; give folders with more"
        )
    return train_on, held_out
