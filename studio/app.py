"""The page: its tabs, its look, and what it may load."""

from collections.abc import Callable

import gradio as gr
from fastapi import FastAPI, Request, Response

from scodec.studio import compress_tab, restore_tab, study_tab
from scodec.study.answers import FILE, open_answers
from scodec.study.plan import PICTURES, Study

#: Largest upload.
LARGEST = "200mb"
#: The page loads and sends nothing from or to anywhere else: neither fonts nor statistics.
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'self'; frame-ancestors 'self'"
#: On a phone a table is moved sideways; its words stay whole.
TABLES = ".prose { overflow-x: auto } .prose th, .prose td { white-space: nowrap; word-break: keep-all }"
THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])

INTRODUCTION = (
    "**scodec** stores a small grey picture; the receiver's networks enlarge it, sharpen it and colour it. "
    "Nothing leaves this machine."
)


def studio(study: Study | None) -> FastAPI:
    """The page with the tabs Compress and Restore, and Study where one is given. Raises as `open_answers`."""
    with gr.Blocks(title="scodec studio", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Tab("Compress"):
            compress_tab.build()
        with gr.Tab("Restore"):
            restore_tab.build()
        if study is not None:
            with gr.Tab("Study"):
                study_tab.build(study, open_answers(study.folder / FILE))
    return _application(page, study)


def judging(study: Study) -> FastAPI:
    """The page of a study alone, for its judges. Raises as `open_answers`."""
    with gr.Blocks(title="Study", analytics_enabled=False) as page:
        study_tab.build(study, open_answers(study.folder / FILE))
    return _application(page, study)


def _application(page: gr.Blocks, study: Study | None) -> FastAPI:
    """The web application of a page, under `POLICY`. Of a study's folder it may show the pictures alone."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def restrict(request: Request, forward: Callable) -> Response:
        response = await forward(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    page.queue(default_concurrency_limit=1)
    return gr.mount_gradio_app(
        app, page, path="/", theme=THEME, css=TABLES + study_tab.STYLE, head=study_tab.KEYS, footer_links=[],
        ssr_mode=False, max_file_size=LARGEST, show_error=True,
        allowed_paths=[] if study is None else [str((study.folder / PICTURES).resolve())],
    )  # fmt: skip
