"""The tab Compress: a photograph in, an .scz file and the rebuilt picture out."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import gradio as gr

from scodec.errors import BadRequest
from scodec.options import EFFORTS, LOOKS, LUMA_CODERS, EncodeOptions
from scodec.studio import compress, pages, views
from scodec.studio.compress import AUTO, RIVALS, Coded
from scodec.studio.kept import keep
from scodec.studio.pages import Update, explained, watched

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
                effort = gr.Radio(
                    [AUTO, *EFFORTS], value=AUTO, label="Effort (auto: medium, fast from 6 megapixels on)"
                )
                strip = gr.Radio(list(STRIPS), value=next(iter(STRIPS)), label="Metadata")
            with gr.Row():
                start = gr.Button("Compress", variant="primary", elem_id="compress-start")
                cancel = gr.Button("Cancel", elem_id="compress-cancel")
        with gr.Column(scale=3, min_width=320):
            with gr.Row():
                look = gr.Radio(list(LOOKS), value="faithful", label="Look")
                beside = gr.Radio([ORIGINAL, *RIVALS], value=ORIGINAL, label="Compare with (others at equal bytes)")
            status = gr.HTML(elem_id="compress-status")
            pair = views.comparison("compress")
            facts = gr.Markdown(elem_id="compress-facts")
            with gr.Row():
                file = gr.DownloadButton("Download .scz", interactive=False, elem_id="compress-scz")
                picture = gr.DownloadButton("Download PNG", interactive=False, elem_id="compress-png")
    result = _Result(status, coded, facts, file, picture, pair)
    inputs = [photograph, quality, target, colour, budget, luma, effort, strip, look, beside]
    # One after the other: a look chosen while a file is made is shown when it is there.
    work = gr.on(
        [photograph.change, start.click, quality.release, target.submit, colour.input, luma.input, effort.input],
        explained(result.compress, status), inputs, result.components,
        show_progress="hidden", trigger_mode="always_last", concurrency_id="compress", api_name="compress",
    )  # fmt: skip
    again = gr.on(
        [look.input, beside.input], explained(result.show, status), [coded, look, beside], result.components,
        show_progress="hidden", trigger_mode="always_last", concurrency_id="compress", api_name="look",
    )  # fmt: skip
    # What waits goes first, or it would begin when the work ends; "Cancelled." comes after the last word of the work.
    stopped = cancel.click(None, cancels=[again, work])
    stopped.then(result.cancelled, coded, result.components, show_progress="hidden", queue=False)
    colour.input(lambda name: gr.Number(visible=COLOURS[name] == 60), colour, budget, show_progress="hidden")


@dataclass(frozen=True)
class _Result:
    """What has become of the photograph, and the events that change it."""

    status: gr.HTML
    coded: gr.State
    facts: gr.Markdown
    file: gr.DownloadButton
    picture: gr.DownloadButton
    pair: views.Comparison

    @property
    def components(self) -> list[Any]:
        """The outputs of every event."""
        return [self.status, self.coded, self.facts, self.file, self.picture, *self.pair.components]

    def compress(
        self, path: str | None, quality: float, target: float | None, colour: str, budget: float | None,
        luma: str, effort: str, strip: str, look: str, beside: str,
    ) -> Generator[Update, None, None]:  # fmt: skip
        """Encode, then show: the events that need a new file."""
        if path is None:
            yield self.nothing()
            return
        hints = COLOURS[colour]
        options = EncodeOptions(
            quality=int(quality), hints=int(budget or 0) if hints == 60 else hints, luma=luma,
            target_bytes=int(target or 0) or None, strip=STRIPS[strip],
        )  # fmt: skip
        begun = perf_counter()
        yield {self.coded: None, self.file: _unavailable(), self.picture: _unavailable()}
        try:
            coded = yield from watched(partial(compress.encode, path, options, effort), begun, self.status)
            file = keep(coded.data, f"{coded.name}.scz")
        except Exception:
            yield self.nothing()
            raise
        yield {self.coded: coded, self.file: _available(file)}
        yield from self._shown(coded, look, beside, begun)

    def show(self, coded: Coded | None, look: str, beside: str) -> Generator[Update, None, None]:
        """Show the same file in another look or beside another picture."""
        if coded is None:
            yield self.nothing()
            raise BadRequest("first compress a photograph")
        yield from self._shown(coded, look, beside, perf_counter())

    def cancelled(self, coded: Coded | None) -> Update:
        """Say so. What stood before a file that is not made goes."""
        return {**({} if coded else self.nothing()), self.status: "Cancelled."}

    def nothing(self) -> Update:
        """Show nothing."""
        return {
            self.status: "",
            self.coded: None,
            self.facts: "",
            self.file: _unavailable(),
            self.picture: _unavailable(),
            **self.pair.nothing(),
        }

    def _shown(self, coded: Coded, look: str, beside: str, begun: float) -> Generator[Update, None, None]:
        """A first look, the rebuilt picture, and what it is compared with, as they come."""
        original = coded.original
        yield {self.facts: compress.table(coded, look, None), self.picture: _unavailable()}
        if look not in coded.shown:
            draft = yield from watched(partial(compress.draft, coded, look), begun, self.status)
            small = views.reduced(original)
            yield self.pair.show(small, views.fitted(draft, small), (ORIGINAL, "a first look, not yet restored"))
        yield from watched(partial(compress.rebuild, coded, look), begun, self.status)
        done, name = coded.shown[look], f"scodec, {len(coded.data):,} bytes"
        yield {
            self.facts: compress.table(coded, look, None),
            **self.pair.show(original, done.rgb, (ORIGINAL, name)),
        }
        png = yield from watched(partial(compress.picture, done), begun, self.status)
        yield {self.picture: _available(keep(png, f"{coded.name}.png"))}
        if beside != ORIGINAL:
            yield from watched(partial(compress.rival, coded, beside), begun, self.status)
            other = coded.shown[beside]
            yield {
                self.facts: compress.table(coded, look, beside),
                **self.pair.show(other.rgb, done.rgb, (f"{beside}, {other.size:,} bytes", name)),
            }
        yield {self.status: f"Done in {perf_counter() - begun:.1f} s."}


def _available(path: str) -> gr.DownloadButton:
    return gr.DownloadButton(value=path, interactive=True)


def _unavailable() -> gr.DownloadButton:
    return gr.DownloadButton(interactive=False)
