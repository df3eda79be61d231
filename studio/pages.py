"""What the tabs have in common: how a photograph gets into the page, and how errors get to the reader."""

from collections.abc import Callable, Generator
from functools import wraps
from typing import Any

import gradio as gr

from scodec.errors import explain
from scodec.studio.work import Report, run

#: An event's generator: each list is for the event's outputs.
Steps = Callable[..., Generator[list[Any], None, None]]


class _Photograph(gr.Image):
    """Gives the path of the file itself, which Pillow may not know."""

    is_template = True  # looks like gr.Image

    def preprocess(self, payload: Any) -> str | None:
        return None if payload is None else payload.path


def photograph(name: str) -> gr.Image:
    """A place to drop, paste or choose a photograph. name: begins its id."""
    return _Photograph(
        label="Drop, paste or choose a photograph", height=240, sources=["upload", "clipboard"],
        elem_id=f"{name}-photo",
    )  # fmt: skip


def explained(steps: Steps) -> Steps:
    """Wrap an event's generator: what it raises and `explain` knows becomes a sentence on the page."""

    @wraps(steps)
    def wrapped(*inputs: Any) -> Generator[list[Any], None, None]:
        try:
            yield from steps(*inputs)
        except Exception as error:
            if (message := explain(error)) is None:
                raise
            raise gr.Error(message, print_exception=False) from error

    return wrapped


def watched(job: Callable[[Report], Any], begun: float, outputs: int) -> Generator[list[Any], None, Any]:
    """Run a job while the first of an event's outputs, its status line, tells how far it is. Returns the result."""
    steps = run(job, begun)
    try:
        while True:
            yield [next(steps), *[gr.skip()] * (outputs - 1)]
    except StopIteration as end:
        return end.value
    finally:
        steps.close()
