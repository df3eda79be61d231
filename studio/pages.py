"""What the tabs have in common: how a photograph gets into the page, and how errors get to the reader."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import gradio as gr

from scodec.errors import explain
from scodec.studio.work import Report, run

#: What an event changes: components, with their new values or properties.
Update = dict[Any, Any]
#: An event's generator.
Steps = Callable[..., Generator[Update, None, None]]


def photograph(name: str) -> gr.Image:
    """A place to drop, paste or choose a photograph, whose value is the path of its file. name: begins its id."""
    place = gr.Image(
        label="Drop, paste or choose a photograph", height=240, sources=["upload", "clipboard"],
        elem_id=f"{name}-photo",
    )  # fmt: skip
    # Pillow may not know the file's kind. Not a subclass: Gradio would write a stub of it beside this file.
    place.preprocess = lambda payload: None if payload is None else payload.path  # type: ignore
    return place


@contextmanager
def told() -> Iterator[None]:
    """Whatever is raised within and `explain` knows becomes a sentence on the page."""
    try:
        yield
    except Exception as error:
        if (message := explain(error)) is None:
            raise
        raise gr.Error(message, print_exception=False) from error


def explained(steps: Steps, status: gr.HTML) -> Steps:
    """Wrap an event's generator: its errors are told, and its status line no longer says that it works."""

    @wraps(steps)
    def wrapped(*inputs: Any) -> Generator[Update, None, None]:
        try:
            with told():
                yield from steps(*inputs)
        except Exception:
            yield {status: ""}
            raise

    return wrapped


def watched(job: Callable[[Report], Any], begun: float, status: gr.HTML) -> Generator[Update, None, Any]:
    """Run a job while a status line tells how far it is. Returns the result."""
    steps = run(job, begun)
    try:
        while True:
            yield {status: next(steps)}
    except StopIteration as end:
        return end.value
    finally:
        steps.close()
