"""Work in several processes that goes on when one piece fails, and stops at once when it is interrupted."""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from scodec.errors import ScodecError, ScodecWarning

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Seconds that a worker gets to drop what it is at (its temporary files, its FFmpeg) before it is killed.
GRACE = 2.0


class WorkerLost(ScodecError):
    """A worker process ended before its work was done: killed, or out of memory."""


def work(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result | Exception], None, None]:
    """Apply a function to the items in processes of their own; yields item and result, or the exception, as they come.

    function: importable by other processes (of a module, or a partial of one). Close the iterator when you leave it
    early: as on Ctrl-C, what is under way is dropped then and nothing new begins.
    """
    # spawn: a forked child would inherit torch's thread pools in an undefined state
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare)
    try:
        with _sigint_waits():
            futures = {pool.submit(_guarded, function, item): item for item in items}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool as error:  # takes all that was to come along
                yield futures[future], WorkerLost(f"a worker process ended ({error})")
            except Exception as error:
                yield futures[future], error
    except BaseException:
        _end(set(multiprocessing.active_children()) - before)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end(processes: set[multiprocessing.process.BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    until = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0, until - time.monotonic()))
        process.kill()


@contextmanager
def _sigint_waits() -> Iterator[None]:
    """Hold back Ctrl-C while processes are started: they inherit that, and would end with a traceback otherwise."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


#: Whether this process is a worker with a piece of work at hand.
_busy = False


def _prepare() -> None:
    """Leave Ctrl-C to the parent, which ends its workers by SIGTERM; end when it is killed; hush the libraries."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_follow, daemon=True).start()
    warnings.simplefilter("ignore")  # libraries tell each other's authors
    warnings.simplefilter("default", ScodecWarning)


def _stop(_number: int, _frame: FrameType | None) -> None:
    if not _busy:
        os._exit(1)
    raise KeyboardInterrupt  # removes temporary files and ends FFmpeg on its way up


def _follow() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _guarded(function: Callable[[Item], Result], item: Item) -> Result:
    """The pool's own loop would take the interruption for the outcome, and go on with the next item."""
    global _busy
    _busy = True
    try:
        return function(item)
    except KeyboardInterrupt:
        os._exit(1)
    finally:
        _busy = False
