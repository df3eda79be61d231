"""The command `scodec restore`."""

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any

import click

from scodec.cli import batch
from scodec.cli.batch import Work, one_or_many, picture_format
from scodec.cli.messages import about
from scodec.cli.options import options
from scodec.cli.progress import progress
from scodec.files import atomic
from scodec.models import runs, weights
from scodec.options import RestoreOptions


@click.command()
@one_or_many
@options(RestoreOptions, color="--no-color", systems="--system")
@click.option("--no-upscale", is_flag=True, help="The same as --scale 1.")
def restore(
    paths: tuple[str, ...],
    output_dir: Path | None,
    jobs: int,
    force: bool,
    quiet: bool,
    no_upscale: bool,
    **chosen: Any,
) -> None:
    """Colour and enlarge the grey photograph IN; the suffix of OUT names the format. Or many IN... to PNG pictures in a
    folder.

    With --samples N there are N files, OUT-1, OUT-2...
    """
    work, wanted = Work(paths, output_dir, jobs, force, quiet), RestoreOptions(**chosen)
    if output_dir is not None and wanted.samples > 1:
        raise click.UsageError("--samples needs one file and its target: leave out --output-dir")
    if no_upscale:
        wanted = dataclasses.replace(wanted, scale=1)
    for name in wanted.systems:
        weights.facts(runs.weights_file(name))  # before torch is loaded
    batch.run(partial(_restore, wanted, work), work, "restoring", ".png", *batch.suffixes())


def _restore(wanted: RestoreOptions, work: Work, source: str, target: str) -> None:
    kind = picture_format(target)
    stem, suffix = os.path.splitext(target)
    targets = [target]
    if wanted.samples > 1:
        if target == atomic.STREAM:
            raise click.UsageError("standard output holds one picture: name a file for --samples")
        targets = [f"{stem}-{i + 1}{suffix}" for i in range(wanted.samples)]
    for each in targets:
        atomic.check_writable(each, force=work.force)
        atomic.check_distinct(source, each)
    content = atomic.read(source)
    with progress("restoring", work.alone), about(source):
        from scodec import api
        from scodec.files.export import export

        images = api.restore(content, wanted)
        pictures = [export(image, kind, suffix.lower()) for image in images]
    for each, picture in zip(targets, pictures, strict=True):
        atomic.write(each, picture, force=work.force)
