"""Training: data, losses, one training loop and its recipes. Needs the extra `train`."""

from scodec.extras import require

require("train")
