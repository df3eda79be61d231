"""The luma coder `hyperprior` as used by the codec: any size, squares and tiles, damage, other weights."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import scodec
from scodec import photo
from scodec.errors import BadFile, Unsupported
from scodec.luma import hyperprior
from scodec.models.luma import annealing
from scodec.models.luma.hyperprior import BIT
from scodec.models.luma.quantizer import step


@pytest.fixture(scope="module")
def y(cat):
    return photo.planes(cat)[0]


def psnr(a, b):
    return -10 * np.log10(np.square((a.astype(float) - b) / 255).mean())


def test_finer_quantizers_are_better_and_larger(y):
    y = y[:192, :256]
    sections = [hyperprior.encode(y, quantizer) for quantizer in (63, 50, 35, 20, 5)]
    quality = [psnr(y, hyperprior.decode(section, 256, 192)) for section in sections]
    assert quality == sorted(quality) and quality[0] > 22 and quality[-1] > 38
    sizes = [len(section) for section in sections]
    assert sizes == sorted(sizes) and sizes[0] < 500


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 140), st.integers(1, 140), st.integers(0, 63))
def test_any_size(cat, height, width, quantizer):
    y = photo.planes(cat)[0][:height, :width]
    decoded = hyperprior.decode(hyperprior.encode(y, quantizer), width, height)
    assert decoded.shape == y.shape and psnr(y, decoded) > 18


def test_squares_and_tiles_leave_no_seam(y, monkeypatch):
    y = y[:256, :320]
    whole = hyperprior.decode(hyperprior.encode(y, 30), 320, 256)
    monkeypatch.setattr(hyperprior, "SQUARE", 4)
    monkeypatch.setattr(hyperprior, "TILE", 128)
    tiled = hyperprior.decode(hyperprior.encode(y, 30), 320, 256)
    assert psnr(y, tiled) == pytest.approx(psnr(y, whole), abs=0.1)
    steps = np.abs(np.diff(tiled.astype(float), axis=1) - np.diff(y.astype(float), axis=1)).mean(0)
    borders = steps[127::128].mean()
    assert borders < 1.5 * np.delete(steps, slice(127, None, 128)).mean()


def test_slow_effort_costs_less(y):
    """The rate-distortion cost, in bits, is lower."""
    y = y[60:156, 150:246]

    def cost(effort):
        section = hyperprior.encode(y, 45, effort)
        error = np.square(y / 255.0 - hyperprior.decode(section, 96, 96) / 255).sum()
        return 8 * len(section) + error / (BIT * float(step(torch.tensor(45))) ** 2)

    assert cost("slow") < 0.99 * cost("medium")


def test_slow_effort_meets_a_target_size(cat, monkeypatch):
    """Scales are compared and the ladder is searched without annealing, which is slow."""
    annealed = []
    anneal = annealing.anneal
    monkeypatch.setattr(annealing, "anneal", lambda *args: annealed.append(args[-1]) or anneal(*args))
    data = scodec.encode(cat[60:124, 150:214], luma="hyperprior", effort="slow", target_bytes=220)
    assert 180 < len(data) <= 220
    assert scodec.info(data).quantizer in annealed and len(annealed) <= 4


def test_damage_is_detected(y):
    section = hyperprior.encode(y[:128, :128], 40)
    for at in range(5, len(section), 7):
        damaged = section[:at] + bytes([section[at] ^ 0x55]) + section[at + 1 :]
        with pytest.raises(BadFile):
            hyperprior.decode(damaged, 128, 128)
    for length in range(0, len(section) - 4, 9):
        with pytest.raises(BadFile):
            hyperprior.decode(section[:length], 128, 128)


def test_other_weights_are_refused(y):
    section = hyperprior.encode(y[:64, :64], 40)
    with pytest.raises(Unsupported, match="release"):
        hyperprior.decode(bytes([section[0] ^ 1]) + section[1:], 64, 64)


@pytest.mark.parametrize("hints", [0, 60, "auto"])
def test_files(cat, hints):
    cat = cat[:200, :300]
    data = scodec.encode(cat, luma="hyperprior", quality=50, hints=hints)
    assert scodec.info(data).luma == "hyperprior"
    decoded = np.array(scodec.decode(data))
    assert decoded.shape == cat.shape and psnr(photo.planes(cat)[0], photo.planes(decoded)[0]) > 25
    assert torch.equal(torch.from_numpy(decoded), torch.from_numpy(np.array(scodec.decode(data))))


def test_target_size_and_transparency(cat):
    from PIL import Image

    picture = Image.fromarray(cat[:200, :300])
    picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    data = scodec.encode(picture, luma="hyperprior", target_bytes=3000)
    assert 2400 < len(data) <= 3000
    assert scodec.decode(data).mode == "RGBA"


def test_command_prints_only_its_own_messages(small, tmp_path):
    """The libraries imported by this coder emit warnings about each other; only a new process imports them afresh."""
    from PIL import Image

    Image.fromarray(small).save(tmp_path / "in.png")
    encode = [sys.executable, "-m", "scodec", "encode", "in.png", "out.scz", "--luma", "hyperprior"]
    decode = [sys.executable, "-m", "scodec", "decode", "out.scz", "out.png"]
    runs = [subprocess.run(each, cwd=tmp_path, capture_output=True, text=True) for each in (encode, decode)]
    assert [run.returncode for run in runs] == [0, 0]
    assert runs[0].stderr.startswith("scodec: ") and runs[0].stderr.count("\n") == 1
    assert runs[1].stderr == ""
