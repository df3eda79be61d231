"""Plausible colours of a grey picture other than the most likely ones.

The colorizer recognizes objects and colours them well, but it cannot know how saturated their colours were and in what
light they were seen. These two are drawn at random, once for the whole picture, so that skin keeps the colour of skin.
The resulting colours are given to the colorizer as hints, and it aligns them with the objects.
"""

import math

import numpy as np
from PIL import Image

from scodec.models.receiver.shared import COLOUR_PIXELS, Grid, Lumas, Networks

#: Standard deviation of the logarithm of the saturation factor, and covariance of the tint of the light, which varies
#: mostly between warm and cold (8-bit levels of Cb and Cr).
STRENGTH, LIGHT = 0.4, np.array([[120.0, -90.0], [-90.0, 100.0]])
#: Cell size (pixels of the colorizer's input) and quantization step of the hints, in the ranges that it was trained on.
CELL, STEP = 16, 32.0


def alternative(networks: Networks, y_11HW: Lumas, look: float, rng: np.random.Generator) -> np.ndarray:
    """Luma (0..1) -> RGB (uint8, H x W x 3) with random saturation and light."""
    y = networks.levels(y_11HW)
    height, width = y.shape
    rgb = networks.colorize(y_11HW, [None], 1.0)[0].astype(np.float32)
    factor = math.exp(STRENGTH * rng.standard_normal())
    light = rng.multivariate_normal(np.zeros(2), LIGHT)

    cell = CELL * max(1.0, math.sqrt(height * width / COLOUR_PIXELS))
    rows, columns = math.ceil(height / cell), math.ceil(width / cell)

    def cells(plane: np.ndarray) -> np.ndarray:
        """Mean over each cell; the last cells extend beyond the border."""
        box = (0, 0, columns * cell, rows * cell)
        padding = [(0, math.ceil(reach) - side) for reach, side in zip(box[:1:-1], plane.shape, strict=True)]
        image = Image.fromarray(np.pad(plane, padding, mode="edge"))
        return np.asarray(image.resize((columns, rows), Image.Resampling.BOX, box))

    room = 1 - np.square(cells(y) / 127.5 - 1)  # near black and white there is no room for chroma
    natural = (rgb[..., 2] - y) / 1.772, (rgb[..., 0] - y) / 1.402
    planes = [factor * cells(plane) + room * shift for plane, shift in zip(natural, light, strict=True)]
    grid = Grid(np.clip(np.stack(planes), -127, 127).astype(np.float32), cell, STEP)
    return networks.colorize(y_11HW, [grid], look)[0]
