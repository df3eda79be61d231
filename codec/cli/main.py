"""The command group: subcommands by name, errors as one line."""

import errno
import importlib
import sys
import warnings
from typing import IO, Any

import click

from scodec.cli.messages import note
from scodec.errors import ScodecWarning, explain

#: Where each subcommand lies, and its line in --help, which must not import it.
COMMANDS = {
    "encode": ("scodec.cli.encode:encode", "Encode pictures as .scz files."),
    "decode": ("scodec.cli.decode:decode", "Decode .scz files to pictures."),
    "restore": ("scodec.cli.restore:restore", "Colour and enlarge old photographs."),
    "info": ("scodec.cli.info:info", "Show what an .scz file holds."),
    "export": ("scodec.cli.export:export", "Write the networks as ONNX files."),
    "bulk": ("scodec.cli.bulk:bulk", "Encode or decode millions of pictures on a Ray cluster."),
    "studio": ("scodec.studio.cli:studio", "Try it on a page in the browser."),
    "train": ("scodec.training.cli:train", "Train the receiver networks."),
    "eval": ("scodec.eval.cli:evaluate", "Measure rate and distortion against other codecs."),
    "study": ("scodec.study.cli:study", "Ask people which pictures they prefer."),
}


class Failure(click.ClickException):
    """An expected failure: one line on stderr and exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        note(f"error: {self.format_message()}")


class Group(click.Group):
    """Finds the subcommands of `COMMANDS` when they are called, and turns our errors into messages."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # --help and --version are printed before any command is invoked
            note(f"error: {explain(error)}")
            sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), function)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries tell each other's authors
            warnings.simplefilter("always", ScodecWarning)
            warnings.showwarning = lambda message, *_: note(f"warning: {message}")
            try:
                return super().invoke(ctx)
            except Exception as error:
                message = explain(error)
                if message is None or (isinstance(error, OSError) and error.errno == errno.EPIPE):
                    raise  # a fault of ours, or click's; or whoever read our output has left: click ends quietly
                raise Failure(message) from error


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import version

    from scodec.models import weights

    click.echo(f"scodec {version('scodec-image')}")
    for name, identity in weights.installed().items():
        click.echo(f"{name} {identity}")
    ctx.exit()


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and the ids of the models, and exit.",
)  # fmt: skip
def main() -> None:
    """Still images at very low rates: a small luminance bitstream out, full-resolution colour back.

    A file named - is standard input or standard output.
    """
