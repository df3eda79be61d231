"""The command line."""

import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import scodec
from scodec import photo
from scodec.errors import ScodecWarning
from scodec.files.export import export

Command = Callable[..., Any]


@pytest.fixture
def picture(tmp_path: Path, small: np.ndarray) -> Path:
    path = tmp_path / "small.png"
    Image.fromarray(small).save(path)
    return path


@pytest.fixture
def file(tmp_path: Path, coded: bytes) -> Path:
    path = tmp_path / "small.scz"
    path.write_bytes(coded)
    return path


def test_encode_info_decode(scodec_command: Command, picture: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "out.scz", tmp_path / "out.png"
    run = scodec_command("encode", picture, file)
    assert (run.code, run.out) == (0, b"")
    size = file.stat().st_size
    assert re.fullmatch(
        rf"scodec: {size} bytes, 0\.\d+ bpp, vvc, scale [1-4], quantizer \d+, colours will be guessed .+\n", run.err
    )

    run = scodec_command("info", file, "--json")
    facts = json.loads(run.out)
    assert run.code == 0 and run.err == ""
    assert (facts["width"], facts["height"], facts["gray"]) == (131, 97, False)
    assert (facts["total_bytes"], facts["hints_bytes"]) == (size, 0)
    assert facts["bpp"] == pytest.approx(8 * size / (131 * 97))

    run = scodec_command("decode", file, out)
    assert (run.code, run.out, run.err) == (0, b"", "")
    with Image.open(out) as image:
        assert (image.size, image.mode, image.format) == ((131, 97), "RGB", "PNG")


def test_same_bytes_as_the_function(scodec_command: Command, picture: Path, small: np.ndarray) -> None:
    run = scodec_command("encode", picture, "-", "-q", "40", "--scale", "2", "--hints", "60")
    assert run.out == scodec.encode(small, quality=40, scale=2, hints=60)


def test_standard_streams(scodec_command: Command, picture: Path) -> None:
    encoded = scodec_command("encode", "-", "-", stdin=picture.read_bytes())
    assert encoded.code == 0
    assert scodec_command("info", "-", stdin=encoded.out).code == 0
    decoded = scodec_command("decode", "-", "-", stdin=encoded.out)
    with Image.open(io.BytesIO(decoded.out)) as image:
        assert (image.size, image.format) == ((131, 97), "PNG")


def test_quiet(scodec_command: Command, picture: Path, tmp_path: Path) -> None:
    run = scodec_command("encode", picture, tmp_path / "out.scz", "--quiet")
    assert (run.code, run.out, run.err) == (0, b"", "")


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_overwrites_only_with_force(
    scodec_command: Command, picture: Path, file: Path, tmp_path: Path, command: str
) -> None:
    source, out = (picture, tmp_path / "out.scz") if command == "encode" else (file, tmp_path / "out.png")
    out.write_bytes(b"precious")
    run = scodec_command(command, source, out)
    assert run.code == 1 and "--force" in run.err and out.read_bytes() == b"precious"
    assert scodec_command(command, source, out, "--force").code == 0
    assert out.read_bytes() != b"precious"


def test_quality_is_monotone_in_bytes(scodec_command: Command, picture: Path) -> None:
    sizes = [len(scodec_command("encode", picture, "-", "-q", quality).out) for quality in ("5", "50", "95")]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("scale", ["1", "2", "3", "4"])
def test_scale(scodec_command: Command, picture: Path, scale: str) -> None:
    data = scodec_command("encode", picture, "-", "--scale", scale).out
    assert scodec.info(data).scale == int(scale)


@pytest.mark.parametrize("budget", [10, 30, 100, 1000])
def test_hints_stay_within_their_budget(scodec_command: Command, picture: Path, budget: int) -> None:
    data = scodec_command("encode", picture, "-", "--hints", budget).out
    assert scodec.info(data).hints_bytes <= budget


def test_automatic_hints(scodec_command: Command, picture: Path) -> None:
    arguments = ("encode", picture, "-", "-q", "60", "--hints", "auto")
    assert scodec.info(scodec_command(*arguments).out).chroma
    assert scodec.info(scodec_command(*arguments, "--luma", "av1", "--effort", "fast").out).hints_bytes > 0


@pytest.mark.parametrize("hints", ["0", "auto"])
def test_target_size(scodec_command: Command, picture: Path, hints: str) -> None:
    run = scodec_command("encode", picture, "-", "--target-size", "700", "--hints", hints)
    assert "warning" not in run.err
    assert 0.95 * 700 <= len(run.out) <= 700


def test_target_bpp(scodec_command: Command, picture: Path) -> None:
    size = len(scodec_command("encode", picture, "-", "--target-bpp", "0.5").out)
    assert 0.95 * 0.5 <= 8 * size / (131 * 97) <= 0.5


@pytest.mark.parametrize("target", ["5", "1000000"])
def test_target_out_of_reach(scodec_command: Command, picture: Path, target: str) -> None:
    run = scodec_command("encode", picture, "-", "--target-size", target)
    assert run.code == 0 and run.out
    assert run.err.startswith("scodec: warning: ")


def test_gray(scodec_command: Command, file: Path, tmp_path: Path) -> None:
    assert scodec_command("decode", file, tmp_path / "out.png", "--gray").code == 0
    with Image.open(tmp_path / "out.png") as image:
        assert image.mode == "L"


@pytest.mark.parametrize("suffix, kind", [("jpg", "JPEG"), ("WEBP", "WEBP"), ("tif", "TIFF"), ("bmp", "BMP")])
def test_suffix_selects_the_format(scodec_command: Command, file: Path, tmp_path: Path, suffix: str, kind: str) -> None:
    out = tmp_path / f"out.{suffix}"
    assert scodec_command("decode", file, out).code == 0
    with Image.open(out) as image:
        assert image.format == kind


def test_decode_options(scodec_command: Command, file: Path) -> None:
    args = ("--device", "cpu", "--dtype", "float32", "--tile", "64")
    assert scodec_command("decode", file, "-", *args).code == 0


def test_info_as_text(scodec_command: Command, file: Path) -> None:
    run = scodec_command("info", file)
    assert re.search(rb"^width +131$", run.out, re.MULTILINE)


def test_version(scodec_command: Command) -> None:
    from importlib.metadata import version

    from scodec.models import weights

    lines = scodec_command("--version").out.decode().splitlines()
    assert lines[0] == f"scodec {version('scodec-image')}"
    assert lines[1:] == [f"{name} {identity}" for name, identity in weights.installed().items()]
    assert len(lines) > 1


def test_transparency_is_kept_if_the_format_supports_it(scodec_command: Command, picture: Path, tmp_path: Path) -> None:
    with Image.open(picture) as image:
        mask = Image.new("L", image.size)
        mask.paste(255, (20, 20, 90, 70))
        image.putalpha(mask)
        image.save(tmp_path / "alpha.png")
    assert scodec_command("encode", tmp_path / "alpha.png", tmp_path / "a.scz", "--quiet").code == 0
    facts = json.loads(scodec_command("info", "--json", tmp_path / "a.scz").out)
    assert facts["alpha"] and facts["alpha_bytes"] > 0
    assert scodec_command("decode", tmp_path / "a.scz", tmp_path / "back.png").code == 0
    with Image.open(tmp_path / "back.png") as back:
        assert back.mode == "RGBA"
        assert np.mean(np.abs(np.array(back.getchannel("A")).astype(int) - np.array(mask)) > 8) < 0.01
    run = scodec_command("decode", tmp_path / "a.scz", tmp_path / "back.jpg")
    assert run.code == 0 and "white" in run.err
    with Image.open(tmp_path / "back.jpg") as back:
        assert np.array(back)[:10, :10].min() > 240


def test_metadata_is_kept_unless_stripped(scodec_command: Command, small: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    Image.fromarray(small).save(tmp_path / "in.jpg", exif=exif, xmp=b"<x:xmpmeta/>")
    for options, kept in (((), True), (("--strip",), False)):
        scodec_command("encode", tmp_path / "in.jpg", tmp_path / "a.scz", "--force", *options)
        facts = json.loads(scodec_command("info", "--json", tmp_path / "a.scz").out)
        assert (facts["exif_bytes"] > 0) == (facts["xmp_bytes"] > 0) == kept and facts["width"] == small.shape[0]
        for suffix in (".png", ".jpg", ".webp", ".tif", ".avif"):
            assert scodec_command("decode", tmp_path / "a.scz", tmp_path / f"out{suffix}", "--force").code == 0
            with Image.open(tmp_path / f"out{suffix}") as image:
                assert (image.getexif().get(0x010F) == "Maker") == kept and 0x0112 not in image.getexif()
                assert ("xmp" in image.info) == kept


@pytest.fixture
def located(small: np.ndarray, tmp_path: Path) -> Path:
    """A folder of two pictures that tell where they were taken."""
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "Maker", {1: "N", 2: (60.0, 10.0, 5.0), 3: "E", 4: (24.0, 56.0, 0.0)}
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(small).save(tmp_path / "in" / name, exif=exif)
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (("IN", "OUT", "--strip"), set()),
        (("--strip", "IN", "OUT"), set()),
        (("--strip=all", "IN", "OUT"), set()),
        (("--strip", "all", "IN", "OUT"), set()),
        (("--strip", "--quiet", "IN", "OUT"), set()),
        (("--strip", "--", "IN", "OUT"), set()),
        (("IN", "OUT", "--strip", "location"), {0x010F}),
        (("--strip", "gps", "IN", "OUT"), {0x010F}),
        (("IN", "OUT"), {0x010F, 0x8825}),
    ],
)
def test_strip_with_and_without_a_value(
    scodec_command: Command, located: Path, tmp_path: Path, options: tuple[str, ...], kept: set[int]
) -> None:
    names = {"IN": located / "a.jpg", "OUT": tmp_path / "a.scz"}
    run = scodec_command("encode", *(names.get(option, option) for option in options))
    assert run.code == 0 and "position" not in run.err  # nobody sits at a terminal
    with Image.open(tmp_path / "a.scz") as image:
        assert set(image.getexif()) == kept


def test_strip_of_something_else(scodec_command: Command, located: Path, tmp_path: Path) -> None:
    run = scodec_command("encode", located / "a.jpg", tmp_path / "a.scz", "--strip=time")
    assert run.code == 2 and "location" in run.err


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize(
    ("options", "times"), [(("--output-dir", "OUT", "-j", "2"), 1), (("--output-dir", "OUT", "--strip", "gps"), 0)]
)
def test_a_terminal_is_told_of_positions_once(
    located: Path, tmp_path: Path, options: tuple[str, ...], times: int
) -> None:
    ours, theirs = os.openpty()
    words = [str(tmp_path / "out") if option == "OUT" else option for option in options]
    command = [sys.executable, "-m", "scodec", "encode", str(located), *words]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, check=False)
    os.close(theirs)
    said = os.read(ours, 1 << 16).decode()  # less than a pseudo-terminal holds
    os.close(ours)
    assert done.returncode == 0 and "2 done" in said and said.count("--strip location") == times


@pytest.mark.parametrize("options", [(), ("--hints", "auto")])
def test_ignore_crc_decodes_damaged_files(
    scodec_command: Command, cat: np.ndarray, tmp_path: Path, options: tuple[str, ...]
) -> None:
    Image.fromarray(cat).save(tmp_path / "cat.png")
    scodec_command("encode", tmp_path / "cat.png", tmp_path / "a.scz", "--scale", 1, "--quality", 60, *options)
    data = (tmp_path / "a.scz").read_bytes()
    (tmp_path / "a.scz").write_bytes(data[: len(data) * 2 // 3])
    run = scodec_command("decode", tmp_path / "a.scz", tmp_path / "a.png")
    assert run.code == 1 and "checksum" in run.err and not (tmp_path / "a.png").exists()
    run = scodec_command("decode", tmp_path / "a.scz", tmp_path / "a.png", "--ignore-crc")
    assert run.code == 0, run.err
    with Image.open(tmp_path / "a.png") as image:
        top = np.array(image.convert("L"))[:100, :300].astype(int)
    assert np.abs(top - np.array(Image.fromarray(cat).convert("L"))[:100, :300]).mean() < 12


@pytest.mark.parametrize("link", [False, True])
def test_input_is_never_overwritten(scodec_command: Command, picture: Path, tmp_path: Path, link: bool) -> None:
    before = picture.read_bytes()
    target = picture = picture.rename(tmp_path / "named.scz")
    if link:
        target = tmp_path / "link.scz"
        target.symlink_to(picture)
    run = scodec_command("encode", picture, target, "--force")
    assert run.code == 1 and "the input itself" in run.err and picture.read_bytes() == before


def test_output_formats_that_cannot_hold_everything(scodec_command: Command, small: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "long" * 20_000  # JPEG allows 64 kB
    Image.fromarray(small).save(tmp_path / "in.png", exif=exif)
    scodec_command("encode", tmp_path / "in.png", tmp_path / "a.scz")
    run = scodec_command("decode", tmp_path / "a.scz", tmp_path / "a.jpg")
    assert run.code == 0 and "EXIF" in run.err and "XMP" not in run.err
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.size == (131, 97) and not image.getexif()
    run = scodec_command("decode", tmp_path / "a.scz", tmp_path / "a.bmp")
    assert run.code == 0 and "EXIF" in run.err  # Pillow drops it silently
    run = scodec_command("decode", tmp_path / "a.scz", tmp_path / "a.blp")
    assert run.code == 1 and "can't hold this picture" in run.err and not (tmp_path / "a.blp").exists()


@pytest.mark.parametrize("suffix", [".ico", ".icns", ".pgm", ".PGM", ".pbm", ".pfm", ".palm", ".h5", ".msp"])
def test_formats_that_would_change_the_picture_are_refused(
    scodec_command: Command, file: Path, tmp_path: Path, suffix: str
) -> None:
    run = scodec_command("decode", file, tmp_path / f"out{suffix}")
    assert run.code == 1 and run.err.count("\n") == 1 and "take .png" in run.err
    assert not (tmp_path / f"out{suffix}").exists()


@pytest.mark.parametrize("size, mode, suffix", [((64, 64), "RGB", ".ico"), ((90, 70), "L", ".pgm"), ((9, 7), "LA", "")])
@pytest.mark.filterwarnings("ignore:MPO keeps no transparency")
def test_the_same_formats_where_they_fit(size: tuple[int, int], mode: str, suffix: str, small: np.ndarray) -> None:
    image = Image.fromarray(small).resize(size).convert(mode)
    kind = {".ico": "ICO", ".pgm": "PPM", "": "MPO"}[suffix]
    with Image.open(io.BytesIO(export(image, kind, suffix))) as back:
        assert back.size == size and (mode == "RGB") == back.mode.startswith("RGB")


@pytest.mark.parametrize("command", ["decode", "restore"])
def test_nothing_but_encode_writes_scz(
    scodec_command: Command, file: Path, picture: Path, tmp_path: Path, command: str
) -> None:
    run = scodec_command(command, file if command == "decode" else picture, tmp_path / "b.scz")
    assert run.code == 2 and "coded with loss" in run.err and not (tmp_path / "b.scz").exists()


@pytest.mark.parametrize("name", ["other.png", "other.jpg", "other.HEIC", "other.pdf", "other.nef", "bare"])
@pytest.mark.parametrize("exists", [True, False])
def test_encode_replaces_no_picture(
    scodec_command: Command, picture: Path, tmp_path: Path, name: str, exists: bool
) -> None:
    """`encode -f *.png`, where there are two of them."""
    other = tmp_path / name
    if exists:
        other.write_bytes(picture.read_bytes())
    run = scodec_command("encode", "-f", picture, other)
    if name == "bare" and not exists:  # any other name is as good as .scz
        assert run.code == 0 and scodec.info(other).width == 131
        assert scodec_command("encode", "-f", picture, other).code == 0
        return
    assert run.code == 2 and ".scz" in run.err and "--output-dir" in run.err
    assert other.read_bytes() == picture.read_bytes() if exists else not other.exists()


@pytest.mark.parametrize("command", ["encode", "decode", "restore"])
def test_folders_in_the_place_of_files(
    scodec_command: Command, picture: Path, file: Path, tmp_path: Path, command: str
) -> None:
    source = file if command == "decode" else picture
    (tmp_path / "folder").mkdir()
    for paths in (
        (tmp_path / "folder", tmp_path / "out.scz"),
        (source, tmp_path / "folder"),
        (source, f"{tmp_path}/new/"),
    ):
        run = scodec_command(command, *paths)
        assert run.code == 2 and "--output-dir" in run.err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"folder", picture.name, file.name})


def test_bpp_is_rounded_for_people_only(scodec_command: Command, file: Path) -> None:
    bpp = json.loads(scodec_command("info", file, "--json").out)["bpp"]
    assert bpp == scodec.info(file).bpp != round(bpp, 4)
    assert re.search(rf"^bpp +{bpp:.4f}$".encode(), scodec_command("info", file).out, re.MULTILINE)


@pytest.mark.parametrize("command, option", [("decode", "--receiver"), ("restore", "--system")])
def test_missing_weights_are_told_before_torch_is_loaded(
    picture: Path, file: Path, tmp_path: Path, command: str, option: str
) -> None:
    code = "import sys; from scodec.cli import main\ntry: main()\nfinally: assert 'torch' not in sys.modules"
    source = file if command == "decode" else picture
    run = subprocess.run(
        [sys.executable, "-c", code, command, source, "out.png", option, "nowhere"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1 and "nowhere" in run.stderr and run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name, message",
    [
        ("foo", "foo is no trained system"),
        ("zhang", "--system zhang"),
        ("small.png", "small.png is no weights file"),
        ("none.safetensors", "there is no file none.safetensors"),
        ("bad.safetensors", "error: bad.safetensors is not a safetensors file"),
    ],
)
def test_networks_that_are_none(
    scodec_command: Command, picture: Path, file: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(file.parent)
    Path("bad.safetensors").write_bytes(picture.read_bytes())
    run = scodec_command("decode", file, "out.png", "--receiver", name)
    assert run.code == 1 and message in run.err and run.err.count("\n") == 1


def test_exchanged_arguments_and_commands(scodec_command: Command, picture: Path, file: Path, tmp_path: Path) -> None:
    run = scodec_command("encode", file, tmp_path / "a.png")
    assert run.code == 2 and f"`scodec decode {file} {tmp_path / 'a.png'}`" in run.err
    run = scodec_command("restore", file, tmp_path / "a.png")
    assert run.code == 1 and "`scodec decode` makes a picture of it" in run.err
    run = scodec_command("decode", picture, tmp_path / "a.png")
    assert run.code == 1 and "`scodec encode` makes one" in run.err


def test_a_grey_picture_has_no_colour_to_store(scodec_command: Command, picture: Path, tmp_path: Path) -> None:
    Image.open(picture).convert("L").save(tmp_path / "grey.png")
    assert "grey, no colour to store" in scodec_command("encode", tmp_path / "grey.png", tmp_path / "a.scz").err


def test_warnings_of_libraries_stay_away(
    scodec_command: Command, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = photo.load

    def noisy(content: Any, frame: int | None = None) -> photo.Photo:
        if not isinstance(content, photo.Photo):
            for category in (DeprecationWarning, UserWarning, FutureWarning, RuntimeWarning):
                warnings.warn("of a library", category, 2)
            warnings.warn("of ours", ScodecWarning, 2)
        return load(content, frame)

    monkeypatch.setattr(photo, "load", noisy)
    run = scodec_command("encode", picture, "-", "--quiet")
    assert (run.code, run.err) == (0, "scodec: warning: of ours\n")


def test_help_shows_values_as_they_are_typed(scodec_command: Command) -> None:
    assert b"--hints 0|auto|BYTES" in scodec_command("encode", "--help").out
    assert b"--look faithful|natural" in scodec_command("decode", "--help").out
    for command in ("encode", "decode", "restore"):
        assert b"--quiet" in scodec_command(command, "--help").out


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudoterminal")
@pytest.mark.parametrize("command", ["encode in.png a.scz", "encode in.png --output-dir out", "decode in.scz a.png"])
@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_progress_on_terminals(picture: Path, file: Path, command: str, options: list[str]) -> None:
    import pty
    import termios

    picture.rename(picture.with_name("in.png"))
    file.rename(file.with_name("in.scz"))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    code = "from scodec.cli import main, progress; progress.DELAY = progress.PAUSE = 0.01; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command.split(), *options], cwd=picture.parent, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # Linux says so when the other end is closed
        while part := os.read(ours, 1000):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    if options:
        assert shown == b""
        return
    words = b"decoding" if command.startswith("decode") else b"encoding"
    count = rb", [01] of 1 done" if "--output-dir" in command else rb"(, \d of \d done)?"
    assert re.search(rb"\rscodec: " + words + count + rb", 00:\d\d", shown)
    last = shown.replace(b"\r\n", b"\n").split(b"\r")[-1]  # the line is gone; what follows stands at its beginning
    assert not last or re.match(rb"scodec: (\d+ bytes|1 done), ", last)


def test_no_progress_elsewhere(picture: Path) -> None:
    code = "from scodec.cli import main, progress; progress.DELAY = progress.PAUSE = 0.01; main()"
    command = [sys.executable, "-c", code, "encode", picture, "a.scz"]
    run = subprocess.run(command, cwd=picture.parent, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr.count("\n") == 1 and "\r" not in run.stderr


def test_frames(scodec_command: Command, tmp_path: Path) -> None:
    frames = [Image.new("L", (16, 16), level) for level in (0, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    run = scodec_command("encode", tmp_path / "a.gif", tmp_path / "0.scz")
    assert run.code == 0 and "first of 2" in run.err and "--frame" in run.err
    assert scodec_command("encode", tmp_path / "a.gif", tmp_path / "1.scz", "--frame", 1).code == 0
    assert scodec_command("decode", tmp_path / "1.scz", tmp_path / "1.png").code == 0
    with Image.open(tmp_path / "1.png") as image:
        assert abs(np.array(image).mean() - 200) < 3
    run = scodec_command("encode", tmp_path / "a.gif", tmp_path / "2.scz", "--frame", 2)
    assert run.code == 1 and "no frame 2" in run.err and "give --frame 0 to 1" in run.err
    frames[0].save(tmp_path / "a.png")
    run = scodec_command("encode", tmp_path / "a.png", tmp_path / "2.scz", "--frame", 2)
    assert run.code == 1 and "leave out --frame" in run.err


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["encode"],
        ["encode", "IN"],
        ["encode", "IN", "OUT", "-q", "0"],
        ["encode", "IN", "OUT", "-q", "101"],
        ["encode", "IN", "OUT", "--scale", "5"],
        ["encode", "IN", "OUT", "--hints", "-1"],
        ["encode", "IN", "OUT", "--hints", "many"],
        ["encode", "IN", "OUT", "--target-size", "0"],
        ["encode", "IN", "OUT", "--target-bpp", "0"],
        ["encode", "IN", "OUT", "--target-bpp", "nan"],
        ["encode", "IN", "OUT", "--target-bpp", "inf"],
        ["encode", "IN", "OUT", "--target-size", "500", "--target-bpp", "1"],
        ["encode", "IN", "OUT", "--target-size", "500", "-q", "20"],
        ["decode", "IN", "OUT.png", "--device", "abacus"],
        ["decode", "IN", "OUT.png", "--tile", "0"],
        ["decode", "IN", "OUT.xyz"],
        ["decode", "IN", "OUT"],
        ["info"],
        ["transmogrify"],
    ],
)
def test_usage_errors(
    scodec_command: Command, picture: Path, tmp_path: Path, args: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = scodec_command(*[picture if arg == "IN" else arg for arg in args])
    assert run.code == 2 and "Usage: " in run.err
    assert [path.name for path in tmp_path.iterdir()] == [picture.name]
