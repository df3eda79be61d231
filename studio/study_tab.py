"""The tab Study: a judge sees pictures and answers, one trial after the other."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

import gradio as gr

from scodec.studio.pages import told
from scodec.study.answers import Answers, next_trial, progress, record
from scodec.study.order import Showing
from scodec.study.plan import Study

#: What is asked about one picture, and about two, by the study's question.
REAL = "Is this a real colour photograph, or one that a computer has rebuilt?"
QUESTIONS = {"prefer": "Which picture do you like better?", "closer": "Which picture is closer to the original below?"}
#: The answers to each kind of showing, as they are recorded, with what stands on their buttons.
ANSWERS = {
    "pair": {"left": "Left (1)", "same": "No difference (2)", "right": "Right (3)"},
    "single": {"real": "A real photograph (1)", "rebuilt": "Rebuilt (2)"},
}
#: Answers that come sooner, in seconds, are the second click of a double click.
SOONEST = 0.4
#: The keys 1 to 3 press the buttons.
KEYS = """<script>
document.addEventListener("keydown", (event) => {
  if (!/^[1-3]$/.test(event.key) || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.matches("input:not([type=range], [type=radio]), textarea")) return;
  const button = document.querySelector(`#study-answer-${event.key}`);
  if (button?.offsetParent) button.click(); // it is seen
});
</script>"""
STYLE = """
.pair { --at: 50% } .pair img { max-width: 100%; height: auto; margin: 0 }
.pair figure { margin: 0 } .pair input[type=range] { width: 100% }
.pair .both { display: flex; flex-wrap: wrap; gap: 8px }
.pair:has([value=slider]:checked) .both, .pair:has([value=flicker]:checked) .both { display: grid; width: fit-content }
.pair:has([value=slider]:checked) figure, .pair:has([value=flicker]:checked) figure { grid-area: 1 / 1 }
.pair:has([value=slider]:checked) figure + figure { clip-path: inset(0 0 0 var(--at)) }
.pair:has([value=flicker]:checked) figure + figure { animation: flicker 1.6s steps(1) infinite }
.pair .divider { grid-area: 2 / 1 } .pair:not(:has([value=slider]:checked)) .divider { display: none }
@keyframes flicker { 0% { opacity: 0 } 50% { opacity: 1 } }
"""


@dataclass(frozen=True)
class Asked:
    """What a judge has before them, and since when."""

    judge: str
    showing: Showing
    since: float  # by `perf_counter`


def build(study: Study, answers: Answers) -> None:
    """Lay out the tab and connect it."""
    asked = gr.State(None)
    with gr.Group() as door:
        name = gr.Textbox(label="Your name or number", max_lines=1, info="It lets you go on where you stopped.")
        start = gr.Button("Begin", variant="primary", elem_id="study-begin")
    question = gr.Markdown(elem_id="study-question")
    pictures = gr.HTML(elem_id="study-pictures")
    with gr.Row():
        buttons = [gr.Button("", visible=False, elem_id=f"study-answer-{number + 1}") for number in range(3)]
    outputs = [asked, door, question, pictures, *buttons]

    @told()
    def begin(judge: str) -> list[Any]:
        return _ask(study, answers, judge.strip())

    @told()
    def answer(number: int, now: Asked | None) -> Any:
        if now is None or perf_counter() - now.since < SOONEST:
            return gr.skip()
        choice = list(ANSWERS[now.showing.kind])[number]
        record(answers, now.judge, now.showing, choice, perf_counter() - now.since)
        return _ask(study, answers, now.judge)

    gr.on([start.click, name.submit], begin, name, outputs, show_progress="hidden", api_name="begin")
    for number, button in enumerate(buttons):
        button.click(
            lambda now, number=number: answer(number, now), asked, outputs,
            show_progress="hidden", api_name=f"answer_{number + 1}",
        )  # fmt: skip


def _ask(study: Study, answers: Answers, judge: str) -> list[Any]:
    """What the outputs show next."""
    showing = next_trial(study, answers, judge)
    done, total = progress(study, answers, judge)
    if showing is None:
        thanks = f"That was all: {total} answers. Thank you!"
        return [None, gr.Group(visible=False), thanks, "", *[gr.Button(visible=False)] * 3]
    words = list(ANSWERS[showing.kind].values())
    buttons = [gr.Button(words[i], visible=True) if i < len(words) else gr.Button(visible=False) for i in range(3)]
    text = f"**{REAL if showing.right is None else QUESTIONS[study.question]}** ({done + 1} of {total})"
    return [Asked(judge, showing, perf_counter()), gr.Group(visible=False), text, _page(showing), *buttons]


def _page(showing: Showing) -> str:
    """The pictures as HTML: one, or two in the way that the judge chooses, and the original where it is to be seen."""
    if showing.right is None:
        return f'<div class="pair">{_image(showing.left, "the picture")}</div>'
    ways = "".join(
        f'<label><input type="radio" name="way" value="{way}"{" checked" if way == "slider" else ""}> {way}</label> '
        for way in ("slider", "flicker", "side by side")
    )
    both = f"{_image(showing.left, 'left')}{_image(showing.right, 'right')}"
    divider = (
        '<input class="divider" type="range" min="0" max="100" value="50" aria-label="divider"'
        " oninput=\"this.closest('.pair').style.setProperty('--at', this.value + '%')\">"
    )
    original = "" if showing.reference is None else f"<p>The original:</p>{_image(showing.reference, 'original')}"
    return f'<div class="pair"><p>{ways}</p><div class="both">{both}{divider}</div>{original}</div>'


def _image(path: Path, words: str) -> str:
    return f'<figure><img src="/gradio_api/file={quote(str(path.resolve()))}" alt="{words}"></figure>'
