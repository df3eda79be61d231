"""The networks by name: scodec's own, and the systems of the five reports that it grew out of (docs/systems.md).

A network's module is imported only when the network is built, so that its dependencies do not slow down the others;
the names alone need no torch.
"""

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Network:
    """A class in scodec.models (module and name), and the keyword arguments of this entry of the registry."""

    module: str
    name: str
    config: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **config: Any) -> "nn.Module":
        """Build the network; `config` overrides the keyword arguments of the entry."""
        return getattr(import_module(f"scodec.models.{self.module}"), self.name)(**self.config | config)


_SUPER = "reports.super_colorization", "SuperColorization"

#: Colour systems: L -> ab (CIELAB).
COLOUR_SYSTEMS = {
    "super-colorization": Network(*_SUPER),
    "super-colorization-xception": Network(*_SUPER, {"extractor": "xception"}),
    "super-colorization-resnet50": Network(*_SUPER, {"extractor": "resnet50"}),
    "joint": Network("reports.joint", "Joint"),
    "iizuka": Network("reports.iizuka", "Iizuka"),
    "vgg16-autoencoder": Network("reports.vgg16_autoencoder", "VGG16Autoencoder"),
    "koalarization": Network("reports.koalarization", "Koalarization"),
    "dtu-cnn": Network("reports.dtu_cnn", "DTUCNN"),
    "ugan": Network("reports.unet_gan", "UNetGenerator"),
    "attention-ugan": Network("reports.unet_gan", "UNetGenerator", {"attention": True}),
    "zhang": Network("reports.zhang", "Zhang"),
}
#: Colour systems that contain a feature extractor from timm.
WITH_BACKBONE = {"super-colorization-xception", "super-colorization-resnet50", "vgg16-autoencoder", "koalarization"}
#: Super-resolution systems: RGB -> larger RGB.
ENLARGING_SYSTEMS = {"edsr": Network("reports.edsr", "EDSR"), "srresnet": Network("reports.srresnet", "SRResNet")}
NETWORKS = {
    "restorer": Network("receiver.restorer", "Restorer"),
    "colorizer": Network("receiver.colorizer", "Colorizer"),
    "hyperprior": Network("luma.hyperprior", "LumaHyperprior"),
    **COLOUR_SYSTEMS,
    **ENLARGING_SYSTEMS,
}
