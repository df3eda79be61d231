"""Long work in a thread, so that a page can show how far it is and stop it."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

#: Seconds between two looks at the work.
INTERVAL = 0.3
Result = TypeVar("Result")


class Stopped(Exception):
    """Nobody waits for the work any more."""


@dataclass
class Report:
    """What work tells about itself, and where it learns that it may stop."""

    text: str = ""
    share: float | None = None  # of the work that is done, 0..1; None where nobody can tell
    stop: bool = False

    def say(self, text: str) -> None:
        """Name the step that begins. Raises Stopped if nobody waits for it."""
        if self.stop:
            raise Stopped
        self.text, self.share = text, None

    def steps(self, items: list[Any]) -> Iterable[Any]:
        """The items one by one, counting them: what scodec's functions take as `progress`. Raises Stopped as `say`."""
        for number, item in enumerate(items):
            if self.stop:
                raise Stopped
            self.share = number / len(items)
            yield item
        self.share = None


def run(job: Callable[[Report], Result], begun: float) -> Generator[str, None, Result]:
    """Run a job in a thread: yields a line of HTML about it every `INTERVAL` seconds, and returns what it returns.

    begun: when the whole work began, by `perf_counter`. Closing the generator stops the job at its next report.
    """
    report = Report()
    pool = ThreadPoolExecutor(1, thread_name_prefix="studio")
    try:
        future = pool.submit(job, report)
        while not wait([future], INTERVAL).done:
            yield line(report, perf_counter() - begun)
        return future.result()
    finally:
        report.stop = True
        pool.shutdown(wait=False)


def line(report: Report, seconds: float) -> str:
    """A bar, the step at hand and the seconds so far, as HTML."""
    value = "" if report.share is None else f' value="{report.share:.3f}"'
    return f'<div role="status"><progress{value}></progress> {report.text}, {seconds:.0f} s</div>'


def timed(job: Callable[[], Result]) -> tuple[Result, float]:
    """What a job returns, and the seconds that it took."""
    begun = perf_counter()
    return job(), perf_counter() - begun
