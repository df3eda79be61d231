"""Other plausible colours of a grey picture than the likeliest ones.

What the network sees in a picture is coloured well; what it cannot know is how strong the colours were and in what
light they stood. These two are drawn, for the whole picture, so that skin stays skin; what is drawn enters as hints,
and the network fits the colours to the things.
"""

import math

import numpy as np
from PIL import Image

from scodec.models.receiver import receiver

#: Spread of the logarithm of the factor on the colours, and of the light along warm and cold (levels of Cb and Cr).
STRENGTH, LIGHT = 0.4, np.array([[120.0, -90.0], [-90.0, 100.0]])
#: Cell (pixels that the colorizer sees) and step of the hints that carry the colours, within what it was trained with.
CELL, STEP = 16, 32.0


def alternative(networks: receiver.Receiver, y: np.ndarray, look: float, rng: np.random.Generator) -> np.ndarray:
    """Luma (float32, H x W, 0..255) -> RGB (uint8, H x W x 3) in colours of other strength and in another light."""
    height, width = y.shape
    rgb = networks.colorize_blind(y, 1.0).astype(np.float32)
    factor = math.exp(STRENGTH * rng.standard_normal())
    light = rng.multivariate_normal(np.zeros(2), LIGHT)

    cell = CELL * max(1.0, math.sqrt(height * width / receiver.COLOUR_PIXELS))
    rows, columns = math.ceil(height / cell), math.ceil(width / cell)

    def cells(plane: np.ndarray) -> np.ndarray:
        """Means over the cells; the last ones reach beyond the border."""
        box = (0, 0, columns * cell, rows * cell)
        padding = [(0, math.ceil(reach) - side) for reach, side in zip(box[:1:-1], plane.shape, strict=True)]
        image = Image.fromarray(np.pad(plane, padding, mode="edge"))
        return np.asarray(image.resize((columns, rows), Image.Resampling.BOX, box))

    room = 1 - np.square(cells(y) / 127.5 - 1)  # black and white have no room for colour
    natural = (rgb[..., 2] - y) / 1.772, (rgb[..., 0] - y) / 1.402
    planes = [factor * cells(plane) + room * shift for plane, shift in zip(natural, light, strict=True)]
    return networks.colorize(y, np.clip(np.stack(planes), -127, 127).astype(np.float32), cell, STEP, look)
