"""What has been done: a Parquet file for each shard, below the target, and the options that all shards share."""

import io
import json
from dataclasses import asdict, dataclass
from typing import Any

from scodec.bulk.places import MANIFEST, Place
from scodec.errors import BadRequest

OPTIONS = f"{MANIFEST}/options.json"


@dataclass(frozen=True)
class Row:
    """One picture.

    unit: the file of the source that it was in; path: of the picture; target: of the file that holds the result.
    sha256: of the result; source_bytes, bytes: of both; error: empty where all went well.
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


def done(target: Place, retry: bool) -> set[str]:
    """The units whose pictures are all done. retry: those with errors are not."""
    from pyarrow import parquet

    fs, root = target.files()
    if not fs.isdir(f"{root}/{MANIFEST}"):
        return set()
    units: dict[str, bool] = {}
    for path in fs.glob(f"{root}/{MANIFEST}/*.parquet"):
        with fs.open(path, "rb") as file:
            table = parquet.read_table(file, columns=["unit", "error"])
        for unit, error in zip(table["unit"].to_pylist(), table["error"].to_pylist(), strict=True):
            units[unit] = units.get(unit, True) and not (retry and error)
    return {unit for unit, finished in units.items() if finished}


def agree(target: Place, options: dict[str, Any]) -> None:
    """Note the options of a target, or raise BadRequest if what is there was made with others."""
    fs, root = target.files()
    options = json.loads(json.dumps(options))  # as they are read again: lists in place of tuples
    if not fs.exists(f"{root}/{OPTIONS}"):
        target.write(OPTIONS, (json.dumps(options, indent=1) + "\n").encode())
        return
    known = json.loads(fs.cat_file(f"{root}/{OPTIONS}"))
    if known != options:
        changed = sorted(key for key in known | options if known.get(key) != options.get(key))
        raise BadRequest(f"{target.url} was begun with another {', '.join(changed)}: take the same, or another target")
