"""The command `scodec info`."""

import dataclasses
import json

import click

from scodec.cli.messages import about
from scodec.files import atomic


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(source: str, as_json: bool) -> None:
    """Show what the .scz file FILE holds.

    The quality is not in the file: scale and quantizer are what it led to.
    """
    from scodec import api

    with about(source):
        facts = dataclasses.asdict(api.info(atomic.read(source)))
    if as_json:
        click.echo(json.dumps(facts))
        return
    facts["bpp"] = f"{facts['bpp']:.4f}"
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):14} {value}")
