"""The imageio plugin, used through imageio."""

import io
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from docs_examples import run_examples
from PIL import Image

import scodec


def test_write_and_read(tmp_path, small):
    target = tmp_path / "x.scz"
    assert iio.imwrite(target, small, quality=50, hints="auto") is None
    assert target.read_bytes() == scodec.encode(small, quality=50, hints="auto")
    assert np.array_equal(iio.imread(target), np.array(scodec.decode(target)))
    assert iio.imread(target, color=False).shape == small.shape[:2]
    assert iio.imread(target, index=...).shape == (1, *small.shape)
    assert [picture.shape for picture in iio.imiter(target)] == [small.shape]


def test_file_objects_and_bytes(small):
    data = iio.imwrite("<bytes>", small, extension=".scz", quality=20)
    assert data == scodec.encode(small, quality=20)
    file = io.BytesIO()
    iio.imwrite(file, small, extension=".scz", quality=20)
    assert file.getvalue() == data
    assert np.array_equal(iio.imread(data), iio.imread(io.BytesIO(data), extension=".scz"))


@pytest.mark.parametrize("channels", [0, 1, 2, 4])
def test_gray_and_transparent_arrays(small, channels):
    mask = np.zeros(small.shape[:2], np.uint8)
    mask[20:70] = 255
    gray = small[..., 1]
    array = {0: gray, 1: gray[..., None], 2: np.dstack([gray, mask]), 4: np.dstack([small, mask])}[channels]
    data = iio.imwrite("<bytes>", array, extension=".scz")
    expected = gray.shape if channels == 1 else array.shape
    assert iio.imread(data).shape == iio.improps(data).shape == expected


def test_properties_and_metadata(tmp_path, small):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(small).save(tmp_path / "x.scz", exif=exif, hints="auto")
    properties = iio.improps(tmp_path / "x.scz")
    assert properties.shape == small.shape and properties.dtype == np.uint8 and not properties.is_batch
    assert iio.improps(tmp_path / "x.scz", index=...).n_images == 1
    about = iio.immeta(tmp_path / "x.scz")
    assert about["chroma"] and about["bpp"] > 0 and about["exif"].startswith(b"Exif")


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4, 3)), np.zeros((2, 4, 4, 3), np.uint8)]
)
def test_unsupported_arrays_leave_no_file(tmp_path, array):
    with pytest.raises(ValueError, match="one uint8 picture"):
        iio.imwrite(tmp_path / "x.scz", array)
    assert not (tmp_path / "x.scz").exists()


def test_other_formats_and_missing_indices(tmp_path, small, coded):
    iio.imwrite(tmp_path / "x.png", small)
    with pytest.raises(OSError, match="can not"):
        iio.imread(tmp_path / "x.png", plugin="scodec")
    with pytest.raises(IndexError):
        iio.imread(coded, extension=".scz", index=1)


def test_documented_examples(tmp_path: Path, small):
    Image.fromarray(small).save(tmp_path / "photo.png")
    run_examples("imageio.md", tmp_path)
