"""The learned luma coder: transforms, entropy model, exact arithmetic, latent refinement. Needs the extra `learned`."""

from scodec.extras import require

require("learned")
