"""Damaged files give one of our own errors or a picture, nothing else. `eval.lab.fuzz` tries millions of them."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scodec import metadata
from scodec.errors import BadFile
from scodec.eval.lab import fuzz, robust
from scodec.format import container, leb128
from scodec.luma import vvc

HEADER = 16  # bytes, at least as many as all fields before the sections take


@pytest.fixture(scope="module")
def originals() -> list[bytes]:
    return fuzz.files()


def assert_survives(data: bytes) -> None:
    """Try all quick readings, on the bytes as they are and with a valid checksum."""
    for each in (data, fuzz.sealed(data)):
        fuzz.read(each, 1, fuzz.Board())


def test_files_of_every_kind(originals: list[bytes]) -> None:
    board = fuzz.Board()
    for data in originals:
        fuzz.read(data, 0, board)
    unchecked = fuzz.READINGS.index("parse, unchecked")
    assert not any(board.refused)
    assert all(count for reading, count in enumerate(board.worked) if reading != unchecked)
    headers = [container.parse_header(data) for data in originals]
    assert {header.scale for header in headers} == {1, 2, 3, 4}
    for flag in ("gray", "chroma", "alpha"):
        assert {getattr(header, flag) for header in headers} == {False, True}


def test_truncation_at_every_byte(originals: list[bytes]) -> None:
    for data in originals:
        for length in range(len(data)):
            assert_survives(data[:length])


def test_every_bit_of_the_header(originals: list[bytes]) -> None:
    for data in originals:
        for bit in range(HEADER * 8):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            assert_survives(bytes(changed))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_splices(originals: list[bytes], data: st.DataObject) -> None:
    first, second = (data.draw(st.sampled_from(originals)) for _ in range(2))
    head = first[: data.draw(st.integers(0, len(first)))]
    assert_survives(head + data.draw(st.binary(max_size=8)) + second[data.draw(st.integers(0, len(second))) :])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_extreme_numbers(originals: list[bytes], data: st.DataObject) -> None:
    """Replace any bytes of the header, above all dimensions and lengths, by a number of any size."""
    original = data.draw(st.sampled_from(originals))
    at = data.draw(st.integers(3, HEADER))
    value = data.draw(st.one_of(st.sampled_from(fuzz.EXTREMES), st.integers(0, 2**40)))
    assert_survives(original[:at] + leb128.write(value) + original[at + data.draw(st.integers(0, 3)) :])


def test_luma_with_its_own_parameter_sets(originals: list[bytes]) -> None:
    """A start code would let the file bring its own parameter sets and make FFmpeg allocate memory for any size."""
    stream = container.parse(originals[0])
    forged = stream.luma + vvc._START + vvc._parameter_sets(0, 16000, 11000)[0]
    with pytest.raises(BadFile, match="start code"):
        vvc.decode(forged, *stream.header.luma_size)


@pytest.mark.parametrize("exif", [b"rubbish", b"II*\0", b"GIF89a\0\0\0"])
def test_invalid_exif(exif: bytes) -> None:
    with pytest.raises(BadFile, match="EXIF"):
        metadata.from_boxes(metadata.boxes(metadata.Metadata(exif)))


@pytest.mark.parametrize(("size", "kept"), [(metadata.LIMIT, True), (metadata.LIMIT + 1, False)])
def test_metadata_limit_is_the_same_for_writing_and_reading(size: int, kept: bool) -> None:
    image = Image.new("L", (8, 8))
    image.info["xmp"] = bytes(size)
    about = metadata.read(image)
    assert bool(about.xmp) == kept
    assert metadata.from_boxes(metadata.boxes(about)) == about


def test_command(tmp_path: Path) -> None:
    run = CliRunner().invoke(fuzz.main, ["--count", "400", "--failures", str(tmp_path)])
    assert run.exit_code == 0
    assert "| info | " in run.output and "400 files in" in run.output and " 0 failures" in run.output
    assert list(tmp_path.iterdir()) == []


def test_failures_are_counted_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(data: bytes, depth: float, board: fuzz.Board) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(fuzz, "read", fail)
    board = fuzz.Board()
    fuzz.judge(b"any", 1, tmp_path, board)
    assert board.failures == 1
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"any"]
    assert "ValueError: a bug" in capsys.readouterr().err


def test_broken_pictures(tmp_path: Path, small: np.ndarray) -> None:
    Image.fromarray(small).save(tmp_path / "right.png")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "cut.png").write_bytes((tmp_path / "right.png").read_bytes()[:2000])
    run = CliRunner().invoke(robust.main, [str(tmp_path)])
    assert run.exit_code == 0
    assert "\n| . | 1 | 1 | 0 | 0 | " in run.output and "\n| broken | 1 | 0 | 1 | 0 | " in run.output
