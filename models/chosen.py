"""The networks that rebuild a picture, by what they do."""

from typing import NamedTuple, Protocol

import numpy as np

from scodec.models.receiver.shared import Networks


class Painter(Protocol):
    """A system of the reports that colours."""

    def colorize(self, y: np.ndarray) -> np.ndarray:
        """Luma (float32, H x W, 0..255) -> RGB (uint8, H x W x 3)."""


class Enlarger(Protocol):
    """A system of the reports that enlarges."""

    def enlarge_to(self, rgb: np.ndarray, scale: int, width: int, height: int) -> np.ndarray:
        """RGB (uint8, H x W x 3) -> height x width pixels, enlarged `scale` times in as many steps as needed."""


class Chosen(NamedTuple):
    """scodec's own networks, and the systems that colour and enlarge in their place."""

    networks: Networks
    painter: Painter | None = None
    enlarger: Enlarger | None = None
