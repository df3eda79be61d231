"""The CompressAI plugin, through CompressAI's own runner and registry."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from compressai.registry import MODULES
from docs_examples import run_examples
from PIL import Image

import scodec
from scodec.models import weights
from scodec.plugins import compressai

Bench = Callable[..., dict]


@pytest.fixture
def picture(cat: np.ndarray) -> np.ndarray:
    """A crop large enough for MS-SSIM, which needs more than 160 pixels a side."""
    return np.ascontiguousarray(cat[60:230, 100:290])


@pytest.fixture
def folder(tmp_path: Path, picture: np.ndarray) -> Path:
    """A folder with that picture and an EXIF orientation, which must be ignored: only the samples count."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "pictures").mkdir()
    Image.fromarray(picture).save(tmp_path / "pictures" / "cat.png", exif=exif)
    return tmp_path / "pictures"


@pytest.fixture
def bench(folder: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    """A function that runs the benchmark on the folder and returns its JSON."""

    def run(codec: str, *options: str) -> dict:
        compressai.main([codec, str(folder), *options])
        return json.loads(capsys.readouterr().out)

    return run


def test_same_output_as_for_jpeg(bench: Bench, picture: np.ndarray) -> None:
    ours, jpeg = bench("scodec", "-q", "40,20"), bench("jpeg", "-q", "5,20")
    assert ours.keys() == jpeg.keys()
    assert ours["results"].keys() == jpeg["results"].keys()
    pixels = picture.shape[0] * picture.shape[1]
    sizes = [len(scodec.encode(picture, quality=quality, hints="auto")) for quality in (20, 40)]
    results = ours["results"]
    assert results["bpp"] == [size * 8 / pixels for size in sizes]
    assert 20 < results["psnr-rgb"][0] < results["psnr-rgb"][1] < 40
    assert all(0 < seconds < 60 for seconds in results["encoding_time"] + results["decoding_time"])


def test_options(bench: Bench, picture: np.ndarray) -> None:
    options = ["--hints", "50", "--luma", "av1", "--effort", "fast"]
    output = bench("scodec", "-q", "30", "--metrics", "psnr-rgb", *options)
    assert output["name"] == "scodec av1 fast hints 50"
    size = len(scodec.encode(picture, quality=30, hints=50, luma="av1", effort="fast"))
    assert output["results"]["bpp"] == [size * 8 / (picture.shape[0] * picture.shape[1])]


def test_gray_pictures(bench: Bench, folder: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., 1]).save(folder / "cat.png")
    assert bench("scodec", "-q", "30")["results"]["psnr-rgb"][0] > 20


def test_errors_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="scodec: error: quality 101"):
        compressai.main(["scodec", str(folder), "-q", "101"])
    with pytest.raises(SystemExit, match="scodec: error: No such directory"):
        compressai.main(["scodec", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit, match="2"):
        compressai.main(["scodec", str(folder), "--hints", "many"])
    Image.new("RGB", (160, 200)).save(folder / "small.png")
    with pytest.raises(SystemExit, match="--metrics psnr-rgb"):
        compressai.main(["jpeg", str(folder), "-q", "20"])


def test_command_with_two_jobs(folder: Path) -> None:
    command = [sys.executable, "-m", "scodec.plugins.compressai", "scodec", str(folder), "-q", "10,20", "-j", "2"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert len(json.loads(run.stdout)["results"]["bpp"]) == 2


@pytest.mark.parametrize("name", ["restorer", "colorizer"])
def test_networks_are_registered(name: str) -> None:
    network = MODULES[f"scodec-{name}"](**json.loads(weights.facts(name)["config"]))
    network.load_state_dict(weights.load(name).state_dict())


def test_documented_examples(folder: Path) -> None:
    run_examples("compressai.md", folder.parent)
