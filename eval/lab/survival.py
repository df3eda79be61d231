"""What bulk work survives, and the memory it takes: `python -m scodec.eval.lab.survival PHOTOGRAPHS...`.

Crops of the photographs, one in a hundred of them broken, are encoded by `scodec bulk` on a cluster of two nodes of one
core, both on this machine. After a quarter of the shards a worker is killed, after half of them a node.
"""

import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import click
import psutil
import pyarrow
import ray
from pyarrow import parquet
from ray.cluster_utils import Cluster

from scodec.bulk import run
from scodec.bulk.places import MANIFEST
from scodec.eval.lab.bulk import crops
from scodec.options import EncodeOptions
from scodec.tool import Tool

#: One picture in this many is broken.
BROKEN = 100
#: Pictures in a shard: a fortieth of all, but no more than `scodec bulk` takes.
SHARDS, LARGEST = 40, 256


def workers() -> list[psutil.Process]:
    """The processes of our cluster that are working on a shard."""
    found = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            if "ray::Map" in str(each.cmdline()):
                found.append(each)
    return found


@contextmanager
def watched() -> Iterator[list[int]]:
    """The largest memory of a worker and the encoder that it runs, so far, in bytes, as a list of one."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.is_set():
            for each in workers():
                with suppress(psutil.Error):
                    family = [each, *each.children(recursive=True)]
                    peak[0] = max(peak[0], sum(member.memory_info().rss for member in family))
            sleep(0.1)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def disturbed(prepared: run.Run, cluster: Cluster, second: Any) -> None:
    """Do the run, and kill a worker and a node meanwhile."""
    count = len(prepared.shards)
    for done, _ in enumerate(run.totals(prepared, None, 0), 1):
        if done == count // 4:
            for process in workers()[:1]:
                os.kill(process.pid, signal.SIGKILL)
        if done == count // 2:
            cluster.remove_node(second, allow_graceful=False)


def rows(source: Path, target: Path, options: EncodeOptions) -> Iterator[tuple[str, str]]:
    """The lines of the table."""
    count = len(list(source.iterdir()))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        place = str(source), str(target), None, "bytes", max(1, min(count // SHARDS, LARGEST))
        prepared, begun = run.prepare(options, *place, retry=False), perf_counter()
        with watched() as peak:
            disturbed(prepared, cluster, second)
        yield "seconds", f"{perf_counter() - begun:.0f}"
        yield "peak memory of a worker", f"{peak[0] / 1e6:.0f} MB"
        begun = perf_counter()
        yield "shards that a second run finds to do", str(len(run.prepare(options, *place, retry=False).shards))
        yield "seconds that it takes", f"{perf_counter() - begun:.2f}"
    finally:
        ray.shutdown()
        cluster.shutdown()
    table = pyarrow.concat_tables([parquet.read_table(path) for path in (target / MANIFEST).glob("*.parquet")])
    done = table.to_pylist()
    yield "rows, and pictures they are of", f"{len(done)}, {len({row['path'] for row in done})} of {count}"
    yield "rows with an error", str(sum(bool(row["error"]) for row in done))
    files = {str(path.relative_to(target)) for path in target.rglob("*.scz")}
    agree = files == {row["target"] for row in done if not row["error"]}
    yield "files", f"{len(files)}, {'the same as' if agree else 'NOT THOSE'} in the rows"


@click.command(cls=Tool)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--count", default=2000, show_default=True, help="Pictures.")
@click.option("--size", nargs=2, default=(96, 96), show_default=True, help="Their width and height in pixels.")
@click.option("--effort", default=EncodeOptions.effort, show_default=True)
def main(folders: tuple[Path, ...], count: int, size: tuple[int, int], effort: str) -> None:
    """Print what became of the pictures."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        crops(list(folders), source, count, *size)
        for path in sorted(source.iterdir())[::BROKEN]:
            path.write_bytes(b"no picture")
        click.echo("| | |\n| --- | --- |")
        for what, value in rows(source, Path(name) / "target", EncodeOptions(effort=effort)):
            click.echo(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
