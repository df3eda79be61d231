"""However a run is cut short, every file is complete, either old or new. There is one message and no traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import scodec
from scodec.errors import BadRequest
from scodec.eval.lab import kill
from scodec.files import atomic

Command = Callable[..., Any]
COMMAND = [sys.executable, "-m", "scodec"]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, devices and pipes")


@pytest.fixture
def picture(tmp_path: Path, small: np.ndarray) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(small).save(path)
    return path


def test_killed_writers_leave_complete_files(tmp_path: Path) -> None:
    broken, _ = kill.run(20, 0, tmp_path)
    assert broken == 0


def test_kill_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(kill.main, ["--kills", "1"])
    assert run.exit_code == 0 and "\n| 1 | 0 | " in run.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delay", [0.1, 0.4, 0.8])
def test_interrupted_encode(tmp_path: Path, cat: np.ndarray, delay: float) -> None:
    """Ctrl-C at some time after the picture was read."""
    Image.fromarray(np.tile(cat, (5, 5, 1))).save(tmp_path / "in.bmp")
    process = subprocess.Popen(
        [*COMMAND, "encode", "-", "out.scz"],
        cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write((tmp_path / "in.bmp").read_bytes())  # returns once nearly everything was read
    process.stdin.close()
    process.stdin = None
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert len(err.strip().splitlines()) == 1
    if process.returncode == 0:  # the signal came too late: the file is complete
        assert scodec.info(tmp_path / "out.scz").width == 5 * cat.shape[1]
        return
    # Under -m, Python dies of the signal (130 in a shell) regardless of our exit code if it arrives during an exec of
    # source text, as in an import of dataclasses. Even then, our message is printed and no file is left behind.
    assert process.returncode in (1, -signal.SIGINT)
    assert os.listdir(tmp_path) == ["in.bmp"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "args", ["encode in.png /dev/full", "encode in.png - > /dev/full", "info in.scz > /dev/full", "--help > /dev/full"]
)
def test_full_disk(tmp_path: Path, picture: Path, coded: bytes, args: str) -> None:
    (tmp_path / "in.scz").write_bytes(coded)
    assert "No space left on device" in one_error(args, tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["in.png", "in.scz"]


@pytest.mark.parametrize("args", ["encode - out.scz <&-", "encode in.png - >&-", "decode in.scz - >&-"])
def test_closed_streams(tmp_path: Path, picture: Path, coded: bytes, args: str) -> None:
    (tmp_path / "in.scz").write_bytes(coded)
    assert "is closed" in one_error(args, tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["in.png", "in.scz"]


def one_error(args: str, folder: Path) -> str:
    """Run a command that must fail and return its one line of error."""
    line = f"{' '.join(COMMAND)} {args}"
    run = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("scodec: error: ") and run.stderr.count("\n") == 1
    return run.stderr


@pytest.mark.parametrize("args", ["encode in.png - --quiet", "info in.scz"])
def test_output_pipe_without_reader(tmp_path: Path, picture: Path, coded: bytes, args: str) -> None:
    (tmp_path / "in.scz").write_bytes(coded)
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [*COMMAND, *args.split()], stdout=writing, cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (1, "")


def test_read_only_folder(
    scodec_command: Command, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # simulated, since root may write anywhere
    run = scodec_command("encode", picture, tmp_path / "out.scz")
    assert run.code == 1 and "may not be written" in run.err and run.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["in.png"]


def test_output_same_as_input(scodec_command: Command, picture: Path, tmp_path: Path) -> None:
    before = picture.read_bytes()
    (tmp_path / "link.png").symlink_to(picture)
    for target in (picture, tmp_path / "link.png"):
        run = scodec_command("encode", picture, target)
        assert run.code == 2 and "is a picture" in run.err
    assert picture.read_bytes() == before


def test_closed_standard_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(BadRequest, match="input is closed"):
        atomic.read(atomic.STREAM)
    with pytest.raises(BadRequest, match="output is closed"):
        atomic.check_writable(atomic.STREAM, force=True)
