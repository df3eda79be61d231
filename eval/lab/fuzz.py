"""Damaged files against the reader, by the million. `python -m scodec.eval.lab.fuzz --count 1000000`

Small real files are cut, flipped, spliced and given extreme lengths, most of them with a checksum made to fit, and read
in every way there is. A reading may work or be refused by BadFile or Unsupported. All else is a failure: another
exception, LIMIT seconds on one file, the end of the process. What failed is kept in a folder.
"""

import ctypes
import faulthandler
import hashlib
import io
import multiprocessing
import random
import resource
import signal
import traceback
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
import skimage.data
from PIL import Image

import scodec
from scodec import container, leb128, metadata
from scodec.colour import hints
from scodec.errors import BadFile, Unsupported
from scodec.luma import av1, hyperprior, vvc

READINGS = ("header", "info", "parse", "parse, unchecked", "metadata", "hints", "av1", "vvc", "hyperprior", "decode")
#: Share of the files that go through the slow readings: a process of FFmpeg, the learned luma coder, and the networks.
LUMA_SHARE, DECODE_SHARE = 1 / 100, 1 / 1000
#: A picture of many pixels takes long by right: only smaller ones are rebuilt.
MOST_PIXELS = 1 << 20
LIMIT = 60  # seconds that one file may take; on a busy machine a tenth of a second of work may take ten
EXTREMES = (0, 1, 127, 128, 16383, 16384, 65535, 65536, 2**28, 2**32 - 1, 2**35 - 1, 2**40)


class Board(ctypes.Structure):
    """What a process did so far, in memory that outlives it."""

    _fields_ = [
        ("number", ctypes.c_int64),  # of the file that it reads
        ("failures", ctypes.c_int64),
        ("longest", ctypes.c_double),  # seconds on one file
        ("growth", ctypes.c_int64),  # of the peak of resident memory since the undamaged files, in KiB
        ("worked", ctypes.c_int64 * len(READINGS)),
        ("refused", ctypes.c_int64 * len(READINGS)),
    ]


def files() -> list[bytes]:
    """Small .scz files of every kind."""
    cat = skimage.data.chelsea()
    piece = np.ascontiguousarray(cat[100:164, 100:190])
    cut_out = Image.fromarray(piece)
    cut_out.putalpha(Image.radial_gradient("L").resize(cut_out.size))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    rich = io.BytesIO()
    cut_out.save(rich, "PNG", exif=exif, xmp=b"<x:xmpmeta/>")
    kinds: tuple[tuple[Any, dict[str, Any]], ...] = (
        (piece, {}),
        (piece, {"hints": 40}),
        (piece, {"hints": "auto"}),
        (piece[..., 1], {"scale": 1}),
        (piece, {"luma": "av1", "quality": 40}),
        (piece, {"luma": "av1", "hints": 100}),
        (piece, {"scale": 3}),
        (piece, {"scale": 4, "luma": "av1"}),
        (piece[:9, :1], {"scale": 2, "effort": "slow"}),
        (rich.getvalue(), {"hints": 30}),
        (rich.getvalue(), {"luma": "av1", "hints": "auto"}),
        (piece, {"luma": "hyperprior", "quality": 60}),
        (rich.getvalue(), {"luma": "hyperprior", "hints": 30}),
    )
    return [scodec.encode(picture, **options) for picture, options in kinds]


def sealed(data: bytes) -> bytes:
    """The same bytes with a checksum that fits."""
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little")


def damaged(originals: list[bytes], rng: random.Random) -> bytes:
    """One of the files, damaged once or more; two of three with a checksum that fits."""
    data = rng.choice(originals)
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice((_cut, _flipped, _overwritten, _spliced, _extreme))(data, originals, rng)
    return sealed(data) if rng.random() < 2 / 3 else data


def _cut(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    return data[: rng.randint(0, len(data))]


def _flipped(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    changed = bytearray(data)
    reach = min(len(data), rng.choice((32, len(data))))  # every other time about the header
    for at in rng.choices(range(reach), k=rng.choice((1, 2, 8))) if reach else ():
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwritten(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    at, count = rng.randint(0, len(data)), rng.randint(1, 16)
    return data[:at] + rng.choice((bytes(count), b"\xff" * count, rng.randbytes(count))) + data[at + count :]


def _spliced(data: bytes, originals: list[bytes], rng: random.Random) -> bytes:
    other = rng.choice(originals)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def _extreme(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """Width, height, the length of a section or what stands at a random place."""
    at = 5
    try:
        for skip in (0, 0, 2, 0, 0)[: rng.randint(1, 5)]:
            start = at + skip
            value, at = leb128.read(data, start)
        if rng.random() < 0.3:
            start = rng.randrange(len(data))
            value, at = leb128.read(data, start)
    except BadFile:
        return data
    return data[:start] + leb128.write(rng.choice((*EXTREMES, max(0, value - 1), value + 1))) + data[at:]


def read(data: bytes, depth: float, board: Board) -> None:
    """All that a reader does with a file; the slow readings only at a `depth` below their share."""

    def attempt(reading: str, function: Callable[..., Any], *arguments: Any) -> Any:
        counts = board.worked
        try:
            return function(*arguments)
        except (BadFile, Unsupported):
            counts = board.refused
            return None
        finally:
            counts[READINGS.index(reading)] += 1

    attempt("header", container.parse_header, data[:32])
    attempt("info", scodec.info, data)
    stream = attempt("parse", container.parse, data)
    check = stream is not None
    if not check:
        stream = attempt("parse, unchecked", container.parse, data, False)
    if stream is None:
        return
    header = stream.header
    size = header.width, header.height
    attempt("metadata", lambda: metadata.as_info(metadata.from_boxes(stream.boxes)))
    if stream.hints:
        attempt("hints", hints.decode, stream.hints, *size)
    for section, section_size in ((stream.luma, header.luma_size), (stream.alpha, size))[: 1 + header.alpha]:
        if header.luma == "av1":
            attempt("av1", av1.decode, section, *section_size)
        elif header.luma == "vvc" and depth < LUMA_SHARE:
            attempt("vvc", vvc.decode_colour, section, *section_size)
        elif header.luma == "hyperprior" and depth < LUMA_SHARE and header.width * header.height <= MOST_PIXELS:
            attempt("hyperprior", hyperprior.decode, section, *section_size)
    if depth < DECODE_SHARE and header.width * header.height <= MOST_PIXELS:
        image = attempt("decode", lambda: scodec.decode(data, check=check, device="cpu"))
        assert image is None or image.size == size


def judge(data: bytes, depth: float, folder: Path, board: Board) -> None:
    """`read` a file, and keep it where that raises anything."""
    began = perf_counter()
    try:
        read(data, depth, board)
    except Exception:
        traceback.print_exc()
        _keep(data, folder)
        board.failures += 1
    board.longest = max(board.longest, perf_counter() - began)


def _work(originals: list[bytes], seed: int, numbers: range, folder: Path, board: Board) -> None:
    """Read the files of these numbers. A file that takes too long, or worse, ends the process."""
    faulthandler.enable()
    faulthandler.register(signal.SIGALRM, chain=True)
    for data in originals:
        read(data, 0, Board())
    start = _peak()
    for number in numbers:
        board.number = number
        data, depth = _file(originals, seed, number)
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        judge(data, depth, folder, board)
        signal.setitimer(signal.ITIMER_REAL, 0)
        board.growth = max(board.growth, _peak() - start)


def _file(originals: list[bytes], seed: int, number: int) -> tuple[bytes, float]:
    """The damaged file of a number, and how deep it is read."""
    rng = random.Random(f"{seed} {number}")
    return damaged(originals, rng), rng.random()


def _peak() -> int:
    """Most resident memory so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _keep(data: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.scz"  # files that hold their CRC-32 all have the same
    path.write_bytes(data)
    click.echo(f"failed: {path}", err=True)


def _watch(originals: list[bytes], seed: int, numbers: range, folder: Path) -> Board:
    """Have a process read these files, and another one go on where one ended early."""
    context = multiprocessing.get_context("spawn")
    board = context.RawValue(Board)
    while numbers:
        process = context.Process(target=_work, args=(originals, seed, numbers, folder, board))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        click.echo(f"file {board.number}: the process ended with {process.exitcode}", err=True)
        _keep(_file(originals, seed, board.number)[0], folder)
        board.failures += 1
        numbers = range(board.number + 1, numbers.stop)
    return board


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=100_000, show_default=True, help="Files to read.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one makes other files.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option(
    "--failures", type=click.Path(file_okay=False, path_type=Path), default=Path("fuzz-failures"), show_default=True,
    help="Folder for the files that failed.",
)  # fmt: skip
def main(count: int, seed: int, jobs: int, failures: Path) -> None:
    """Read damaged files and print what became of them; exit code 1 after any failure."""
    originals, began = files(), perf_counter()
    edges = [count * job // jobs for job in range(jobs + 1)]
    ranges = [range(*pair) for pair in zip(edges, edges[1:], strict=False)]
    with ThreadPoolExecutor(jobs) as pool:
        boards = list(pool.map(lambda numbers: _watch(originals, seed, numbers, failures), ranges))
    click.echo("| reading | worked | refused |\n| --- | --- | --- |")
    worked, refused = (np.sum([getattr(board, name) for board in boards], 0) for name in ("worked", "refused"))
    for row in zip(READINGS, worked, refused, strict=True):
        click.echo("| {} | {:,} | {:,} |".format(*row))
    failed = sum(board.failures for board in boards)
    click.echo(
        f"\n{count:,} files in {perf_counter() - began:.0f} s, {failed} failures; "
        f"longest {max(board.longest for board in boards):.2f} s, "
        f"memory grew by {max(board.growth for board in boards) / 1024:.0f} MiB at most"
    )
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
