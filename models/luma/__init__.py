"""The learned luma coder: transforms, entropy model, exact arithmetic, refinement. Needs the extra `learned`."""

from scodec.extras import require

require("learned")
