"""The command `scodec encode`."""

import dataclasses
import os
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from scodec.cli.batch import one_or_many, picture_suffixes, run
from scodec.cli.messages import about, note
from scodec.cli.options import OptionalValues, finite, options
from scodec.files import atomic
from scodec.options import EncodeOptions

if TYPE_CHECKING:
    from scodec.format.fileinfo import Info


_STRIP = next(field for field in dataclasses.fields(EncodeOptions) if field.name == "strip")
#: What `--strip` may be followed by, and what it means to `EncodeOptions`.
STRIPS: dict[str, bool | str] = {"all": True, "location": "location", "gps": "location"}


class Encode(OptionalValues):
    """The command `encode`, where `--strip` alone means all."""

    optional = {"--strip": (tuple(STRIPS), "all")}


@click.command(cls=Encode)
@one_or_many
@options(EncodeOptions, skip=("target_bytes", "strip"))
@click.option("--strip", type=click.Choice(list(STRIPS)), metavar="[location]", help=_STRIP.metadata["help"])
@click.option("--target-size", type=click.IntRange(min=1), metavar="BYTES", help="Largest file allowed.")
@click.option(
    "--target-bpp", type=click.FloatRange(min=0, min_open=True), callback=finite, metavar="X",
    help="The same in bits per pixel of the picture.",
)  # fmt: skip
@click.option("--frame", type=click.IntRange(min=0), metavar="N", help="Which picture of an animation, from 0 on.")
@click.option("--quiet", is_flag=True, help="Print no summary.")
@click.pass_context
def encode(
    ctx: click.Context,
    paths: tuple[str, ...],
    output_dir: Path | None,
    jobs: int,
    force: bool,
    target_size: int | None,
    target_bpp: float | None,
    frame: int | None,
    quiet: bool,
    strip: str | None,
    **chosen: Any,
) -> None:
    """Encode the picture IN as the .scz file OUT, or many pictures IN... into a folder."""
    quality = ctx.get_parameter_source("quality") != ParameterSource.DEFAULT
    if sum((quality, target_size is not None, target_bpp is not None)) > 1:
        raise click.UsageError("--quality, --target-size and --target-bpp exclude each other")
    wanted = EncodeOptions(target_bytes=target_size, strip=STRIPS[strip] if strip else False, **chosen)
    with tempfile.TemporaryDirectory() as shared:
        told = os.path.join(shared, "told") if sys.stderr.isatty() and not quiet else None
        convert = partial(_encode, wanted, target_bpp, frame, force, quiet or output_dir is not None, told)
        run(convert, paths, output_dir, ".scz", picture_suffixes(), jobs, force)


def _encode(
    wanted: EncodeOptions,
    bpp: float | None,
    frame: int | None,
    force: bool,
    quiet: bool,
    told: str | None,
    source: str,
    target: str,
) -> None:
    """told: there once a process of this run has told of positions; None: nobody listens."""
    atomic.check_writable(target, force=force)
    atomic.check_distinct(source, target)

    from scodec import api, metadata, photo

    content = atomic.read(source)
    with about(source):
        picture = photo.load(content, frame)
        if bpp is not None:
            height, width, _ = picture.rgb.shape
            wanted = dataclasses.replace(wanted, target_bytes=max(1, int(bpp * width * height / 8)))
        data = api.encode(picture, wanted)
    atomic.write(target, data, force=force)
    if told is not None and metadata.located(metadata.stripped(picture.metadata, wanted.strip)):
        _tell_once(told)
    if not quiet:
        note(_summary(api.info(data)))


def _tell_once(told: str) -> None:
    """Say that positions are kept, unless another process of this run has."""
    with suppress(FileExistsError), open(told, "x"):
        note("the GPS position is kept: --strip location leaves it out")


def _summary(facts: "Info") -> str:
    """The one line that tells what was written."""
    from scodec import rate

    colour = "chroma coded together with the luma" if facts.chroma else f"hints {facts.hints_bytes} bytes"
    if not (facts.gray or facts.chroma or facts.hints_bytes):
        cost = f" for about {rate.colour_bytes(facts.luma_bytes)} bytes" if facts.luma == "vvc" else ""
        colour = f"colours will be guessed (--hints auto stores them{cost})"
    carried = facts.exif_bytes + facts.xmp_bytes
    return (
        f"{facts.total_bytes} bytes, {facts.bpp:.4f} bpp, {facts.luma}, scale {facts.scale}, "
        f"quantizer {facts.quantizer}, {colour}" + (f", metadata {carried} bytes" if carried else "")
    )
