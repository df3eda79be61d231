"""Training: data, losses, one visible loop and its recipes. Needs the extra `train`."""

from scodec.extras import require

require("train")
