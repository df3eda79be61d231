"""The tab Restore: an old photograph in, colours and a larger size out."""

from collections.abc import Generator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import gradio as gr

from scodec.files.export import export
from scodec.options import LOOKS, RestoreOptions
from scodec.studio import pages, views
from scodec.studio.kept import keep
from scodec.studio.pages import explained, watched
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
            shown = views.comparison("restore")
            files = gr.File(label="Download", file_count="multiple", visible=False, elem_id="restore-files")
    outputs = [status, versions, gallery, files, *shown.components]
    work = gr.on(
        [photograph.change, start.click], _restore, [photograph, scale, look, color, samples, seed], outputs,
        show_progress="hidden", trigger_mode="always_last", api_name="restore",
    )  # fmt: skip
    gallery.select(_chosen, versions, shown.components, show_progress="hidden")
    cancel.click(lambda: "Cancelled.", None, status, cancels=[work], queue=False)


@explained
def _restore(
    path: str | None, scale: int, look: str, color: bool, samples: float, seed: float
) -> Generator[list[Any], None, None]:
    if path is None:
        yield ["", None, gr.Gallery([], visible=False), gr.File(visible=False), *views.clear()]
        return
    options = RestoreOptions(
        scale=scale, look=look, color=color, samples=int(samples) if color else 1, seed=int(seed or 0)
    )
    begun = perf_counter()
    plain, versions = yield from watched(partial(restore, path, options), begun, 8)
    names = [Path(path).stem + (f"-{number + 1}" if len(versions) > 1 else "") for number in range(len(versions))]
    paths = [keep(export(image, "PNG"), f"{name}.png") for name, image in zip(names, versions, strict=True)]
    pictures = [views.reduced(flat(image)) for image in versions]
    yield [
        f"Done in {perf_counter() - begun:.1f} s.",
        (plain, [flat(image) for image in versions]),
        gr.Gallery([(each, name) for each, name in zip(pictures, names, strict=True)], visible=len(versions) > 1),
        gr.File(paths, visible=True),
        *views.show(plain, flat(versions[0]), (BEFORE, "restored")),
    ]


def _chosen(versions: Any, event: gr.SelectData) -> list[Any]:
    plain, pictures = versions
    return views.show(plain, pictures[event.index], (BEFORE, f"version {event.index + 1}"))
