"""The studio in a browser: from a photograph to the downloads, errors, Cancel, and a study from the first to the last
answer."""

import io
import shutil
import socket
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

import scodec
from scodec.errors import BadImage, BadRequest
from scodec.options import EncodeOptions
from scodec.studio import app, compress, restore_tab, study_tab
from scodec.studio.serve import serve
from scodec.studio.work import Report, Stopped, run
from scodec.study import make
from scodec.study.answers import FILE, judgements, open_answers
from scodec.study.order import showings
from scodec.study.plan import PICTURES, load

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium")
WAIT = 120_000  # milliseconds


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def study(cat: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    Image.fromarray(cat[60:188, 120:280]).save(folder / "cat.png")
    target = folder.parent / f"{folder.name}-study"
    make.make(folder, target, ["scodec", "jpeg"], [0.6], "closer", 1, None, 1)
    return target


@pytest.fixture(scope="module")
def address(study: Path) -> Iterator[str]:
    """The studio with a study, served to this machine."""
    server = uvicorn.Server(uvicorn.Config(app.studio(load(study)), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.1)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, which may ask its own server alone and raises no errors."""
    page, asked, errors = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.wait_for_selector("#compress-photo input[type=file]", state="attached")
    yield page
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
    assert not errors
    page.close()


@pytest.fixture(scope="module")
def photograph(cat: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "my cat.jpg"
    exif = Image.Exif()
    exif[271] = "Camera"
    Image.fromarray(cat[:200, :280]).save(path, quality=95, exif=exif)
    return path


def saved(page: Page, button: str) -> tuple[str, bytes]:
    """Name and content of what a button downloads."""
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def done(page: Page, tab: str = "compress") -> None:
    expect(page.locator(f"#{tab}-status")).to_contain_text("Done", timeout=WAIT)


def test_a_photograph_becomes_a_file_and_a_picture(page: Page, photograph: Path) -> None:
    page.set_input_files("#compress-photo input[type=file]", photograph)
    done(page)
    name, data = saved(page, "#compress-scz")
    assert (name, data) == ("my cat.scz", scodec.encode(photograph))
    name, picture = saved(page, "#compress-png")
    image = Image.open(io.BytesIO(picture))
    assert name == "my cat.png" and image.getexif()[271] == "Camera"
    assert np.array_equal(np.asarray(image), np.asarray(scodec.decode(data)))
    facts = page.locator("#compress-facts")
    expect(facts).to_contain_text(f"{len(data):,}")
    expect(facts).to_contain_text("colours are guessed")

    page.get_by_label("JPEG").check()
    expect(facts).to_contain_text("JPEG at its smallest")
    page.get_by_label("natural").first.check()
    expect(facts).to_contain_text("scodec, natural")
    done(page)
    natural = Image.open(io.BytesIO(saved(page, "#compress-png")[1]))
    assert np.array_equal(np.asarray(natural), np.asarray(scodec.decode(data, look="natural")))

    page.get_by_label("stored (hints auto)").check()
    expect(facts).to_contain_text("coded along")
    done(page)
    assert saved(page, "#compress-scz")[1] == scodec.encode(photograph, hints="auto")


def test_what_is_shown_is_what_is_chosen(page: Page, photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode, go = compress.encode, threading.Event()

    def held(*arguments: Any) -> compress.Coded:
        assert go.wait(WAIT / 1000)
        return encode(*arguments)

    def failing(*arguments: Any) -> compress.Coded:
        assert go.wait(WAIT / 1000)
        raise BadImage("this one not")

    monkeypatch.setattr(compress, "encode", held)
    page.set_input_files("#compress-photo input[type=file]", photograph)
    facts, working = page.locator("#compress-facts"), page.locator("#compress-status progress")
    toast = page.locator(".toast-body")
    expect(working).to_be_visible()
    page.get_by_label("natural").first.check()
    page.get_by_label("JPEG").check()
    go.set()
    expect(facts).to_contain_text("scodec, natural", timeout=WAIT)
    expect(facts).to_contain_text("JPEG at its smallest", timeout=WAIT)
    done(page)
    expect(toast).to_have_count(0)
    image = Image.open(io.BytesIO(saved(page, "#compress-png")[1]))
    assert np.array_equal(np.asarray(image), np.asarray(scodec.decode(scodec.encode(photograph), look="natural")))

    go.clear()
    monkeypatch.setattr(compress, "encode", failing)
    page.click("#compress-start")
    expect(working).to_be_visible()
    for button in ("#compress-scz", "#compress-png"):
        expect(page.locator(button)).to_be_disabled()
    go.set()
    expect(toast).to_contain_text("this one not")
    expect(working).to_have_count(0)
    expect(facts.locator("table")).to_have_count(0)
    expect(page.locator("#compress-whole")).not_to_be_visible()
    assert page.locator("#compress-scz").is_disabled()


def test_large_photographs_are_encoded_fast(photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for large, effort in ((1, "fast"), (compress.LARGE, "medium")):
        monkeypatch.setattr(compress, "LARGE", large)
        coded = compress.encode(str(photograph), EncodeOptions(luma="av1"), compress.AUTO, Report())
        assert coded.effort == effort and coded.data == scodec.encode(photograph, luma="av1", effort=effort)


def test_the_divider_moves_by_keyboard(page: Page, photograph: Path) -> None:
    page.set_input_files("#compress-photo input[type=file]", photograph)
    done(page)
    before = page.locator("#compress-whole").screenshot()
    page.locator("#compress-divider input[type=range]").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    assert page.locator("#compress-whole").screenshot() != before


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("text.png", b"no picture", "picture"), ("cut.jpg", b"\xff\xd8\xff\xe0" + bytes(40), "picture")],
)
def test_what_is_no_picture_is_one_sentence(page: Page, name: str, content: bytes, sentence: str) -> None:
    page.set_input_files("#compress-photo input[type=file]", {"name": name, "mimeType": "image/png", "buffer": content})
    toast = page.locator(".toast-wrap")
    expect(toast).to_contain_text(sentence)
    assert "Traceback" not in toast.inner_text()


def test_a_restored_photograph(page: Page, photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: Any) -> None:
        raise BadImage("this one not")

    page.get_by_role("tab", name="Restore").click()
    page.set_input_files("#restore-photo input[type=file]", photograph)
    done(page, "restore")
    with page.expect_download() as download:
        page.locator("#restore-files a[download]").first.click()
    (expected,) = scodec.restore(photograph, look="natural")
    assert np.array_equal(np.asarray(Image.open(download.value.path())), np.asarray(expected))
    monkeypatch.setattr(restore_tab, "restore", failing)
    page.click("#restore-start")
    expect(page.locator(".toast-body")).to_contain_text("this one not")
    for outcome in ("#restore-whole", "#restore-files"):
        expect(page.locator(outcome)).not_to_be_visible()
    expect(page.locator("#restore-status")).not_to_contain_text("Done")


def test_a_study_from_the_first_to_the_last_answer(
    page: Page, study: Path, address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: Any) -> None:
        raise BadRequest("the disk is full")

    page.get_by_role("tab", name="Study").click()
    page.get_by_label("Your name or number").fill("judge 1")
    page.click("#study-begin")
    expected = showings(load(study), "judge 1")
    expect(page.locator("#study-question")).to_contain_text("(1 of")
    page.wait_for_timeout(500)
    for key in (".", "Control+2", "Alt+2"):  # nobody's answers
        page.keyboard.press(key)
    page.get_by_role("tab", name="Compress").click()
    page.keyboard.press("2")
    page.get_by_role("tab", name="Study").click()
    with monkeypatch.context() as patch:
        patch.setattr(study_tab, "record", full)
        page.keyboard.press("1")
        expect(page.locator(".toast-body")).to_contain_text("the disk is full")
    assert "Traceback" not in capfd.readouterr().err
    for number, showing in enumerate(expected):
        expect(page.locator("#study-question")).to_contain_text(f"({number + 1} of {len(expected)})")
        images = page.locator("#study-pictures img")
        shown = [showing.left, showing.right, showing.reference]
        assert images.count() == sum(path is not None for path in shown)
        for image in images.all():  # they load
            page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())
        assert Path(images.first.get_attribute("src") or "").name == showing.left.name
        page.wait_for_timeout(500)
        page.keyboard.press("1")
    expect(page.locator("#study-question")).to_contain_text("Thank you")
    rows = [row for row in judgements(open_answers(study / FILE)) if row.judge == "judge 1"]
    assert [row.trial for row in rows] == [showing.trial for showing in expected]
    assert {row.answer for row in rows} == {"left", "real"}
    page.goto(address)
    page.get_by_role("tab", name="Study").click()
    page.get_by_label("Your name or number").fill("judge 1")
    page.keyboard.press("Enter")
    expect(page.locator("#study-question")).to_contain_text("Thank you")


def test_of_a_study_the_pictures_alone_are_served(page: Page, study: Path, address: str) -> None:
    picture = next((study / PICTURES).iterdir())
    for path, code in ((picture, 200), (study / "study.json", 403), (study / FILE, 403), (Path("/etc/passwd"), 403)):
        assert page.request.get(f"{address}/gradio_api/file={path.resolve()}").status == code


def test_cancel_stops_the_work(page: Page, cat: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(np.tile(cat, (7, 6, 1))).save(tmp_path / "large.png")
    page.set_input_files("#compress-photo input[type=file]", tmp_path / "large.png")
    status = page.locator("#compress-status")
    expect(status).to_contain_text("rebuilding", timeout=WAIT)
    page.get_by_label("natural").first.check()  # waits, and must not begin
    page.click("#compress-cancel")
    expect(status).to_contain_text("Cancelled", timeout=WAIT)
    for _ in range(300):  # a minute, for busy machines
        if not [thread for thread in threading.enumerate() if thread.name.startswith("studio")]:
            break
        page.wait_for_timeout(200)
    else:
        pytest.fail("the work goes on")
    assert page.locator("#compress-png").is_disabled() and "Cancelled" in status.inner_text()


def test_work_that_nobody_waits_for_stops() -> None:
    stopped = threading.Event()

    def job(report: Report) -> None:
        try:
            for _ in report.steps(list(range(1000))):
                threading.Event().wait(0.05)
        except Stopped:
            stopped.set()
            raise

    steps = run(job, 0.0)
    assert "progress" in next(steps)
    steps.close()
    assert stopped.wait(5)


@pytest.mark.parametrize("host", ["", "a" * 80, "198.51.100.7"])
def test_a_host_that_is_none_is_one_sentence(host: str) -> None:
    with pytest.raises(BadRequest, match="give another --host"):
        serve(FastAPI(), host, 0, False)


def test_the_browser_finds_an_open_door_and_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, left = threading.Event(), threading.Event()

    def browse(address: str) -> None:
        socket.create_connection(("127.0.0.1", urlsplit(address).port)).close()
        entered.set()
        left.wait(60)

    monkeypatch.setattr(webbrowser, "open", browse)
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: entered.wait(10))
    serve(FastAPI(), "127.0.0.1", 0, True)
    assert entered.is_set()
    left.set()


def test_an_address_in_use_is_one_sentence(scodec_command, address: str) -> None:
    run = scodec_command("studio", "--no-browser", "--port", address.rpartition(":")[2])
    assert run.code == 1 and "give another --port" in run.err
