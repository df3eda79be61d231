"""The command `scodec studio`."""

from pathlib import Path

import click

from scodec.extras import require
from scodec.study.plan import load


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at: this machine's own.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0: any that is free.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page in a browser.")
@click.option(
    "--study",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a study (`scodec study make`), shown in a third tab.",
)
def studio(host: str, port: int, browser: bool, study: Path | None) -> None:
    """A page to try scodec on your own pictures: compress, compare, restore.

    Nothing leaves the machine.
    """
    require("studio")
    from scodec.studio import app
    from scodec.studio.serve import serve

    serve(app.studio(None if study is None else load(study)), host, port, browser)
