"""Text and line art are told from photographs."""

import io
import warnings

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import scodec
from scodec import photo
from scodec.sender import content

PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "chelsea", "clock", "coffee", "coins", "grass", "gravel", "immunohistochemistry",
    "moon", "rocket",
)  # fmt: skip


def page(size=14, ink=0, paper=255):
    image = Image.new("L", (400, 300), paper)
    for top in range(6, 300 - size, size + 6):
        text = "The quick brown fox jumps over the lazy dog. 0123456789 " * 2
        ImageDraw.Draw(image).text((8, top), text, fill=ink, font=ImageFont.load_default(size))
    return image


def drawing(width):
    image, rng = Image.new("L", (400, 300), 255), np.random.default_rng(0)
    draw = ImageDraw.Draw(image)
    for x0, y0, x1, y1 in rng.integers(0, 300, (30, 4)).tolist():
        draw.line((x0, y0, x1, y1), fill=0, width=width)
    return image


def noisy(image, deviation):
    samples = np.asarray(image) + np.random.default_rng(0).normal(0, deviation, (300, 400))
    return Image.fromarray(np.clip(samples, 0, 255).astype(np.uint8))


def through_jpeg(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file)


LINE_ART = {
    "small": page(10),
    "usual": page(),
    "large": page(24),
    "white on black": page(14, 255, 20),
    "faint": page(14, 60, 200),
    "soft": page().filter(ImageFilter.GaussianBlur(0.6)),
    "noisy": noisy(page(14, 30, 220), 4),
    "jpeg": through_jpeg(page()),
    "thin lines": drawing(1),
    "thick lines": drawing(3),
    "scanned page": Image.fromarray(skimage.data.page()),
}


def luma(name):
    image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    return photo.planes(np.asarray(image))[0]


@pytest.mark.parametrize("kind", LINE_ART)
def test_text_and_line_art_are_found(kind):
    assert content.is_line_art(np.asarray(LINE_ART[kind].convert("L")))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_raise_no_alarm(name):
    y = luma(name)
    height, width = y.shape
    half, third = (np.asarray(Image.fromarray(y).reduce(factor)) for factor in (2, 3))
    quarters = [y[top:, left:][: height // 2, : width // 2] for top in (0, height // 2) for left in (0, width // 2)]
    assert not any(content.is_line_art(each) for each in (y, half, third, *quarters))


def test_noise_and_flat_pictures_raise_no_alarm():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    assert not content.is_line_art(noise)
    assert not content.is_line_art(np.full((200, 200), 90, np.uint8))
    assert not content.is_line_art(noise[:3, :3])


@pytest.mark.parametrize("coder", ["vvc", "av1"])
def test_the_warning_names_a_quality_that_serves(coder):
    with pytest.warns(scodec.ScodecWarning, match="text or line art.* quality [0-9]+ .*PNG") as caught:
        poor = scodec.encode(page(), luma=coder)
    (message,) = (str(each.message) for each in caught)
    quality = int(message.partition("quality ")[2].partition(" ")[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        good = scodec.encode(page(), luma=coder, quality=quality)
    errors = [
        np.abs(np.asarray(scodec.decode(data)) - np.asarray(page()).astype(float)).mean() for data in (poor, good)
    ]
    assert errors[1] < 8 < 2 * errors[1] + errors[0]
    assert errors[1] < errors[0] / 2


def test_targets_that_are_too_small_for_text_are_noticed():
    with pytest.warns(scodec.ScodecWarning, match="text or line art"):
        scodec.encode(page(), target_bytes=900)
