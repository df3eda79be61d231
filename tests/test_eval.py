"""Metrics, BD-rate, anchors, and a complete small run."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from scodec import extras, metrics
from scodec.cli import main
from scodec.errors import BadRequest
from scodec.eval import plots, rd, sheet
from scodec.eval.codecs import ANCHORS, CODECS
from scodec.eval.lab import colour
from scodec.metrics.bd import bd_rate


def test_psnr_of_a_known_error(cat):
    shifted = np.clip(cat.astype(int), 10, 245).astype(np.uint8)
    assert metrics.rgb_psnr(shifted, shifted + 4) == pytest.approx(10 * np.log10(255**2 / 16))
    assert metrics.y_psnr(shifted, shifted + 4) == pytest.approx(10 * np.log10(255**2 / 16))
    only_blue = shifted + np.array([0, 0, 10], np.uint8)
    assert metrics.y_psnr(shifted, only_blue) == pytest.approx(10 * np.log10(255**2 / 1.14**2))
    assert metrics.rgb_psnr(cat, cat) == 100


def test_metrics_rank_qualities(cat):
    def degraded(quality):
        return CODECS["jpeg"].decode(CODECS["jpeg"].encode(cat, quality))

    good, bad = degraded(60), degraded(3)
    assert metrics.ms_ssim(cat, cat) == pytest.approx(1)
    assert metrics.ms_ssim(cat, good) > metrics.ms_ssim(cat, bad)
    assert metrics.ciede2000(cat, cat) == pytest.approx(0, abs=1e-9)
    assert 0.1 < metrics.ciede2000(cat, good) < metrics.ciede2000(cat, bad)


def test_colourfulness_of_grey_is_zero(cat):
    grey = np.asarray(Image.fromarray(cat).convert("L").convert("RGB"))
    assert metrics.colourfulness_ratio(cat, grey) == 0
    assert metrics.colourfulness_ratio(cat, cat) == 1


def test_ciede2000_of_greys_is_the_weighted_difference_of_lightness():
    def lightness(value):
        linear = ((value / 255 + 0.055) / 1.055) ** 2.4
        return 116 * np.cbrt(linear) - 16

    first, second = lightness(120), lightness(140)
    offset = (first + second) / 2 - 50
    expected = (second - first) / (1 + 0.015 * offset**2 / np.sqrt(20 + offset**2))
    pictures = (np.full((4, 4, 3), value, np.uint8) for value in (120, 140))
    assert metrics.ciede2000(*pictures) == pytest.approx(expected, abs=0.01)


def test_colourfulness_of_two_flat_halves():
    picture = np.zeros((2, 4, 3), np.uint8)
    picture[:, :2] = 100, 50, 20  # red - green 50, yellow - blue 55
    picture[:, 2:] = 60, 60, 60  # both 0
    faded = picture.copy()
    faded[:, :2] = 80, 55, 40  # 25 and 27.5
    assert metrics.colourfulness_ratio(picture, faded) == pytest.approx(0.5)


def test_ssimulacra2(cat):
    pytest.importorskip("ssimulacra2")
    part = np.ascontiguousarray(cat[:64, :64])
    rough = CODECS["jpeg"].decode(CODECS["jpeg"].encode(part, 5))
    assert metrics.ssimulacra2(part, part) == pytest.approx(100)
    assert metrics.ssimulacra2(part, rough) < 50
    assert np.isnan(metrics.ssimulacra2(part[:7], part[:7]))


def test_ms_ssim_of_small_pictures(small):
    assert metrics.ms_ssim(small, small) == pytest.approx(1)


RATES = np.array([0.02, 0.04, 0.07, 0.12, 0.2, 0.3])
QUALITY = 20 + 5 * np.log2(1 + 50 * RATES)


@pytest.mark.parametrize("limits", [None, (0.03, 0.2)])
def test_bd_rate_of_a_shifted_curve_is_the_shift(limits):
    assert bd_rate((RATES, QUALITY), (0.8 * RATES, QUALITY), limits) == pytest.approx(-20, abs=0.3)
    assert bd_rate((RATES, QUALITY), (RATES, QUALITY), limits) == pytest.approx(0, abs=1e-6)


def test_bd_rate_of_curves_that_do_not_overlap_is_none():
    assert bd_rate((RATES, QUALITY), (RATES, QUALITY + 50)) is None
    assert bd_rate((RATES, QUALITY), (RATES[:2], QUALITY[:2])) is None
    assert bd_rate((RATES, QUALITY), (RATES, QUALITY), (1.0, 2.0)) is None


def test_bd_rate_uses_the_better_of_two_points_at_one_rate():
    doubled = np.append(RATES, RATES[0]), np.append(QUALITY, QUALITY[0] - 3)
    assert bd_rate((RATES, QUALITY), doubled) == pytest.approx(0, abs=1e-6)


def test_bd_rate_ignores_points_outside_the_limits():
    doubled_above = np.where(RATES > 0.1, 2 * RATES, RATES)
    assert bd_rate((RATES, QUALITY), (doubled_above, QUALITY), (0.02, 0.07)) == pytest.approx(0, abs=1)
    assert bd_rate((RATES, QUALITY), (doubled_above, QUALITY)) > 20


def record(codec, image, quality, bpp, value):
    return {"codec": codec, "image": image, "quality": quality, "bpp": bpp, "rgb_psnr": value, "ciede2000": 60 - value}


def test_bd_rates_of_a_run():
    factors = {"scodec": 0.5, "avif-psnr": 1.0, "avif-iq": 0.8}
    records = [
        record(codec, image, i, bpp * factor * (1 + 0.5 * (image == "b")), value)
        for codec, factor in factors.items()
        for image in "ab"
        for i, (bpp, value) in enumerate(zip(RATES, QUALITY, strict=True))
    ]
    rows = {(row["metric"], row["anchor"]): row for row in rd.bd_rates(records, (0.001, 1))}
    for metric in ("rgb_psnr", "ciede2000"):
        for anchor, expected in (("avif-psnr", -50), ("avif-iq", -37.5), ("avif-best", -37.5)):
            for figure in rd.FIGURES:
                assert rows[metric, anchor][figure] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("name", ANCHORS)
def test_anchors(name, small):
    codec = CODECS[name]
    files = [codec.encode(small, quality) for quality in (codec.qualities[0], codec.qualities[-1])]
    assert len(files[0]) < len(files[1])
    assert codec.decode(files[1]).shape == small.shape
    assert metrics.rgb_psnr(small, codec.decode(files[0])) < metrics.rgb_psnr(small, codec.decode(files[1]))


def test_published_curves_are_valid():
    for published in plots.baselines():
        rates, values = zip(*published["points"], strict=True)
        assert published["metric"] in metrics.RATED and len(published["source"]) > 20
        assert list(rates) == sorted(rates) and list(values) == sorted(values)


@pytest.fixture(scope="module")
def run(tmp_path_factory, cat):
    folder = tmp_path_factory.mktemp("run")
    (folder / "in").mkdir()
    for name, part in (("left", cat[:176, :176]), ("right", cat[100:276, 200:376])):
        Image.fromarray(part).save(folder / "in" / f"{name}.png")
    arguments = [
        "eval",
        str(folder / "in"),
        "--out",
        str(folder / "out"),
        "--codecs",
        "jpeg,avif-psnr,scodec",
        "-j",
        "1",
    ]
    result = CliRunner().invoke(main, [*arguments, "--metrics", "rgb_psnr,y_psnr", "--range", "0.05", "1"])
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_a_run_writes_everything(run):
    folder, output = run
    results = json.loads((folder / "out" / "results.json").read_text())
    assert {record["codec"] for record in results["records"]} == {"scodec", "jpeg", "avif-psnr"}
    jpeg = next(
        record for record in results["records"] if record["codec"] == "jpeg" and record["image"] == "in/left.png"
    )
    with Image.open(folder / "in" / "left.png") as image:
        assert jpeg["bytes"] == len(CODECS["jpeg"].encode(np.asarray(image), jpeg["quality"]))
    assert len((folder / "out" / "results.csv").read_text().splitlines()) == len(results["records"]) + 1
    assert (folder / "out" / "y_psnr.svg").stat().st_size > 1000
    assert "avif-psnr" in output and "avif-best" in output
    assert any(row["bd_rate"] is not None for row in results["bd_rates"])


def test_reuse_keeps_the_anchor_records(run):
    folder, _ = run
    results = json.loads((folder / "out" / "results.json").read_text())
    for record in results["records"]:
        record["encode_seconds"] = 123.0
    (folder / "marked.json").write_text(json.dumps(results))
    arguments = ["eval", str(folder / "in"), "--out", str(folder / "again"), "--codecs", "jpeg,avif-psnr", "-j", "1"]
    arguments += ["--metrics", "rgb_psnr", "--reuse", str(folder / "marked.json")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    again = json.loads((folder / "again" / "results.json").read_text())["records"]
    assert {record["encode_seconds"] for record in again} == {123.0}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--codecs", "jpeg2001"], "choose from scodec,"),
        (["--metrics", "beauty"], "choose from rgb_psnr,"),
        (["--range", "0.2", "0.03"], "the lower first"),
        (["--reuse", "{folder}/in/left.png"], "does not hold the results"),
        (["--reuse", "{folder}/other.json"], "does not hold the results"),
    ],
)
def test_invalid_options_give_one_error_line(run, extra, message):
    folder, _ = run
    (folder / "other.json").write_text('{"records": [{}]}')
    extra = [argument.format(folder=folder) for argument in extra]
    result = CliRunner().invoke(main, ["eval", str(folder / "in"), "--out", str(folder / "x"), *extra])
    assert result.exit_code == 1 and message in result.output and result.output.count("\n") == 1
    assert not (folder / "x").exists()


@pytest.mark.parametrize(("codec", "metric", "extra"), [("jxl", "y_psnr", "jxl"), ("jpeg", "lpips", "lpips")])
def test_codecs_and_metrics_name_the_extra_that_is_missing(run, monkeypatch, codec, metric, extra):
    folder, _ = run
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in ("lpips", "pillow_jxl") else name)
    arguments = ["eval", str(folder / "in"), "--out", str(folder / "x"), "--codecs", codec, "--metrics", metric]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and f"scodec-image[{extra}]" in result.output and result.output.count("\n") == 1


def test_reuse_refuses_results_of_other_library_versions(run):
    folder, _ = run
    results = json.loads((folder / "out" / "results.json").read_text())
    results["about"]["versions"]["pillow"] = "1.0"
    (folder / "old.json").write_text(json.dumps(results))
    with pytest.raises(BadRequest, match="pillow 1.0"):
        rd.anchors(folder / "old.json")


def test_reuse_measures_other_qualities_again(run):
    folder, _ = run
    known = [
        record | {"quality": record["quality"] + 1, "encode_seconds": 123.0}
        for record in rd.anchors(folder / "out" / "results.json")
    ]
    records, failed = rd.measure([folder / "in" / "left.png"], ["jpeg"], ["rgb_psnr"], 1, known)
    assert failed == {}
    assert [record["quality"] for record in records] == list(CODECS["jpeg"].qualities)
    assert 123.0 not in {record["encode_seconds"] for record in records}


def test_unreadable_pictures_are_named_and_the_others_measured(tmp_path, cat):
    (tmp_path / "in").mkdir()
    Image.fromarray(cat[:64, :64]).save(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "broken.png").write_text("no picture")
    (tmp_path / "in" / "cut.png").write_bytes((tmp_path / "in" / "good.png").read_bytes()[:900])
    arguments = ["eval", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--codecs", "jpeg,webp", "-j", "1"]
    result = CliRunner().invoke(main, [*arguments, "--metrics", "y_psnr"])
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("scodec: ")]
    assert len(errors) == 3 and "broken.png: " in result.stderr and "cut.png: " in result.stderr
    records = rd.load(tmp_path / "out" / "results.json")
    assert {record["image"] for record in records} == {"in/good.png"}
    assert {record["codec"] for record in records} == {"jpeg", "webp"}
    assert (tmp_path / "out" / "y_psnr.png").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_interrupted_run_leaves_its_records(tmp_path, cat):
    """Ctrl-C ends at once; what was measured can be reused, even where the last line is torn."""
    (tmp_path / "in").mkdir()
    Image.fromarray(cat[:64, :64]).save(tmp_path / "in" / "a.png")
    Image.fromarray(np.tile(cat, (8, 8, 1))).save(tmp_path / "in" / "b.png")
    command = [sys.executable, "-m", "scodec", "eval", "in", "--out", "out", "-j", "1", "--metrics", "y_psnr"]
    process = subprocess.Popen(
        [*command, "--codecs", "jpeg,avif-psnr"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    log, count = tmp_path / "out" / "records.jsonl", len(CODECS["jpeg"].qualities)
    while not log.exists() or log.read_text().count("\n") <= count:
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (1, -signal.SIGINT) and err.strip() == "Aborted!"
    assert os.listdir(tmp_path / "out") == ["records.jsonl"]
    with log.open("a") as file:
        file.write('{"codec": "jp')
    known = rd.anchors(log)
    assert [record["image"] for record in known[:count]] == ["in/a.png"] * count
    for record in known:
        record["encode_seconds"] = 123.0
    records, _ = rd.measure([tmp_path / "in" / "a.png"], ["jpeg"], ["y_psnr"], 1, known)
    assert {record["encode_seconds"] for record in records} == {123.0}


def test_help_names_codecs_and_metrics():
    text = " ".join(CliRunner().invoke(main, ["eval", "--help"]).output.split())
    assert ", ".join(CODECS) in text and ", ".join(metrics.METRICS) in text


def test_pictures_too_small_for_the_plot_and_for_ms_ssim(tmp_path, cat):
    (tmp_path / "in").mkdir()
    Image.fromarray(cat[:20, :20]).save(tmp_path / "in" / "tiny.png")
    arguments = ["eval", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--codecs", "jpeg,jpeg", "-j", "1"]
    result = CliRunner().invoke(main, [*arguments, "--metrics", "y_psnr,ms_ssim"])
    assert result.exit_code == 0, result.output
    assert len(rd.load(tmp_path / "out" / "results.json")) == len(CODECS["jpeg"].qualities)
    assert (tmp_path / "out" / "ms_ssim.png").exists()


def test_folders_without_pictures_or_with_clashing_names(tmp_path, small):
    with pytest.raises(BadRequest, match="no pictures"):
        rd.pictures([tmp_path])
    for parent in ("a", "b"):
        (tmp_path / parent / "in").mkdir(parents=True)
        Image.fromarray(small).save(tmp_path / parent / "in" / "one.png")
    with pytest.raises(BadRequest, match="rename"):
        rd.pictures([tmp_path / "a" / "in", tmp_path / "b" / "in"])


def test_plots_from_the_command_line(run):
    folder, _ = run
    arguments = [str(folder / "out" / "results.json"), str(folder / "plots")]
    assert CliRunner().invoke(plots.main, arguments).exit_code == 0
    assert sorted(path.name for path in (folder / "plots").iterdir()) == [
        "rgb_psnr.png",
        "rgb_psnr.svg",
        "y_psnr.png",
        "y_psnr.svg",
    ]


def test_sheet(small, tmp_path):
    Image.fromarray(small).save(tmp_path / "small.png")
    arguments = [str(tmp_path / "sheet.png"), str(tmp_path / "small.png"), "--bpp", "0.3"]
    assert CliRunner().invoke(sheet.main, arguments).exit_code == 0
    with Image.open(tmp_path / "sheet.png") as page:
        assert page.width > 3 * small.shape[1] and page.height > 2 * small.shape[0]
    for wrong in ("missing/sheet.png", "sheet.xyz"):
        result = CliRunner().invoke(sheet.main, [str(tmp_path / wrong), *arguments[1:]])
        assert result.exit_code == 1 and result.output.count("\n") == 1


def test_colour_alone(tmp_path, cat):
    """Hints beat a plain grid of the same size, any coded colours beat guessed ones, and those beat grey."""
    Image.fromarray(cat).save(tmp_path / "cat.png")
    result = CliRunner().invoke(colour.main, [str(tmp_path), "-j", "1"])
    assert result.exit_code == 0, result.output
    figures = {line[:34].strip(): float(line[34:]) for line in result.stdout.splitlines() if ":" in line or "," in line}
    assert figures["blind, faithful: RGB-PSNR"] > figures["grey: RGB-PSNR"]
    for budget in colour.BUDGETS:
        assert (
            figures[f"{budget} bytes, hints"]
            > figures[f"{budget} bytes, plain grid"]
            > figures["blind, faithful: RGB-PSNR"]
        )
    assert figures["120 bytes, coded along"] > figures["120 bytes, plain grid"]


def test_code_length_of_the_plain_grid():
    rng = np.random.default_rng(0)
    values = rng.geometric(0.4, 100_000) - rng.geometric(0.4, 100_000)  # two-sided geometric, ratio 0.6
    counts = np.unique(values, return_counts=True)[1] / values.size
    assert colour._bits(values) / values.size == pytest.approx(-(counts * np.log2(counts)).sum(), rel=0.01)
    assert colour._bits(np.zeros(9, int)) == 0
    ramp = np.add.outer(np.arange(5), 2 * np.arange(7)) + 3
    assert np.count_nonzero(colour._predicted(ramp)[1:, 1:] > 1) == 0
