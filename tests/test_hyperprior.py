"""The learned luma coder: round trip, identical decoding everywhere, and the rate estimated in training."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from scodec import photo
from scodec.eval.lab.exactness import SETTINGS, mismatches
from scodec.models import weights
from scodec.models.luma import annealing, exact, hyperprior
from scodec.models.luma.hyperprior import SCALES, THRESHOLDS, LumaHyperprior
from scodec.models.luma.transforms import dct
from scodec.training import cli, loop, recipe
from scodec.training.tasks.rate import RateTask


@pytest.fixture(scope="module")
def network():
    return weights.load("hyperprior")


@pytest.fixture(scope="module")
def x(cat):
    return torch.from_numpy(photo.planes(cat)[0][:256, :384])[None, None] / 255


def latents(network, x, quantizer):
    y = network.analysis(x, torch.tensor([quantizer]))
    return y, network.hyper_analysis(y, torch.tensor([quantizer]))


@pytest.fixture(scope="module")
def coded(network, x):
    with torch.inference_mode():
        data, checksum = network.compress(*latents(network, x, 40), 40)
        y_hat, _ = network.decompress(data, 40, 16, 24)
    return data, checksum, y_hat


@pytest.mark.parametrize("quantizer", [0, 20, 40, 63])
def test_round_trip_at_the_estimated_rate(network, x, quantizer):
    with torch.inference_mode():
        data, written = network.compress(*latents(network, x, quantizer), quantizer, patience=0)
        y_hat, read = network.decompress(data, quantizer, 16, 24)
        x_hat = network.synthesis(y_hat, torch.tensor([quantizer]))
        output = network(x, torch.tensor([quantizer]))
    assert written == read
    estimated = sum(float(-torch.log2(each).sum()) for each in output["likelihoods"].values())
    assert 8 * len(data) == pytest.approx(estimated, rel=0.01, abs=96)  # abs covers the entropy coder's state
    assert (x_hat - output["x_hat"]).abs().mean() < 0.005


@pytest.mark.parametrize("setting", SETTINGS)
def test_decoding_is_the_same_under_every_setting(network, coded, setting):
    data, checksum, y_hat = coded
    with SETTINGS[setting](), torch.inference_mode():
        again, found = network.decompress(data, 40, 16, 24)
    assert found == checksum and torch.equal(again, y_hat)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_decoding_is_the_same_on_a_gpu(network, coded):
    assert mismatches(network, coded[0], 40, 16, 24) == []


def test_order_of_summation_does_not_matter():
    torch.manual_seed(1)
    layer = nn.Conv2d(512, 8, 3, padding=1)
    x = exact.to_fixed(100 * torch.randn(1, 512, 9, 9))
    order = torch.randperm(512)
    shuffled = nn.Conv2d(512, 8, 3, padding=1)
    shuffled.weight.data, shuffled.bias.data = layer.weight.data[:, order], layer.bias.data
    assert torch.equal(exact.run(nn.Sequential(layer), x), exact.run(nn.Sequential(shuffled), x[:, order]))
    real = layer(x.float() / exact.UNIT)
    assert (exact.run(nn.Sequential(layer), x) / exact.UNIT - real).abs().max() < 0.02 * real.abs().max()


def test_layers_without_an_exact_form_are_refused():
    with pytest.raises(TypeError, match="Tanh"):
        exact.run(nn.Sequential(nn.Tanh()), torch.zeros(1, 1, 2, 2).double())
    with pytest.raises(ValueError, match="exact"):
        exact.run(nn.Sequential(nn.Conv2d(1024, 1, 3, padding=1)), torch.zeros(1, 1024, 3, 3).double())


def test_other_symbols_give_another_checksum(network, coded):
    data, checksum, _ = coded
    with torch.inference_mode():
        _, found = network.decompress(data[:-8] + bytes(8), 40, 16, 24)
    assert found != checksum


def test_untrained_network_is_a_dct(x):
    untrained = LumaHyperprior().eval()
    assert torch.allclose(dct(256).flatten(1) @ dct(256).flatten(1).T, torch.eye(256), atol=1e-5)
    with torch.inference_mode():
        x_hat = untrained.synthesis(untrained.analysis(x, torch.tensor([0])), torch.tensor([0]))
    assert (x_hat - x).square().mean() < 2e-4  # the energy in the highest quarter of the frequencies


def test_thresholds_select_the_matching_tables():
    found = np.searchsorted(THRESHOLDS, np.rint(np.log(SCALES) * exact.UNIT))
    assert (found == np.arange(len(SCALES))).all()


def test_contexts_are_the_neighbours_of_each_position():
    """Cell by cell, every position occurs once, with its own neighbours."""
    torch.manual_seed(0)
    x = torch.randn(1, 5, 8, 12)
    plain, strided = nn.Conv2d(5, 7, 3, padding=1), nn.Conv2d(5, 7, 3, 2)
    strided.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        cells: list = [None] * 4
        for cell in hyperprior.ORDER:
            cells[cell] = strided(hyperprior._around(x, cell))
        assert torch.allclose(hyperprior._whole(cells), plain(x), atol=1e-6)
    assert torch.equal(hyperprior._whole(list(hyperprior._cells(x))), x)


def test_round_trip_with_other_groups(x):
    torch.manual_seed(0)
    other = LumaHyperprior(groups=(6, 18, 40)).eval()
    other.update()
    for parameter in (other.log_gain, other.log_inverse, other.log_hyper_gain):
        nn.init.normal_(parameter, std=0.1)
    with torch.inference_mode():
        data, written = other.compress(*latents(other, x, 30), 30)
        y_hat, read = other.decompress(data, 30, 16, 24)
        expected = other.coded(*latents(other, x, 30), torch.tensor([30]))["x_hat"]
        assert written == read
        assert (other.synthesis(y_hat, torch.tensor([30])) - expected).abs().mean() < 0.02


def test_annealed_latents_cost_less(network, x):
    part = x[:, :, :64, :128].clone()
    with torch.inference_mode():
        y, z = latents(network, part, 40)
        plain = network.compress(y, z, 40)
    refined = annealing.anneal(network, part, y, z, 40)
    again = annealing.anneal(network, part, y, z, 40)
    assert torch.equal(refined[0], again[0])
    with torch.inference_mode():
        annealed = network.compress(*refined, 40)
        before, after = (annealing.cost(network, part, data, 40) for data, _ in (plain, annealed))
    assert after < 0.995 * before


def test_weights_keep_the_tables(network, coded, tmp_path):
    data, checksum, y_hat = coded
    weights.save(network, tmp_path / "hyperprior.safetensors", "hyperprior")
    loaded = weights.load(tmp_path / "hyperprior.safetensors")
    with torch.inference_mode():
        again, found = loaded.decompress(data, 40, 16, 24)
    assert found == checksum and torch.equal(again, y_hat)


@pytest.mark.parametrize("name", ["hyperprior", "hyperprior-restored"])
def test_training_learns_the_rate(cat, tmp_path, name):
    """From scratch, alone and followed by the restorer."""
    for i in range(58, 62):  # 61 is held out
        Image.fromarray(cat).resize((10 * i, 400)).save(tmp_path / f"{i}.png")
    numbers = {"steps": 6, "batch": 2, "patch": 64, "warmup": 1, "ema": 0.5, "short_side": 0, "lr": 1e-3}
    settings = recipe.Recipe(**(vars(recipe.load(name)[name]) | numbers))
    train, held_out = cli._split((tmp_path,), 0)
    task = RateTask(settings, train, held_out)
    batch = task.batch(np.random.default_rng(0))

    def cost(trained):
        with torch.no_grad():
            return float(task.loss(task.predict(trained, batch), batch))

    torch.manual_seed(settings.seed)
    before = cost(task.network().eval())
    trained = loop.train(task, settings, tmp_path / "run", "cpu", 6, None)
    assert cost(trained) < before
