"""The command `scodec`. Heavy modules are imported inside the subcommands, so that --help answers at once."""

import dataclasses
import errno
import importlib
import json
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from scodec import files, rate
from scodec.errors import BadFile, BadImage, ScodecError, Unsupported

# Subcommands that live elsewhere: where, and their line in --help, which must not import them.
ELSEWHERE = {
    "train": ("scodec.training.cli:train", "Train the receiver networks."),
    "eval": ("scodec.eval.cli:evaluate", "Measure rate and distortion against other codecs."),
}


class Failure(click.ClickException):
    """An expected failure: one line on stderr and exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        _note(f"error: {self.format_message()}")


class Commands(click.Group):
    """The command group: finds the subcommands of ELSEWHERE by name, turns our errors into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, function = ELSEWHERE[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), function)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        rows += [(name, summary) for name, (_, summary) in ELSEWHERE.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: _note(f"warning: {message}")
            try:
                return super().invoke(ctx)
            except ScodecError as error:
                raise Failure(str(error)) from error
            except MemoryError as error:
                raise Failure("not enough memory for a picture of this size") from error
            except OSError as error:
                if error.errno == errno.EPIPE:  # whoever read our output has left: click ends quietly
                    raise
                what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
                raise Failure(what) from error


class Hints(click.ParamType):
    """`auto` or a number of bytes."""

    name = "0|auto|BYTES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "auto":
            return value
        try:
            count = int(value)
        except ValueError:
            count = -1
        if count < 0:
            self.fail(f"{value!r} is neither 'auto' nor a number of bytes", param, ctx)
        return count


def _finite(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Rejects nan and inf, which pass any FloatRange that is open upwards."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


def _note(message: str) -> None:
    click.echo(f"scodec: {message}", err=True)


@contextmanager
def _about(path: str) -> Iterator[None]:
    """Names the file that an error is about."""
    try:
        yield
    except (BadImage, BadFile, Unsupported) as error:
        name = "standard input" if path == files.STREAM else path
        raise type(error)(f"{name}: {error}") from error


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import version

    from scodec.models import weights

    click.echo(f"scodec {version('scodec-image')}")
    for name, identity in weights.installed().items():
        click.echo(f"{name} {identity}")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and the ids of the models, and exit.",
)  # fmt: skip
def main() -> None:
    """Still images at very low rates: a small luminance bitstream out, full-resolution colour back.

    A file named - is standard input or standard output.
    """


@main.command()
@click.argument("source", metavar="IN", type=click.Path(allow_dash=True))
@click.argument("target", metavar="OUT", type=click.Path(allow_dash=True))
@click.option(
    "-q", "--quality", type=click.IntRange(1, 100), show_default=str(rate.DEFAULT_QUALITY),
    help="Higher is better and larger.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(["auto", "1", "2", "3", "4"]), default="auto", show_default=True,
    help="Store the luminance at 1/N of the size; auto picks by rate.",
)  # fmt: skip
@click.option(
    "--hints", type=Hints(), default=0, show_default=True,
    help="Spend at most that many bytes on colour; auto as many as pay, coded along with vvc. "
    "With 0 the colours are the receiver's guess.",
)  # fmt: skip
@click.option("--target-size", type=click.IntRange(min=1), metavar="BYTES", help="Largest file allowed.")
@click.option(
    "--target-bpp", type=click.FloatRange(min=0, min_open=True), callback=_finite, metavar="X",
    help="The same in bits per pixel of the picture.",
)  # fmt: skip
@click.option(
    "--luma", type=click.Choice(["vvc", "av1"]), default="vvc", show_default=True,
    help="The coder of the luminance; av1 is quicker and needs about 20 % more bytes.",
)  # fmt: skip
@click.option(
    "--effort", type=click.Choice(["fast", "medium", "slow"]), default="medium", show_default=True,
    help="Time for bytes; slow also tries what the receiver makes of the other scales.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--quiet", is_flag=True, help="Print no summary.")
def encode(
    source: str,
    target: str,
    quality: int | None,
    scale: str,
    hints: int | str,
    target_size: int | None,
    target_bpp: float | None,
    luma: str,
    effort: str,
    force: bool,
    quiet: bool,
) -> None:
    """Encode the picture IN as the .scz file OUT."""
    if sum(option is not None for option in (quality, target_size, target_bpp)) > 1:
        raise click.UsageError("--quality, --target-size and --target-bpp exclude each other")
    files.check_writable(target, force=force)

    import scodec
    from scodec import photo

    content = files.read(source)
    with _about(source):
        picture = photo.load(content)
        if target_bpp is not None:
            height, width, _ = picture.rgb.shape
            target_size = max(1, int(target_bpp * width * height / 8))
        data = scodec.encode(
            picture,
            quality=rate.DEFAULT_QUALITY if quality is None else quality,
            scale="auto" if scale == "auto" else int(scale),
            hints=hints,
            luma=luma,
            effort=effort,
            target_bytes=target_size,
        )
    files.write(target, data, force=force)
    if not quiet:
        facts = scodec.info(data)
        colour = "chroma coded along" if facts.chroma else f"hints {facts.hints_bytes} bytes"
        _note(
            f"{facts.total_bytes} bytes, {facts.bpp:.4f} bpp, {facts.luma}, scale {facts.scale}, "
            f"quantizer {facts.quantizer}, {colour}"
        )


@main.command()
@click.argument("source", metavar="IN", type=click.Path(allow_dash=True))
@click.argument("target", metavar="OUT", type=click.Path(allow_dash=True))
@click.option("--gray", is_flag=True, help="Luminance only, as a grey picture.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where the networks run.",
)  # fmt: skip
@click.option(
    "--dtype", type=click.Choice(["auto", "float32", "bfloat16", "float16"]), default="auto",
    show_default=True, help="What the networks compute in.",
)  # fmt: skip
@click.option(
    "--tile", type=click.IntRange(min=64), metavar="N",
    help="Work in tiles of N x N pixels; smaller ones need less memory.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
def decode(source: str, target: str, gray: bool, device: str, dtype: str, tile: int | None, force: bool) -> None:
    """Decode the .scz file IN to the picture OUT.

    The suffix of OUT names the format; standard output gets PNG.
    """
    kind = _picture_format(target)
    files.check_writable(target, force=force)

    import io
    from functools import partial

    from tqdm import tqdm

    import scodec

    # on a terminal, and only when it takes long
    progress = partial(tqdm, desc="rebuilding", unit="tile", leave=False, delay=2, disable=None)
    data = files.read(source)
    with _about(source):
        image = scodec.decode(data, color=not gray, device=device, dtype=dtype, tile=tile, progress=progress)
    picture = io.BytesIO()
    image.save(picture, kind, quality=95)  # lossless formats ignore the quality
    files.write(target, picture.getvalue(), force=force)


def _picture_format(target: str) -> str:
    """Pillow's name for the format that the suffix of a file name asks for."""
    if target == files.STREAM:
        return "PNG"
    from PIL import Image

    suffix = os.path.splitext(target)[1].lower()
    kind = Image.registered_extensions().get(suffix, "")
    if kind not in Image.SAVE:
        raise click.BadParameter(f"no picture format ends in {suffix!r}; use .png", param_hint="OUT")
    return kind


@main.command()
@click.argument("source", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(source: str, as_json: bool) -> None:
    """Show what the .scz file FILE holds."""
    import scodec

    with _about(source):
        facts = dataclasses.asdict(scodec.info(files.read(source)))
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):14} {value}")
