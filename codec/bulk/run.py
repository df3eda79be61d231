"""A bulk run: what is not done yet goes to Ray in shards. Ray Data spreads them, and repeats what a lost worker had."""

import dataclasses
import logging
import os
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext

from scodec.bulk import manifest, work
from scodec.bulk.places import Place, source
from scodec.bulk.work import Task
from scodec.errors import ScodecError, explain
from scodec.options import DecodeOptions, EncodeOptions


@dataclasses.dataclass
class Run:
    """A run that is prepared. shards: the names and units of those that are still to be done."""

    task: Task
    shards: list[tuple[str, list[str]]]
    done: int  # units that were done before

    @property
    def units(self) -> int:
        """How many are still to be done."""
        return sum(len(units) for _, units in self.shards)


def prepare(
    options: EncodeOptions | DecodeOptions,
    url: str,
    target_url: str,
    kind: str | None,
    column: str,
    suffixes: set[str],
    size: int,
    retry: bool,
) -> Run:
    """List the source, and leave out what the target's manifest has. Raises BadRequest as `source` and `agree` do.

    kind: of the target, one of `KINDS`; None: that of the source. size: pictures in a shard, where each is a file.
    retry: do again what failed.
    """
    place, units = source(url, suffixes)
    target = Place(target_url, kind or place.kind)
    manifest.agree(target, {"kind": target.kind, **_options(options)})
    finished = manifest.done(target, retry)
    todo = [unit for unit in units if unit not in finished]
    size = size if place.kind == "files" else 1
    begun = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")  # names no shard of an earlier run
    shards = [(f"{begun}-{i // size:06}", todo[i : i + size]) for i in range(0, len(todo), size)]
    task = Task(place, target, options, column, frozenset(suffixes))
    return Run(task, shards, len(units) - len(todo))


def _options(options: EncodeOptions | DecodeOptions) -> dict[str, Any]:
    """The options as JSON has them, less those that only say where the work is done."""
    found = dataclasses.asdict(options)
    return {key: value for key, value in found.items() if key not in ("device", "backend", "tile")}


def totals(run: Run, address: str | None, gpus: float) -> Iterator[dict[str, int]]:
    """Do the shards on a cluster, by its address, or on this machine; yields the totals of each as it is done.

    A process that is connected to a cluster stays with that one.

    gpus: for each worker that decodes, a part of one where several share it. Raises ScodecError where the target can't
    be written.
    """
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    connected = ray.is_initialized()
    if not connected:
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of what Ray Data does by itself
        mine: dict[str, Any] = {"include_dashboard": False} if address is None else {}
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **mine)
    try:
        DataContext.get_current().enable_progress_bars = False
        task = pickle.dumps(run.task)  # comes along with every row: what a worker was given is lost with its node
        rows = [{"task": task, "name": name, "units": units} for name, units in run.shards]
        dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
        if isinstance(run.task.options, EncodeOptions):
            done = dataset.map(_shard, num_cpus=1)
        else:
            workers = ActorPoolStrategy(size=min(len(rows), _places(gpus)))
            done = dataset.map(cast(Any, _Worker), compute=workers, num_cpus=1, num_gpus=gpus or None)
        for totals in done.iter_rows():
            if wrong := totals.pop("wrong"):
                raise ScodecError(f"a shard could not be done: {wrong}")
            yield totals
    finally:
        if not connected:
            ray.shutdown()


def _places(gpus: float) -> int:
    """How many workers the cluster has room for."""
    there = ray.cluster_resources()
    return max(1, int(there.get("GPU", 0) / gpus if gpus else there.get("CPU", 1)))


def _shard(row: dict[str, Any]) -> dict[str, Any]:
    """Do a shard."""
    try:
        return work.shard(pickle.loads(row["task"]), row["name"], list(row["units"])) | {"wrong": ""}
    except (OSError, ScodecError) as error:  # told, not raised: Ray would lose what it was
        return {"wrong": explain(error)}


class _Worker:
    """Does shards, one after the other; the networks stay loaded in its process."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return _shard(row)
