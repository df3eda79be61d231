"""The work on a shard, which a Ray worker does: read, code, write, and note it in the manifest."""

import tarfile
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from time import perf_counter

from PIL import Image

from scodec import api, many
from scodec.bulk import manifest, places
from scodec.bulk.manifest import Row
from scodec.bulk.places import Place
from scodec.errors import BadRequest, ScodecError, explain
from scodec.files.export import export
from scodec.format.fileinfo import describe
from scodec.options import DecodeOptions, EncodeOptions

#: What Parquet files hold results in: .scz files, or PNG files.
SCZ, PICTURE = "scz", "image"


@dataclass(frozen=True)
class Task:
    """What is done with every shard. options: their kind says whether pictures are encoded or decoded."""

    source: Place
    target: Place
    options: EncodeOptions | DecodeOptions
    column: str  # of the source's Parquet files
    suffixes: frozenset[str]  # of the pictures in WebDataset shards


@dataclass(frozen=True)
class Shard:
    """A piece of the work. done: paths of pictures in its units that were done before."""

    name: str  # see `manifest.NAMES`
    units: list[str]
    done: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Made:
    """What became of a picture. content: the file, empty where there is an error."""

    unit: str
    path: str
    source_bytes: int
    content: bytes
    size: tuple[int, int]  # width and height
    seconds: float
    error: str = ""


#: A picture of a unit: the unit, its path, and what reads it.
Item = tuple[str, str, Callable[[], bytes]]


def do(task: Task, shard: Shard) -> dict[str, int]:
    """Do a shard, and return its totals. Raises OSError where the target can't be written."""
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    packed: list[tuple[str, bytes]] = []
    pack = "" if task.target.kind == "files" else f"{shard.name}{places.SUFFIX[task.target.kind]}"
    for made in _done(_items(task, shard), task.options):
        place = _renamed(task, made.path)
        if not made.error and pack:
            packed.append((place, made.content))
        elif not made.error:
            task.target.write(place, made.content)
        rows.append(_row(task, made, "" if made.error else pack or place))
    if packed:
        column = SCZ if isinstance(task.options, EncodeOptions) else PICTURE
        task.target.write(pack, places.packed(task.target.kind, packed, column))
    manifest.write(task.target, shard.name, rows)
    return {
        "pictures": len(rows),
        "failed": sum(bool(row.error) for row in rows),
        "source_bytes": sum(row.source_bytes for row in rows),
        "bytes": sum(row.bytes for row in rows),
    }


def _row(task: Task, made: Made, target: str) -> Row:
    (width, height), size = made.size, len(made.content)
    scz = size if isinstance(task.options, EncodeOptions) else made.source_bytes
    return Row(
        unit=made.unit,
        path=made.path,
        target=target,
        sha256=sha256(made.content).hexdigest() if size else "",
        source_bytes=made.source_bytes,
        bytes=size,
        width=width,
        height=height,
        bpp=8 * scz / (width * height) if width else 0.0,
        quality=_quality(task.options),
        error=made.error,
        seconds=made.seconds,
    )


def _quality(options: EncodeOptions | DecodeOptions) -> int:
    return options.quality if isinstance(options, EncodeOptions) and options.target_bytes is None else 0


def _renamed(task: Task, path: str) -> str:
    """Where the result goes: no two pictures share a name, whatever their suffixes are."""
    return f"{path}.scz" if isinstance(task.options, EncodeOptions) else f"{path.removesuffix('.scz')}.png"


def _items(task: Task, shard: Shard) -> Iterator[Item]:
    """The pictures of a shard; a unit that can't be read, or has none, is one whose reading fails."""
    for unit in shard.units:
        empty = True
        try:
            for path, read in places.items(task.source, unit, task.column, task.suffixes):
                empty = False
                if path not in shard.done:
                    yield unit, path, read
            if empty:
                raise BadRequest("there are no pictures in it")
        except (OSError, ValueError, EOFError, tarfile.TarError, ScodecError) as error:
            yield unit, unit, partial(_fail, error)


def _fail(error: Exception) -> bytes:
    raise error


def _done(items: Iterator[Item], options: EncodeOptions | DecodeOptions) -> Iterator[Made]:
    return _encoded(items, options) if isinstance(options, EncodeOptions) else _decoded(items, options)


def _encoded(items: Iterator[Item], options: EncodeOptions) -> Iterator[Made]:
    for unit, path, read in items:
        begun, content = perf_counter(), b""
        try:
            content = read()
            data = api.encode(content, options)
        except Exception as error:
            yield Made(unit, path, len(content), b"", (0, 0), perf_counter() - begun, _sentence(error))
            continue
        facts = describe(data)
        yield Made(unit, path, len(content), data, (facts.width, facts.height), perf_counter() - begun)


def _decoded(items: Iterator[Item], options: DecodeOptions) -> Iterator[Made]:
    opened: deque[tuple[str, str, int, str]] = deque()

    def contents() -> Iterator[bytes]:
        for unit, path, read in items:
            content, wrong = b"", ""
            try:
                content = read()
            except Exception as error:
                wrong = _sentence(error)
            opened.append((unit, path, len(content), wrong))
            yield content

    begun = perf_counter()
    for picture in many.decode(contents(), options, threads=1):  # a worker has one core
        unit, path, size, wrong = opened.popleft()
        seconds, begun = perf_counter() - begun, perf_counter()
        if isinstance(picture, Image.Image):
            yield Made(unit, path, size, export(picture, "PNG"), picture.size, seconds)
        else:
            yield Made(unit, path, size, b"", (0, 0), seconds, wrong or _sentence(picture))


def _sentence(error: Exception) -> str:
    """One line on an error that pictures cause; raises others again."""
    if (sentence := explain(error)) is not None:
        return sentence
    if isinstance(error, ValueError | EOFError | tarfile.TarError):
        return f"it can't be read ({error})"
    raise error
