"""The command `scodec decode`."""

from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scodec.cli import batch
from scodec.cli.batch import Work, one_or_many, picture_format
from scodec.cli.messages import about
from scodec.cli.options import options
from scodec.cli.progress import progress
from scodec.errors import explain
from scodec.files import atomic
from scodec.models import runs, weights
from scodec.options import DecodeOptions

if TYPE_CHECKING:
    from PIL.Image import Image

    from scodec.files.folders import Job, Outcome


@click.command()
@one_or_many
@options(DecodeOptions, color="--gray", receivers="--receiver", check="--ignore-crc")
def decode(paths: tuple[str, ...], output_dir: Path | None, jobs: int, force: bool, quiet: bool, **chosen: Any) -> None:
    """Decode the .scz file IN to the picture OUT, or many files IN... to PNG pictures in a folder.

    The suffix of OUT names the format; standard output gets PNG.
    """
    work, wanted = Work(paths, output_dir, jobs, force, quiet), DecodeOptions(**chosen)
    for name in wanted.receivers:
        weights.facts(runs.weights_file(name))  # before torch is loaded
    convert, many = partial(_decode, wanted, work), partial(_decode_many, wanted, work)
    batch.run(convert, work, "decoding", ".png", {".scz"}, many=many)


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


def _decode_many(wanted: DecodeOptions, work: Work, jobs: "list[Job]") -> "Generator[Outcome, None, None]":
    """Many files to PNG in this process, whose networks use all cores, or a GPU, as it is."""
    from scodec import many
    from scodec.files.export import export

    def write(done: "tuple[Job, Image | Exception]") -> str | None:
        (source, target), picture = done
        try:
            if isinstance(picture, Exception):
                raise picture
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            atomic.check_distinct(source, target)
            atomic.write(target, export(picture, "PNG"), force=work.force)
        except Exception as error:
            if (failed := explain(error)) is None:
                raise
            return failed
        return None

    pictures = many.decode((source for source, _ in jobs), wanted, threads=work.jobs)
    # two at a time: one is written while the next is rebuilt, and Ctrl-C finds few that are not yet counted
    written = many.in_threads(write, zip(jobs, pictures, strict=True), 2, work.jobs)
    for (source, _), failed in zip(jobs, written, strict=True):
        yield source, str(failed) if failed else None, []
