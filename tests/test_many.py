"""encode_many and decode_many: as encode and decode, in order, with errors in their places, lazily."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

import scodec
from scodec.errors import BadFile, BadImage, BadRequest, ScodecError
from scodec.many import CORES

#: Of one size each and of several kinds: guessed colours, hints, chroma along with the luma, grey, scales, coders.
KINDS = (
    {"hints": "auto"},
    {"scale": 2},
    {"hints": "auto", "quality": 50},
    {"hints": 80},
    {"scale": 3, "luma": "av1"},
    {"scale": 2, "quality": 60},
    {"hints": 120, "scale": 1},
)


@pytest.fixture(scope="module")
def files(small: np.ndarray) -> list[bytes]:
    grey, clear = Image.fromarray(small).convert("L"), Image.fromarray(small)
    clear.putalpha(Image.radial_gradient("L").resize(clear.size))
    return [
        *(scodec.encode(small, **options) for options in KINDS),
        scodec.encode(grey),
        scodec.encode(clear),
        scodec.encode(small[:50, :80]),
    ]


def share_within_one_level(first: Image.Image, second: Image.Image) -> float:
    assert first.mode == second.mode and first.size == second.size
    return float(np.mean(np.abs(np.asarray(first).astype(int) - np.asarray(second)) <= 1))


@pytest.mark.parametrize("batch", [None, 1, 4, 100])
@pytest.mark.parametrize("options", [{}, {"look": "natural"}, {"color": False, "look": 0.5}])
def test_pictures_are_those_of_decode(files: list[bytes], batch: int | None, options: dict[str, object]) -> None:
    pictures = list(scodec.decode_many(files, batch=batch, **options))
    assert len(pictures) == len(files)
    for data, picture in zip(files, pictures, strict=True):
        assert isinstance(picture, Image.Image)
        assert share_within_one_level(picture, scodec.decode(data, **options)) >= 0.999


@pytest.mark.parametrize("batch", [1, 4])
def test_broken_files_give_their_errors_in_their_places(files: list[bytes], batch: int, tmp_path) -> None:
    damaged = bytearray(files[1])
    damaged[-10] ^= 255
    mixed = [files[0], bytes(damaged), b"nothing", files[3], tmp_path / "missing.scz", files[1]]
    results = list(scodec.decode_many(mixed, batch=batch))
    assert [type(each) for each in results] == [
        Image.Image,
        BadFile,
        BadFile,
        Image.Image,
        FileNotFoundError,
        Image.Image,
    ]


def test_files_are_those_of_encode(small: np.ndarray) -> None:
    pictures = [small, np.zeros((2, 2, 4), np.uint8), small[::-1].copy(), b"no picture", small[:, ::-1].copy()]
    results = list(scodec.encode_many(pictures, hints=60, effort="fast"))
    for picture, result in zip(pictures, results, strict=True):
        if isinstance(result, ScodecError):
            assert isinstance(result, BadImage)
        else:
            assert result == scodec.encode(picture, hints=60, effort="fast")
    assert [isinstance(each, bytes) for each in results] == [True, False, True, False, True]


def test_no_more_is_taken_than_is_soon_needed(files: list[bytes], small: np.ndarray) -> None:
    taken = 0

    def endless(item: object) -> Iterator[object]:
        nonlocal taken
        while True:
            taken += 1
            yield item

    for results in (
        scodec.decode_many(endless(files[-1]), batch=2),
        scodec.encode_many(endless(small[:40, :40]), luma="av1", effort="fast"),
    ):
        taken = 0
        for count in range(1, 6):
            assert not isinstance(next(results), Exception)
            assert taken <= count + 8 + CORES
        results.close()


def test_impossible_options_are_refused_at_once(files: list[bytes]) -> None:
    for refused in (
        lambda: scodec.decode_many(files, look="pretty"),
        lambda: scodec.decode_many(files, batch=0),
        lambda: scodec.encode_many([], quality=0),
    ):
        with pytest.raises(BadRequest):
            refused()


def test_what_the_network_lacks_memory_for_together_is_done_one_by_one(files, monkeypatch) -> None:
    from scodec.models.receiver.receiver import Receiver

    restore = Receiver.restore

    def starved(self, lumas, *arguments):
        if len(lumas) > 1:
            raise MemoryError
        return restore(self, lumas, *arguments)

    monkeypatch.setattr(Receiver, "restore", starved)
    assert not any(isinstance(each, Exception) for each in scodec.decode_many(files[:4] * 2, batch=8))
