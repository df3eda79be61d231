"""The command `scodec decode`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from scodec.cli.batch import one_or_many, picture_format, run
from scodec.cli.messages import about
from scodec.cli.options import options
from scodec.files import atomic
from scodec.options import DecodeOptions


@click.command()
@one_or_many
@options(DecodeOptions, color="--gray", receivers="--receiver", check="--ignore-crc")
def decode(paths: tuple[str, ...], output_dir: Path | None, jobs: int, force: bool, **chosen: Any) -> None:
    """Decode the .scz file IN to the picture OUT, or many files IN... to PNG pictures in a folder.

    The suffix of OUT names the format; standard output gets PNG.
    """
    convert = partial(_decode, DecodeOptions(**chosen), force, output_dir is None)
    run(convert, paths, output_dir, ".png", {".scz"}, jobs, force)


def _decode(wanted: DecodeOptions, force: bool, show_progress: bool, source: str, target: str) -> None:
    kind = picture_format(target)
    atomic.check_writable(target, force=force)
    atomic.check_distinct(source, target)

    from tqdm import tqdm

    from scodec import api
    from scodec.files.export import export

    # on a terminal, and only when it takes long
    progress = partial(tqdm, desc="rebuilding", unit="tile", leave=False, delay=2, disable=None)
    data = atomic.read(source)
    with about(source):
        image = api.decode(data, wanted, progress=progress if show_progress else iter)
    atomic.write(target, export(image, kind), force=force)
