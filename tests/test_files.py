"""Files are written completely or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from scodec.errors import BadRequest
from scodec.files import atomic


def test_write_and_read(tmp_path: Path) -> None:
    path = str(tmp_path / "new")
    atomic.write(path, b"abc", force=False)
    assert atomic.read(path) == b"abc"
    assert os.listdir(tmp_path) == ["new"]


def test_refuses_to_replace_without_force(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    with pytest.raises(BadRequest, match="--force"):
        atomic.write(str(path), b"new", force=False)
    assert path.read_bytes() == b"old"
    atomic.write(str(path), b"new", force=True)
    assert path.read_bytes() == b"new"


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "old"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        atomic.write(str(path), b"new", force=True)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["old"]


def test_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic.write(str(tmp_path / "new"), b"new", force=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_error_names_the_full_device() -> None:
    with pytest.raises(OSError) as caught:
        atomic.write("/dev/full", b"new", force=False)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


def test_devices_are_written_to_rather_than_replaced() -> None:
    atomic.write(os.devnull, b"new", force=True)
    assert not Path(os.devnull).is_file()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="does not exist"):
        atomic.check_writable(str(tmp_path / "missing" / "new"), force=False)


def test_folder_as_target(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is a folder"):
        atomic.check_writable(str(tmp_path), force=True)


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # simulated, since root may write anywhere
    with pytest.raises(BadRequest, match="may not be written"):
        atomic.check_writable(str(tmp_path / "new"), force=False)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX links and modes")
def test_keeps_links_and_modes(tmp_path: Path) -> None:
    path, link = tmp_path / "old", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    atomic.write(str(link), b"new", force=True)
    assert link.is_symlink() and path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic.write(str(tmp_path / "new"), b"", force=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
