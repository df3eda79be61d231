"""The pictures of docs/studio.md: `python -m scodec.studio.screenshots` (needs Playwright and Chromium)."""

import io
import shutil
import tempfile
import threading
from pathlib import Path

import click
import skimage.data
import uvicorn
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from scodec.errors import Unsupported
from scodec.studio import app
from scodec.study.make import make

#: Size of the window, and milliseconds to wait for a picture.
WIDTH, HEIGHT, WAIT = 1280, 900, 120_000


def compress(page: Page, photograph: Path) -> None:
    """A photograph with coded colours beside AVIF at equal bytes."""
    page.set_input_files("#compress-photo input[type=file]", photograph)
    _done(page, "compress")
    page.get_by_label("or largest file").fill("1300")
    page.get_by_label("stored (hints auto)").check()
    page.wait_for_selector("#compress-facts:has-text('coded along')")
    _done(page, "compress")
    page.get_by_label("AVIF").check()
    page.wait_for_selector("#compress-facts table:has-text('AVIF')")
    _done(page, "compress")


def restore(page: Page, photograph: Path) -> None:
    """The same photograph in grey, as an old one that gets three colourings."""
    grey = photograph.with_name("grey.png")
    Image.open(photograph).convert("L").save(grey)
    page.get_by_role("tab", name="Restore").click()
    page.locator("input[type=range][aria-label*=Versions]").fill("3")
    page.set_input_files("#restore-photo input[type=file]", grey)
    _done(page, "restore")


def study(page: Page, _photograph: Path) -> None:
    """The first pair of a study."""
    page.get_by_role("tab", name="Study").click()
    page.get_by_label("Your name or number").fill("judge")
    page.click("#study-begin")
    while page.locator("#study-pictures .divider").count() == 0:  # single pictures come first
        page.wait_for_timeout(600)
        page.click("#study-answer-1")
        page.wait_for_timeout(600)


def _done(page: Page, tab: str) -> None:
    page.wait_for_selector(f"#{tab}-status:has-text('Done')")


@click.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/studio"), show_default=True,
    help="Folder for the files.",
)  # fmt: skip
def main(out: Path) -> None:
    """Show Chelsea the cat (by Stefan van der Walt, CC0; from scikit-image) in every tab."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise Unsupported("Chromium is not installed: get it from your system's packages")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photograph = Path(folder) / "photographs" / "chelsea.png"
        photograph.parent.mkdir()
        Image.fromarray(skimage.data.chelsea()).save(photograph)
        codecs = ["scodec-hints", "avif-iq"]
        judged, _ = make(photograph.parent, Path(folder) / "study", codecs, [0.1], "closer", 0, None, 1)
        server = uvicorn.Server(uvicorn.Config(app.studio(judged), port=0, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(WAIT)
        while not server.started:
            page.wait_for_timeout(100)
        for tab in (compress, restore, study):
            page.goto(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
            page.wait_for_selector("#compress-photo input[type=file]", state="attached")
            tab(page, photograph)
            page.wait_for_timeout(1500)  # pictures fade in
            shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
            shot.save(out / f"{tab.__name__}.webp", quality=80, method=6)
        browser.close()
        server.should_exit = True


if __name__ == "__main__":
    main()
