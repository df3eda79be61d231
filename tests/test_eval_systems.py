"""The table and the curves of the systems."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from scodec.eval import systems
from scodec.models import weights
from scodec.models.dtu_cnn import DTUCNN
from scodec.models.edsr import EDSR


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, network, kind in (("dtu-cnn", DTUCNN(), "dtu-cnn"), ("edsr-x3", EDSR(1, 3), "edsr")):
        (folder / name).mkdir()
        weights.save(network, folder / name / "weights.safetensors", kind)
    return folder


def test_tables_and_curves(trained, cat, tmp_path, monkeypatch):
    monkeypatch.setattr(systems, "QUALITIES", (20, 50))
    monkeypatch.setattr(systems, "FACTORS", np.array([1.0, 3.0]))
    pictures = tmp_path / "Set1"
    pictures.mkdir()
    for i in range(2):
        Image.fromarray(cat[50 * i : 50 * i + 130, 60 * i : 60 * i + 170]).save(pictures / f"{i}.png")
    arguments = ["--trained", trained, "--photographs", pictures, "--small", pictures, "--out", tmp_path / "out"]
    run = CliRunner().invoke(systems.main, [str(each) for each in arguments], catch_exceptions=False)
    assert run.exit_code == 0
    results = json.loads((tmp_path / "out" / "systems.json").read_text())
    rows = {row["name"]: row for row in results["colour"]}
    assert set(rows) == {"grey", "scodec", "dtu-cnn"}
    assert rows["grey"]["pooled_psnr"] <= rows["grey"]["psnr"] + 1e-9
    assert rows["grey"]["colourfulness"] < 0.05 and rows["scodec"]["psnr"] > rows["dtu-cnn"]["psnr"]
    assert rows["scodec"]["ours_at_that_psnr"] == pytest.approx(rows["scodec"]["colourfulness"], abs=0.2)
    assert "10.57" in rows["dtu-cnn"]["reported"] and "| dtu-cnn |" in run.stdout
    sizes = {(row["name"], row["scale"]): row["Set1_psnr"] for row in results["size"]}
    assert set(sizes) == {(name, scale) for name in ("bicubic", "scodec") for scale in (2, 3, 4)} | {("edsr-x3", 3)}
    assert sizes["bicubic", 2] > sizes["bicubic", 3] > sizes["edsr-x3", 3]

    arguments = ["--trained", trained, "--receivers", pictures, "--out", tmp_path / "out"]
    assert CliRunner().invoke(systems.main, [str(each) for each in arguments], catch_exceptions=False).exit_code == 0
    results = json.loads((tmp_path / "out" / "systems.json").read_text())
    assert set(results) == {"colour", "size", "receivers"}
    with Image.open(tmp_path / "out" / "systems.png") as strips:
        assert strips.width > 600
    assert set(results["receivers"]) == {"scodec", "dtu-cnn", "jpeg"}
    (low, _), (high, _) = results["receivers"]["scodec"]
    assert low < high and (tmp_path / "out" / "receivers.png").stat().st_size > 10_000
