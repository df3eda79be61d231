"""The receiver: tiles, threads, devices, memory."""

import re
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import scodec
from scodec import photo
from scodec.errors import BadRequest
from scodec.luma import hyperprior
from scodec.models import weights
from scodec.models.receiver import receiver
from scodec.models.receiver.shared import CodedLuma
from scodec.models.tiling import tiles


@pytest.fixture(scope="module")
def large(cat):
    """902 x 600 pixels with detail everywhere."""
    return np.asarray(Image.fromarray(cat).resize((902, 600), Image.Resampling.LANCZOS))


def rebuilt(data, **options):
    return np.array(scodec.decode(data, **options)).astype(int)


def share_within_one_level(one, other):
    return float((np.abs(one - other) <= 1).mean())


@pytest.mark.parametrize("quality", [27, 60])
def test_tile_size_does_not_change_the_picture(large, quality):
    """Tiles of any size give the same picture, with no larger differences at their borders than elsewhere."""
    data = scodec.encode(large, quality=quality, hints=80)
    whole, tiled = rebuilt(data, tile=768), rebuilt(data, tile=192)
    assert share_within_one_level(whole, tiled) >= 0.999
    gray, in_tiles = rebuilt(data, tile=768, color=False), rebuilt(data, tile=192, color=False)
    difference = np.abs(gray - in_tiles)
    at_borders = np.concatenate([difference[:, x - 1 : x + 1].ravel() for x in range(192, 902, 192)])
    assert at_borders.mean() <= 0.05


def test_number_of_threads_does_not_change_the_picture(large):
    data = scodec.encode(large, hints=80)
    before = torch.get_num_threads()
    try:
        pictures = []
        for count in (1, 2):
            torch.set_num_threads(count)
            pictures.append(rebuilt(data, backend="torch"))
    finally:
        torch.set_num_threads(before)
    assert share_within_one_level(*pictures) >= 0.999


def test_number_formats_agree(large):
    data = scodec.encode(large[:200, :300], hints=80)
    pictures = [rebuilt(data, backend="torch", dtype=dtype) for dtype in ("float32", "bfloat16")]
    assert share_within_one_level(*pictures) >= 0.98


@pytest.mark.parametrize("quantizer", [20, 34])
def test_learned_luma_is_restored_like_coarser_av1(quantizer):
    y = photo.planes(skimage.data.astronaut())[0][:192, :256]
    decoded = hyperprior.decode(hyperprior.encode(y, quantizer), 256, 192)

    def error(coder):
        coded = CodedLuma(decoded, coder, 1, quantizer, 192, 256)
        y_hat = receiver.get("cpu").restore([coded], 0, [0])[0, 0].numpy() * 255
        return np.square(y_hat - y).mean()

    assert error("hyperprior") < error("av1") < np.square(decoded.astype(float) - y).mean()


@pytest.mark.parametrize(
    ("height", "width", "size", "overlap"), [(10, 10, 64, 64), (500, 300, 96, 64), (1, 700, 120, 32)]
)
def test_tiles_cover_everything_once(height, width, size, overlap):
    count = np.zeros((height, width), int)
    for rows, columns, needed_rows, needed_columns in tiles(height, width, size, overlap):
        count[rows, columns] += 1
        assert needed_rows.start <= rows.start < rows.stop <= needed_rows.stop <= height
        assert needed_columns.start <= columns.start < columns.stop <= needed_columns.stop <= width
    assert (count == 1).all()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("backend", "most"), [("onnx", 1.0e9), ("torch", 1.8e9)])
def test_memory_is_bounded(backend, most):
    """4 megapixels in a separate process: the decoder's peak memory; a gigabyte of torch's is torch itself."""
    code = f"""
import numpy as np, scodec
y, x = np.mgrid[:1700, :2400]
picture = (np.stack([x // 16, y // 12, (x + y) // 28], 2) % 256).astype(np.uint8)
data = scodec.encode(picture, quality=10, hints=100, effort="fast")
assert scodec.decode(data, backend="{backend}").size == (2400, 1700)
print(open("/proc/self/status").read())
"""
    status = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    (peak,) = re.findall(r"VmHWM:\s*(\d+) kB", status)  # not ru_maxrss, which starts at the parent's peak
    assert int(peak) * 1024 < most


def test_missing_devices_are_reported(small):
    if not torch.cuda.is_available():
        with pytest.raises(BadRequest, match="no device 'cuda'"):
            scodec.decode(scodec.encode(small), device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu(large):
    data = scodec.encode(large, hints=80)
    pictures = [rebuilt(data, device=device, dtype="float32") for device in ("cpu", "cuda")]
    assert share_within_one_level(*pictures) >= 0.999


def test_weights_document_their_origin():
    assert set(weights.installed()) == {"colorizer", "hyperprior", "restorer"}
    for name in weights.installed():
        about = weights.facts(name)
        assert about["id"].startswith(name)
        assert all(about[key] for key in ("recipe", "data", "licence", "result"))
    assert sum(weights.path(name).stat().st_size for name in weights.installed()) <= 32_000_000


def test_one_receiver_for_each_device_and_format():
    assert receiver.get("cpu", "float32") is receiver.get("cpu", "float32")
