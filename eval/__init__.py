"""Evaluation: anchor codecs, rate-distortion runs, plots and reports. Needs the extra `eval`."""

from scodec.extras import require

require("eval")
