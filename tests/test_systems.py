"""The systems of the reports: layers, training, and use as receivers."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import scodec
from scodec import photo
from scodec.errors import BadRequest, Unsupported
from scodec.models import weights
from scodec.models.registry import COLOUR_SYSTEMS, NETWORKS
from scodec.models.reports import backbones, lab, system
from scodec.models.reports.edsr import EDSR
from scodec.models.reports.srresnet import SRCritic, SRResNet
from scodec.models.reports.unet_gan import PatchCritic, UNetGenerator
from scodec.models.reports.zhang import bins
from scodec.training import loop, recipe
from scodec.training.tasks import TASKS

RECIPES = {name: each for name in recipe.names() for each in recipe.load(name).values()}
#: The same as another but for the number of blocks, or of steps without a critic.
VARIANTS = {"edsr8", "edsr12", "edsr24", "pretrained-ugan", "pretrained-attention-ugan"}
SYSTEMS = [name for name, each in RECIPES.items() if each.task in ("lab", "enlarge") and name not in VARIANTS]


def convolutions(network: nn.Module) -> list[tuple[int, int, int, int]]:
    """(inputs, outputs, kernel, stride) of every convolution."""
    return [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0])
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def chain(*widths_and_strides: tuple[int, int], inputs: int = 1) -> list[tuple[int, int, int, int]]:
    """What `convolutions` returns for a sequence of 3x3 convolutions."""
    widths = [inputs, *(width for width, _ in widths_and_strides)]
    return [(before, width, 3, stride) for before, (width, stride) in zip(widths, widths_and_strides, strict=False)]


def test_koalarization_layer_by_layer():
    network = NETWORKS["koalarization"]()
    encoder = ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 1), (256, 1))
    assert convolutions(network.encoder) == chain(*encoder)
    assert convolutions(network.fusion) == [(1256, 256, 1, 1)]
    assert convolutions(network.decoder) == chain((128, 1), (64, 1), (64, 1), (32, 1), (2, 1), inputs=256)
    assert network.encoder(torch.rand(1, 1, 224, 224)).shape == (1, 256, 28, 28)
    assert count(network.inception) == 55_843_464  # Inception-ResNet-v2 with 1000 classes


@pytest.mark.parametrize(("extractor", "parameters"), [("xception", 20_806_952), ("resnet50", 23_508_032)])
def test_super_colorization_extractors(extractor, parameters):
    network = NETWORKS[f"super-colorization-{extractor}"]()
    assert count(network.extractor) == parameters
    assert network.fusion[0].in_channels == 256 + 2048


def test_joint_layer_by_layer():
    network = NETWORKS["joint"]()
    assert convolutions(network.encoder) == chain((64, 2), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2))
    decoder = (512, 1), (256, 1), (128, 1), (64, 1), (32, 1), (16, 1), (8, 1), (2, 1)
    assert convolutions(network.decoder) == chain(*decoder, inputs=512)
    sizes = []
    for layer in network.decoder:
        layer.register_forward_hook(lambda module, inputs, output: sizes.append(output.shape[2]))
    assert network.eval()(torch.rand(1, 1, 256, 256))["ab"].shape == (1, 2, 256, 256)
    assert sizes == [6, 12, 24, 48, 96, 256, 256, 256]


def test_vgg16_autoencoder_layer_by_layer():
    network = NETWORKS["vgg16-autoencoder"]()
    assert count(network.encoder) == 14_714_688  # VGG16 without its top
    assert convolutions(network.decoder) == chain((128, 1), (64, 1), (64, 1), (32, 1), (2, 1), inputs=512)
    shapes = []
    network.encoder.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    assert network(torch.rand(1, 1, 224, 224))["ab"].shape == (1, 2, 224, 224)
    assert shapes == [(1, 512, 4, 4)]


def test_gans_match_pix2pix():
    assert count(UNetGenerator()) == 54_410_434
    assert [width for _, width, _, _ in convolutions(UNetGenerator().down)] == [64, 128, 256] + 5 * [512]
    assert count(PatchCritic()) == 2_766_529
    receptive_field = 1
    for _, _, kernel, stride in reversed(convolutions(PatchCritic())):
        receptive_field = (receptive_field - 1) * stride + kernel
    assert receptive_field == 70
    gate = UNetGenerator(attention=True).gates[0]
    skip = torch.rand(1, 512, 2, 2)
    assert (gate(skip, torch.rand_like(skip)).abs() <= skip.abs()).all()


@pytest.mark.parametrize("blocks", [8, 12, 16, 24])
def test_edsr_matches_the_baseline_of_its_paper(blocks):
    network = EDSR(blocks)
    assert len(convolutions(network)) == 2 * blocks + 4
    assert count(network) == 188_163 + blocks * 73_856
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize(
    ("network", "scale"), [(EDSR(2, 3), 3), (EDSR(2, 4), 4), (EDSR(2, deep=2), 2), (SRResNet(2), 2)]
)
def test_enlarging_networks_multiply_the_size(network, scale):
    assert network(torch.rand(1, 3, 10, 14))["rgb"].shape == (1, 3, 10 * scale, 14 * scale)


def test_srgan_matches_its_paper():
    assert count(SRResNet()) == 1_401_749
    assert [stride for _, _, _, stride in convolutions(SRCritic())] == [1, 2] * 4
    assert SRCritic()(torch.rand(2, 3, 96, 96)).shape == (2, 1)


def test_zhang_and_iizuka():
    assert len(bins()) == 260 and [0, 0] in bins().tolist()
    network = NETWORKS["zhang"]()
    assert network.eval()(torch.zeros(1, 1, 64, 64))["bin_logits"].shape == (1, 260, 16, 16)
    assert NETWORKS["iizuka"](classes=205).classifier[-1].out_features == 205
    assert count(NETWORKS["dtu-cnn"](classes=8).classifier) > 0 and NETWORKS["dtu-cnn"]().classifier is None


def test_lab_matches_scikit_image_and_is_invertible(small):
    from skimage.color import rgb2lab

    rgb = torch.from_numpy(small).permute(2, 0, 1)[None] / 255
    lightness, ab = lab.from_rgb(rgb)
    expected = rgb2lab(small)
    assert np.allclose((lightness[0, 0] + 1) * 50, expected[..., 0], atol=0.01)
    assert np.allclose(ab[0].permute(1, 2, 0) * lab.AB_UNIT, expected[..., 1:], atol=0.01)
    assert (lab.to_rgb(lightness, ab) - rgb).abs().max() < 1e-3


def test_unavailable_pretrained_weights(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    try:
        backbones.backbone("vgg16", pretrained=True)  # succeeds if they are cached
    except Unsupported as error:
        assert "--no-pretrained" in str(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cat):
    target = tmp_path_factory.mktemp("classes")
    for i in range(6, 14):
        (target / f"kind{i % 2}").mkdir(exist_ok=True)
        Image.fromarray(cat[5 * i : 5 * i + 160, 10 * i : 10 * i + 176]).save(target / f"kind{i % 2}" / f"{i}.png")
    return target


@pytest.fixture(scope="module")
def luma_file(cat):
    return scodec.encode(cat[:150, :220], scale=2, quality=40, luma="av1", effort="fast")


STEPS = 3


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_trains_and_decodes(name, folder, luma_file, tmp_path, monkeypatch):
    """A few steps on one batch lower the loss; the weights then decode a file and restore a photograph."""
    settings = RECIPES[name]
    patch = {"ugan": 256, "attention-ugan": 256, "vgg16-autoencoder": 112}.get(settings.network, 96)
    few = {"steps": STEPS, "batch": 2, "patch": patch, "warmup": 1, "ema": 0.0, "adversarial_from": 2, "short_side": 0}
    few["lr"] = settings.lr / 10  # the first few steps must not overshoot
    settings = recipe.Recipe(**(vars(settings) | few))
    paths = sorted(folder.rglob("*.png"))
    task = TASKS[settings.task](recipe.Setting(settings, paths, paths[:1], tmp_path, 1, pretrained=False))
    batch = task.batch(np.random.default_rng(0))
    losses, loss = [], task.loss
    monkeypatch.setattr(task, "batch", lambda rng: batch)
    monkeypatch.setattr(task, "loss", lambda output, batch: losses.append(loss(output, batch)) or losses[-1])
    trained = loop.train(task, settings, tmp_path, "cpu", STEPS, None)
    assert len(losses) == STEPS and losses[-1] < losses[0]
    file = tmp_path / "weights.safetensors"
    weights.save(trained, file, settings.network)
    for color in (True, False):
        image = scodec.decode(luma_file, receivers=[str(file)], color=color)
        assert (image.mode, image.size) == ("RGB" if color else "L", (220, 150))
    grey = photo.planes(photo.load(paths[0]).rgb)[0][:67, :131]
    if settings.network in COLOUR_SYSTEMS:
        (restored,) = scodec.restore(grey, scale=1, systems=[str(file)])
        assert restored.size == (131, 67)
        assert np.abs(photo.planes(np.asarray(restored))[0] - grey.astype(float)).mean() < 6  # colours may be clipped
    else:
        (restored,) = scodec.restore(grey, scale=3, color=False, systems=[str(file)])
        assert (restored.mode, restored.size) == ("L", (393, 201))


def test_adversarial_training_resumes_from_a_checkpoint(folder, tmp_path):
    paths = sorted(folder.rglob("*.png"))
    few = {"steps": 2, "batch": 1, "patch": 48, "warmup": 1, "adversarial_from": 0, "short_side": 0, "loss": "mse"}
    settings = recipe.Recipe(**(vars(RECIPES["srgan"]) | few))
    for steps in (2, 4):
        more = recipe.Recipe(**(vars(settings) | {"steps": steps}))
        task = TASKS["enlarge"](recipe.Setting(more, paths, paths[:1], tmp_path, 1, pretrained=False))
        loop.train(task, more, tmp_path, "cpu", 2, None)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 4
    assert next(iter(state["critic_optimizer"]["state"].values()))["step"] == 4


def test_enlarging_in_tiles_leaves_no_seams(cat, monkeypatch):
    torch.manual_seed(0)
    whole = system.System(EDSR(2).eval(), False, torch.device("cpu"), torch.float32)
    picture = cat[:200, :260]
    expected = whole.enlarge(picture)
    monkeypatch.setattr(system, "TILE", 96)
    assert np.abs(whole.enlarge(picture).astype(int) - expected).max() <= 1


def test_receivers_by_name_and_invalid_ones(cat, luma_file, tmp_path, monkeypatch):
    with pytest.raises(BadRequest, match="--system zhang"):
        scodec.decode(luma_file, receivers=["zhang"])
    with pytest.raises(BadRequest, match="rebuilds no pictures"):
        scodec.decode(luma_file, receivers=[str(weights.path("hyperprior"))])
    own = [str(weights.path(name)) for name in ("restorer", "colorizer")]
    assert scodec.decode(luma_file, receivers=own) == scodec.decode(luma_file, backend="torch")
    (tmp_path / "runs" / "own").mkdir(parents=True)
    weights.save(EDSR(1), tmp_path / "runs" / "own" / "weights.safetensors", "edsr")
    monkeypatch.chdir(tmp_path)
    assert scodec.decode(luma_file, receivers=["own"]).size == (220, 150)
    whole = scodec.encode(cat[:64, :96], scale=1, luma="av1", effort="fast")
    assert scodec.decode(whole, receivers=["own"]) == scodec.decode(whole, backend="torch")
    with pytest.raises(BadRequest, match="the same work"):
        scodec.decode(luma_file, receivers=["own", "runs/own/weights.safetensors"])
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(Unsupported, match="name another file"):
        scodec.decode(luma_file, receivers=[str(tmp_path / "broken.safetensors")])
    changed = EDSR(1)
    changed.add_module("extra", nn.Linear(2, 2))
    weights.save(changed, tmp_path / "old.safetensors", "edsr")
    with pytest.raises(Unsupported, match="another version of the network edsr: train it again"):
        scodec.decode(luma_file, receivers=[str(tmp_path / "old.safetensors")])
