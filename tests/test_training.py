"""Training on the user's own pictures: it runs, resumes and learns, and its weights work in the codec."""

import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import scodec
from scodec.models import weights
from scodec.models.blocks import ResBlock
from scodec.models.luma.hyperprior import LumaHyperprior
from scodec.models.receiver.restorer import Restorer
from scodec.training import cli, loop, pack, prune, recipe, update
from scodec.training.data import decoded, pairs
from scodec.training.tasks.colour import ColourTask
from scodec.training.tasks.luma import LumaTask


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cat):
    target = tmp_path_factory.mktemp("pictures")
    for i in (59, 60, 61, 62):  # 61.png is held out
        left, top = 12 * i % 200, 7 * i % 100
        Image.fromarray(cat[top : top + 144, left : left + 168]).save(target / f"{i}.png")
    return target


@pytest.fixture(scope="module")
def prepared(folder, tmp_path_factory):
    """The pictures of `folder` coded for a training, which takes longer than the few steps that follow."""
    cache = tmp_path_factory.mktemp("prepared") / "pairs"
    pairs.prepare(sorted(folder.iterdir()), cache, 1)
    return cache


@pytest.fixture(scope="module")
def coded_blind(small):
    return scodec.encode(small, scale=2)


@pytest.mark.parametrize(
    ("name", "task", "patch"),
    [
        ("restorer", "luma", 64),
        ("restorer", "natural", 64),
        ("colorizer", "colour", 64),
        ("colorizer", "decoded", 64),
    ],
)
def test_command_trains_and_resumes(
    folder, prepared, tmp_path, scodec_command, coded_blind, monkeypatch, name, task, patch
):
    shutil.copytree(prepared, tmp_path / "run" / "pairs")
    monkeypatch.setattr(update, "UNHEARD", 1)  # so that four steps include every kind of step
    monkeypatch.setattr(update, "COMPARED", 3)
    own = tmp_path / "own.yaml"
    numbers = "steps: 4\nbatch: 2\nlr: 1.0e-3\nwarmup: 1\nema: 0.0\n"
    if task == "natural":
        numbers += "adversarial: 1.0\nadversarial_from: 1\nbalanced: true\n"
    own.write_text(f"task: {task}\nnetwork: {name}\npatch: {patch}\n{numbers}")
    arguments = ["train", folder, "--recipe", own, "--run", tmp_path / "run", "--every", 2, "-j", 1, "--device", "cpu"]
    assert scodec_command(*arguments, "--steps", 2).code == 0
    assert scodec_command(*arguments).code == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "own" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert all(np.isfinite(value) for line in lines for value in line.values())
    data = (tmp_path / "run" / "own" / "weights.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    assert header["network"] == name and header["id"].startswith(name)
    own = str(tmp_path / "run" / "own" / "weights.safetensors")
    decoded = [np.array(scodec.decode(coded_blind, receivers=names, look="natural")) for names in ((), (own,))]
    assert not np.array_equal(*decoded) and decoded[0].shape == decoded[1].shape


def test_interrupt_before_the_first_checkpoint_loses_nothing(folder, prepared, tmp_path):
    """Ctrl-C during training, as sent by a terminal, writes a checkpoint of the last step."""
    shutil.copytree(prepared, tmp_path / "run" / "pairs")
    own = tmp_path / "own.yaml"
    own.write_text("task: luma\nnetwork: restorer\npatch: 64\nsteps: 5000\nbatch: 2\nlr: 1.0e-4\n")
    arguments = ["train", folder, "--recipe", own, "--run", tmp_path / "run", "--every", 5000, "-j", 1]
    code = "import scodec.cli; scodec.cli.main()"
    command = [sys.executable, "-c", code, *map(str, arguments), "--device", "cpu"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    seen = ""
    while "step/s" not in seen and "s/step" not in seen:  # the progress bar of the training steps
        piece = process.stderr.read(1)
        assert piece, seen
        seen += piece
    assert "about" in seen and "hours" in seen
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    state = torch.load(tmp_path / "run" / "own" / "checkpoint.pt", weights_only=True)
    assert 0 < state["step"] < 5000


def test_packed_file_replaces_its_folders(tmp_path, cat, scodec_command):
    """Pictures and coded pairs are taken from it; nothing is encoded again."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in (60, 61):  # 61 is held out
        Image.fromarray(cat).resize((330, 260 + i)).save(photos / f"{i}.png")
    Image.fromarray(cat).resize((240, 160)).save(photos / "small.png")  # too small for pairs
    packed = tmp_path / "photos.zip"
    assert CliRunner().invoke(pack.main, [str(packed), str(photos), "-j", "1"]).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "photos.zip"]
    with zipfile.ZipFile(packed) as file:
        coded = {name for name in file.namelist() if name.startswith("pairs/")}
    assert len(coded) == 2
    own = tmp_path / "own.yaml"
    own.write_text("task: luma\nnetwork: restorer\npatch: 64\nsteps: 1\nbatch: 2\nlr: 1.0e-4\nshort_side: 320\n")
    run = tmp_path / "run"
    assert scodec_command("train", packed, "--recipe", own, "--run", run, "-j", 1, "--device", "cpu").code == 0
    assert {f"pairs/{path.name}" for path in (run / "pairs").iterdir()} == coded
    (tmp_path / "no.zip").write_bytes(b"no zip")
    result = scodec_command("train", tmp_path / "no.zip", "--recipe", own, "--run", run)
    assert result.code == 1 and "no.zip is neither" in result.err


def test_decoded_lumas_match_their_pictures(folder, tmp_path):
    """Patches of the pool are of one place in picture and lumas."""
    pool = decoded.pool(decoded.prepare(sorted(folder.iterdir()), tmp_path / "decoded", 1), 64)
    for red, green, blue, faithful, natural in pool.draw(16, 96, torch.Generator().manual_seed(1)):
        luma = (0.299 * red + 0.587 * green + 0.114 * blue).flatten()
        assert np.corrcoef(luma, faithful.flatten())[0, 1] > 0.8 and np.corrcoef(luma, natural.flatten())[0, 1] > 0.8
        assert not torch.equal(faithful, natural)


def test_pairs_match_the_output_of_the_coders(folder, prepared):
    """Patches drawn from the pool match the luma decoded with their coder, scale and quantizer."""
    known = pairs.load(pairs.prepare(sorted(folder.iterdir())[:2], prepared, 1))
    pool = pairs.pool(known)
    drawn = pool.draw(16, 96, torch.Generator().manual_seed(1))
    assert drawn["y"].shape == drawn["y_up"].shape == (16, 1, 96, 96)
    for y, y_up, quantizer in zip(drawn["y"], drawn["y_up"], drawn["quantizer"], strict=True):
        assert np.corrcoef(y.flatten(), y_up.flatten())[0, 1] > (0.9 if quantizer < 45 else 0.5)
    for each in known:
        assert len(each.variants) == sum(count for _, _, count, _, _ in pairs.VARIANTS)
        for variant in each.variants:
            assert variant.y_small.shape == tuple(side // variant.scale for side in each.y.shape)


def test_interrupted_and_uninterrupted_runs_agree(folder, prepared, tmp_path):
    settings = recipe.Recipe(task="luma", network="restorer", steps=4, batch=2, patch=64, lr=1e-4, warmup=1)
    train, held_out = cli._split((folder,), 0)
    task = LumaTask(settings, train, held_out, prepared, 1)
    uninterrupted = loop.train(task, settings, tmp_path / "a", "cpu", 2, None).state_dict()

    class Stopped(Exception):
        pass

    class Stopping:
        """A task that ends the first run after the checkpoint of step 2."""

        def __getattr__(self, name):
            return getattr(task, name)

        def batch(self, rng):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 3:
                raise Stopped
            return task.batch(rng)

    with pytest.raises(Stopped):
        loop.train(Stopping(), settings, tmp_path / "b", "cpu", 2, None)
    resumed = loop.train(task, settings, tmp_path / "b", "cpu", 2, None).state_dict()
    assert all(torch.allclose(uninterrupted[key], resumed[key], atol=1e-5) for key in uninterrupted)


def test_colorizer_learns(folder, tmp_path):
    """Starting from the shipped weights, a few dozen steps on pictures of one cat must improve its colours."""
    settings = recipe.Recipe(
        task="colour", network="colorizer", steps=40, batch=4, patch=64, lr=5e-4, warmup=5, ema=0.9
    )
    train, held_out = cli._split((folder,), 0)
    task = ColourTask(settings, train, held_out)
    start = weights.load("colorizer")
    with torch.no_grad():
        before = task.validate(start, torch.device("cpu"))["blind_dB"]
    trained = loop.train(task, settings, tmp_path, "cpu", 40, start.state_dict()).eval()
    with torch.no_grad():
        after = task.validate(trained, torch.device("cpu"))["blind_dB"]
    assert after > before + 0.5


def test_training_starts_from_the_weights_that_fit():
    """Starting from another hyperprior: larger layers begin with its rows and columns, smaller ones are unchanged."""
    known = LumaHyperprior(groups=(4, 8), hyper=16, widths=(8, 8, 8))
    with torch.no_grad():
        for parameter in known.parameters():
            parameter.fill_(0.5)
    grown = LumaHyperprior(groups=(4, 16), hyper=8, widths=(8, 8, 16))
    before = {name: value.clone() for name, value in grown.state_dict().items()}
    loop.adopt(grown, known.state_dict())
    assert (grown.log_gain[:, :12] == 0.5).all() and (grown.log_gain[:, 12:] == 0).all()
    head = grown.g_s.head.weight
    assert (head[:8, :12] == 0.5).all() and not (head[8:] == 0.5).any() and not (head[:, 12:] == 0.5).any()
    assert torch.equal(grown.h_a[4].weight, before["h_a.4.weight"]) and (grown.h_a[2].weight == 0.5).all()


def test_pruned_weights_start_a_training_at_full_size():
    """The channels that are added have no effect at first, though their own weights are not zero: they can learn."""
    small = Restorer((8, 12), (1, 1), {"faithful": [[3], [5], [8]], "natural": [[2], [7], [4]]}).eval()
    with torch.no_grad():
        for seed, parameter in enumerate(small.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)) / 5)
    large = Restorer((8, 12), (1, 1)).eval()
    loop.adopt(large, small.state_dict())
    y = torch.rand(1, 1, 24, 32, generator=torch.Generator().manual_seed(1))
    coding = [torch.tensor([number]) for number in (1, 2, 40)]
    for look in (0, 1):
        assert torch.allclose(small(y, *coding, y, look), large(y, *coding, y, look), atol=1e-5)
    assert large.faithful.middle.blocks[0].conv1.weight[5:].abs().max() > 0


def test_channels_that_never_fire_are_removed(folder, tmp_path, monkeypatch):
    """Silence all but a few channels of the shipped weights: the command finds them, and the pictures stay the same."""
    monkeypatch.setattr(prune, "BATCHES", 2)
    monkeypatch.setattr(prune, "PATCH", 96)
    network = weights.load("restorer")
    blocks = [block for block in network.faithful.modules() if isinstance(block, ResBlock)]
    with torch.no_grad():
        for block in blocks:
            block.conv1.bias[4:] = -1e4  # below what any input can make up for
            block.film.weight.zero_()
            block.film.bias.zero_()
    source, target = tmp_path / "source.safetensors", tmp_path / "target.safetensors"
    weights.save(network, source, "restorer", **dict.fromkeys(("recipe", "data", "licence", "result"), "x"))
    result = CliRunner().invoke(prune.main, [str(target), str(folder), "--source", str(source), "-j", "1"])
    assert result.exit_code == 0, result.output
    smaller = weights.load(target)
    assert all(block.conv1.out_channels <= 4 for block in smaller.faithful.modules() if isinstance(block, ResBlock))
    assert target.stat().st_size < 0.8 * source.stat().st_size
    y = torch.from_numpy(np.asarray(Image.open(folder / "61.png").convert("L"))[None, None, :144, :168].copy()) / 255
    coding = [torch.tensor([number]) for number in (1, 2, 40)]
    with torch.no_grad():
        before, after = (each(y, *coding, torch.zeros_like(y), 0) for each in (network, smaller))
    assert (before - after).abs().max() < 1 / 255
    assert (before - y).abs().max() > 1 / 255  # the network does something at all


def test_shipped_recipes_load_and_unknown_ones_are_reported(scodec_command, tmp_path, folder):
    assert {"colorizer", "release", "restorer", "koalarization"} <= set(recipe.names())
    assert all(recipe.load(name) for name in recipe.names())
    assert {stage: each.task for stage, each in recipe.load("release").items()} == {
        "restorer": "luma",
        "restorer-natural": "natural",
        "colorizer": "colour",
        "colorizer-decoded": "decoded",
    }
    result = scodec_command("train", folder, "--recipe", "nonsense", "--run", tmp_path / "run")
    assert result.code == 1 and "colorizer" in result.err
    result = scodec_command("train", folder, "--recipe", "none.yaml", "--run", tmp_path / "run")
    assert result.code == 1 and "there is no file none.yaml" in result.err


def test_pictures_too_small_for_the_colorizer(scodec_command, tmp_path, folder):
    own = tmp_path / "own.yaml"
    own.write_text("task: colour\nnetwork: colorizer\npatch: 512\nsteps: 1\nbatch: 1\nlr: 1.0e-4\n")
    result = scodec_command("train", folder, "--recipe", own, "--run", tmp_path / "run")
    assert result.code == 1 and "short side of 320 pixels" in result.err


def test_too_few_pictures(scodec_command, tmp_path, folder):
    result = scodec_command("train", folder, "--recipe", "restorer", "--run", tmp_path / "run")
    assert result.code == 1 and "of 4 found, 0 have a shorter side of 320 pixels" in result.err
    result = scodec_command("train", tmp_path, "--recipe", "restorer", "--run", tmp_path / "run")
    assert result.code == 1 and "no pictures in" in result.err
    result = CliRunner().invoke(pack.main, [str(tmp_path / "packed"), str(tmp_path)])
    assert result.exit_code == 1 and "no pictures in" in result.output and not list(tmp_path.iterdir())
