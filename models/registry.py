"""The networks by name."""

from collections.abc import Callable

from torch import nn

from scodec.models.colorizer import Colorizer
from scodec.models.restorer import Restorer

NETWORKS: dict[str, Callable[..., nn.Module]] = {"restorer": Restorer, "colorizer": Colorizer}
