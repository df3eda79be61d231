"""The command `scodec encode`."""

import dataclasses
import os
import re
import sys
import tempfile
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from scodec.cli import batch
from scodec.cli.batch import Work, one_or_many
from scodec.cli.messages import about, note
from scodec.cli.options import OptionalValues, finite, options
from scodec.cli.progress import progress
from scodec.files import atomic
from scodec.options import EncodeOptions

if TYPE_CHECKING:
    from scodec.format.fileinfo import Info
    from scodec.photo import Photo


_STRIP = next(field for field in dataclasses.fields(EncodeOptions) if field.name == "strip")
#: What `--strip` may be followed by, and what it means to `EncodeOptions`.
STRIPS: dict[str, bool | str] = {"all": True, "location": "location", "gps": "location"}


class Encode(OptionalValues):
    """A command that encodes, where `--strip` alone means all."""

    optional = {"--strip": (tuple(STRIPS), "all")}


strip_option = click.option(
    "--strip", type=click.Choice(list(STRIPS)), metavar="[all|location]", help=_STRIP.metadata["help"]
)


@click.command(cls=Encode)
@one_or_many
@options(EncodeOptions, skip=("target_bytes", "strip"))
@strip_option
@click.option("--target-size", type=click.IntRange(min=1), metavar="BYTES", help="Largest file allowed.")
@click.option(
    "--target-bpp", type=click.FloatRange(min=0, min_open=True), callback=finite, metavar="X",
    help="The same in bits per pixel of the picture.",
)  # fmt: skip
@click.option("--frame", type=click.IntRange(min=0), metavar="N", help="Which picture of an animation, from 0 on.")
@click.pass_context
def encode(
    ctx: click.Context,
    paths: tuple[str, ...],
    output_dir: Path | None,
    jobs: int,
    force: bool,
    quiet: bool,
    target_size: int | None,
    target_bpp: float | None,
    frame: int | None,
    strip: str | None,
    **chosen: Any,
) -> None:
    """Encode the picture IN as the .scz file OUT, or many pictures IN... into a folder.

    OUT may not be a picture, nor be named like one.
    """
    quality = ctx.get_parameter_source("quality") != ParameterSource.DEFAULT
    if sum((quality, target_size is not None, target_bpp is not None)) > 1:
        raise click.UsageError("--quality, --target-size and --target-bpp exclude each other")
    wanted = EncodeOptions(target_bytes=target_size, strip=STRIPS[strip] if strip else False, **chosen)
    work = Work(paths, output_dir, jobs, force, quiet)
    with tempfile.TemporaryDirectory() as shared:
        said = os.path.join(shared, "said") if sys.stderr.isatty() and not quiet else None
        convert = partial(_encode, wanted, target_bpp, frame, work, said)
        batch.run(convert, work, "encoding", ".scz", *batch.suffixes())


def _encode(
    wanted: EncodeOptions, bpp: float | None, frame: int | None, work: Work, said: str | None, source: str, target: str
) -> None:
    """said: a file that exists once a process of this run has spoken of GPS positions; None: nobody listens."""
    from scodec.files import formats

    if target != atomic.STREAM and formats.is_picture(target):  # `encode -f *.png`, where there are two
        if source.endswith(".scz"):
            raise click.UsageError(f"{source} is an .scz file: to get a picture, `scodec decode {source} {target}`")
        raise click.BadParameter(
            f"{target} is a picture, or named like one: name a file that ends in .scz; for many pictures give "
            "--output-dir",
            param_hint="OUT",
        )
    atomic.check_writable(target, force=work.force)
    atomic.check_distinct(source, target)

    from scodec import api, metadata

    content = atomic.read(source)
    with progress("encoding", work.alone), about(source):
        picture = _load(content, frame)
        if bpp is not None:
            height, width, _ = picture.rgb.shape
            wanted = dataclasses.replace(wanted, target_bytes=max(1, int(bpp * width * height / 8)))
        data = api.encode(picture, wanted)
    atomic.write(target, data, force=work.force)
    if said is not None and metadata.located(metadata.stripped(picture.metadata, wanted.strip)):
        _say_once(said)
    if work.alone:
        note(_summary(api.info(data)))


def _say_once(said: str) -> None:
    """Say that positions are kept, unless another process of this run has."""
    with suppress(FileExistsError), open(said, "x"):
        note("the GPS position is kept: --strip location leaves it out")


def _load(content: bytes, frame: int | None) -> "Photo":
    """The picture; where only the first of several is taken, the warning names the option of the command."""
    from scodec import photo

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture = photo.load(content, frame)
    for each in caught:
        text = re.sub("^(only the first of .* is coded).*", r"\1; --frame picks another", str(each.message))
        warnings.warn(text, each.category, 2)
    return picture


def _summary(facts: "Info") -> str:
    """The one line that tells what was written."""
    from scodec.sender import rate

    if facts.gray:
        colour = "grey, no colour to store"
    elif facts.chroma:
        colour = "chroma coded together with the luma"
    elif facts.hints_bytes:
        colour = f"hints {facts.hints_bytes} bytes"
    else:
        count = rate.colour_bytes(facts.luma_bytes)
        cost = f" for about {count} byte{'s' if count != 1 else ''}" if facts.luma == "vvc" else ""
        colour = f"colours will be guessed (--hints auto stores them{cost})"
    carried = facts.exif_bytes + facts.xmp_bytes
    return (
        f"{facts.total_bytes} bytes, {facts.bpp:.4f} bpp, {facts.luma}, scale {facts.scale}, "
        f"quantizer {facts.quantizer}, {colour}" + (f", metadata {carried} bytes" if carried else "")
    )
