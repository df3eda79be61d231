"""The networks by name: scodec's own, and the systems of the five reports that it grew out of (docs/systems.md).

Each is imported when it is built: what one needs, the others must not wait for.
"""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Network:
    """Where a class lies in scodec.models, and with what settings it bears the name."""

    module: str
    name: str
    config: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **config: Any) -> nn.Module:
        """Build it, with other settings than the usual ones."""
        return getattr(import_module(f"scodec.models.{self.module}"), self.name)(**self.config | config)


#: L -> ab.
COLOUR_SYSTEMS = {
    "super-colorization": Network("super_colorization", "SuperColorization"),
    "super-colorization-xception": Network("super_colorization", "SuperColorization", {"extractor": "xception"}),
    "super-colorization-resnet50": Network("super_colorization", "SuperColorization", {"extractor": "resnet50"}),
    "joint": Network("joint", "Joint"),
    "iizuka": Network("iizuka", "Iizuka"),
    "vgg16-autoencoder": Network("vgg16_autoencoder", "VGG16Autoencoder"),
    "koalarization": Network("koalarization", "Koalarization"),
    "dtu-cnn": Network("dtu_cnn", "DTUCNN"),
    "ugan": Network("unet_gan", "UNetGenerator"),
    "attention-ugan": Network("unet_gan", "UNetGenerator", {"attention": True}),
    "zhang": Network("zhang", "Zhang"),
}
#: Those that have a feature extractor of timm's inside.
WITH_BACKBONE = {"super-colorization-xception", "super-colorization-resnet50", "vgg16-autoencoder", "koalarization"}
#: RGB -> larger RGB.
ENLARGING_SYSTEMS = {"edsr": Network("edsr", "EDSR"), "srresnet": Network("srresnet", "SRResNet")}
NETWORKS = {
    "restorer": Network("restorer", "Restorer"),
    "colorizer": Network("colorizer", "Colorizer"),
    "hyperprior": Network("hyperprior", "LumaHyperprior"),
    **COLOUR_SYSTEMS,
    **ENLARGING_SYSTEMS,
}
