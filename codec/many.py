"""Many pictures at once: coders in threads, networks on batches of one size; order kept, memory bounded."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
from PIL import Image

from scodec import decoder, encoder, photo
from scodec.decoder import Sections
from scodec.errors import ScodecError
from scodec.format.container import Data, read
from scodec.models.backend import resolve
from scodec.models.receiver.shared import TEXTURED
from scodec.options import DecodeOptions, EncodeOptions

#: What a broken file or picture gives in the place of its result.
Failure = ScodecError | OSError
Item = TypeVar("Item")
Result = TypeVar("Result")

#: Files that a GPU rebuilds at a time; on a CPU batches gain nothing.
BATCH = 16
CORES = os.cpu_count() or 1


def decode(
    files: Iterable[Data], options: DecodeOptions, batch: int | None = None, threads: int = CORES
) -> Iterator[Image.Image | Failure]:
    """Decode files; see `scodec.decode_many`. threads: of the coders, with ONNX Runtime also of the networks."""
    if resolve(options.backend, options.device, options.dtype, options.receivers) == "onnx":
        # One core for each file: cores that share a file wait for each other, and batches gain nothing.
        yield from in_threads(partial(_alone, options, 1 if threads > 1 else 0), files, threads, threads)
        return
    from scodec.models.device import best_device

    if batch is None:
        batch = 1 if best_device(options.device) == "cpu" else BATCH
    opened = in_threads(partial(_opened, options), files, 2 * batch, threads)
    yield from in_threads(_finished, _rebuilt(opened, batch, options), batch, threads)


def encode(pictures: Iterable[photo.Source], options: EncodeOptions) -> Iterator[bytes | Failure]:
    """Encode pictures; see `scodec.encode_many`."""
    return in_threads(lambda picture: encoder.encode(photo.load(picture), options, decoder.rebuild), pictures, CORES)


def _alone(options: DecodeOptions, threads: int, file: Data) -> Image.Image:
    sections = _opened(options, file)
    (pixels,) = decoder.rebuild_batch([sections], options, threads=threads)
    return decoder.finish(Image.fromarray(pixels), sections.stream)


def _opened(options: DecodeOptions, file: Data) -> Sections:
    return decoder.sections(decoder.parse(read(file), options.check))


def _rebuilt(
    opened: Iterable[Sections | Failure], batch: int, options: DecodeOptions
) -> Iterator[tuple[np.ndarray, Sections] | Failure]:
    """The pixels of files, in order; what is alike among `batch` of them by one run of the networks."""
    opened = iter(opened)
    while some := list(islice(opened, batch)):
        done: dict[int, tuple[np.ndarray, Sections] | Failure] = {}
        alike: dict[object, list[int]] = {}
        for index, file in enumerate(some):
            if isinstance(file, Sections):
                alike.setdefault(_kind(file), []).append(index)
            else:
                done[index] = file
        for indices in alike.values():
            files = [file for file in (some[index] for index in indices) if isinstance(file, Sections)]
            done |= zip(indices, _pictures(files, options), strict=True)
        yield from (done[index] for index in range(len(some)))


def _kind(file: Sections) -> object:
    """Files of one kind can share a run (see `decoder.rebuild_batch`)."""
    header = file.stream.header
    coloured = header.scale if file.chroma is not None else None
    return header.width, header.height, header.gray, coloured, header.scale <= TEXTURED


def _pictures(files: list[Sections], options: DecodeOptions) -> list[tuple[np.ndarray, Sections] | Failure]:
    """Files of one kind, rebuilt; where that fails, each by itself: memory may do for one."""
    try:
        return list(zip(decoder.rebuild_batch(files, options), files, strict=True))
    except ScodecError as error:
        return [error] if len(files) == 1 else [_pictures([file], options)[0] for file in files]


def _finished(rebuilt: tuple[np.ndarray, Sections] | Failure) -> Image.Image:
    if isinstance(rebuilt, ScodecError | OSError):
        raise rebuilt
    pixels, file = rebuilt
    return decoder.finish(Image.fromarray(pixels), file.stream)


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int, threads: int = CORES
) -> Iterator[Result | Failure]:
    """Apply a function to items in threads, at most `ahead` before their turn; errors come in the place of results."""

    def attempt(item: Item) -> Result | Failure:
        try:
            return function(item)
        except (ScodecError, OSError) as error:
            return error

    pool, items = ThreadPoolExecutor(threads), iter(items)
    try:
        waiting = deque(pool.submit(attempt, item) for item in islice(items, ahead))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(attempt, item) for item in islice(items, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
