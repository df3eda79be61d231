"""What a file spends on transparency and metadata, and what is left for the picture."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

import scodec
from scodec import metadata
from scodec.metrics import y_psnr


@pytest.fixture(scope="module")
def lace(cat):
    """A photograph whose transparency has more detail than itself: RGBA, 128 x 128."""
    rng = np.random.default_rng(3)
    alpha = np.asarray(Image.fromarray(rng.integers(0, 256, (43, 43), np.uint8)).resize((128, 128)))
    return Image.fromarray(np.dstack([cat[60:188, 120:248], alpha]))


def cut_out(cat):
    """A photograph with a mask of a plain shape."""
    rows, columns = np.mgrid[: cat.shape[0], : cat.shape[1]]
    alpha = np.where((rows - 150) ** 2 + (columns - 220) ** 2 < 120**2, 255, 0).astype(np.uint8)
    return Image.fromarray(np.dstack([cat, alpha]))


def jpeg(picture, note=0, xmp=0):
    """The bytes of a JPEG with a MakerNote and XMP of random bytes."""
    rng, exif = np.random.default_rng(1), Image.Exif()
    exif[271] = "Camera"
    if note:
        exif.get_ifd(0x8769)[0x927C] = rng.bytes(note)
    file = io.BytesIO()
    packet = b"<x:xmpmeta>" + rng.bytes(xmp).hex().encode() + b"</x:xmpmeta>" if xmp else b""
    Image.fromarray(picture).save(file, "JPEG", exif=exif, quality=95, **({"xmp": packet} if xmp else {}))
    return file.getvalue()


@pytest.mark.parametrize("luma", ["vvc", "av1"])
@pytest.mark.parametrize("options", [{"quality": 1}, {"quality": 36}, {"target_bytes": 700}, {"target_bytes": 1400}])
def test_transparency_takes_no_more_than_the_picture(lace, luma, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scodec.TargetWarning)  # "not used up", by a few percent
        facts = scodec.info(scodec.encode(lace, luma=luma, **options))
    assert 0 < facts.alpha_bytes <= 0.53 * facts.total_bytes
    assert facts.total_bytes <= options.get("target_bytes", 10_000)


def test_transparency_becomes_finer_with_quality(lace):
    errors = []
    for quality in (1, 40, 60, 90):
        alpha = np.asarray(scodec.decode(scodec.encode(lace, quality=quality), look="faithful"))[..., 3]
        errors.append(np.abs(alpha.astype(float) - np.asarray(lace)[..., 3]).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 4 * errors[-1]


def test_a_plain_mask_keeps_its_edge_at_the_default_quality(cat):
    masked = cut_out(cat)
    alpha = np.asarray(scodec.decode(scodec.encode(masked)))[..., 3]
    assert (alpha == np.asarray(masked)[..., 3]).mean() > 0.985


def test_a_flat_logo_keeps_its_outline(cat):
    logo = np.asarray(cut_out(cat)).copy()
    logo[..., :3] = (200, 30, 40)
    data = scodec.encode(drawn := Image.fromarray(logo))
    assert scodec.info(data).alpha_bytes > scodec.info(data).luma_bytes
    alpha = np.asarray(scodec.decode(data))[..., 3]
    assert (alpha == np.asarray(drawn)[..., 3]).mean() > 0.985


@pytest.mark.parametrize(("note", "xmp"), [(20_000, 0), (0, 10_000), (20_000, 10_000), (1200, 0)])
def test_metadata_leave_room_for_the_picture(cat, note, xmp):
    with pytest.warns(scodec.ScodecWarning, match="(?s)MakerNote|XMP") as caught:
        data = scodec.encode(jpeg(cat, note, xmp), target_bytes=3000, effort="fast")
    text = " ".join(str(each.message) for each in caught)
    assert ("MakerNote" in text, "XMP" in text) == (note > 0, xmp > 0)
    assert "--strip" in text and "larger target" in text
    facts = scodec.info(data)
    assert 2700 < facts.total_bytes <= 3000
    assert 0 < facts.exif_bytes < 200, "the camera's name is kept"
    assert y_psnr(cat, np.asarray(scodec.decode(data).convert("RGB"))) > 28


def test_metadata_with_room_are_kept(cat):
    source = jpeg(cat, note=400, xmp=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = scodec.info(scodec.encode(source, target_bytes=3000, effort="fast"))
    assert facts.exif_bytes > 400 and facts.xmp_bytes > 50


def test_tiny_targets_go_to_the_picture(cat):
    """Less than a picture of quality 1 takes: nothing for metadata."""
    with pytest.warns(scodec.ScodecWarning, match="EXIF"):
        facts = scodec.info(scodec.encode(jpeg(cat), target_bytes=120))
    assert facts.exif_bytes == 0 and facts.total_bytes <= 120


@pytest.mark.parametrize("most", [10, 200, 3000, 30_000])
def test_slimmed_metadata_fit(cat, most):
    with Image.open(io.BytesIO(jpeg(cat, 20_000, 2000))) as image:
        found = metadata.read(image)
    kept, dropped = metadata.slimmed(found, most)
    assert sum(len(content) for _, content in metadata.boxes(kept)) <= most
    assert bool(dropped) == (kept != found)
