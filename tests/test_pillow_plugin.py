"""The Pillow plugin, used through Pillow."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from docs_examples import run_examples
from PIL import Image, ImageCms, ImageFile, features

import scodec
from scodec.metrics import rgb_psnr
from scodec.plugins import pillow

ORIENTATION = 0x0112


@pytest.fixture
def picture(small) -> Image.Image:
    return Image.fromarray(small)


def saved(picture: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, "SCODEC", **options)
    return file.getvalue()


def test_open_and_save(tmp_path, picture, small):
    picture.save(tmp_path / "x.scz", quality=50, hints="auto")
    assert (tmp_path / "x.scz").read_bytes() == scodec.encode(small, quality=50, hints="auto")
    with Image.open(tmp_path / "x.scz") as image:
        assert (image.format, image.size, image.mode) == ("SCODEC", picture.size, "RGB")
        assert image.get_format_mimetype() == "image/x-scodec"
        assert np.array_equal(np.array(image), np.array(scodec.decode(tmp_path / "x.scz")))
        assert image.copy().size == picture.size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I;16"])
def test_modes(cat, mode):
    picture = Image.fromarray(cat[80:240, 60:300])
    if mode == "I;16":
        source = Image.fromarray(np.array(picture.convert("L")).astype(np.uint16) * 257)
    elif mode == "LAB":
        srgb = ImageCms.createProfile("sRGB")
        source = ImageCms.profileToProfile(picture, srgb, ImageCms.createProfile("LAB"), outputMode="LAB")
    else:
        source = picture.convert("P").convert("PA") if mode == "PA" else picture.convert(mode)
    assert source.mode == mode
    with Image.open(io.BytesIO(saved(source, quality=70, hints="auto"))) as image:
        assert image.size == picture.size
        gray = mode in ("L", "LA", "I;16")
        reference = np.array((picture.convert("L") if gray else source if mode == "1" else picture).convert("RGB"))
        assert image.mode == ("L" if mode in ("1", "L", "LA", "I;16") else "RGB")
        assert rgb_psnr(reference, np.array(image.convert("RGB"))) > {"1": 10, "P": 24, "PA": 24}.get(mode, 27)


def test_unknown_modes_and_options(tmp_path, picture):
    with pytest.raises(OSError, match="cannot write mode F"):
        picture.convert("F").save(tmp_path / "x.scz")
    with pytest.raises(ValueError, match="quality 101"):
        picture.save(tmp_path / "x.scz", quality=101)
    assert not (tmp_path / "x.scz").exists()


def test_transparency(picture):
    mask = Image.new("L", picture.size)
    mask.paste(255, (30, 30, 100, 80))
    picture.putalpha(mask)
    with Image.open(io.BytesIO(saved(picture, quality=60))) as image:
        assert image.mode == "RGBA"
        difference = np.abs(np.array(image.getchannel("A")).astype(int) - np.array(mask))
        assert difference.mean() < 2 and np.median(difference) == 0
    with Image.open(io.BytesIO(saved(picture.convert("LA")))) as image:
        assert image.mode == "LA" and np.array(image).shape == (picture.height, picture.width, 2)


def test_metadata_follows_pillow_conventions(picture):
    """Metadata is kept only if passed explicitly; the orientation is applied once."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    picture.info["exif"] = exif.tobytes()
    with Image.open(io.BytesIO(saved(picture))) as image:
        assert not image.getexif()
    for given in (exif, exif.tobytes()):
        with Image.open(io.BytesIO(saved(picture, exif=given, xmp=b"<x:xmpmeta/>"))) as image:
            assert dict(image.getexif()) == {0x010F: "Maker"} and image.info["xmp"] == b"<x:xmpmeta/>"
            assert image.size == picture.size
    exif[ORIENTATION] = 6
    with Image.open(io.BytesIO(saved(picture, exif=exif))) as image:
        assert image.size == picture.size[::-1] and ORIENTATION not in image.getexif()


@pytest.mark.skipif(not features.check("littlecms2"), reason="Pillow without LittleCMS")
def test_icc_profile_is_converted(picture, small):
    """A profile with red and green swapped, passed or in the info, changes the meaning of the samples."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")
    options = {"quality": 70, "hints": "auto"}
    plain = saved(picture, **options)
    assert saved(picture, icc_profile=srgb, **options) == plain
    converted = saved(picture, icc_profile=swapped, **options)
    picture.info["icc_profile"] = swapped
    assert saved(picture, **options) == converted
    with Image.open(io.BytesIO(converted)) as image:
        assert rgb_psnr(small[..., [1, 0, 2]], np.array(image)) > 27 > rgb_psnr(small, np.array(image))


def test_target_size(picture):
    assert len(saved(picture, target_size=600)) <= 600


@pytest.mark.parametrize("options", [{"hints": 0}, {"hints": 60}, {"hints": "auto"}, {"luma": "av1", "hints": "auto"}])
def test_thumbnail_matches_the_reduced_picture(cat, options):
    picture = Image.fromarray(cat)
    data = saved(picture, quality=40, **options)
    with Image.open(io.BytesIO(data)) as image:
        whole = image.convert("RGB").reduce(4)  # 113 x 75
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (112, 75))
        assert image.size == tuple(-(-side // 4) for side in picture.size)
        small = image.convert("RGB")
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((100, 100))
        assert max(image.size) == 100
    common = small.crop((0, 0, *whole.size))
    assert rgb_psnr(np.array(whole), np.array(common)) > 24


def test_draft_of_gray_and_transparent_files(cat):
    picture = Image.fromarray(cat)
    with Image.open(io.BytesIO(saved(picture))) as image:
        assert image.draft("L", None) == ("L", (0, 0, *picture.size))
        assert image.mode == "L" and np.array(image).ndim == 2
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    with Image.open(io.BytesIO(saved(picture))) as image:
        image.thumbnail((90, 90))
        assert image.mode == "RGBA" and np.array(image)[..., 3].std() > 50


def test_thumbnails_with_coded_colours_need_no_torch(tmp_path, cat):
    (tmp_path / "x.scz").write_bytes(scodec.encode(cat, hints="auto"))
    code = """
import sys, scodec
from PIL import Image
with Image.open("x.scz") as image:
    assert image.mode == "RGB" and image.size and "torch" not in sys.modules
    image.thumbnail((64, 64))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_damaged_files(coded, monkeypatch):
    broken = bytearray(coded)
    broken[-6] ^= 1
    with Image.open(io.BytesIO(broken)) as image, pytest.raises(OSError, match="checksum"):
        image.load()
    with Image.open(io.BytesIO(broken)) as image, pytest.raises(SyntaxError, match="checksum"):
        image.verify()
    with Image.open(io.BytesIO(coded)) as image:
        image.verify()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with Image.open(io.BytesIO(broken)) as image:
        image.load()
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(io.BytesIO(coded[:6]))


def test_decompression_bombs_are_detected_from_the_header(coded, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(coded))


def test_module_globals_control_decoding(coded, monkeypatch):
    monkeypatch.setattr(pillow, "COLOR", False)
    with Image.open(io.BytesIO(coded)) as image:
        image.load()
        assert image.mode == "L"


def test_documented_examples(tmp_path: Path, small):
    Image.fromarray(small).save(tmp_path / "photo.png")
    run_examples("pillow.md", tmp_path)
