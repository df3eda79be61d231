"""The command `scodec export`."""

from pathlib import Path

import click

from scodec.files import atomic


@click.command()
@click.option(
    "--onnx", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write faithful.onnx, natural.onnx and colorizer.onnx to DIR.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace what exists.")
def export(folder: Path, force: bool) -> None:
    """Write the receiver's networks, weights included, for other programs that run ONNX files.

    docs/web.md describes one of them, a page that decodes in the browser.
    """
    from scodec.models.receiver.filled import filled
    from scodec.models.receiver.onnx import GRAPHS

    networks = {str(folder / f"{name}.onnx"): filled(name) for name in GRAPHS}
    folder.mkdir(parents=True, exist_ok=True)
    for target in networks:
        atomic.check_writable(target, force=force)
    for target, network in networks.items():
        atomic.write(target, network, force=force)
