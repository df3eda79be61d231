"""Where pictures come from and go to: folders, Parquet files or WebDataset shards, local or by fsspec URL."""

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from scodec.errors import BadRequest
from scodec.files import atomic

#: The suffix of files that hold many pictures, by kind, and the folder of a target that tells what is done.
SUFFIX = {"parquet": ".parquet", "webdataset": ".tar"}
MANIFEST = "_manifest"
#: The column of Parquet files that names a picture, and how many rows are read at a time.
NAME, ROWS = "path", 16

#: Path of a picture, and what reads it.
Item = tuple[str, Callable[[], bytes]]


@dataclass(frozen=True)
class Place:
    """A folder by its URL. kind: one of `scodec.bulk.KINDS`."""

    url: str
    kind: str

    def files(self) -> tuple[AbstractFileSystem, str]:
        """The file system and the folder's path in it."""
        fs, root = url_to_fs(self.url)
        return fs, root.rstrip("/")

    def write(self, path: str, content: bytes) -> None:
        """Write a file below the folder, whole or not at all: object stores show none that is not whole."""
        fs, root = self.files()
        target = f"{root}/{path}"
        if isinstance(fs, LocalFileSystem):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            atomic.write(target, content, force=True)
        else:
            fs.pipe_file(target, content)


def source(url: str, suffixes: set[str]) -> tuple[Place, list[str]]:
    """A place with pictures of these suffixes, and the paths below it: of pictures, or of the files that hold many.

    Raises BadRequest if there are none, or of several kinds.
    """
    try:
        fs, root = url_to_fs(url)
        found = fs.find(root)
    except (ImportError, ValueError, OSError) as error:
        raise BadRequest(f"{url} can't be listed ({error}): name a folder, s3://bucket/folder say") from error
    root = root.rstrip("/")
    if found == [root]:
        raise BadRequest(f"{url} is a file: name the folder that it is in")
    paths = sorted(path.removeprefix(f"{root}/") for path in found)
    kinds: dict[str, list[str]] = {}
    for path in paths:
        suffix = os.path.splitext(path)[1].lower()
        kind = next((kind for kind, of in SUFFIX.items() if of == suffix), "files" if suffix in suffixes else None)
        if kind is not None and not path.startswith(f"{MANIFEST}/"):
            kinds.setdefault(kind, []).append(path)
    if len(kinds) != 1:
        what = f"has {' and '.join(sorted(kinds))}" if kinds else "holds nothing to work on"
        raise BadRequest(f"{url} {what}: give a folder of pictures, of Parquet files or of WebDataset shards")
    ((kind, kept),) = kinds.items()
    return Place(url, kind), kept


def items(place: Place, unit: str, column: str, suffixes: set[str]) -> Iterator[Item]:
    """The pictures of a unit of a place: of one of its files.

    column: of Parquet files, with the pictures' bytes. suffixes: of the members of WebDataset shards that count.
    """
    fs, root = place.files()
    if place.kind == "files":
        yield unit, partial(fs.cat_file, f"{root}/{unit}")
        return
    with fs.open(f"{root}/{unit}", "rb") as file:
        if place.kind == "parquet":
            yield from _rows(file, unit, column)
        else:
            with tarfile.open(fileobj=file, mode="r|*") as archive:
                for member in archive:
                    if member.isfile() and os.path.splitext(member.name)[1].lower() in suffixes:
                        content = archive.extractfile(member)
                        assert content is not None
                        yield f"{unit}/{member.name}", content.read


def _rows(file: Any, unit: str, column: str) -> Iterator[Item]:
    from pyarrow import parquet

    table = parquet.ParquetFile(file)
    names = table.schema_arrow.names
    if column not in names:
        raise BadRequest(f"{unit} has no column {column!r}: name one with --column ({', '.join(names)})")
    number = 0
    for batch in table.iter_batches(ROWS, columns=[name for name in (NAME, column) if name in names]):
        for row in batch.to_pylist():
            yield f"{unit}/{row.get(NAME, number)}", partial(_given, row[column])
            number += 1


def _given(content: bytes | None) -> bytes:
    return content or b""


def packed(kind: str, rows: list[tuple[str, bytes]], column: str) -> bytes:
    """Pictures by path, as a Parquet file or a WebDataset shard."""
    stream = io.BytesIO()
    if kind == "parquet":
        import pyarrow
        from pyarrow import parquet

        names, contents = pyarrow.array([name for name, _ in rows]), [content for _, content in rows]
        table = pyarrow.table({NAME: names, column: pyarrow.array(contents, pyarrow.large_binary())})
        parquet.write_table(table, stream, compression="none")  # pictures don't shrink
        return stream.getvalue()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in rows:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
