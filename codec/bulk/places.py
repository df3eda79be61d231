"""Where pictures come from and go to: folders, Parquet files or WebDataset shards, local or by fsspec URL."""

import io
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from scodec.errors import BadRequest, ScodecError
from scodec.files import atomic

#: The suffix of files that hold many pictures, by kind, and the folder of a target that tells what is done.
SUFFIX = {"parquet": ".parquet", "webdataset": ".tar"}
MANIFEST = "_manifest"
#: The column of Parquet files that names a picture, and how many rows are read at a time.
NAME, ROWS = "path", 16

#: A picture of a unit: its path, and what reads it.
Item = tuple[str, Callable[[], bytes]]


@dataclass(frozen=True)
class Place:
    """A folder by its URL. kind: one of `scodec.bulk.KINDS`.

    Paths are relative to it. All methods raise BadRequest where fsspec can't reach such URLs, and OSError where the
    store fails.
    """

    url: str
    kind: str

    @property
    def whole_url(self) -> str:
        """The URL with its protocol; of a local folder that with its absolute path."""
        fs, root = self._files()
        return fs.unstrip_protocol(root)

    def paths(self, below: str = "") -> list[str]:
        """The files in the folder, or in one below it; none where that does not exist."""
        fs, root = self._files()
        with _reached(self.url):
            fs.invalidate_cache()  # others write there too
            found = fs.find(f"{root}/{below}".rstrip("/"))
        if found == [root]:
            raise BadRequest(f"{self.url} is a file: name the folder that it is in")
        return sorted(path.removeprefix(f"{root}/") for path in found)

    def read(self, path: str) -> bytes:
        """A whole file."""
        fs, root = self._files()
        with _reached(self.url):
            return fs.cat_file(f"{root}/{path}")

    @contextmanager
    def open(self, path: str) -> Iterator[Any]:
        """A file, for reading it piece by piece."""
        fs, root = self._files()
        with _reached(self.url), fs.open(f"{root}/{path}", "rb") as file:
            yield file

    def write(self, path: str, content: bytes) -> None:
        """Write a file, whole or not at all: object stores show none that is not whole."""
        fs, root = self._files()
        target = f"{root}/{path}"
        with _reached(self.url):
            if isinstance(fs, LocalFileSystem):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                atomic.write(target, content, force=True)
            else:
                fs.pipe_file(target, content)

    def remove(self, path: str) -> None:
        """Remove a file."""
        fs, root = self._files()
        with _reached(self.url):
            fs.rm_file(f"{root}/{path}")

    def _files(self) -> tuple[AbstractFileSystem, str]:
        """The file system and the folder's path in it."""
        try:
            fs, root = url_to_fs(self.url)
        except (ImportError, ValueError, OSError) as error:
            raise BadRequest(f"{self.url} can't be reached ({error}): name a folder, or s3://bucket/folder") from error
        return fs, root.rstrip("/")


@contextmanager
def _reached(url: str) -> Iterator[None]:
    """Turn what the libraries of object stores raise into OSError: each has errors of its own."""
    try:
        yield
    except (ScodecError, OSError, ValueError, EOFError, tarfile.TarError):  # the last three: of what was read
        raise
    except Exception as error:
        raise OSError(f"{url}: {error}") from error


def source(url: str, suffixes: Collection[str], unreadable: Collection[str]) -> tuple[Place, list[str], Counter[str]]:
    """A place with pictures of these suffixes; the paths below it, of pictures or of the files that hold many; and how
    many files of the unreadable suffixes are there.

    Raises BadRequest if there are none, or of several kinds.
    """
    kinds: dict[str, list[str]] = {}
    passed_over: Counter[str] = Counter()
    for path in Place(url, "files").paths():
        suffix = os.path.splitext(path)[1].lower()
        kind = next((kind for kind, of in SUFFIX.items() if of == suffix), "files" if suffix in suffixes else None)
        if MANIFEST in path.split("/"):
            continue
        if kind is not None:
            kinds.setdefault(kind, []).append(path)
        elif suffix in unreadable:
            passed_over[suffix] += 1
    if len(kinds) != 1:
        what = f"has {' and '.join(sorted(kinds))}" if kinds else "holds nothing to work on"
        raise BadRequest(f"{url} {what}: give a folder of pictures, of Parquet files or of WebDataset shards")
    ((kind, kept),) = kinds.items()
    return Place(url, kind), kept, passed_over


def items(place: Place, unit: str, column: str, suffixes: Collection[str]) -> Iterator[Item]:
    """The pictures of a unit of a place: of one of its files. No two have the same path.

    column: of Parquet files, with the pictures' bytes. suffixes: of the members of WebDataset shards that count.
    """
    if place.kind == "files":
        yield unit, partial(place.read, unit)
        return
    seen = set()
    with place.open(unit) as file:
        found = _rows(file, unit, column) if place.kind == "parquet" else _members(file, suffixes)
        for number, (name, read) in enumerate(found):
            name = str(number) if name is None else name
            while name in seen:
                name += f"~{number}"
            seen.add(name)
            yield f"{unit}/{name}", partial(_refuse, name) if ".." in name.split("/") else read


def _members(file: Any, suffixes: Collection[str]) -> Iterator[tuple[str | None, Callable[[], bytes]]]:
    """The pictures in an archive, each to be read before the next one is asked for."""
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in archive:
            if member.isfile() and os.path.splitext(member.name)[1].lower() in suffixes:
                content = archive.extractfile(member)
                assert content is not None
                yield member.name, content.read


def _rows(file: Any, unit: str, column: str) -> Iterator[tuple[str | None, Callable[[], bytes]]]:
    """The pictures in a column of bytes, or of bytes and paths as Hugging Face's datasets have them."""
    import pyarrow
    from pyarrow import parquet

    table = parquet.ParquetFile(file)
    schema = table.schema_arrow
    if column not in schema.names:
        raise BadRequest(f"{unit} has no column {column!r}: name one with --column ({', '.join(schema.names)})")
    kind = schema.field(column).type
    within = pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    of = kind.field("bytes").type if within else kind
    if not (pyarrow.types.is_binary(of) or pyarrow.types.is_large_binary(of)):
        raise BadRequest(f"the column {column!r} of {unit} holds no bytes ({kind}): name another with --column")
    for batch in table.iter_batches(ROWS, columns=[name for name in (NAME, column) if name in schema.names]):
        for row in batch.to_pylist():
            picture = (row[column] or {}) if within else {"bytes": row[column]}
            name = row.get(NAME) or picture.get("path")
            yield str(name) if name else None, partial(bytes, picture["bytes"] or b"")


def _refuse(name: str) -> bytes:
    raise BadRequest(f"its name leads out of the target ({name})")


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
