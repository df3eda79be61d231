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


def test_named_files_and_force(scodec_command: Command, folder: Path) -> None:
    files = folder / "in" / "a.png", folder / "in" / "deep" / "b.jpg"
    options = "--output-dir", folder / "out", "--luma", "av1", "--effort", "fast"
    assert scodec_command("encode", *files, *options).code == 0
    assert names(folder / "out") == {"a.scz", "b.scz"}
    (folder / "out" / "a.scz").write_bytes(b"old")
    assert "0 done, 2 were there already" in scodec_command("encode", *files, *options).err
    assert scodec_command("encode", *files, *options, "--force").code == 0
    assert (folder / "out" / "a.scz").stat().st_size > 100


def test_two_files_with_one_target(scodec_command: Command, folder: Path, small: np.ndarray) -> None:
    Image.fromarray(small).save(folder / "in" / "a.bmp")
    run = scodec_command("encode", folder / "in", "--output-dir", folder / "out")
    assert run.code == 1 and "would both become" in run.err and not (folder / "out").exists()


def test_one_file_needs_a_target(scodec_command: Command, folder: Path) -> None:
    run = scodec_command("encode", folder / "in" / "a.png")
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
