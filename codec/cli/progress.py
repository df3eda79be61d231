"""A line on a terminal that tells how long the work has gone on, and how far it is where that is known."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds without a line, and between its updates.
DELAY, PAUSE = 2.0, 1.0


class Line:
    """What the line shows: some words, and how much of `total` is done."""

    def __init__(self, words: str, total: int | None) -> None:
        self.words, self.total, self.done = words, total, 0

    def __str__(self) -> str:
        return self.words if self.total is None else f"{self.words}, {self.done} of {self.total} done"

    def steps(self, items: list[Any]) -> Iterable[Any]:
        """The items one by one, counted: a `Progress` for `scodec.decode`."""
        self.total = len(items)
        for self.done, item in enumerate(items):
            yield item


@contextmanager
def progress(words: str, wanted: bool = True, total: int | None = None) -> Iterator[Line]:
    """Show a line on a terminal's stderr once the work has taken `DELAY` seconds; it vanishes at the end.

    words: what is done. wanted: False shows nothing. total: of the steps that the caller counts in the line's `done`.
    """
    line, over = Line(words, total), threading.Event()
    if not wanted or not sys.stderr or not sys.stderr.isatty():
        yield line
        return
    ticker = threading.Thread(target=_tick, args=(line, over), daemon=True)
    ticker.start()
    try:
        yield line
    finally:
        over.set()
        ticker.join()


def _tick(line: Line, over: threading.Event) -> None:
    if over.wait(DELAY):
        return
    from tqdm import tqdm

    bar = tqdm(bar_format="scodec: {desc}, {elapsed}", leave=False)
    bar.start_t -= DELAY
    while True:
        bar.set_description_str(str(line))
        if over.wait(PAUSE):
            break
    bar.close()
