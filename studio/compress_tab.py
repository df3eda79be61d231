"""The tab Compress: a photograph in, an .scz file and the rebuilt picture out."""

from collections.abc import Generator
from functools import partial
from time import perf_counter
from typing import Any

import gradio as gr

from scodec.errors import BadRequest
from scodec.options import EFFORTS, LOOKS, LUMA_CODERS, EncodeOptions
from scodec.studio import compress, pages, views
from scodec.studio.compress import RIVALS, Coded
from scodec.studio.kept import keep
from scodec.studio.pages import explained, watched

#: What the page calls the kinds of colour, and the option `hints` of each.
COLOURS: dict[str, int | str] = {"guessed by the receiver": 0, "stored (hints auto)": "auto", "stored within:": 60}
STRIPS: dict[str, bool | str] = {"kept": False, "kept without location": "location", "left out": True}
ORIGINAL = "the original"


def build() -> None:
    """Lay out the tab and connect it."""
    coded = gr.State(None, time_to_live=3600)
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            photograph = pages.photograph("compress")
            quality = gr.Slider(1, 100, EncodeOptions.quality, step=1, label="Quality", elem_id="compress-quality")
            target = gr.Number(0, label="or largest file, in bytes (0: no limit)", minimum=0, precision=0)
            colour = gr.Radio(list(COLOURS), value=next(iter(COLOURS)), label="Colour")
            budget = gr.Number(60, label="bytes for colour", minimum=1, precision=0, visible=False)
            with gr.Accordion("More", open=False):
                luma = gr.Radio(LUMA_CODERS, value=EncodeOptions.luma, label="Luma coder")
                effort = gr.Radio(EFFORTS, value=EncodeOptions.effort, label="Effort")
                strip = gr.Radio(list(STRIPS), value=next(iter(STRIPS)), label="Metadata")
            with gr.Row():
                start = gr.Button("Compress", variant="primary", elem_id="compress-start")
                cancel = gr.Button("Cancel", elem_id="compress-cancel")
        with gr.Column(scale=3, min_width=320):
            with gr.Row():
                look = gr.Radio(list(LOOKS), value="faithful", label="Look")
                beside = gr.Radio([ORIGINAL, *RIVALS], value=ORIGINAL, label="Compare with (others at equal bytes)")
            status = gr.HTML(elem_id="compress-status")
            shown = views.comparison("compress")
            facts = gr.Markdown(elem_id="compress-facts")
            with gr.Row():
                file = gr.DownloadButton("Download .scz", interactive=False, elem_id="compress-scz")
                picture = gr.DownloadButton("Download PNG", interactive=False, elem_id="compress-png")
    outputs = [status, coded, facts, file, picture, *shown.components]
    inputs = [photograph, quality, target, colour, budget, luma, effort, strip, look, beside]
    work = gr.on(
        [photograph.change, start.click, quality.release, target.submit, colour.input, luma.input, effort.input],
        _compress, inputs, outputs, show_progress="hidden", trigger_mode="always_last", api_name="compress",
    )  # fmt: skip
    again = gr.on(
        [look.input, beside.input], _show, [coded, look, beside], outputs,
        show_progress="hidden", trigger_mode="always_last", api_name="look",
    )  # fmt: skip
    cancel.click(_cancelled, None, status, cancels=[work, again], queue=False)
    colour.input(lambda name: gr.Number(visible=COLOURS[name] == 60), colour, budget, show_progress="hidden")


def _cancelled() -> str:
    return "Cancelled."


@explained
def _compress(
    path: str | None, quality: float, target: float | None, colour: str, budget: float | None,
    luma: str, effort: str, strip: str, look: str, beside: str,
) -> Generator[list[Any], None, None]:  # fmt: skip
    """Encode, then show: the events that need a new file."""
    if path is None:
        yield ["", None, "", _unavailable(), _unavailable(), *views.clear()]
        return
    hints = COLOURS[colour]
    options = EncodeOptions(
        quality=int(quality), hints=int(budget or 0) if hints == 60 else hints, luma=luma, effort=effort,
        target_bytes=int(target or 0) or None, strip=STRIPS[strip],
    )  # fmt: skip
    begun = perf_counter()
    coded = yield from watched(partial(compress.encode, path, options), begun, 9)
    file = gr.DownloadButton(value=keep(coded.data, f"{coded.name}.scz"), interactive=True)
    yield [gr.skip(), coded, compress.table(coded, look, None), file, _unavailable(), *views.nothing()]
    yield from _shown(coded, look, beside, begun)


@explained
def _show(coded: Coded | None, look: str, beside: str) -> Generator[list[Any], None, None]:
    """Show the same file in another look or beside another picture."""
    if coded is None:
        raise BadRequest("first drop a photograph")
    yield from _shown(coded, look, beside, perf_counter())


def _shown(coded: Coded, look: str, beside: str, begun: float) -> Generator[list[Any], None, None]:
    """A first look, the rebuilt picture, and what it is compared with, as they come."""
    original = coded.original
    if look not in coded.shown:
        draft = yield from watched(partial(compress.draft, coded, look), begun, 9)
        names = ORIGINAL, "a first look, not yet restored"
        small = views.reduced(original)
        yield [*_only(), *views.show(small, views.fitted(draft, small), names)]
    yield from watched(partial(compress.rebuild, coded, look), begun, 9)
    done = coded.shown[look]
    pictures = views.show(original, done.rgb, (ORIGINAL, f"scodec, {len(coded.data):,} bytes"))
    yield [gr.skip(), gr.skip(), compress.table(coded, look, None), gr.skip(), gr.skip(), *pictures]
    png = yield from watched(partial(compress.picture, done), begun, 9)
    button = gr.DownloadButton(value=keep(png, f"{coded.name}.png"), interactive=True)
    yield [gr.skip(), gr.skip(), gr.skip(), gr.skip(), button, *views.nothing()]
    if beside != ORIGINAL:
        yield from watched(partial(compress.rival, coded, beside), begun, 9)
        other = coded.shown[beside]
        names = f"{beside}, {other.size:,} bytes", f"scodec, {len(coded.data):,} bytes"
        pictures = views.show(other.rgb, done.rgb, names)
        yield [gr.skip(), gr.skip(), compress.table(coded, look, beside), gr.skip(), gr.skip(), *pictures]
    yield [f"Done in {perf_counter() - begun:.1f} s.", *[gr.skip()] * (4 + len(pictures))]


def _only() -> list[Any]:
    """Leave all but the comparison as it is."""
    return [gr.skip()] * 5


def _unavailable() -> gr.DownloadButton:
    return gr.DownloadButton(interactive=False)
