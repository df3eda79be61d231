"""The page in web/ decodes as Python does, names what it can't decode, and asks nobody but its own server."""

import filecmp
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from web_server import PAGE, Plain, serving

import scodec
from scodec import decoder
from scodec.colour import hints
from scodec.format import container, leb128
from scodec.luma import av1
from scodec.models.receiver.shared import noise

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.scz"))
CODED = {path: container.parse_header(path.read_bytes()).luma for path in GOLDEN}
AV1 = [path for path in GOLDEN if CODED[path] == "av1"]
GOOD = ROOT / "tests" / "golden" / "v1-scale4.scz"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium"),
    pytest.mark.skipif(not (PAGE / "vendor").is_dir(), reason="no build/web: make web (needs npm)"),
]


@dataclass
class Site:
    """The page in a browser, and all that it asked for."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)

    def open(self, data: bytes | Path, look: str = "faithful") -> str:
        """Open a file in a look; gives the sentence that refuses it, or none."""
        file: Any = data if isinstance(data, Path) else {"name": "a.scz", "mimeType": "", "buffer": data}
        self.page.evaluate(f"document.querySelector('[value={look}]').checked = true")
        self.page.set_input_files("#file", file)
        return self.outcome()

    def outcome(self) -> str:
        """What became of the work under way."""
        self.page.wait_for_selector("#work", state="hidden", timeout=30_000)
        return self.page.inner_text("#error") if self.page.is_visible("#error") else ""

    def saved(self) -> Image.Image:
        """The picture that the page offers for download."""
        with self.page.expect_download() as download:
            self.page.click("#save")
        assert download.value.suggested_filename.endswith(".png")
        self.outcome()
        return Image.open(download.value.path())

    def call(self, module: str, code: str, *arguments: Any) -> Any:
        """The value of an expression over a module of the page, `m`, and arguments `a`; bytes become Uint8Arrays."""
        given = [list(each) if isinstance(each, bytes) else each for each in arguments]
        return self.page.evaluate(
            f"""async (given) => {{
                const m = await import("/{module}.js");
                const {{ crc32 }} = await import("/bytes.js"), {{ Refusal }} = await import("/errors.js");
                const a = given.map((each) => (Array.isArray(each) ? Uint8Array.from(each) : each));
                try {{ return await ({code}); }} catch (error) {{
                    if (error instanceof Refusal) return "refused: " + error.message;
                    throw error;
                }}
            }}""",
            given,
        )


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        site = Site(browser.new_page(), address)
        site.page.on("request", lambda request: site.requests.append(request.url))
        site.page.goto(address)
        yield site
        browser.close()


def test_build_web_is_of_today() -> None:
    for path in (ROOT / "web").iterdir():
        if path.suffix != ".json":
            assert filecmp.cmp(path, PAGE / path.name, shallow=False), f"{path.name} has changed since: make web"


def new_page(site: Site) -> Page:
    """Another page of the same browser."""
    browser = site.page.context.browser
    assert browser is not None
    return browser.new_page()


def luma_checksum(site: Site, section: bytes, width: int, height: int) -> int:
    return site.call("av1", "m.decodeLuma(...a).then(crc32)", section, width, height)


@pytest.mark.parametrize("path", AV1, ids=lambda path: path.stem)
def test_sections_are_decoded_exactly(site: Site, path: Path) -> None:
    stream = container.parse(path.read_bytes())
    (width, height), size = stream.header.luma_size, (stream.header.width, stream.header.height)
    assert luma_checksum(site, stream.luma, width, height) == zlib.crc32(decoder.decode_luma(stream)[0])
    if stream.alpha:
        assert luma_checksum(site, stream.alpha, *size) == zlib.crc32(av1.decode(stream.alpha, *size))
    if stream.hints:
        expected = hints.decode(stream.hints, *size)
        found = site.call("hints", "((h) => [h.cell, h.step, h.planes.flatMap((p) => [...p])])(m.decodeHints(...a))",
                          stream.hints, *size)  # fmt: skip
        assert found[:2] == pytest.approx([expected.cell, expected.step])
        assert np.abs(np.array(found[2]) - expected.grid.ravel()).max() < 1e-4


def test_every_luma_is_decoded_exactly(site: Site, cat: np.ndarray) -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(5).reshape(16, 80)
    for y, quantizer in ((ramp, 0), (cat[..., 1], 8), (np.tile(cat[..., 1], (1, 5))[:90], 40)):
        height, width = y.shape
        section = av1.encode(y, quantizer)
        assert luma_checksum(site, section, width, height) == zlib.crc32(av1.decode(section, width, height))


@pytest.mark.parametrize("seed", [0, 1, 3735928559, 4294967295])
def test_noise_is_that_of_numpy(site: Site, seed: int) -> None:
    found = site.call("noise", "[...m.noise(...a)]", seed, 1003)
    assert np.array_equal(found, noise(seed, 17, 59).ravel())


@pytest.mark.parametrize("look", ["faithful", "natural"])
@pytest.mark.parametrize("path", AV1, ids=lambda path: path.stem)
def test_pictures_are_those_of_python(site: Site, path: Path, look: str) -> None:
    assert site.open(path, look) == ""
    found, expected = site.saved(), scodec.decode(path, backend="onnx", look=look)
    assert found.mode == expected.mode and found.size == expected.size
    assert (np.abs(np.asarray(found).astype(int) - np.asarray(expected)) <= 1).mean() >= 0.999


def test_a_picture_larger_than_a_tile_and_than_the_colorizer_sees(site: Site, cat: np.ndarray) -> None:
    large = Image.fromarray(cat).resize((776, 392), Image.Resampling.BICUBIC)
    data = scodec.encode(large, luma="av1", quality=30, hints=60)
    assert site.open(data) == ""
    found, expected = site.saved(), scodec.decode(data, backend="onnx")
    assert (np.abs(np.asarray(found).astype(int) - np.asarray(expected)) <= 1).mean() >= 0.999


@pytest.mark.parametrize("path", [path for path in GOLDEN if CODED[path] != "av1"], ids=lambda path: path.stem)
def test_what_browsers_can_not_decode_is_named(site: Site, path: Path) -> None:
    sentence = site.open(path)
    assert {"vvc": "VVC", "hyperprior": "learned coder"}[CODED[path]] in sentence
    assert "scodec decode" in sentence and "--luma av1" in sentence
    assert "221 × 161 pixels" in site.page.inner_text("#facts")


def sealed(data: bytes) -> bytes:
    """With the checksum that fits."""
    return data + zlib.crc32(data).to_bytes(4, "little")


def hostile() -> dict[str, bytes]:
    good = GOOD.read_bytes()
    header, rest = good[:5], good[5 + 4 :]  # both sides take two bytes

    def sized(width: int, height: int) -> bytes:
        return sealed(header + leb128.write(width) + leb128.write(height) + rest[:-4])

    cases = {f"cut at {at}": good[:at] for at in (0, 1, 3, 4, 5, 8, 10, 12, 14, 40, len(good) - 4, len(good) - 1)}
    cases |= {
        f"flipped {at}": good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :]
        for at in (0, 3, 4, 5, 9, 20, 200, -2 % len(good))
    }
    cases |= {f"random {seed}": np.random.default_rng(seed).bytes(500) for seed in range(3)}
    cases |= {f"magic and random {seed}": good[:4] + np.random.default_rng(seed).bytes(500) for seed in range(3)}
    cases |= {
        f"{w} x {h}": sized(w, h)
        for w, h in ((65535, 65535), (1 << 34, 1), (0, 5), (13000, 13000), (40000, 400), (230, 161))
    }
    cases["bytes left over"] = sealed(good[:-4] + b"more")
    cases["another picture"] = Path(ROOT / "docs" / "sheet.png").read_bytes()[:5000]
    return cases


@pytest.mark.parametrize("name, data", hostile().items(), ids=hostile())
def test_hostile_files_get_a_sentence(site: Site, name: str, data: bytes) -> None:
    sentence = site.open(data)
    assert sentence.endswith(".") and "\n" not in sentence and "could not finish" not in sentence


def test_damage_behind_the_checksum_is_refused_or_shown(site: Site) -> None:
    """Whatever the sections hold, they decode to something or are refused: nothing else is thrown."""
    rng = np.random.default_rng(0)
    stream = container.parse((ROOT / "tests" / "golden" / "v1-hints.scz").read_bytes())
    width, height = stream.header.luma_size
    for _ in range(40):
        luma, hint = bytearray(stream.luma), bytearray(stream.hints)
        for section in (luma, hint):
            section[rng.integers(len(section))] = rng.integers(256)
        site.call("av1", "m.decodeLuma(...a).then(() => 0)", bytes(luma), width, height)
        site.call("hints", "m.decodeHints(...a) && 0", bytes(hint[: rng.integers(len(hint) + 1)]), width, height)


def test_a_good_file_decodes_after_all_this(site: Site) -> None:
    assert site.open(GOOD) == "" and site.page.is_visible("#result")


@pytest.mark.parametrize("event, holder", [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_files_are_dropped_and_pasted(site: Site, event: str, holder: str) -> None:
    assert site.open(b"") == "The file is empty."
    site.page.evaluate(
        """([event, holder, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], "dropped.scz"));
            const kind = event === "drop" ? DragEvent : ClipboardEvent;
            dispatchEvent(new kind(event, { [holder]: data, cancelable: true }));
        }""",
        [event, holder, list(GOOD.read_bytes())],
    )
    assert site.outcome() == "" and "dropped.scz" in site.page.inner_text("#facts")


def test_the_slider_obeys_the_keyboard(site: Site) -> None:
    assert site.open(GOOD) == ""
    shown = "getComputedStyle(document.getElementById('plain')).clipPath"
    site.page.focus("#split")
    for key, percent in (("Home", 0), ("ArrowRight", 1), ("End", 100), ("ArrowLeft", 99)):
        site.page.keyboard.press(key)
        assert site.page.input_value("#split") == str(percent)
        assert site.page.evaluate(shown) == f"inset(0px {100 - percent}% 0px 0px)"


def test_looks_and_facts(site: Site) -> None:
    assert site.open(ROOT / "tests" / "golden" / "v1-luma.scz") == ""
    faithful = np.asarray(site.saved())
    site.page.check("[value=natural]")
    assert site.outcome() == "" and not np.array_equal(site.saved(), faithful)
    site.page.check("[value=faithful]")
    assert site.outcome() == "" and np.array_equal(site.saved(), faithful)
    facts = site.page.inner_text("#facts")
    for fact in (
        "1,620 bytes, 0.364 bits per pixel",
        "221 × 161 pixels",
        "AV1, at 1/2 of the size, quantizer 25",
        "restorer",
    ):
        assert fact in facts


def test_another_file_takes_the_place_of_the_one_under_way(site: Site) -> None:
    for _ in range(3):
        site.page.set_input_files("#file", AV1[0])
    assert site.open(GOOD) == "" and GOOD.name in site.page.inner_text("#facts")


def test_a_file_that_is_too_large_stops_the_one_under_way(site: Site, tmp_path: Path) -> None:
    large = tmp_path / "large.scz"
    with large.open("wb") as file:
        file.truncate((1 << 28) + 1)
    assert site.open(GOOD) == ""
    site.page.set_input_files("#file", AV1[0])
    with site.page.expect_event("worker", timeout=5000):  # takes the place of the busy one
        assert "too large" in site.open(large)
    assert not site.page.is_visible("#facts")


def test_networks_that_do_not_come_are_named(site: Site) -> None:
    file = ROOT / "tests" / "golden" / "v1-luma.scz"  # takes another network in each look
    page = new_page(site)
    page.route("**/models/*", lambda route: route.abort())
    page.goto(site.address)
    other = Site(page, site.address)
    assert "reload the page" in other.open(file)
    page.unroute("**/models/*")
    assert other.open(file) == ""
    page.route("**/models/*", lambda route: route.abort())
    page.check("[value=natural]")  # fails, and the faithful picture stays
    assert "reload the page" in other.outcome()
    faithful = np.asarray(other.saved())
    assert page.is_checked("[value=faithful]") and "restorer" in page.inner_text("#facts")
    page.unroute("**/models/*")
    page.check("[value=natural]")
    assert other.outcome() == "" and not np.array_equal(other.saved(), faithful)
    page.close()


@pytest.mark.parametrize("gpu, released", [(0, "wasm"), (1, "webgpu")])
def test_of_two_sessions_one_is_kept(site: Site, gpu: int, released: str) -> None:
    """The one on the GPU, where it gives what the processor gives: 0 here."""
    stub = """(async () => {
        const networks = new m.Networks(() => 0), released = [];
        const create = async (model, { executionProviders: [kind] }) => ({
            run: async () => ({ output: { data: [kind === "webgpu" ? a[0] : 0] } }),
            release: async () => released.push(kind),
        });
        networks.runtime = { ort: { InferenceSession: { create }, Tensor: class {} }, gpu: true };
        await networks.load("faithful");
        return released;
    })()"""
    assert site.call("session", stub, gpu) == [released]


def test_one_thread_does_without_the_headers(site: Site) -> None:
    with serving(Plain) as address:
        other = Site(new_page(site), address)
        other.page.goto(address)
        assert other.open(GOOD) == "" and "1 thread" in other.page.inner_text("#facts")
        other.page.close()


def test_nothing_was_asked_of_another_origin(site: Site) -> None:
    asked = {url for url in site.requests if not url.startswith("blob:")}
    assert asked and all(url.startswith(site.address) for url in asked)
