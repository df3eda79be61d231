"""What has been done: a Parquet file for each shard, below the target, and the options that all shards share."""

import io
import json
import os
import re
from dataclasses import asdict, dataclass
from typing import Any

from scodec.bulk.places import MANIFEST, SUFFIX, Place
from scodec.errors import BadRequest

OPTIONS = f"{MANIFEST}/options.json"
#: Names of shards: when their run began, and their number. They sort by time.
NAMES = re.compile(r"\d{8}T\d{12}-\d{6}")


@dataclass(frozen=True)
class Row:
    """One picture.

    unit: the file of the source that it was in; path: of the picture; target: of the file that holds the result.
    sha256: of the result; source_bytes, bytes: of both; quality: 0 where a size was asked for; error: empty where all
    went well.
    """

    unit: str
    path: str
    target: str
    sha256: str
    source_bytes: int
    bytes: int
    width: int
    height: int
    bpp: float
    quality: int
    error: str
    seconds: float


def write(target: Place, shard: str, rows: list[Row]) -> None:
    """Add the rows of a shard. It counts as done from then on."""
    import pyarrow
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([asdict(row) for row in rows]), stream)
    target.write(f"{MANIFEST}/{shard}.parquet", stream.getvalue())


def done(target: Place, retry: bool) -> tuple[set[str], dict[str, set[str]]]:
    """The units that are done, and of others the paths of the pictures that are, by unit.

    retry: a unit counts as not done if pictures of it failed when it was last tried.
    """
    from pyarrow import parquet

    failed: dict[str, bool] = {}
    good: dict[str, set[str]] = {}
    for part in _parts(target):
        table = parquet.read_table(io.BytesIO(target.read(part)), columns=["unit", "path", "error"])
        latest: dict[str, bool] = {}
        for row in table.to_pylist():
            unit, path, error = row["unit"], row["path"], row["error"]
            latest[unit] = latest.get(unit, False) or bool(error)
            if retry and not error:
                good.setdefault(unit, set()).add(path)
        failed |= latest
    units = {unit for unit, wrong in failed.items() if not (retry and wrong)}
    return units, {unit: paths for unit, paths in good.items() if unit not in units}


def tidy(target: Place) -> None:
    """Remove files of many pictures that were written by shards which were cut short before their rows were."""
    if target.kind in SUFFIX:
        known = {_stem(part) for part in _parts(target)}
        for path in target.paths():
            if path.endswith(SUFFIX[target.kind]) and NAMES.fullmatch(_stem(path)) and _stem(path) not in known:
                target.remove(path)


def agree(target: Place, facts: dict[str, Any]) -> None:
    """Note what all shards of a target share, or raise BadRequest if it was begun with something else."""
    facts = json.loads(json.dumps(facts))  # as they are read again: lists in place of tuples
    if OPTIONS not in target.paths(MANIFEST):
        target.write(OPTIONS, (json.dumps(facts, indent=1) + "\n").encode())
        return
    known = json.loads(target.read(OPTIONS))
    if known != facts:
        changed = sorted(key for key in known | facts if known.get(key) != facts.get(key))
        raise BadRequest(f"{target.url} was begun with another {', '.join(changed)}: take the same, or another target")


def _parts(target: Place) -> list[str]:
    """The Parquet files of the manifest, the oldest first."""
    return [path for path in target.paths(MANIFEST) if path.endswith(".parquet")]


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
