"""The command on many files at once."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Run
from PIL import Image

import scodec
from scodec.cli import batch
from scodec.files import folders, heif

Command = Callable[..., Run]


@pytest.fixture
def folder(tmp_path: Path, small: np.ndarray) -> Path:
    """A folder with in/a.png, in/deep/b.jpg, in/deep/broken.png and in/notes.txt."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    Image.fromarray(small).save(tmp_path / "in" / "a.png")
    Image.fromarray(small[:50]).save(tmp_path / "in" / "deep" / "b.jpg")
    (tmp_path / "in" / "deep" / "broken.png").write_bytes((tmp_path / "in" / "a.png").read_bytes()[:500])
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_folder_round_trip(scodec_command: Command, folder: Path) -> None:
    run = scodec_command("encode", folder / "in", "--output-dir", folder / "out", "-j", 2, "--luma", "av1")
    assert run.code == 1 and "2 done, 0 were there already, 1 failed" in run.err
    assert run.err.count("error:") == 1 and "broken.png" in run.err
    assert names(folder / "out") == {"a.scz", "deep/b.scz"}

    (folder / "in" / "deep" / "broken.png").unlink()
    before = (folder / "out" / "a.scz").stat().st_mtime_ns
    run = scodec_command("encode", folder / "in", "--output-dir", folder / "out")
    assert run.code == 0 and "0 done, 2 were there already, 0 failed" in run.err
    assert (folder / "out" / "a.scz").stat().st_mtime_ns == before

    run = scodec_command("decode", folder / "out", "--output-dir", folder / "back")
    assert run.code == 0 and names(folder / "back") == {"a.png", "deep/b.png"}
    with Image.open(folder / "back" / "deep" / "b.png") as image:
        assert image.size == (131, 50)


@pytest.mark.parametrize("command", ["encode", "decode", "restore"])
def test_nothing_to_do_is_an_error(scodec_command: Command, tmp_path: Path, command: str) -> None:
    make(tmp_path, "in/notes.txt")
    run = scodec_command(command, tmp_path / "in", "--output-dir", tmp_path / "out")
    what = ".scz files" if command == "decode" else "pictures"
    assert run.code == 1 and run.err == f"scodec: error: no {what} in {tmp_path / 'in'}: choose other folders\n"


def test_originals_are_not_taken_for_decoded_pictures(scodec_command: Command, folder: Path) -> None:
    (folder / "in" / "deep" / "broken.png").unlink()
    options = "--output-dir", folder / "in"
    assert scodec_command("encode", folder / "in", *options, "--luma", "av1", "--effort", "fast").code == 0
    assert "0 done, 2 were there already" in scodec_command("encode", folder / "in", *options).err
    before = (folder / "in" / "a.png").read_bytes()
    run = scodec_command("decode", folder / "in", *options)
    assert run.code == 1 and "1 done, 0 were there already, 1 failed" in run.err
    assert "a.png is there already and may be the original" in run.err
    assert (folder / "in" / "a.png").read_bytes() == before
    assert scodec_command("decode", folder / "in", *options, "--force").code == 0
    assert (folder / "in" / "a.png").read_bytes() != before


def test_named_files_and_force(scodec_command: Command, folder: Path) -> None:
    files = folder / "in" / "a.png", folder / "in" / "deep" / "b.jpg"
    options = "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast"
    assert scodec_command("encode", *files, *options).code == 0
    assert names(folder / "out") == {"a.scz", "b.scz"}
    (folder / "out" / "a.scz").write_bytes((folder / "out" / "b.scz").read_bytes())
    assert "0 done, 2 were there already" in scodec_command("encode", *files, *options).err
    assert (folder / "out" / "a.scz").read_bytes() == (folder / "out" / "b.scz").read_bytes()
    assert scodec_command("encode", *files, *options, "--force").code == 0
    assert (folder / "out" / "a.scz").read_bytes() != (folder / "out" / "b.scz").read_bytes()


def job_names(plan: folders.Plan, root: Path) -> dict[str, str]:
    return {Path(s).relative_to(root).as_posix(): Path(t).relative_to(root).as_posix() for s, t in plan.jobs}


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"picture")


def test_files_that_differ_in_their_suffix_keep_it(tmp_path: Path) -> None:
    make(tmp_path, "in/IMG_1.jpg", "in/IMG_1.png", "in/img_1.BMP", "in/other.png", "in/deep/IMG_1.png")
    plan = folders.plan([str(tmp_path / "in")], tmp_path / "out", ".scz", {".jpg", ".png", ".bmp"})
    assert plan.failed == []
    assert job_names(plan, tmp_path) == {
        "in/IMG_1.jpg": "out/IMG_1.jpg.scz",
        "in/IMG_1.png": "out/IMG_1.png.scz",
        "in/img_1.BMP": "out/img_1.BMP.scz",
        "in/other.png": "out/other.scz",
        "in/deep/IMG_1.png": "out/deep/IMG_1.scz",
    }


def test_files_of_one_name_fail_alone(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "b/x.png", "b/y.png", "c/z.png", "c/z.jpg", "c/z.png.bmp")
    sources = [str(tmp_path / name) for name in ("a", "b", "c", "b/y.png")]
    plan = folders.plan(sources, tmp_path / "out", ".scz", {".jpg", ".png", ".bmp"})
    assert job_names(plan, tmp_path) == {"b/y.png": "out/y.scz", "c/z.jpg": "out/z.jpg.scz"}
    assert {Path(source).relative_to(tmp_path).as_posix() for source, _ in plan.failed} == {
        "a/x.png", "b/x.png", "c/z.png", "c/z.png.bmp",
    }  # fmt: skip
    assert all("another file would become" in reason for _, reason in plan.failed)


def test_equal_stems_are_both_encoded(scodec_command: Command, folder: Path, small: np.ndarray) -> None:
    Image.fromarray(small[:40]).save(folder / "in" / "a.bmp")
    options = "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast"
    (folder / "in" / "deep" / "broken.png").unlink()
    assert scodec_command("encode", folder / "in", *options).code == 0
    assert names(folder / "out") == {"a.png.scz", "a.bmp.scz", "deep/b.scz"}
    assert scodec.info(folder / "out" / "a.bmp.scz").height == 40
    assert "0 done, 3 were there already, 0 failed" in scodec_command("encode", folder / "in", *options).err


@pytest.mark.parametrize("content", [b"", b"old", b"\x89PNG", "folder"])
def test_what_stands_in_the_way_is_not_taken_for_done(
    scodec_command: Command, folder: Path, content: bytes | str
) -> None:
    target = folder / "out" / "a.scz"
    if isinstance(content, bytes):
        make(folder, "out/a.scz")
        target.write_bytes(content)
    else:
        target.mkdir(parents=True)
    options = "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast"
    run = scodec_command("encode", folder / "in" / "a.png", folder / "in" / "deep" / "b.jpg", *options)
    assert run.code == 1 and "1 done, 0 were there already, 1 failed" in run.err
    assert "a.scz is there already, but is" in run.err or "is no file" in run.err
    if isinstance(content, bytes):
        assert target.read_bytes() == content
        assert scodec_command("encode", folder / "in" / "a.png", *options, "--force").code == 0
        assert scodec.info(target).height == 97


def test_only_pictures_are_looked_for_and_the_unreadable_named(
    scodec_command: Command, folder: Path, small: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, *(f"in/x.{suffix}" for suffix in ("pdf", "mpg", "h5", "hdf", "grib", "bufr", "wmf", "palm", "txt")))
    make(folder, "in/1.HEIC", "in/deep/2.heic", "in/3.NEF", "elsewhere/c.png")
    (folder / "in" / "linked").symlink_to(folder / "elsewhere", target_is_directory=True)
    (folder / "in" / "deep" / "broken.png").unlink()
    monkeypatch.setattr(heif, "readable", lambda: False)
    run = scodec_command("encode", folder / "in", "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast")
    assert run.code == 0 and names(folder / "out") == {"a.scz", "deep/b.scz"}
    lines = run.err.splitlines()
    assert len(lines) == 2 and "2 done, 0 were there already, 0 failed" in lines[1]
    for words in ("2 .heic", "scodec-image[heif]", "1 .nef", "1 linked folder"):
        assert words in lines[0]


def test_quiet_on_folders(scodec_command: Command, folder: Path) -> None:
    options = "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast", "--quiet"
    run = scodec_command("encode", folder / "in", *options)
    assert run.code == 1 and run.err.count("\n") == 1 and "broken.png" in run.err
    run = scodec_command("decode", folder / "out", "--output-dir", folder / "back", "--quiet")
    assert (run.code, run.err, names(folder / "back")) == (0, "", {"a.png", "deep/b.png"})


def test_so_many_files_that_bulk_work_is_better(
    scodec_command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MANY", 1)
    run = scodec_command("encode", folder / "in", "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast")
    assert "3 files: `scodec bulk`" in run.err


def test_one_file_needs_a_target(scodec_command: Command, folder: Path) -> None:
    for arguments in ((), (folder / "a.scz", "-j", 2)):
        run = scodec_command("encode", folder / "in" / "a.png", *arguments)
        assert run.code == 2 and "--output-dir" in run.err


def test_missing_file_does_not_stop_the_others(scodec_command: Command, folder: Path) -> None:
    run = scodec_command(
        "encode", folder / "in" / "a.png", folder / "none.png", "--output-dir", folder / "out", "--luma", "av1"
    )
    assert run.code == 1 and "none.png" in run.err and names(folder / "out") == {"a.scz"}


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_workers_end_with_their_parent(folder: Path) -> None:
    for i in range(40):
        shutil.copy(folder / "in" / "a.png", folder / "in" / f"{i}.png")
    command = [sys.executable, "-m", "scodec", "encode", "in", "--output-dir", "out", "-j", "2"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list(folder.glob("out/*.scz")):
        time.sleep(0.1)
    process.kill()
    process.wait()
    for _ in range(150):
        try:
            os.killpg(process.pid, 0)  # raises when no process of the group is left
        except ProcessLookupError:
            return
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("workers outlived their parent")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("whole_group", [True, False])  # as a terminal sends it, and as `kill` does
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_folder(tmp_path: Path, cat: np.ndarray, jobs: str, whole_group: bool) -> None:
    """Ctrl-C drops what is under way and starts nothing new."""
    (tmp_path / "in").mkdir()
    (tmp_path / "tmp").mkdir()
    Image.fromarray(cat[:64, :64]).save(tmp_path / "in" / "0.png")
    Image.fromarray(np.tile(cat, (12, 12, 1))).save(tmp_path / "in" / "1.bmp")  # half a minute of work each
    for name in ("2.bmp", "3.bmp", "4.bmp"):
        os.link(tmp_path / "in" / "1.bmp", tmp_path / "in" / name)
    process = subprocess.Popen(
        [sys.executable, "-m", "scodec", "encode", "in", "--output-dir", "out", "-j", jobs, "--target-size", "20000"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    while not (tmp_path / "out" / "0.scz").exists():
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(1)
    if whole_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (1, -signal.SIGINT)
    lines = [line for line in err.splitlines() if line and "warning" not in line]
    assert lines == ["scodec: stopped: 1 done, 0 failed, 4 left", "Aborted!"]
    assert names(tmp_path / "out") == {"0.scz"} and not list((tmp_path / "tmp").iterdir())
    with pytest.raises(ProcessLookupError):  # neither a worker nor its FFmpeg is left
        for _ in range(50):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
