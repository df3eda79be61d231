"""Files are written completely or not at all."""

import errno
import io
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scodec.errors import BadImage, BadRequest
from scodec.files import atomic, formats, heif


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


@pytest.mark.parametrize("target, message", [("a.xyz", "can't write .xyz"), ("a", "needs a suffix")])
def test_formats_that_are_not_written(target: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        formats.written(target)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="does not exist"):
        atomic.check_writable(str(tmp_path / "missing" / "new"), force=False)


def test_folder_as_target(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is a folder"):
        atomic.check_writable(str(tmp_path), force=True)


def test_name_of_a_folder_as_target(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="names a folder"):
        atomic.write(f"{tmp_path}/new/", b"new", force=True)
    assert os.listdir(tmp_path) == []


def heic(*brands: bytes) -> io.BytesIO:
    """The start of a file of these brands, the main one first."""
    content = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return io.BytesIO((len(content) + 4).to_bytes(4, "big") + content + b"heic")


@pytest.mark.parametrize("brands", [(b"heic",), (b"heix", b"mif1"), (b"mif1", b"mif1", b"heic"), (b"msf1", b"hevc")])
def test_heic_names_the_package_where_it_is_missing(brands: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    stream = heic(*brands)
    with pytest.raises(BadImage, match=r"scodec-image\[heif\]"):
        heif.prepare(stream)
    assert stream.tell() == 0


@pytest.mark.parametrize(
    "start", [b"", b"ftyp", b"\x89PNG", heic(b"avif", b"mif1").read(), heic(b"mif1", b"avif").read()]
)
def test_other_formats_do_not_ask_for_it(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heif.prepare(io.BytesIO(start))


def test_heic_opens_with_pillow_heif(cat: np.ndarray) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(cat)).save(stream, quality=90)
    stream.seek(0)
    heif.prepare(stream)
    with Image.open(stream) as image:
        assert np.abs(np.asarray(image).astype(int) - cat).mean() < 6
    assert ".heic" in formats.readable()


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
