"""Losses."""

from collections.abc import Callable, Iterable
from functools import cache

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.reports.backbones import IMAGENET_MEAN, IMAGENET_STD, backbone
from scodec.training.bins import BinLoss

Loss = Callable[[dict[str, Tensor], dict[str, Tensor]], Tensor]
#: Weight of the classification loss (Iizuka et al. 2016, section 3.5).
CLASSES = 1 / 300
#: Layers of VGG19 whose features the content loss compares, named by their index in Keras as in report 1: the second
#: convolution of block 2 and the fourth of block 5. The values are the number of torch layers up to and including ReLU.
CONTENT = {"VGG5": 9, "VGG20": 36}
#: Weight of the content loss relative to the pixel loss (the feature scale of Ledig et al. 2017, section 3.2).
CONTENT_WEIGHT = 0.006


@cache
def rgb_of_chroma(device: torch.device) -> Tensor:
    """RGB change per unit of Cb and Cr (JFIF matrix): rows R, G, B. Copied only once to each device."""
    return torch.tensor([[0.0, 1.402], [-0.344136, -0.714136], [1.772, 0.0]], device=device)


def rms(error: Tensor) -> Tensor:
    """Root mean square of each sample of a batch, averaged over the batch.

    A compromise between MSE, which is dominated by the hardest pictures, and log-MSE (mean PSNR), which is dominated by
    the emptiest patches.
    """
    return (error.float().square().mean((1, 2, 3)) + 1e-6).sqrt().mean()


def chroma_rms(error_B2HW: Tensor) -> Tensor:
    """`rms` of the RGB error that a chroma error causes if the luma is exact."""
    return rms(torch.einsum("rc,bchw->brhw", rgb_of_chroma(error_B2HW.device), error_B2HW.float()))


def colour_loss(name: str, pictures: Iterable[Image.Image]) -> Loss:
    """The loss of a colour system, by name. pictures: the training pictures, whose colours the loss "bins" counts."""
    if name == "bins":
        return BinLoss(pictures)
    return {
        "mse": lambda output, batch: F.mse_loss(output["ab"].float(), batch["ab"]),
        "mae": lambda output, batch: F.l1_loss(output["ab"].float(), batch["ab"]),
        "mse+classes": lambda output, batch: (
            F.mse_loss(output["ab"].float(), batch["ab"])
            + CLASSES * F.cross_entropy(output["class_logits"].float(), batch["label"])
        ),
    }[name]


def picture_loss(name: str, pretrained: bool) -> Loss:
    """The loss of a super-resolution system, by name: "mse" or "mae", with "+VGG5" or "+VGG20" for a content loss."""
    pixels, _, layer = name.partition("+")
    distance = {"mse": F.mse_loss, "mae": F.l1_loss}[pixels]
    content = ContentLoss(CONTENT[layer], pretrained) if layer else None

    def loss(output: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        made, true = output["rgb"].float(), batch["rgb"]
        value = distance(made, true)
        return value if content is None else value + CONTENT_WEIGHT * content(made, true)

    return loss


class ContentLoss(nn.Module):
    """Mean squared difference of the VGG19 features of two pictures (B, 3, H, W; 0..1), after `depth` layers."""

    mean: Tensor
    std: Tensor

    def __init__(self, depth: int, pretrained: bool) -> None:
        super().__init__()
        layers = backbone("vgg19", pretrained).features
        assert isinstance(layers, nn.Sequential)
        self.features = layers[:depth].requires_grad_(False).eval()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None])

    def forward(self, made: Tensor, true: Tensor) -> Tensor:
        self.to(made.device)
        with torch.no_grad():
            target = self.features((true - self.mean) / self.std)
        return F.mse_loss(self.features((made - self.mean) / self.std).float(), target.float())
