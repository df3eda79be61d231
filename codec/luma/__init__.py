"""The luma coders by name."""

from typing import Protocol

import numpy as np

from scodec.luma import av1, hyperprior, vvc


class LumaCoder(Protocol):
    """What a module in this folder offers."""

    def encode(self, y: np.ndarray, quantizer: int, effort: str = "medium") -> bytes:
        """Luma (H x W, uint8) -> section, at a quantizer of 0 (finest) to 63."""

    def decode(self, section: bytes, width: int, height: int) -> np.ndarray:
        """Section -> luma (height x width, uint8). Raises BadFile when the data is not such a picture."""


CODERS: dict[str, LumaCoder] = {"vvc": vvc, "av1": av1, "hyperprior": hyperprior}
#: The effort at which effort "slow" compares scales and searches a target size. Annealing (models/luma/annealing.py)
#: takes some hundred times as long as coding: only the final file is worth it.
TRIALS = {"vvc": "slow", "av1": "slow", "hyperprior": "medium"}
