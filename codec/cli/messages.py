"""What the command tells its user, all of it on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import click

from scodec.errors import BadFile, BadImage, Unsupported
from scodec.files.atomic import STREAM


def note(message: str) -> None:
    """One line, above that of `progress` if there is one."""
    tqdm = sys.modules.get("tqdm")
    bars = tqdm.tqdm._instances if tqdm else ()  # without any, tqdm has no lock either, and makes one
    with tqdm.tqdm.external_write_mode(sys.stderr) if tqdm and len(bars) else nullcontext():
        click.echo(f"scodec: {message}", err=True)


@contextmanager
def about(path: str) -> Iterator[None]:
    """Put the name of a file in front of the errors that it causes."""
    try:
        yield
    except (BadImage, BadFile, Unsupported) as error:
        name = "standard input" if path == STREAM else path
        raise type(error)(f"{name}: {error}") from error
