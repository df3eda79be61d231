"""A broken FFmpeg, a program's own settings of torch, a frozen app: none of them may pass for a fault of the file."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

import scodec
from scodec.errors import BadFile, OutOfMemory, Unsupported
from scodec.format import container
from scodec.luma import hyperprior, vvc
from scodec.models import weights
from scodec.models.receiver import receiver
from scodec.models.registry import NETWORKS
from scodec.models.reports import system

REAL = imageio_ffmpeg.get_ffmpeg_exe()

#: Scripts in place of FFmpeg that fail whatever they are asked for, and what the message must say of each.
BROKEN = {
    "library missing": ("echo 'ffmpeg: error while loading shared libraries: libx.so.1' >&2; exit 127", "libx.so.1"),
    "says nothing": ("exit 0", "exit status 0"),
    "fails": ("exit 1", "exit status 1"),
    "crashes": ("kill -SEGV $$", "signal 11"),
    "prints text": ("echo usage", "data of another kind"),
}
#: A script that fails where VVC is to be coded, and is FFmpeg otherwise.
NO_ENCODER = f'''case "$*" in *libvvenc*) echo "[vost#0:0 @ 0x1] Unknown encoder libvvenc" >&2; exit 8;; esac
exec "{REAL}" "$@"'''


@pytest.fixture(scope="module")
def files(small: np.ndarray) -> list[bytes]:
    """Sound files in VVC, with chroma and with transparency."""
    picture = Image.fromarray(small)
    picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    return [scodec.encode(small), scodec.encode(picture, hints="auto")]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A function that puts a shell script in the place of FFmpeg."""

    def put(script: str) -> Path:
        path = tmp_path / "fake-ffmpeg"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))
        return path

    return put


def refusal(work: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(Unsupported) as caught:
        work(*arguments)
    message = str(caught.value)
    assert "\n" not in message and "damaged" not in message and "refused" not in message
    return message


@pytest.mark.parametrize("script, says", BROKEN.values(), ids=BROKEN)
def test_a_broken_ffmpeg_is_blamed_for_what_it_does(
    files: list[bytes], small: np.ndarray, fake: Callable[[str], Path], script: str, says: str
) -> None:
    fake(script)
    message = refusal(scodec.encode, small)
    assert says in message and "--luma av1" in message
    for data in files:  # decoding needs none
        assert scodec.decode(data).size == small.shape[1::-1]


def test_an_ffmpeg_without_vvc(small: np.ndarray, fake: Callable[[str], Path]) -> None:
    path = fake(NO_ENCODER)
    message = refusal(scodec.encode, small)
    assert str(path) in message and "encode VVC" in message and "Unknown encoder" in message
    assert "unset IMAGEIO_FFMPEG_EXE" in message and "--luma av1" in message


def test_a_decoder_without_vvc(files: list[bytes], small: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyAV may be built on an older FFmpeg."""
    monkeypatch.setattr(vvc, "_DECODER", "vvc-of-tomorrow")
    for work, argument in ((scodec.decode, files[0]), (scodec.encode, small)):
        assert "pip install --upgrade av" in refusal(work, argument)


@pytest.mark.parametrize("kind", ["missing", "not executable", "folder", "no program"])
def test_an_ffmpeg_that_cannot_be_started(
    small: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "ffmpeg"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"\x7fELF" + bytes(60))
        path.chmod(0o755 if kind == "no program" else 0o644)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))
    message = refusal(scodec.encode, small)
    assert str(path) in message and "can't be started" in message and "unset IMAGEIO_FFMPEG_EXE" in message


def test_no_ffmpeg_at_all(small: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    monkeypatch.setattr(imageio_ffmpeg._utils, "_get_ffmpeg_exe", lambda: None)
    assert "reinstall imageio-ffmpeg" in refusal(scodec.encode, small)


@pytest.mark.parametrize("script", ["kill -9 $$", "exit 137"])
def test_an_ffmpeg_that_is_killed_lacked_memory(small: np.ndarray, fake: Callable[[str], Path], script: str) -> None:
    path = fake(script)
    with pytest.raises(OutOfMemory, match="not enough memory for the FFmpeg at") as caught:
        scodec.encode(small)
    assert str(path) in str(caught.value) and isinstance(caught.value, MemoryError)


def test_an_ffmpeg_that_runs_out_of_memory(cat: np.ndarray, fake: Callable[[str], Path]) -> None:
    fake(f'ulimit -v 260000; exec "{REAL}" "$@"')
    assert "memory" in refusal(scodec.encode, np.tile(cat, (6, 6, 1)))


def test_an_encoder_that_crashes_on_one_picture(small: np.ndarray, fake: Callable[[str], Path]) -> None:
    fake(f'case "$*" in *136x104*libvvenc*) kill -ABRT $$;; esac\nexec "{REAL}" "$@"')
    message = refusal(lambda: scodec.encode(small, scale=1))
    assert "crashed on a 131 x 97 picture" in message and "--luma av1" in message


def test_a_damaged_file_is_still_blamed(files: list[bytes]) -> None:
    stream = container.parse(files[0])
    for luma in (stream.luma[:1] + bytes(8), stream.luma[:-20], stream.luma[:2]):
        with pytest.raises(BadFile, match="damaged"):
            scodec.decode(container.pack(replace(stream, luma=luma)))


def test_the_command_says_it_in_one_line(
    cat: np.ndarray, tmp_path: Path, scodec_command: Callable[..., Any], fake: Callable[[str], Path]
) -> None:
    Image.fromarray(cat).save(tmp_path / "a.png")
    fake(BROKEN["library missing"][0])
    run = scodec_command("encode", tmp_path / "a.png", tmp_path / "a.scz")
    assert run.code == 1 and run.err.count("\n") == 1 and "libx.so.1" in run.err
    assert not (tmp_path / "a.scz").exists()


@pytest.fixture(params=["float64", "bfloat16", "meta"])
def defaults(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program that has set other defaults of torch before scodec loads its networks; loaded ones are forgotten."""
    loaded = receiver._load, hyperprior._load, system._load
    for cached in loaded:
        cached.cache_clear()
    if request.param == "meta":
        torch.set_default_device("meta")
    else:
        torch.set_default_dtype(getattr(torch, request.param))
    yield
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    for cached in loaded:
        cached.cache_clear()


DECODED: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"scale": 2}, {"look": 0.5}),
    ({"scale": 1, "hints": 60}, {"look": "natural"}),
    ({"scale": 3, "hints": "auto", "luma": "av1"}, {}),
    ({"hints": "auto"}, {}),
    ({"luma": "hyperprior", "quality": 60}, {"color": False}),
)


@pytest.fixture(scope="module")
def expected(small: np.ndarray) -> list[tuple[bytes, np.ndarray]]:
    """Files and what they decode to, by torch's own defaults."""
    files = [scodec.encode(small, **options) for options, _ in DECODED]
    return [
        (data, np.array(scodec.decode(data, backend="torch", **how)))
        for data, (_, how) in zip(files, DECODED, strict=True)
    ]


@pytest.fixture(scope="module")
def restored(small: np.ndarray) -> list[np.ndarray]:
    return [np.array(each) for each in scodec.restore(small, scale=2, samples=2, backend="torch")]


def test_a_programs_defaults_of_torch_change_nothing(
    expected: list[tuple[bytes, np.ndarray]], restored: list[np.ndarray], small: np.ndarray, defaults: None
) -> None:
    for (data, picture), (options, how) in zip(expected, DECODED, strict=True):
        assert np.array_equal(np.array(scodec.decode(data, backend="torch", **how)), picture), options
    again = [np.array(each) for each in scodec.restore(small, scale=2, samples=2, backend="torch")]
    assert np.array_equal(again, restored)
    assert scodec.encode(small, luma="hyperprior", quality=60) == expected[-1][0]


@pytest.fixture(scope="module")
def reported(small: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes, np.ndarray]]:
    """Weights files of systems of the reports, a file, and what they make of it."""
    found = []
    for name in ("zhang", "koalarization", "dtu-cnn", "edsr"):
        torch.manual_seed(0)
        file = tmp_path_factory.mktemp(name) / f"{name}.safetensors"
        weights.save(NETWORKS[name](), file, name)
        data = scodec.encode(small, scale=2)
        found.append((str(file), data, np.array(scodec.decode(data, receivers=[str(file)]))))
    return found


def test_nor_do_they_change_the_systems_of_the_reports(
    reported: list[tuple[str, bytes, np.ndarray]], defaults: None
) -> None:
    for file, data, picture in reported:
        assert np.array_equal(np.array(scodec.decode(data, receivers=[file])), picture), file
