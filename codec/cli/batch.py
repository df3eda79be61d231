"""One file or many: what encode, decode and restore share."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scodec.cli.messages import note
from scodec.cli.progress import progress
from scodec.errors import BadRequest

if TYPE_CHECKING:
    from scodec.files.folders import Convert, Job, Outcome


#: Files from which on `scodec bulk` is the better tool.
MANY = 10_000


@dataclass(frozen=True)
class Work:
    """What the arguments say that `one_or_many` adds to a command."""

    paths: tuple[str, ...]
    folder: Path | None
    jobs: int
    force: bool
    quiet: bool

    @property
    def alone(self) -> bool:
        """Whether one file is worked on, and may tell of itself."""
        return self.folder is None and not self.quiet


def one_or_many(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments `paths`, `output_dir`, `jobs`, `force` and `quiet`, which make a `Work`."""
    for decorate in (
        click.option("--quiet", is_flag=True, help="Show warnings and errors only."),
        click.option("-f", "--force", is_flag=True, help="Replace what exists."),
        click.option(
            "-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True,
            help="Files to work on at a time, with --output-dir.",
        ),
        click.option(
            "--output-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
            help="Work on many files and folders. The results go to DIR, those of folders with their tree; what is "
            "there already is left alone. Files that differ in their suffix only keep it: a.jpg.scz, a.png.scz.",
        ),
        click.argument("paths", nargs=-1, required=True, metavar="IN OUT|IN...", type=click.Path(allow_dash=True)),
    ):  # fmt: skip
        command = decorate(command)
    return command


def run(
    convert: "Convert",
    work: Work,
    doing: str,
    suffix: str,
    wanted: Collection[str],
    unreadable: Collection[str] = (),
    many: "Callable[[list[Job]], Generator[Outcome]] | None" = None,
) -> None:
    """Convert one file, or many into a folder; then exit code 1 if any failed.

    many: does the jobs of a folder; None: `convert` does, in processes of its own.
    doing: in a word, for the line of progress. suffix: of the targets in the folder. wanted: suffixes of the files that
    are looked for in folders. unreadable: those of others that are not passed over without a word.
    """
    if work.folder is None:
        if work.jobs > 1:
            raise click.UsageError("--jobs works on many files: give --output-dir too")
        convert(*_one(work.paths))
        return
    from scodec.files import folders

    plan = folders.plan(work.paths, work.folder, suffix, wanted, unreadable, work.force)
    tell(plan.passed_over)
    if not (plan.jobs or plan.done or plan.failed):
        kind = ".scz files" if ".scz" in wanted else "pictures"
        raise BadRequest(f"no {kind} in {', '.join(work.paths)}: choose other folders")
    for source, reason in plan.failed:
        note(f"error: {source}: {reason}")
    if len(plan.jobs) > MANY and doing in ("encoding", "decoding") and not work.quiet:
        note(f"{len(plan.jobs)} files: `scodec bulk` goes on where it was cut short, and works on several machines")
    done, failed, todo = 0, len(plan.failed), len(plan.jobs)
    doer = many(plan.jobs) if many else folders.run(convert, plan.jobs, min(work.jobs, todo or 1))
    try:
        with progress(doing, not work.quiet, todo) as line, closing(doer) as outcomes:
            for source, error, warned in outcomes:
                for message in warned:
                    note(f"warning: {source}: {message}")
                if error is not None:
                    note(f"error: {error if source in error else f'{source}: {error}'}")
                failed, done = failed + (error is not None), done + (error is None)
                line.done += 1
    except KeyboardInterrupt:
        note(f"stopped: {done} done, {failed} failed, {len(plan.jobs) + len(plan.failed) - done - failed} left")
        raise
    if not work.quiet:
        note(f"{done} done, {plan.done} were there already, {failed} failed")
    if failed:
        raise click.exceptions.Exit(1)


def _one(paths: tuple[str, ...]) -> tuple[str, str]:
    """The one file and its target, unless folders are meant."""
    if len(paths) != 2:
        raise click.UsageError("give one file and its target, or many files and --output-dir")
    source, target = paths
    if os.path.isdir(source):
        raise click.UsageError(f"{source} is a folder: give it and --output-dir DIR, for what becomes of its files")
    if os.path.isdir(target) or target.endswith(tuple(filter(None, (os.sep, os.altsep)))):
        raise click.UsageError(f"{target} is a folder: name a file in it, or give --output-dir {target}")
    return source, target


def tell(passed_over: Counter[str]) -> None:
    """Say what was passed over, if anything, and what to do about it."""
    from scodec.files import folders, formats, heif

    def kinds(suffixes: Collection[str]) -> str:
        return ", ".join(f"{passed_over[each]} {each}" for each in sorted(suffixes) if passed_over[each])

    advised = {
        kinds(heif.SUFFIXES): "pip install 'scodec-image[heif]'",
        kinds(formats.RAW): "develop raw photographs first",
        kinds({folders.LINKED}): "name it to include it",
    }
    if passed_over.total():
        note(f"warning: passed over {'; '.join(f'{what} ({advice})' for what, advice in advised.items() if what)}")


def suffixes() -> tuple[set[str], set[str]]:
    """Suffixes of the pictures in folders that can be read, and of those that can't."""
    from scodec.files import formats

    return formats.readable(), formats.unreadable()


def picture_format(target: str) -> str:
    """Pillow's name for the format that the suffix of a file name asks for; standard output gets PNG."""
    from scodec.files import formats
    from scodec.files.atomic import STREAM

    if target == STREAM:
        return "PNG"
    try:
        return formats.written(target)
    except BadRequest as error:
        raise click.BadParameter(str(error), param_hint="OUT") from error
