"""Comparison of the systems of the five reports with scodec's own networks."""

from scodec.extras import require

require("eval")
