"""A bulk run: what is not done yet goes to Ray in shards. Ray Data spreads them, and repeats what a lost worker had."""

import dataclasses
import logging
import pickle
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError
from ray.util.annotations import RayDeprecationWarning

from scodec.bulk import manifest, work
from scodec.bulk.places import SUFFIX, Place, source
from scodec.bulk.work import Shard, Task
from scodec.errors import BadRequest, ScodecError, explain
from scodec.files import formats
from scodec.models import backend, runs, weights
from scodec.options import DecodeOptions, EncodeOptions

#: How often a shard is tried again whose worker was lost. A picture may be what kills it.
RETRIES = 5


@dataclasses.dataclass
class Run:
    """A run that is prepared. shards: those that are still to be done."""

    task: Task
    shards: list[Shard]
    done: int = 0  # units that were done before
    passed_over: Counter[str] = dataclasses.field(default_factory=Counter)  # pictures that can't be read, by suffix

    @property
    def units(self) -> int:
        """How many are still to be done."""
        return sum(len(shard.units) for shard in self.shards)


def prepare(
    options: EncodeOptions | DecodeOptions,
    source_url: str,
    target_url: str,
    kind: str | None,
    column: str,
    size: int,
    retry: bool,
) -> Run:
    """List the source, and leave out what the target's manifest has.

    kind: of the target, one of `KINDS`; None: that of the source. size: pictures in a shard, where each is a file.
    retry: do again what failed. Raises BadRequest for impossible options, places that won't do, and a target that was
    begun with something else.
    """
    suffixes, unreadable = _suffixes(options)
    place, units, passed_over = source(source_url, suffixes, unreadable)
    target = Place(target_url, kind or place.kind)
    if target.kind in SUFFIX and f"{target.whole_url}/".startswith(f"{place.whole_url}/"):
        raise BadRequest(f"{target_url} lies in {source_url}, and its files would be taken for more work: name another")
    manifest.agree(target, {"source": place.whole_url, "column": column, "kind": target.kind, **_facts(options)})
    finished, done = manifest.done(target, retry)
    todo = [unit for unit in units if unit not in finished]
    size = size if place.kind == "files" else 1
    begun = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")  # names no shard of an earlier run
    shards = []
    for i in range(0, len(todo), size):
        own = todo[i : i + size]
        shards.append(Shard(f"{begun}-{i // size:06}", own, frozenset().union(*(done.get(unit, ()) for unit in own))))
    task = Task(place, target, options, column, frozenset(suffixes))
    return Run(task, shards, len(units) - len(todo), passed_over)


def _suffixes(options: EncodeOptions | DecodeOptions) -> tuple[set[str], set[str]]:
    """Suffixes of the files to work on, and of pictures that can't be read. Raises BadRequest for impossible options:
    each picture would raise it."""
    if isinstance(options, EncodeOptions):
        return formats.readable(), formats.unreadable()
    for name in options.receivers:
        weights.facts(runs.weights_file(name))
    backend.resolve(options.backend, options.device, options.dtype, options.receivers)
    return {".scz"}, set()


def _facts(options: EncodeOptions | DecodeOptions) -> dict[str, Any]:
    """The options as JSON has them, less those that only say where the work is done."""
    found = dataclasses.asdict(options)
    return {key: value for key, value in found.items() if key not in ("device", "backend", "tile")}


def totals(run: Run, address: str | None, gpus: float) -> Iterator[dict[str, int]]:
    """Do the shards on a cluster, by its address, or on this machine; yields the totals of each as it is done.

    A process that is connected to a cluster stays with that one.

    gpus: for each worker that decodes, a part of one where several share it. Raises ScodecError where the target can't
    be written, or workers die again and again, and BadRequest where there is no such cluster or it has no GPU.
    """
    connected = ray.is_initialized()
    if not connected:
        _connect(address)
    try:
        manifest.tidy(run.task.target)
        for totals in _dataset(run, gpus).iter_rows():
            if wrong := totals.pop("wrong"):
                raise ScodecError(f"a shard could not be done: {wrong}")
            yield totals
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ScodecError(
            f"workers were lost {RETRIES + 1} times in a row, by want of memory or by a picture ({reason}): what is "
            "done is kept; the same command goes on"
        ) from error
    finally:
        if not connected:
            ray.shutdown()


def _connect(address: str | None) -> None:
    mine: dict[str, Any] = {"include_dashboard": False} if address is None else {}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **mine)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadRequest(f"there is no Ray cluster at {address} ({str(error).splitlines()[0]})") from error


def _dataset(run: Run, gpus: float) -> ray.data.Dataset:
    """The totals of all shards, each of which is done when its row is asked for."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    DataContext.get_current().enable_progress_bars = False
    task = pickle.dumps(run.task)  # comes along with every row: what a worker was given is lost with its node
    rows = [{"task": task, "shard": pickle.dumps(shard)} for shard in run.shards]
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RayDeprecationWarning)  # that Ray 2.64 will not let the retries be chosen
        if isinstance(run.task.options, EncodeOptions):
            return dataset.map(_shard, num_cpus=1, max_retries=RETRIES)
        workers = ActorPoolStrategy(size=min(len(rows), _places(gpus)))
        return dataset.map(
            cast(Any, _Worker), compute=workers, num_cpus=1, num_gpus=gpus or None,
            max_restarts=RETRIES, max_task_retries=RETRIES,
        )  # fmt: skip


def _places(gpus: float) -> int:
    """How many workers the cluster has room for."""
    there = ray.cluster_resources()
    if gpus > there.get("GPU", 0):
        raise BadRequest(f"the cluster has {there.get('GPU', 0):g} GPUs: give --gpus less")
    return max(1, int(there["GPU"] / gpus if gpus else there.get("CPU", 1)))


def _shard(row: dict[str, Any]) -> dict[str, Any]:
    """Do a shard."""
    try:
        return work.do(pickle.loads(row["task"]), pickle.loads(row["shard"])) | {"wrong": ""}
    except (OSError, ScodecError) as error:  # told, not raised: Ray would lose what it was
        return {"wrong": explain(error)}


class _Worker:
    """Does shards, one after the other; the networks stay loaded in its process."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return _shard(row)
