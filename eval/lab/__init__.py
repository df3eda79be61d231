"""Tools for developers of scodec: settings, speed, exactness, damaged files."""

from scodec.extras import require

require("eval")
