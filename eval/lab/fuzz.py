"""Fuzz the reader with damaged files. `python -m scodec.eval.lab.fuzz --count 1000000`

Small real files are truncated, bit-flipped, spliced and given extreme lengths, most of them with a corrected checksum,
and read in every way there is. A reading may succeed or raise BadFile or Unsupported. Anything else is a failure:
another exception, LIMIT seconds on one file, a crash of the process. Failing files are kept in a folder.
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
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
import skimage.data
from PIL import ExifTags, Image

import scodec
from scodec import metadata
from scodec.colour import hints
from scodec.errors import BadFile, Unsupported
from scodec.format import container, leb128
from scodec.luma import av1, hyperprior, vvc

READINGS = ("header", "info", "parse", "parse, unchecked", "metadata", "hints", "av1", "vvc", "hyperprior", "decode")
#: Shares of the files that go through the slow readings: luma decoding by VVC and the learned coder, full decoding.
VVC_SHARE, LEARNED_SHARE, DECODE_SHARE = 1 / 10, 1 / 100, 1 / 1000
#: Largest number of pixels to run the networks on: larger pictures legitimately take long.
MOST_PIXELS = 1 << 20
LIMIT = 60  # seconds per file; on a busy machine, 0.1 s of work may take 10 s
EXTREMES = (0, 1, 127, 128, 16383, 16384, 65535, 65536, 2**28, 2**32 - 1, 2**35 - 1, 2**40)


class Board(ctypes.Structure):
    """Statistics of a process so far, in shared memory that outlives it."""

    _fields_ = [
        ("number", ctypes.c_int64),  # of the file being read
        ("failures", ctypes.c_int64),
        ("longest", ctypes.c_double),  # most seconds spent on one file
        ("growth", ctypes.c_int64),  # of peak resident memory since the undamaged files were read, in KiB
        ("worked", ctypes.c_int64 * len(READINGS)),
        ("refused", ctypes.c_int64 * len(READINGS)),
    ]


def files() -> list[bytes]:
    """Small .scz files of every kind."""
    cat = skimage.data.chelsea()
    crop = np.ascontiguousarray(cat[100:164, 100:190])
    transparent = Image.fromarray(crop)
    transparent.putalpha(Image.radial_gradient("L").resize(transparent.size))
    grey = transparent.convert("LA")
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    with_metadata = io.BytesIO()
    transparent.save(with_metadata, "PNG", exif=exif, xmp=b"<x:xmpmeta/>")
    kinds: tuple[tuple[Any, dict[str, Any]], ...] = (
        (crop, {}),
        (crop, {"hints": 40}),
        (crop, {"hints": "auto"}),
        (crop[..., 1], {"scale": 1}),
        (crop, {"luma": "av1", "quality": 40}),
        (crop, {"luma": "av1", "hints": 100}),
        (crop, {"scale": 3}),
        (crop, {"scale": 4, "luma": "av1"}),
        (crop[:9, :1], {"scale": 2, "effort": "slow"}),
        (with_metadata.getvalue(), {"hints": 30}),
        (with_metadata.getvalue(), {"luma": "av1", "hints": "auto"}),
        (crop, {"luma": "hyperprior", "quality": 60}),
        (with_metadata.getvalue(), {"luma": "hyperprior", "hints": 30}),
        (with_metadata.getvalue(), {"hints": "auto"}),
        (with_metadata.getvalue(), {"hints": "auto", "scale": 2, "quality": 70}),
        (grey, {}),
        (grey, {"luma": "av1", "scale": 3}),
    )
    plain = [scodec.encode(picture, **options) for picture, options in kinds]
    return plain + [_with_boxes(data, number) for number, data in enumerate(plain)]


def _with_boxes(data: bytes, number: int) -> bytes:
    """A file with more boxes: empty ones, long ones, of unknown kinds, and of known kinds a second time."""
    stream = container.parse(data)
    exif, xmp = metadata.boxes(metadata.Metadata(b"II*\0" + bytes(range(200)), b"<x:xmpmeta/>" * 100))
    extra = (
        (exif, xmp),
        (xmp, xmp),
        (exif, exif, xmp, (b"NEW ", bytes(300))),
        ((b"NEW ", b""), xmp, (b"\0\0\0\0", b"?")),
    )
    boxes = stream.boxes + extra[number % len(extra)]
    return container.pack(replace(stream, boxes=boxes))


def sealed(data: bytes) -> bytes:
    """The same bytes with a valid checksum."""
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little")


def damaged(originals: list[bytes], rng: random.Random) -> bytes:
    """One of the files, damaged one or more times; two thirds get a valid checksum."""
    data = rng.choice(originals)
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice((_cut, _flipped, _overwritten, _spliced, _extreme))(data, originals, rng)
    return sealed(data) if rng.random() < 2 / 3 else data


def _cut(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    return data[: rng.randint(0, len(data))]


def _flipped(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    changed = bytearray(data)
    reach = min(len(data), rng.choice((32, len(data))))  # half of the time only near the header
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
    """Change the width, the height, a section length or a number at a random place, mostly to an extreme value."""
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
    """Read a file in every way; the slow readings only if `depth` (0 to 1) is below their share."""

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
        elif header.luma == "vvc" and depth < VVC_SHARE:
            attempt("vvc", vvc.decode_colour, section, *section_size)
        elif header.luma == "hyperprior" and depth < LEARNED_SHARE and header.width * header.height <= MOST_PIXELS:
            attempt("hyperprior", hyperprior.decode, section, *section_size)
    if depth < DECODE_SHARE and header.width * header.height <= MOST_PIXELS:
        image = attempt("decode", lambda: scodec.decode(data, check=check, device="cpu"))
        assert image is None or image.size == size


def judge(data: bytes, depth: float, folder: Path, board: Board) -> None:
    """`read` a file; if that raises anything, keep the file and count a failure."""
    began = perf_counter()
    try:
        read(data, depth, board)
    except Exception:
        traceback.print_exc()
        _keep(data, folder)
        board.failures += 1
    board.longest = max(board.longest, perf_counter() - began)


def _work(originals: list[bytes], seed: int, numbers: range, folder: Path, board: Board) -> None:
    """Read the files with these numbers. A timeout or a crash ends the process."""
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
    """The damaged file with this number, and its depth for `read`."""
    rng = random.Random(f"{seed} {number}")
    return damaged(originals, rng), rng.random()


def _peak() -> int:
    """Peak resident memory so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _keep(data: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # not named by CRC-32, which is the same for all data that end in their own CRC-32
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.scz"
    path.write_bytes(data)
    click.echo(f"failed: {path}", err=True)


def _watch(originals: list[bytes], seed: int, numbers: range, folder: Path) -> Board:
    """Read these files in a process; if it dies, start another one after the file that killed it."""
    context = multiprocessing.get_context("spawn")
    board = context.RawValue(Board)
    while numbers:
        process = context.Process(target=_work, args=(originals, seed, numbers, folder, board))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        click.echo(f"file {board.number}: the process ended with exit code {process.exitcode}", err=True)
        _keep(_file(originals, seed, board.number)[0], folder)
        board.failures += 1
        numbers = range(board.number + 1, numbers.stop)
    return board


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=100_000, show_default=True, help="Number of files.")
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Number of processes.")
@click.option(
    "--failures", type=click.Path(file_okay=False, path_type=Path), default=Path("fuzz-failures"), show_default=True,
    help="Folder for failing files.",
)  # fmt: skip
def main(count: int, seed: int, jobs: int, failures: Path) -> None:
    """Read damaged files and print the outcomes; exit code 1 after any failure."""
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
