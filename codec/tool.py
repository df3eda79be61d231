"""Tools of their own (`python -m scodec...`)."""

from typing import Any

import click

from scodec.errors import explain


class Tool(click.Command):
    """A command whose users see what went wrong as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (message := explain(error)) is None:
                raise
            raise click.ClickException(message) from error
