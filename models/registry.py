"""The networks by name: scodec's own, and the systems of the five reports that it grew out of (docs/systems.md)."""

from collections.abc import Callable
from functools import partial

from torch import nn

from scodec.models.colorizer import Colorizer
from scodec.models.dtu_cnn import DTUCNN
from scodec.models.edsr import EDSR
from scodec.models.hyperprior import LumaHyperprior
from scodec.models.iizuka import Iizuka
from scodec.models.joint import Joint
from scodec.models.koalarization import Koalarization
from scodec.models.restorer import Restorer
from scodec.models.srresnet import SRResNet
from scodec.models.super_colorization import SuperColorization
from scodec.models.unet_gan import UNetGenerator
from scodec.models.vgg16_autoencoder import VGG16Autoencoder
from scodec.models.zhang import Zhang

#: L -> ab.
COLOUR_SYSTEMS: dict[str, Callable[..., nn.Module]] = {
    "super-colorization": SuperColorization,
    "super-colorization-xception": partial(SuperColorization, extractor="xception"),
    "super-colorization-resnet50": partial(SuperColorization, extractor="resnet50"),
    "joint": Joint,
    "iizuka": Iizuka,
    "vgg16-autoencoder": VGG16Autoencoder,
    "koalarization": Koalarization,
    "dtu-cnn": DTUCNN,
    "ugan": UNetGenerator,
    "attention-ugan": partial(UNetGenerator, attention=True),
    "zhang": Zhang,
}
#: Those that have a feature extractor of timm's inside.
WITH_BACKBONE = {"super-colorization-xception", "super-colorization-resnet50", "vgg16-autoencoder", "koalarization"}
#: RGB -> larger RGB.
ENLARGING_SYSTEMS: dict[str, Callable[..., nn.Module]] = {"edsr": EDSR, "srresnet": SRResNet}
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "restorer": Restorer,
    "colorizer": Colorizer,
    "hyperprior": LumaHyperprior,
    **COLOUR_SYSTEMS,
    **ENLARGING_SYSTEMS,
}
