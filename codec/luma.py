"""The luma coders by name. Each has encode(y, quantizer, effort) -> bytes and decode(section, width, height) -> y."""

from types import ModuleType

from scodec import luma_av1, luma_hyperprior, luma_vvc

CODERS: dict[str, ModuleType] = {"vvc": luma_vvc, "av1": luma_av1, "hyperprior": luma_hyperprior}
#: What an encoder may spend on a picture.
EFFORTS = ("fast", "medium", "slow")
#: The effort at which effort "slow" compares scales and meets a target size. Annealing (models/annealing.py) takes
#: some hundred times as long as coding: only what was chosen is worth it.
TRIALS = {"vvc": "slow", "av1": "slow", "hyperprior": "medium"}
