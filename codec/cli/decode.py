"""The command `scodec decode`."""

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
from scodec.models import runs
from scodec.options import DecodeOptions


@click.command()
@one_or_many
@options(DecodeOptions, color="--gray", receivers="--receiver", check="--ignore-crc")
def decode(paths: tuple[str, ...], output_dir: Path | None, jobs: int, force: bool, quiet: bool, **chosen: Any) -> None:
    """Decode the .scz file IN to the picture OUT, or many files IN... to PNG pictures in a folder.

    The suffix of OUT names the format; standard output gets PNG.
    """
    work, wanted = Work(paths, output_dir, jobs, force, quiet), DecodeOptions(**chosen)
    for name in wanted.receivers:
        runs.weights_file(name)  # before torch is loaded
    batch.run(partial(_decode, wanted, work), work, "decoding", ".png", {".scz"})


def _decode(wanted: DecodeOptions, work: Work, source: str, target: str) -> None:
    kind = picture_format(target)
    atomic.check_writable(target, force=work.force)
    atomic.check_distinct(source, target)
    data = atomic.read(source)
    with progress("decoding", work.alone) as line, about(source):
        from scodec import api
        from scodec.files.export import export

        image = api.decode(data, wanted, progress=line.steps)
        picture = export(image, kind, Path(target).suffix.lower())
    atomic.write(target, picture, force=work.force)
