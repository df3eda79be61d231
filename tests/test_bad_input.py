"""Bad input quickly gives one clear error and exit code 1, and leaves no file behind."""

import os
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import scodec
from scodec.errors import BadFile, BadImage, BadRequest, ScodecError, Unsupported
from scodec.format import container

Command = Callable[..., Any]
ODD_SIZES = [(1, 1), (1, 2), (1, 500), (500, 1), (2, 3), (17, 33), (63, 65), (129, 31)]


def resealed(data: bytes) -> bytes:
    """The same bytes with a valid checksum, as after deliberate tampering."""
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little")


def with_header(data: bytes, **changes: Any) -> bytes:
    stream = container.parse(data)
    return container.pack(replace(stream, header=replace(stream.header, **changes)))


@pytest.fixture
def refuses(scodec_command: Command, tmp_path: Path) -> Command:
    """A function that asserts that a run fails cleanly, and returns its error message."""

    def refuse(*args: str | Path, stdin: bytes = b"") -> str:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        run = scodec_command(*args, stdin=stdin)
        assert (run.code, run.out) == (1, b"")
        assert run.err.startswith("scodec: error: ") and run.err.count("\n") == 1
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        return run.err

    return refuse


# Pictures


def test_missing_picture(refuses: Command, tmp_path: Path) -> None:
    assert "No such file" in refuses("encode", tmp_path / "missing.png", tmp_path / "out.scz")


def test_folder_as_picture(scodec_command: Command, tmp_path: Path) -> None:
    run = scodec_command("encode", tmp_path, tmp_path / "out.scz")
    assert run.code == 2 and "--output-dir" in run.err and not (tmp_path / "out.scz").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(1000)])
def test_not_a_picture(refuses: Command, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(content)
    message = refuses("encode", path, tmp_path / "out.scz")
    assert str(path) in message and ("the file is empty" in message) == (not content)
    assert "standard input" in refuses("encode", "-", "-", stdin=content)


def test_scz_file_as_picture(refuses: Command, tmp_path: Path, coded: bytes) -> None:
    path = tmp_path / "in.scz"
    path.write_bytes(coded)
    refuses("encode", path, tmp_path / "out.scz")


def test_truncated_picture(refuses: Command, tmp_path: Path, small: np.ndarray) -> None:
    path = tmp_path / "in.png"
    Image.fromarray(small).save(path)
    path.write_bytes(path.read_bytes()[:3000])
    refuses("encode", path, tmp_path / "out.scz")


def test_decompression_bomb(
    refuses: Command, tmp_path: Path, small: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.png"
    Image.fromarray(small).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    message = refuses("encode", path, tmp_path / "out.scz")
    assert "too large: Image size (12707 pixels)" in message and "tiles, or raise PIL.Image.MAX_IMAGE_PIXELS" in message
    monkeypatch.undo()
    Image.new("1", (20_000, 10_000)).save(path)
    message = refuses("encode", path, tmp_path / "out.scz")
    assert "200000000 pixels" in message and message.endswith("cut it into tiles\n")


def test_picture_wider_than_the_format_allows() -> None:
    with pytest.raises((BadImage, BadRequest)):
        scodec.encode(np.zeros((1, 70_000, 3), np.uint8))


@pytest.mark.parametrize("array", [np.zeros((0, 5), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4))])
def test_unusable_arrays(array: np.ndarray) -> None:
    with pytest.raises(BadImage):
        scodec.encode(array)


@pytest.mark.parametrize("hints", [0, 40, "auto"])
@pytest.mark.parametrize("size", ODD_SIZES)
def test_odd_sizes_work(size: tuple[int, int], hints: int | str) -> None:
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    rgb = np.stack([columns * 255 // width, rows * 255 // height, 0 * rows + 90], axis=2).astype(np.uint8)
    image = scodec.decode(scodec.encode(rgb, hints=hints), device="cpu")
    assert (image.size, image.mode) == (size, "RGB")


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (5, 7)])
def test_every_scale_works_on_tiny_pictures(size: tuple[int, int], scale: int) -> None:
    rgb = np.full((*size[::-1], 3), (200, 60, 20), np.uint8)
    assert scodec.decode(scodec.encode(rgb, scale=scale), device="cpu").size == size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F", "HSV"])
@pytest.mark.filterwarnings("ignore::scodec.errors.ScodecWarning")
def test_every_kind_of_picture_works(mode: str, small: np.ndarray) -> None:
    image = Image.fromarray(small)
    picture = image.convert("L").convert(mode) if mode in ("I;16", "I", "F", "LA", "1") else image.convert(mode)
    decoded = scodec.decode(scodec.encode(picture, hints=40), device="cpu")
    assert decoded.size == image.size
    assert decoded.mode == ("RGB" if mode in ("P", "RGBA", "CMYK", "HSV") else "L")


# Requests


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 0},
        {"quality": 101},
        {"scale": 0},
        {"scale": 5},
        {"scale": "big"},
        {"hints": -1},
        {"hints": "many"},
        {"luma": "wavelet"},
        {"target_bytes": 0},
    ],
)
def test_invalid_encode_options(small: np.ndarray, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        scodec.encode(small, **options)


@pytest.mark.parametrize("options", [{"device": "abacus"}, {"dtype": "float7"}, {"tile": 0}])
def test_invalid_decode_options(coded: bytes, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        scodec.decode(coded, **options)


def test_missing_accelerator(refuses: Command, tmp_path: Path, coded: bytes) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("a CUDA device is available")
    path = tmp_path / "in.scz"
    path.write_bytes(coded)
    refuses("decode", path, tmp_path / "out.png", "--device", "cuda")


@pytest.mark.parametrize("command, out", [("encode", "out.scz"), ("decode", "out.png")])
def test_missing_output_folder(
    refuses: Command, tmp_path: Path, small: np.ndarray, coded: bytes, command: str, out: str
) -> None:
    source = tmp_path / "in"
    if command == "encode":
        Image.fromarray(small).save(source, "PNG")
    else:
        source.write_bytes(coded)
    assert "does not exist" in refuses(command, source, tmp_path / "missing" / out)


# Files


def refused_by_all(refuses: Command, folder: Path, data: bytes) -> None:
    """Assert that decode and info, as commands and as functions, refuse the bytes."""
    path = folder / "in.scz"
    path.write_bytes(data)
    assert str(path) in refuses("info", path)
    assert str(path) in refuses("decode", path, folder / "out.png")
    for function in (scodec.info, scodec.decode):
        with pytest.raises((BadFile, Unsupported)):
            function(data)


def test_missing_file(refuses: Command, tmp_path: Path) -> None:
    assert "No such file" in refuses("decode", tmp_path / "missing.scz", tmp_path / "out.png")
    assert "No such file" in refuses("info", tmp_path / "missing.scz")


def test_empty_file(refuses: Command, tmp_path: Path) -> None:
    refused_by_all(refuses, tmp_path, b"")


def test_other_format_with_scz_suffix(refuses: Command, tmp_path: Path, small: np.ndarray) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(small).save(path)
    refused_by_all(refuses, tmp_path, path.read_bytes())


def test_newer_format_version(refuses: Command, tmp_path: Path, coded: bytes) -> None:
    version = len(container.MAGIC)
    data = resealed(coded[:version] + bytes([container.VERSION + 1]) + coded[version + 1 :])
    refused_by_all(refuses, tmp_path, data)
    with pytest.raises(Unsupported, match="version"):
        scodec.info(data)


def test_every_truncation(coded: bytes) -> None:
    for length in range(len(coded)):
        with pytest.raises(BadFile):
            scodec.decode(coded[:length])


def test_truncation_through_the_command(refuses: Command, tmp_path: Path, coded: bytes) -> None:
    for length in (1, 4, 10, len(coded) // 2, len(coded) - 1):
        refused_by_all(refuses, tmp_path, coded[:length])


def test_trailing_bytes(refuses: Command, tmp_path: Path, coded: bytes) -> None:
    refused_by_all(refuses, tmp_path, coded + b"\0")


def test_every_flipped_byte(coded: bytes) -> None:
    for position in range(len(coded)):
        for mask in (1, 0x80, 0xFF):
            damaged = bytearray(coded)
            damaged[position] ^= mask
            with pytest.raises((BadFile, Unsupported)):
                scodec.decode(bytes(damaged))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_with_a_valid_checksum(coded: bytes, data: st.DataObject) -> None:
    """With a forged checksum, the outcome is an error or a picture of the declared size, nothing else."""
    damaged = bytearray(coded[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    forged = resealed(bytes(damaged) + bytes(4))
    try:
        image = scodec.decode(forged, color=False)
    except ScodecError:
        return
    facts = scodec.info(forged)
    assert image.size == (facts.width, facts.height)


@pytest.mark.parametrize("width, height", [(0, 97), (131, 0), (0, 0)])
def test_zero_dimensions(refuses: Command, tmp_path: Path, coded: bytes, width: int, height: int) -> None:
    refused_by_all(refuses, tmp_path, with_header(coded, width=width, height=height))


@pytest.mark.parametrize("width, height", [(2**31, 2**31), (65535, 65535), (10**9, 1)])
def test_huge_dimensions(refuses: Command, tmp_path: Path, coded: bytes, width: int, height: int) -> None:
    refused_by_all(refuses, tmp_path, with_header(coded, width=width, height=height))


@pytest.mark.parametrize("width, height", [(13_000, 13_000), (140, 97), (97, 131), (1, 1)])
@pytest.mark.parametrize("luma", ["av1", "vvc", "hyperprior"])
def test_dimensions_that_contradict_the_luma(small: np.ndarray, luma: str, width: int, height: int) -> None:
    """Refused before memory for that size is allocated. A VVC section states no size of its own, so it may pass, and
    its decoder allocates 3 bytes a pixel."""
    data = scodec.encode(small, luma=luma)
    scodec.decode(data)  # loads the networks
    forged = with_header(data, width=width, height=height)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    most = 4 * width * height // 1000 if luma == "vvc" else 0
    start = time.process_time()
    try:
        image = scodec.decode(forged)
        assert luma == "vvc" and image.size == (width, height)
    except BadFile:
        pass
    assert time.process_time() - start < 5  # of this process: other work on the machine doesn't count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 100_000 + most  # kB on Linux


# In a real process


@pytest.mark.parametrize("args", [["info", "in.scz"], ["decode", "in.scz", "out.png"], ["encode", "in.scz", "out"]])
def test_no_traceback_in_a_real_process(tmp_path: Path, coded: bytes, args: list[str]) -> None:
    (tmp_path / "in.scz").write_bytes(coded[:-9])
    run = subprocess.run(
        [sys.executable, "-m", "scodec", *args], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("scodec: error: in.scz: ") and run.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["in.scz"]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes")
def test_output_pipe_closed_early(tmp_path: Path, coded: bytes) -> None:
    (tmp_path / "in.scz").write_bytes(coded)
    run = subprocess.run(
        f"{sys.executable} -m scodec decode in.scz - | head -c 1 > /dev/null",
        shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in run.stderr and "Exception" not in run.stderr
