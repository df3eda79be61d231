"""`scodec restore`: old photographs get colours and a larger size."""

import itertools

import numpy as np
import pytest
import skimage.data
from PIL import Image

import scodec
from scodec import photo
from scodec.errors import BadRequest
from scodec.metrics import y_psnr


@pytest.fixture
def old(tmp_path):
    """A greyscale photograph as a user might have it: a JPEG of odd size. The cameraman of scikit-image, CC0."""
    path = tmp_path / "old.jpg"
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(skimage.data.camera()).resize((211, 157)).save(path, quality=90, exif=exif)
    return path


def test_one_command_colours_and_enlarges(scodec_command, old, tmp_path):
    run = scodec_command("restore", old, tmp_path / "new.png")
    assert (run.code, run.err) == (0, "")
    with Image.open(tmp_path / "new.png") as image:
        assert (image.mode, image.size) == ("RGB", (422, 314))
        assert image.getexif()[0x010F] == "Maker"
        chroma = photo.planes(np.asarray(image))[1:]
    assert max(np.abs(plane).max() for plane in chroma) > 5


@pytest.mark.parametrize(
    ("options", "mode", "size"),
    [(["--no-color", "--scale", 3], "L", (633, 471)), (["--no-upscale"], "RGB", (211, 157))],
)
def test_only_colours_or_only_enlarges(scodec_command, old, tmp_path, options, mode, size):
    assert scodec_command("restore", old, tmp_path / "new.png", *options).code == 0
    with Image.open(tmp_path / "new.png") as image:
        assert (image.mode, image.size) == (mode, size)


def test_samples_differ_visibly_and_are_reproducible(scodec_command, old, tmp_path):
    arguments = ["restore", old, tmp_path / "new.png", "--no-upscale", "--samples", 4, "--force"]
    assert scodec_command(*arguments).code == 0
    first = [np.asarray(Image.open(tmp_path / f"new-{i}.png")).astype(int) for i in (1, 2, 3, 4)]
    for one, other in itertools.combinations(first, 2):
        assert np.abs(one - other).mean() > 3
    assert not (tmp_path / "new.png").exists()
    assert scodec_command(*arguments).code == 0
    again = np.asarray(Image.open(tmp_path / "new-3.png"))
    assert np.abs(first[2] - again).max() <= 1
    assert scodec_command(*arguments, "--seed", 7).code == 0
    assert np.abs(first[2] - np.asarray(Image.open(tmp_path / "new-3.png"))).mean() > 3


def test_enlarging_beats_bicubic(cat):
    grey = photo.planes(cat)[0][:296, :448]
    small = Image.fromarray(grey).resize((224, 148), Image.Resampling.BICUBIC)
    (large,) = scodec.restore(small, scale=2, color=False)
    plain = small.resize((448, 296), Image.Resampling.BICUBIC)
    original, restored, bicubic = (np.repeat(np.asarray(each)[..., None], 3, 2) for each in (grey, large, plain))
    assert y_psnr(original, restored) > y_psnr(original, bicubic) + 0.5


@pytest.mark.parametrize("size", [(1, 1), (300, 2), (5, 64)])
def test_any_size(size):
    for scale, samples in ((1, 2), (2, 1)):
        images = scodec.restore(Image.new("L", size, 90), scale=scale, samples=samples)
        assert all(image.size == (size[0] * scale, size[1] * scale) for image in images)


def test_transparency_is_kept(small):
    image = Image.fromarray(small)
    image.putalpha(Image.new("L", image.size, 100))
    (restored,) = scodec.restore(image, scale=2)
    assert restored.mode == "RGBA" and restored.getchannel("A").getextrema() == (100, 100)


def test_folders(scodec_command, old, tmp_path):
    folder = tmp_path / "album"
    (folder / "deep").mkdir(parents=True)
    old.rename(folder / "deep" / "old.jpg")
    (folder / "broken.png").write_bytes(b"nothing")
    arguments = ["restore", folder, "--output-dir", tmp_path / "new", "--no-upscale", "--look", "natural"]
    run = scodec_command(*arguments)
    assert run.code == 1 and "1 done, 0 were there already, 1 failed" in run.err and "broken.png" in run.err
    with Image.open(tmp_path / "new" / "deep" / "old.png") as image:
        assert (image.mode, image.size) == ("RGB", (211, 157))
    assert "0 done, 1 were there already" in scodec_command(*arguments).err
    run = scodec_command(*arguments, "--samples", 2)
    assert run.code == 2 and "--samples needs one file" in run.err


def test_samples_are_coherent(cat):
    """Samples differ in strength and light only: equal colours stay equal, and none turns into its complement."""
    grey = photo.planes(cat)[0]
    first, *others = (photo.planes(np.asarray(image))[1:] for image in scodec.restore(grey, scale=1, samples=4))
    for planes in others:
        for one, other in zip(first, planes, strict=True):
            assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.5


def test_invalid_requests(scodec_command, old, tmp_path):
    with pytest.raises(BadRequest, match="1 to 4"):
        scodec.restore(old, scale=9)
    run = scodec_command("restore", old, tmp_path / "new.png", "--no-color", "--samples", 2)
    assert run.code == 1 and "samples" in run.err
    run = scodec_command("restore", old, "-", "--samples", 2)
    assert run.code == 2 and "name a file" in run.err
    (tmp_path / "new-2.png").touch()
    run = scodec_command("restore", old, tmp_path / "new.png", "--samples", 2)
    assert run.code == 1 and "exists already" in run.err and not (tmp_path / "new-1.png").exists()
    (tmp_path / "broken.png").write_bytes(b"nothing")
    run = scodec_command("restore", tmp_path / "broken.png", tmp_path / "out.png")
    assert run.code == 1 and "broken.png" in run.err and not (tmp_path / "out.png").exists()
