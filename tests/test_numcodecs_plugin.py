"""The numcodecs plugin, used through numcodecs and Zarr."""

import json
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from docs_examples import run_examples
from PIL import Image

import scodec

numcodecs = pytest.importorskip("numcodecs", reason="numcodecs is not installed: pip install scodec-image[zarr]")
zarr = pytest.importorskip("zarr", "3", reason="Zarr is not installed: pip install scodec-image[zarr]")

from scodec.plugins.numcodecs import Scodec  # noqa: E402  (needs numcodecs)


def decoded(data: bytes) -> np.ndarray:
    return np.array(scodec.decode(data))


def test_numcodecs_finds_the_plugin() -> None:
    (entry,) = entry_points(group="numcodecs.codecs", name="scodec")
    assert entry.load() is Scodec
    assert isinstance(numcodecs.get_codec({"id": "scodec"}), Scodec)


def test_config_round_trip_through_json() -> None:
    codec = Scodec(quality=50, hints=40, luma="av1", effort="fast")
    config = json.loads(json.dumps(codec.get_config()))
    given = {"id": "scodec", "quality": 50, "hints": 40, "luma": "av1", "effort": "fast"}
    assert config == given | {"scale": "auto", "target_bytes": None, "strip": False}
    assert numcodecs.get_codec(config) == codec != Scodec()


@pytest.mark.parametrize("leading", [(), (1,), (1, 1)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_chunks(small: np.ndarray, leading: tuple[int, ...], channels: tuple[int, ...]) -> None:
    picture = small if channels else small[..., 1]
    data = Scodec(quality=40).encode(picture.reshape(*leading, *picture.shape))
    assert data == scodec.encode(picture, quality=40, hints="auto")
    out = np.empty((*leading, *picture.shape), np.uint8)
    assert Scodec().decode(data, out) is out
    assert np.array_equal(Scodec().decode(data), decoded(data))
    assert np.array_equal(out.reshape(picture.shape), decoded(data))


@pytest.mark.parametrize("options", [{}, {"hints": 0}, {"hints": 40}, {"luma": "av1"}])
def test_gray_pictures_in_colour_keep_their_shape(small: np.ndarray, options: dict) -> None:
    gray = np.repeat(small[..., 1:2], 3, axis=2)
    codec = Scodec(**options)
    assert codec.decode(codec.encode(gray)).shape == gray.shape


@pytest.mark.parametrize(
    "chunk",
    [
        np.zeros((2, 8, 8, 3), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((0, 8), np.uint8),
        np.zeros(8, np.uint8),
        b"bytes",
    ],
)
def test_unsupported_chunks(chunk: object) -> None:
    with pytest.raises(ValueError, match="one picture"):
        Scodec().encode(chunk)


def test_bad_input(small: np.ndarray, coded: bytes) -> None:
    with pytest.raises(ValueError, match="order='C'"):
        Scodec().encode(np.asfortranarray(small))
    with pytest.raises(scodec.BadRequest, match="quality 101"):
        Scodec(quality=101)
    with pytest.raises(scodec.BadFile):
        Scodec().decode(coded[:-1])
    with pytest.raises(ValueError):
        Scodec().decode(coded, np.empty(7, np.uint8))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_zarr(tmp_path: Path, small: np.ndarray, channels: tuple[int, ...]) -> None:
    """Two chunks per picture, the second one padded."""
    picture = small if channels else small[..., 1]
    array = zarr.create_array(
        tmp_path / "x.zarr",
        shape=(2, *picture.shape),
        chunks=(1, 64, 131, *channels),
        dtype="uint8",
        compressors=Scodec(quality=70),
        zarr_format=2,
    )
    array[1] = picture
    stored = zarr.open_array(tmp_path / "x.zarr", mode="r")
    assert stored.compressors == (Scodec(quality=70),)
    assert np.array_equal(stored[1, :64], decoded(scodec.encode(picture[:64], quality=70, hints="auto")))
    assert np.square(stored[1].astype(float) - picture).mean() < 80
    assert not stored[0].any()


def test_documented_examples(tmp_path: Path, small: np.ndarray) -> None:
    Image.fromarray(small).save(tmp_path / "photo.png")
    run_examples("zarr.md", tmp_path)
