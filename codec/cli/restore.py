"""The command `scodec restore`."""

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any

import click

from scodec.cli.batch import one_or_many, picture_format, picture_suffixes, run
from scodec.cli.messages import about
from scodec.cli.options import options
from scodec.files import atomic
from scodec.options import RestoreOptions


@click.command()
@one_or_many
@options(RestoreOptions, color="--no-color", systems="--system")
@click.option("--no-upscale", is_flag=True, help="The same as --scale 1.")
def restore(
    paths: tuple[str, ...], output_dir: Path | None, jobs: int, force: bool, no_upscale: bool, **chosen: Any
) -> None:
    """Colour and enlarge the grey photograph IN; the suffix of OUT names the format. Or many IN... to PNG pictures in a
    folder.

    With --samples N there are N files, OUT-1, OUT-2...
    """
    wanted = RestoreOptions(**chosen)
    if output_dir is not None and wanted.samples > 1:
        raise click.UsageError("--samples needs one file and its target: leave out --output-dir")
    if no_upscale:
        wanted = dataclasses.replace(wanted, scale=1)
    run(partial(_restore, wanted, force), paths, output_dir, ".png", picture_suffixes(), jobs, force)


def _restore(wanted: RestoreOptions, force: bool, source: str, target: str) -> None:
    kind = picture_format(target)
    stem, suffix = os.path.splitext(target)
    targets = [target]
    if wanted.samples > 1:
        if target == atomic.STREAM:
            raise click.UsageError("standard output holds one picture: name a file for --samples")
        targets = [f"{stem}-{i + 1}{suffix}" for i in range(wanted.samples)]
    for each in targets:
        atomic.check_writable(each, force=force)
        atomic.check_distinct(source, each)

    from scodec import api
    from scodec.files.export import export

    content = atomic.read(source)
    with about(source):
        images = api.restore(content, wanted)
    for each, image in zip(targets, images, strict=True):
        atomic.write(each, export(image, kind), force=force)
