"""Tables and curves of the systems of the reports."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from scodec.eval.reports import figures, systems
from scodec.models import weights
from scodec.models.reports.dtu_cnn import DTUCNN
from scodec.models.reports.edsr import EDSR


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, network, kind in (("dtu-cnn", DTUCNN(), "dtu-cnn"), ("edsr-x3", EDSR(1, 3), "edsr")):
        (folder / name).mkdir()
        weights.save(network, folder / name / "weights.safetensors", kind)
    return folder


def test_tables_and_curves(trained, cat, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "QUALITIES", (20, 50))
    monkeypatch.setattr(figures, "FACTORS", (1.0, 3.0))
    pictures, out = tmp_path / "Set1", tmp_path / "out"
    pictures.mkdir()
    for i in range(2):
        Image.fromarray(cat[50 * i : 50 * i + 130, 60 * i : 60 * i + 170]).save(pictures / f"{i}.png")

    def run(*options):
        arguments = ["--trained", trained, *options, "--out", out]
        result = CliRunner().invoke(systems.main, [str(each) for each in arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return {file.stem: json.loads(file.read_text()) for file in out.glob("*.json")}, result.stdout

    results, shown = run("--photographs", pictures, "--small", pictures)
    assert set(results) == {"grey", "scodec", "dtu-cnn", "bicubic", "scodec-restorer", "edsr-x3"}
    colour = {name: figures["colour"] for name, figures in results.items() if "colour" in figures}
    assert set(colour) == {"grey", "scodec", "dtu-cnn"}
    assert colour["grey"]["pooled_psnr"] <= colour["grey"]["psnr"] + 1e-9
    assert colour["grey"]["colourfulness"] < 0.05 and colour["scodec"]["psnr"] > colour["dtu-cnn"]["psnr"]
    rows = {row["name"]: row for row in systems.colour_rows(results)}
    weak, strong = results["scodec"]["strengths"]
    assert weak["psnr"] == pytest.approx(colour["scodec"]["psnr"], abs=0.05)
    assert weak["colourfulness"] <= rows["scodec"]["ours_at_that_psnr"] <= strong["colourfulness"]
    assert "10.57" in rows["dtu-cnn"]["reported"] and "| dtu-cnn |" in shown and "| edsr-x3 | 3 |" in shown
    sizes = {(name, row["scale"]): row["Set1_psnr"] for name, each in results.items() for row in each.get("size", [])}
    assert set(sizes) == {(name, scale) for name in ("bicubic", "scodec-restorer") for scale in (2, 3, 4)} | {
        ("edsr-x3", 3)
    }
    assert sizes["bicubic", 2] > sizes["bicubic", 3] > sizes["edsr-x3", 3]
    for name in ("grey", "scodec", "dtu-cnn"):
        with Image.open(out / f"{name}.jpg") as strip:
            assert strip.height == figures.HEIGHT and strip.width > 600

    again, _ = run("--receivers", pictures)
    assert all(again[name]["colour"] == colour[name] for name in colour)
    assert {name for name, figures in again.items() if "receivers" in figures} == {"scodec", "dtu-cnn", "jpeg"}
    (low, _), (high, _) = again["scodec"]["receivers"]
    assert low < high and (out / "receivers.png").stat().st_size > 10_000


def test_new_weights_are_measured_again(trained, cat, tmp_path):
    Image.fromarray(cat[:100, :120]).save(tmp_path / "cat.png")
    subject = systems.subjects(trained)["edsr-x3"]
    pictures = {"size": [tmp_path / "cat.png"]}
    known = {"weights": subject.weights, "size": "known"}
    assert systems.measure(subject, known, pictures)["size"] == "known"
    assert systems.measure(subject, known | {"weights": "others"}, pictures)["size"][0]["scale"] == 3
