"""One file or many: what encode, decode and restore share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scodec.cli.messages import note

if TYPE_CHECKING:
    from scodec.files.folders import Convert


def one_or_many(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments `paths`, `output_dir`, `jobs` and `force`."""
    for decorate in (
        click.option("-f", "--force", is_flag=True, help="Replace what exists."),
        click.option(
            "-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True,
            help="Files to work on at a time, with --output-dir.",
        ),
        click.option(
            "--output-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
            help="Work on many files and folders. The results go to DIR, those of folders with their tree; what is "
            "there already is left alone.",
        ),
        click.argument("paths", nargs=-1, required=True, metavar="IN OUT|IN...", type=click.Path(allow_dash=True)),
    ):  # fmt: skip
        command = decorate(command)
    return command


def run(
    convert: "Convert",
    paths: tuple[str, ...],
    folder: Path | None,
    suffix: str,
    suffixes: set[str],
    jobs: int,
    force: bool,
) -> None:
    """Convert one file, or many into a folder; then exit code 1 if any failed.

    suffix: of the targets in the folder; suffixes: of the files that are looked for in folders.
    """
    if folder is None:
        if len(paths) != 2:
            raise click.UsageError("give one file and its target, or many files and --output-dir")
        convert(*paths)
        return
    from scodec.files import folders

    found = folders.jobs(paths, folder, suffix, lambda path: path.suffix.lower() in suffixes)
    todo = [job for job in found if force or not os.path.exists(job[1])]
    failures = 0
    for source, failed, warned in folders.run(convert, todo, min(jobs, len(todo) or 1)):
        for message in warned:
            note(f"warning: {source}: {message}")
        if failed is not None:
            failures += 1
            note(f"error: {failed if source in failed else f'{source}: {failed}'}")
    note(f"{len(todo) - failures} done, {len(found) - len(todo)} were there already, {failures} failed")
    if failures:
        raise click.exceptions.Exit(1)


def picture_suffixes() -> set[str]:
    """Suffixes of the formats that Pillow knows, without ours."""
    from PIL import Image

    Image.init()
    return set(Image.registered_extensions()) - {".scz"}


def picture_format(target: str) -> str:
    """Pillow's name for the format that the suffix of a file name asks for; standard output gets PNG."""
    from PIL import Image

    from scodec.files.atomic import STREAM

    if target == STREAM:
        return "PNG"
    suffix = os.path.splitext(target)[1].lower()
    kind = Image.registered_extensions().get(suffix, "")
    if kind not in Image.SAVE:
        raise click.BadParameter(f"no picture format ends in {suffix!r}; use .png", param_hint="OUT")
    return kind
