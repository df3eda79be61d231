"""Many files at once: which ones, to which targets, in several processes that go on when one file fails."""

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from scodec.errors import BadRequest, explain

#: Source and target of one piece of work.
Job = tuple[str, str]
#: Converts one file: source, target. Must be importable by other processes (a function of a module, or a partial).
Convert = Callable[[str, str], object]


#: Suffixes of the pictures that are measured and trained on.
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif"}


def pictures(folders: Iterable[Path]) -> list[Path]:
    """All pictures in the folders and below, in order."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def jobs(paths: tuple[str, ...], output: Path, suffix: str, wanted: Callable[[Path], bool]) -> list[Job]:
    """A job for every file of `paths` and every wanted one below its folders, whose tree is kept under `output`.

    Raises BadRequest when two would have the same target.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        inside = sorted(p for p in path.rglob("*") if p.is_file() and wanted(p)) if path.is_dir() else [path]
        for source in inside:
            target = output / (source.relative_to(path) if path.is_dir() else source.name)
            target = target.with_suffix(suffix)
            if found.setdefault(target, source) != source:
                raise BadRequest(f"{found[target]} and {source} would both become {target}: code them one by one")
    return [(str(source), str(target)) for target, source in found.items()]


def run(convert: Convert, todo: list[Job], workers: int) -> Iterator[tuple[str, str | None, list[str]]]:
    """Do the jobs in any order; yields source, what failed (None: nothing) and warnings of each."""
    # spawn: a forked child would inherit torch's thread pools in an undefined state
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare)
    try:
        futures = {pool.submit(_attempt, convert, job): job for job in todo}
        for future in as_completed(futures):
            error = future.exception()  # a worker that was killed takes those after it along
            failed, notes = future.result() if error is None else (f"a worker process ended ({error})", [])
            yield futures[future][0], failed, notes
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Let a worker finish its file on Ctrl-C, and end it when its parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _attempt(convert: Convert, job: Job) -> tuple[str | None, list[str]]:
    source, target = job
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            convert(source, target)
            failed = None
        except Exception as error:
            failed = explain(error)
            if failed is None:
                raise
    return failed, [str(warning.message) for warning in caught]
