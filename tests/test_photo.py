"""Every kind of picture is loaded as a viewer shows it; planes and merge are inverses."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageCms

from scodec import photo
from scodec.errors import BadImage, BadRequest, ScodecWarning
from scodec.files.export import export


def png(image: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.fixture
def image(small: np.ndarray) -> Image.Image:
    return Image.fromarray(small)


def test_sources_agree(tmp_path: Path, small: np.ndarray, image: Image.Image) -> None:
    data = png(image)
    path = tmp_path / "small.png"
    path.write_bytes(data)
    with open(path, "rb") as file:
        sources = [small, image, data, path, str(path), file, io.BytesIO(data)]
        for source in sources:
            loaded = photo.load(source)
            assert np.array_equal(loaded.rgb, small)
            assert not loaded.gray
    assert photo.load(loaded) is loaded


def test_input_picture_is_not_modified(image: Image.Image) -> None:
    image.getexif()[0x0112] = 6
    before = image.copy()
    photo.load(image)
    assert image == before and image.getexif()[0x0112] == 6


@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket", "retina", "hubble_deep_field"])
def test_bundled_colour_photographs(name: str) -> None:
    expected = getattr(skimage.data, name)()
    loaded = photo.load(expected)
    assert np.array_equal(loaded.rgb, expected) and not loaded.gray


@pytest.mark.parametrize("name", ["camera", "coins", "moon", "page", "text"])
def test_bundled_gray_photographs(name: str) -> None:
    expected = getattr(skimage.data, name)()
    loaded = photo.load(Image.fromarray(expected))
    assert np.array_equal(loaded.rgb, photo.load(expected).rgb)
    assert np.array_equal(loaded.rgb[..., 1], expected) and loaded.gray


def test_bundled_animation_gives_its_first_frame() -> None:
    path = Path(skimage.data.__file__).with_name("no_time_for_that_tiny.gif")
    with Image.open(path) as animation:
        expected = np.array(animation.convert("RGB"))
    with pytest.warns(ScodecWarning, match="first of"):
        assert np.array_equal(photo.load(path).rgb, expected)


def test_black_and_white() -> None:
    bits = np.indices((5, 7)).sum(axis=0) % 2 == 0
    loaded = photo.load(png(Image.fromarray(bits)))
    assert loaded.gray and np.array_equal(loaded.rgb[..., 0], np.where(bits, 255, 0))


def test_colour_file_of_a_gray_picture_is_gray(image: Image.Image) -> None:
    assert photo.load(image.convert("L").convert("RGB")).gray


def test_palette(image: Image.Image) -> None:
    palette = image.quantize(32)
    assert np.array_equal(photo.load(png(palette)).rgb, np.array(palette.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa"])
def test_transparency_is_kept_and_hidden_colours_are_replaced(image: Image.Image, mode: str) -> None:
    alpha = np.zeros(image.size[::-1], np.uint8)
    alpha[:, 60:] = 255
    opaque = image.convert("L") if "L" in mode else image
    transparent = opaque.copy()
    if mode == "PA":
        opaque = image.quantize(16).convert("RGB")
        transparent = image.quantize(16).convert("PA")
        transparent.putalpha(Image.fromarray(alpha))
    else:
        transparent.putalpha(Image.fromarray(alpha))
        transparent = transparent.convert(mode)
    assert transparent.mode == mode
    loaded = photo.load(transparent)
    assert np.array_equal(loaded.alpha, alpha)
    expected = np.array(opaque.convert("RGB"))
    assert np.array_equal(loaded.rgb[:, 60:], expected[:, 60:])
    visible, filled = expected[:, 60:].astype(int), loaded.rgb[:, :60].astype(int)
    assert visible.min() <= filled.min() and filled.max() <= visible.max()
    assert np.abs(np.diff(filled, axis=1)).mean() < np.abs(np.diff(visible, axis=1)).mean() / 4  # smooth
    assert np.abs(filled[:, -1] - visible[:, 0]).mean() < np.abs(filled[:, :1] - visible).mean()  # and continuous
    assert loaded.gray == ("L" in mode)


def test_partial_transparency_keeps_its_colour() -> None:
    loaded = photo.load(Image.new("RGBA", (2, 2), (255, 0, 100, 51)))
    assert np.array_equal(loaded.rgb[0, 0], [255, 0, 100]) and (loaded.alpha == 51).all()


def test_transparent_palette_entry_and_transparent_colour(image: Image.Image) -> None:
    palette = image.quantize(8)
    loaded = photo.load(png(palette, transparency=3))
    assert np.array_equal(loaded.alpha == 0, np.array(palette) == 3)
    flat = Image.new("RGB", (4, 4), (9, 8, 7))
    assert (photo.load(png(flat, transparency=(9, 8, 7))).alpha == 0).all()


def test_transparent_sample_of_sixteen_bits() -> None:
    samples = np.array([[0, 700, 65535]], np.uint16)
    loaded = photo.load(png(Image.fromarray(samples), transparency=700))
    assert np.array_equal(loaded.alpha, [[255, 0, 255]])


def test_opaque_alpha_is_dropped(image: Image.Image) -> None:
    loaded = photo.load(image.convert("RGBA"))
    assert loaded.alpha is None and np.array_equal(loaded.rgb, np.array(image))


def test_frames(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with pytest.warns(ScodecWarning, match="first of 3"):
        first = photo.load(tmp_path / "a.png")
    for number, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)]):
        assert (photo.load(tmp_path / "a.png", frame=number).rgb == colour).all()
    assert (first.rgb == (255, 0, 0)).all()
    with pytest.raises(BadRequest, match="no frame 3"):
        photo.load(tmp_path / "a.png", frame=3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_and_xmp_are_kept_without_orientation_and_layout(image: Image.Image, kind: str) -> None:
    image = image.copy()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    image.info |= {"exif": exif.tobytes(), "xmp": b"<x:xmpmeta/>"}
    about = photo.load(export(image, kind)).metadata
    assert about.xmp == b"<x:xmpmeta/>"
    kept = Image.Exif()
    kept.load(b"Exif\0\0" + about.exif)
    assert set(kept) == {0x010F, 0x8769, 0x8825} and kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05" and kept.get_ifd(0x8825)[2] == (1.0, 2.0, 3.0)


def test_cmyk(image: Image.Image) -> None:
    cmyk = image.convert("CMYK")
    assert np.abs(photo.load(cmyk).rgb.astype(int) - np.array(image)).max() <= 1
    stream = io.BytesIO()
    cmyk.save(stream, "JPEG", quality=95)
    assert np.abs(photo.load(stream.getvalue()).rgb.astype(int) - np.array(image)).mean() < 6


@pytest.mark.parametrize("mode", ["HSV", "YCbCr", "RGBX", "LAB"])
def test_other_colour_modes(image: Image.Image, mode: str) -> None:
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    else:
        converted = image.convert(mode)
    assert np.abs(photo.load(converted).rgb.astype(int) - np.array(image)).mean() < 4


def test_sixteen_bits() -> None:
    ramp = np.arange(256, dtype=np.uint16).reshape(2, 128) * 257
    for image in (Image.fromarray(ramp), Image.fromarray(ramp.astype(np.int32))):
        loaded = photo.load(image)
        assert loaded.gray and np.array_equal(loaded.rgb[..., 0], ramp // 257)
    assert np.array_equal(photo.load(png(Image.fromarray(ramp))).rgb[..., 0], ramp // 257)
    dark = photo.load(Image.fromarray(np.full((2, 2), 255, np.uint16)))
    assert (dark.rgb == 1).all()


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_deep_modes_with_eight_bit_samples(small: np.ndarray, dtype: type) -> None:
    assert np.array_equal(photo.load(Image.fromarray(small[..., 0].astype(dtype))).rgb[..., 2], small[..., 0])


def test_floats_up_to_one(small: np.ndarray) -> None:
    loaded = photo.load(Image.fromarray(small[..., 0].astype(np.float32) / 255))
    assert np.array_equal(loaded.rgb[..., 0], small[..., 0])


@pytest.mark.parametrize("sample", [-1.0, 300.0, np.nan, np.inf])
def test_samples_out_of_range(sample: float) -> None:
    with pytest.raises(BadImage, match="scale"):
        photo.load(Image.fromarray(np.full((2, 2), sample, np.float32)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(image: Image.Image, orientation: int) -> None:
    """Undo each of the eight orientations by hand."""
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](np.array(image))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = png(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert np.array_equal(photo.load(data).rgb, np.array(image))


def test_broken_exif_is_ignored(image: Image.Image, recwarn: pytest.WarningsRecorder) -> None:
    data = png(image, exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(200)))
    assert np.array_equal(photo.load(data).rgb, np.array(image))


def test_wide_gamut_profile_is_converted_to_srgb(small: np.ndarray) -> None:
    """Samples under a profile with red and green swapped must be swapped back."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(srgb.tobytes())
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    for name in ("sRGB".encode("utf-16-be"), b"sRGB"):
        swapped = swapped.replace(name, "swap".encode(("utf-16-be", "ascii")[len(name) == 4]))
    data = png(Image.fromarray(small[..., [1, 0, 2]]), icc_profile=bytes(swapped))
    assert np.abs(photo.load(data).rgb.astype(int) - small).max() <= 2


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"?"])
def test_srgb_and_broken_profiles_leave_samples_unchanged(small: np.ndarray, profile: bytes) -> None:
    assert np.array_equal(photo.load(png(Image.fromarray(small), icc_profile=profile)).rgb, small)


@pytest.mark.parametrize("shape", [(1, 1), (1, 97), (97, 1), (3, 5)])
def test_tiny_sizes(shape: tuple[int, int]) -> None:
    gray = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    assert photo.load(gray).rgb.shape == (*shape, 3)
    assert photo.load(png(Image.fromarray(gray))).rgb.shape == (*shape, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((2, 2, 3), np.float32),
        np.zeros(3, np.uint8),
        np.zeros((2, 2), np.uint16),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0), np.uint8),
    ],
)
def test_unusable_arrays(array: np.ndarray) -> None:
    with pytest.raises(BadImage):
        photo.load(array)


def test_arrays_need_not_be_contiguous(small: np.ndarray) -> None:
    loaded = photo.load(small[::-2, ::3])
    assert np.array_equal(loaded.rgb, small[::-2, ::3]) and loaded.rgb.flags.c_contiguous


def test_unknown_source() -> None:
    with pytest.raises(TypeError, match="int"):
        photo.load(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_not_a_picture(data: bytes) -> None:
    with pytest.raises(BadImage):
        photo.load(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM", "TGA"])
def test_truncated_picture(image: Image.Image, kind: str) -> None:
    stream = io.BytesIO()
    image.save(stream, kind)
    data = stream.getvalue()
    for length in range(0, len(data) // 2, max(1, len(data) // 40)):
        with pytest.raises(BadImage):
            photo.load(data[:length])


def test_decompression_bomb(image: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    data = png(image)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(BadImage, match="MAX_IMAGE_PIXELS"):
        photo.load(data)


small_rgb = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=16).map(lambda side: (*side, 3)))


@settings(deadline=None, max_examples=50)
@given(small_rgb)
def test_planes_and_merge_are_inverses(rgb: np.ndarray) -> None:
    y, cb, cr = photo.planes(rgb)
    assert (y.dtype, cb.dtype, cr.dtype) == (np.uint8, np.float32, np.float32)
    assert y.shape == cb.shape == cr.shape == rgb.shape[:2]
    assert max(np.abs(cb).max(), np.abs(cr).max()) <= 127.5001
    assert np.abs(photo.merge(y, cb, cr).astype(int) - rgb).max() <= 1


def test_planes_and_merge_on_a_photograph(cat: np.ndarray) -> None:
    assert (photo.merge(*photo.planes(cat)) == cat).mean() > 0.999


@given(st.integers(0, 255))
def test_gray_has_no_chroma(level: int) -> None:
    y, cb, cr = photo.planes(np.full((1, 1, 3), level, np.uint8))
    assert y[0, 0] == level and abs(cb[0, 0]) < 1e-4 and abs(cr[0, 0]) < 1e-4


def test_planes_match_the_jfif_matrix_of_pillow(cat: np.ndarray) -> None:
    y, cb, cr = photo.planes(cat)
    expected = np.array(Image.fromarray(cat).convert("YCbCr")).astype(int)
    for plane, channel in zip((y, cb + 128, cr + 128), range(3), strict=True):
        assert np.abs(plane - expected[..., channel]).max() <= 1.01


def test_merge_takes_float_luma_and_clips() -> None:
    y = np.array([[-20.0, 300.0, 127.4]], np.float32)
    zero = np.zeros_like(y)
    assert np.array_equal(photo.merge(y, zero, zero)[0, :, 0], [0, 255, 127])


def test_heic(cat: np.ndarray) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(cat)).save(stream, quality=90)
    assert np.abs(photo.load(stream.getvalue()).rgb.astype(int) - cat).mean() < 6


def test_heic_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(BadImage, match="pillow-heif"):
        photo.load(bytes.fromhex("00000018667479706865696300000000") + b"mif1heic")


def test_warning_of_several_pictures_names_no_option_of_the_command() -> None:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "GIF", save_all=True, append_images=[Image.new("L", (8, 8), 200)])
    with pytest.warns(ScodecWarning, match="^only the first of 2 pictures is coded$"):
        photo.load(stream.getvalue())
