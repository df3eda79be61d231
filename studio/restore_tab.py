"""The tab Restore: an old photograph in, colours and a larger size out."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import gradio as gr

from scodec.files.export import export
from scodec.options import LOOKS, RestoreOptions
from scodec.studio import pages, views
from scodec.studio.kept import keep
from scodec.studio.pages import Update, explained, watched
from scodec.studio.restore import restore
from scodec.studio.views import flat

BEFORE = "before, enlarged"


def build() -> None:
    """Lay out the tab and connect it."""
    versions = gr.State(None, time_to_live=3600)
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            photograph = pages.photograph("restore")
            scale = gr.Radio([1, 2, 3, 4], value=RestoreOptions.scale, label="Times larger")
            look = gr.Radio(list(LOOKS), value="natural", label="Look")
            color = gr.Checkbox(True, label="Colours")
            samples = gr.Slider(1, 6, 1, step=1, label="Versions (the likeliest colours first)")
            seed = gr.Number(0, label="Seed of the other versions", minimum=0, precision=0)
            with gr.Row():
                start = gr.Button("Restore", variant="primary", elem_id="restore-start")
                cancel = gr.Button("Cancel")
        with gr.Column(scale=3, min_width=320):
            status = gr.HTML(elem_id="restore-status")
            gallery = gr.Gallery(
                label="Versions side by side: choose one",
                columns=3,
                height="auto",
                format="png",
                visible=False,
                elem_id="restore-all",
            )
            pair = views.comparison("restore")
            files = gr.File(label="Download", file_count="multiple", visible=False, elem_id="restore-files")
    result = _Result(status, versions, gallery, files, pair)
    inputs = [photograph, scale, look, color, samples, seed]
    work = gr.on(
        [photograph.change, start.click], explained(result.restore, status), inputs, result.components,
        show_progress="hidden", trigger_mode="always_last", api_name="restore",
    )  # fmt: skip
    gallery.select(result.chosen, versions, pair.components, show_progress="hidden")
    stopped = cancel.click(None, cancels=[work])
    stopped.then(lambda: "Cancelled.", None, status, show_progress="hidden", queue=False)


@dataclass(frozen=True)
class _Result:
    """What has become of the photograph, and the events that change it."""

    status: gr.HTML
    versions: gr.State
    gallery: gr.Gallery
    files: gr.File
    pair: views.Comparison

    @property
    def components(self) -> list[Any]:
        """The outputs of the work."""
        return [self.status, self.versions, self.gallery, self.files, *self.pair.components]

    def restore(
        self, path: str | None, scale: int, look: str, color: bool, samples: float, seed: float
    ) -> Generator[Update, None, None]:
        """Restore the photograph and show its versions."""
        if path is None:
            yield self.nothing()
            return
        options = RestoreOptions(
            scale=scale, look=look, color=color, samples=int(samples) if color else 1, seed=int(seed or 0)
        )
        begun = perf_counter()
        try:
            plain, versions = yield from watched(partial(restore, path, options), begun, self.status)
            stem = Path(path).stem
            names = [stem + (f"-{number + 1}" if len(versions) > 1 else "") for number in range(len(versions))]
            paths = [keep(export(image, "PNG"), f"{name}.png") for name, image in zip(names, versions, strict=True)]
        except Exception:
            yield self.nothing()
            raise
        pictures = [flat(image) for image in versions]
        small = [(views.reduced(rgb), name) for rgb, name in zip(pictures, names, strict=True)]
        yield {
            self.status: f"Done in {perf_counter() - begun:.1f} s.",
            self.versions: (plain, pictures),
            self.gallery: gr.Gallery(small, visible=len(versions) > 1),
            self.files: gr.File(paths, visible=True),
            **self.pair.show(plain, pictures[0], (BEFORE, "restored")),
        }

    def chosen(self, versions: Any, event: gr.SelectData) -> Update:
        """Show one of several versions."""
        plain, pictures = versions
        return self.pair.show(plain, pictures[event.index], (BEFORE, f"version {event.index + 1}"))

    def nothing(self) -> Update:
        """Show nothing."""
        return {
            self.status: "",
            self.versions: None,
            self.gallery: gr.Gallery([], visible=False),
            self.files: gr.File(visible=False),
            **self.pair.nothing(),
        }
