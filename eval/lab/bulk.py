"""What Ray costs and how it scales: `python -m scodec.eval.lab.bulk PHOTOGRAPHS...` prints a table for docs/scale.md.

Crops of the photographs are encoded by `scodec.encode_many`, and by `scodec bulk` on clusters of one and two nodes of
one core each and of one node with all cores; every cluster is on this machine. Then the files are decoded likewise.
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import ray
from PIL import Image
from ray.cluster_utils import Cluster

from scodec import api, photo
from scodec.bulk import run
from scodec.files.folders import pictures
from scodec.options import DecodeOptions, EncodeOptions
from scodec.tool import Tool

CORES = os.cpu_count() or 1
#: Nodes of a cluster, by the cores of each.
CLUSTERS = {"one node of 1 core": [1], "two nodes of 1 core": [1, 1], f"one node of {CORES} cores": [CORES]}


def crops(folders: list[Path], target: Path, count: int, width: int, height: int) -> None:
    """Write that many crops as JPEG files, at random places; small photographs are continued by their mirror images."""
    rng = np.random.default_rng(0)
    sources = [_at_least(photo.load(path).rgb, width, height) for path in pictures(folders)]
    for number in range(count):
        rgb = sources[number % len(sources)]
        top, left = int(rng.integers(rgb.shape[0] - height + 1)), int(rng.integers(rgb.shape[1] - width + 1))
        Image.fromarray(rgb[top : top + height, left : left + width]).save(target / f"{number:06}.jpg", quality=95)


def _at_least(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    below, right = max(0, height - rgb.shape[0]), max(0, width - rgb.shape[1])
    return np.pad(rgb, [(0, below), (0, right), (0, 0)], "reflect")


def plain(source: Path, target: Path, options: EncodeOptions) -> float:
    """Seconds that `encode_many` takes, with all cores, to read the files and write the results."""
    paths = sorted(source.iterdir())
    begun = perf_counter()
    for path, data in zip(paths, api.encode_many(paths, options), strict=True):
        if isinstance(data, Exception):
            raise data
        (target / f"{path.name}.scz").write_bytes(data)
    return perf_counter() - begun


def bulk(nodes: list[int], source: Path, target: Path, options: EncodeOptions | DecodeOptions) -> tuple[float, float]:
    """Seconds to start a cluster and connect, and seconds of the work on it."""
    begun = perf_counter()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": nodes[0], "include_dashboard": False})
    for cores in nodes[1:]:
        cluster.add_node(num_cpus=cores)
    ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    started = perf_counter() - begun
    try:
        begun = perf_counter()
        prepared = run.prepare(options, str(source), str(target), None, "bytes", 64, retry=False)
        for _ in run.totals(prepared, None, 0):
            pass
        return started, perf_counter() - begun
    finally:
        ray.shutdown()
        cluster.shutdown()


def rows(source: Path, folder: Path, count: int, options: EncodeOptions) -> Iterator[str]:
    """The lines of the table."""
    (folder / "plain").mkdir()
    seconds = plain(source, folder / "plain", options)
    yield f"| encode_many, {CORES} cores | {seconds:.1f} | {count / seconds:.1f} | - |"
    for work, wanted, of in (("encode", options, source), ("decode", DecodeOptions(), folder / "plain")):
        for number, (name, nodes) in enumerate(CLUSTERS.items()):
            started, seconds = bulk(nodes, of, folder / f"{work}{number}", wanted)
            yield f"| scodec bulk {work}, {name} | {seconds:.1f} | {count / seconds:.1f} | {started:.1f} |"


@click.command(cls=Tool)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--count", default=2000, show_default=True, help="Pictures.")
@click.option("--side", default=160, show_default=True, help="Their side in pixels.")
@click.option("--quality", default=EncodeOptions.quality, show_default=True)
def main(folders: tuple[Path, ...], count: int, side: int, quality: int) -> None:
    """Print a table of seconds and pictures each second, and the seconds that Ray takes to start."""
    options = EncodeOptions(quality=quality)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        crops(list(folders), source, count, side, side)
        click.echo("| | seconds | pictures each second | to start |\n| --- | --- | --- | --- |")
        for line in rows(source, Path(name), count, options):
            click.echo(line)


if __name__ == "__main__":
    main()
