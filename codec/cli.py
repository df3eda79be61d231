"""The command `scodec`. Heavy modules are imported inside the subcommands, so that --help answers at once."""

import dataclasses
import errno
import importlib
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from scodec import files, look, rate
from scodec.errors import BadFile, BadImage, BadRequest, ScodecError, Unsupported, explain

if TYPE_CHECKING:
    from scodec.batch import Work

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

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # --help and --version are printed before any command is invoked
            _note(f"error: {explain(error)}")
            sys.exit(1)

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
            warnings.simplefilter("ignore", FutureWarning)  # libraries tell each other's authors
            warnings.showwarning = lambda message, *_: _note(f"warning: {message}")
            try:
                return super().invoke(ctx)
            except (ScodecError, MemoryError, OSError) as error:
                if isinstance(error, OSError) and error.errno == errno.EPIPE:
                    raise  # whoever read our output has left: click ends quietly
                raise Failure(explain(error) or str(error)) from error


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


class Look(click.ParamType):
    """A look by name or number."""

    name = "faithful|natural"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return look.number(value)
        except BadRequest as error:
            self.fail(str(error), param, ctx)


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


def _look(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option of decode and restore."""
    return click.option(
        "--look", type=Look(), default=look.DEFAULT, show_default=True,
        help="faithful has the least error, natural plausible colours and texture; a number from 0 to 1 lies between.",
    )(command)  # fmt: skip


def _many(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that encode and decode share: one file, or many into a folder."""
    for decorate in (
        click.option("-f", "--force", is_flag=True, help="Replace what exists."),
        click.option(
            "-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True,
            help="Files that are worked on at a time, with --output-dir.",
        ),
        click.option(
            "--output-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
            help="Work on many files and folders; the results go to DIR, folders with their tree, and those that are "
            "there already are left alone.",
        ),
        click.argument("paths", nargs=-1, required=True, metavar="IN OUT|IN...", type=click.Path(allow_dash=True)),
    ):  # fmt: skip
        command = decorate(command)
    return command


def _run(
    work: "Work",
    paths: tuple[str, ...],
    folder: Path | None,
    suffix: str,
    suffixes: set[str],
    jobs: int,
    force: bool,
) -> None:
    """One file, or many into a folder; then exit code 1 if any failed."""
    if folder is None:
        if len(paths) != 2:
            raise click.UsageError("give one file and its target, or many files and --output-dir")
        work(*paths)
        return
    from scodec import batch

    wanted = batch.jobs(paths, folder, suffix, lambda path: path.suffix.lower() in suffixes)
    todo = [job for job in wanted if force or not os.path.exists(job[1])]
    failures = 0
    for source, failed, notes in batch.run(work, todo, min(jobs, len(todo) or 1)):
        for note in notes:
            _note(f"warning: {source}: {note}")
        if failed is not None:
            failures += 1
            _note(f"error: {failed if source in failed else f'{source}: {failed}'}")
    _note(f"{len(todo) - failures} done, {len(wanted) - len(todo)} were there already, {failures} failed")
    if failures:
        raise click.exceptions.Exit(1)


@main.command()
@_many
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
    "--luma", type=click.Choice(["vvc", "av1", "hyperprior"]), default="vvc", show_default=True,
    help="The coder of the luminance; av1 is quicker and needs about 20 % more bytes, hyperprior is learned.",
)  # fmt: skip
@click.option(
    "--effort", type=click.Choice(["fast", "medium", "slow"]), default="medium", show_default=True,
    help="Time for bytes; slow also tries what the receiver makes of the other scales, and refines hyperprior's bits.",
)  # fmt: skip
@click.option("--strip", is_flag=True, help="Leave out EXIF and XMP.")
@click.option("--frame", type=click.IntRange(min=0), metavar="N", help="Which picture of an animation, from 0 on.")
@click.option("--quiet", is_flag=True, help="Print no summary.")
def encode(
    paths: tuple[str, ...],
    output_dir: Path | None,
    jobs: int,
    force: bool,
    quality: int | None,
    target_size: int | None,
    target_bpp: float | None,
    frame: int | None,
    quiet: bool,
    scale: str,
    **options: Any,
) -> None:
    """Encode the picture IN as the .scz file OUT, or many pictures IN... into a folder."""
    if sum(option is not None for option in (quality, target_size, target_bpp)) > 1:
        raise click.UsageError("--quality, --target-size and --target-bpp exclude each other")
    options["quality"] = rate.DEFAULT_QUALITY if quality is None else quality
    options["scale"] = "auto" if scale == "auto" else int(scale)
    work = partial(_encode, frame, target_size, target_bpp, force, quiet or output_dir is not None, options)
    from PIL import Image

    Image.init()
    _run(work, paths, output_dir, ".scz", set(Image.registered_extensions()) - {".scz"}, jobs, force)


def _encode(
    frame: int | None,
    target_size: int | None,
    target_bpp: float | None,
    force: bool,
    quiet: bool,
    options: dict[str, Any],
    source: str,
    target: str,
) -> None:
    files.check_writable(target, force=force)
    files.check_distinct(source, target)

    import scodec
    from scodec import photo

    content = files.read(source)
    with _about(source):
        picture = photo.load(content, frame)
        if target_bpp is not None:
            height, width, _ = picture.rgb.shape
            target_size = max(1, int(target_bpp * width * height / 8))
        data = scodec.encode(picture, target_bytes=target_size, **options)
    files.write(target, data, force=force)
    if not quiet:
        facts = scodec.info(data)
        carried = facts.exif_bytes + facts.xmp_bytes
        colour = "chroma coded along" if facts.chroma else f"hints {facts.hints_bytes} bytes"
        if not (facts.gray or facts.chroma or facts.hints_bytes):
            cost = f" for about {rate.colour_bytes(facts.luma_bytes)} bytes" if facts.luma == "vvc" else ""
            colour = f"colours will be guessed (--hints auto stores them{cost})"
        _note(
            f"{facts.total_bytes} bytes, {facts.bpp:.4f} bpp, {facts.luma}, scale {facts.scale}, "
            f"quantizer {facts.quantizer}, {colour}" + (f", metadata {carried} bytes" if carried else "")
        )


@main.command()
@_many
@_look
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
@click.option(
    "--receiver", "receivers", multiple=True, metavar="NAME|FILE",
    help="A system of docs/systems.md that colours, one that enlarges, or one of each (give the option twice): by the "
    "name under which `scodec train` left it in runs/, or by its weights file.",
)  # fmt: skip
@click.option("--ignore-crc", is_flag=True, help="Show of a damaged file what can be shown.")
def decode(
    paths: tuple[str, ...],
    output_dir: Path | None,
    jobs: int,
    force: bool,
    gray: bool,
    ignore_crc: bool,
    **options: Any,
) -> None:
    """Decode the .scz file IN to the picture OUT, or many files IN... to PNG pictures in a folder.

    The suffix of OUT names the format; standard output gets PNG.
    """
    options |= {"color": not gray, "check": not ignore_crc}
    _run(partial(_decode, force, output_dir is None, options), paths, output_dir, ".png", {".scz"}, jobs, force)


def _decode(force: bool, show_progress: bool, options: dict[str, Any], source: str, target: str) -> None:
    kind = _picture_format(target)
    files.check_writable(target, force=force)
    files.check_distinct(source, target)

    from tqdm import tqdm

    import scodec
    from scodec.export import export

    # on a terminal, and only when it takes long
    progress = partial(tqdm, desc="rebuilding", unit="tile", leave=False, delay=2, disable=None)
    data = files.read(source)
    with _about(source):
        image = scodec.decode(data, progress=progress if show_progress else iter, **options)
    files.write(target, export(image, kind), force=force)


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
@_many
@click.option("--scale", type=click.IntRange(1, 4), default=2, show_default=True, help="How many times larger.")
@click.option("--no-upscale", is_flag=True, help="The same as --scale 1.")
@click.option("--no-color", is_flag=True, help="Leave it grey.")
@_look
@click.option(
    "--system", "systems", multiple=True, metavar="NAME|FILE",
    help="A system of docs/systems.md that colours, one that enlarges, or one of each (give the option twice): by the "
    "name under which `scodec train` left it in runs/, or by its weights file.",
)  # fmt: skip
@click.option(
    "--samples", type=click.IntRange(1, 99), default=1, show_default=True, metavar="N",
    help="N versions OUT-1, OUT-2...: the likeliest colours, then others.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the other colours.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True)
def restore(
    paths: tuple[str, ...],
    output_dir: Path | None,
    jobs: int,
    force: bool,
    no_upscale: bool,
    no_color: bool,
    **options: Any,
) -> None:
    """Colour and enlarge the grey photograph IN; the suffix of OUT names the format. Or many IN... to PNG pictures in a
    folder."""
    if output_dir is not None and options["samples"] > 1:
        raise click.UsageError("--samples needs one file and its target: leave out --output-dir")
    options |= {"color": not no_color} | ({"scale": 1} if no_upscale else {})
    from PIL import Image

    Image.init()
    suffixes = set(Image.registered_extensions()) - {".scz"}
    _run(partial(_restore, force, options), paths, output_dir, ".png", suffixes, jobs, force)


def _restore(force: bool, options: dict[str, Any], source: str, target: str) -> None:
    kind = _picture_format(target)
    stem, suffix = os.path.splitext(target)
    samples = options["samples"]
    targets = [target] if samples == 1 else [f"{stem}-{i + 1}{suffix}" for i in range(samples)]
    if samples > 1 and target == files.STREAM:
        raise click.UsageError("standard output holds one picture: name a file for --samples")
    for each in targets:
        files.check_writable(each, force=force)
        files.check_distinct(source, each)

    import scodec
    from scodec.export import export

    content = files.read(source)
    with _about(source):
        images = scodec.restore(content, **options)
    for each, image in zip(targets, images, strict=True):
        files.write(each, export(image, kind), force=force)


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
