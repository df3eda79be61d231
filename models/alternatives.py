"""Other plausible colours of a grey picture than the likeliest ones."""

import math

import numpy as np
from PIL import Image

from scodec.models import receiver

# How the true colours of 200 photographs, held out of the training, differ from the blind ones, in means of Cb and Cr
# over 4 x 4 cells, after the blind ones are multiplied with the best factor: blind colours are means over what could
# be, hence too pale and too sure.
#: The factor's median, and the spread of its logarithm (rounded from the quartiles of the pictures' own factors).
FACTOR, FACTOR_SPREAD = 1.3, 0.5
#: Covariance of Cb and Cr in what is common to the whole picture, and in its parts.
WHOLE = np.array([[226.0, -136.0], [-136.0, 166.0]])
PARTS = np.array([[74.0, -50.0], [-50.0, 93.0]])
#: How much of WHOLE is drawn for the picture; the parts draw the rest each for themselves.
SHARED = 0.3
#: Side at which the picture is cut into parts, in pixels, and how large these are (Felzenszwalb and Huttenlocher 2004).
SIDE, COARSENESS = 192, 400.0
#: Cell (pixels that the colorizer sees) and step of the hints that carry the colours, within what it was trained with.
CELL, STEP = 16, 32.0


def alternative(networks: receiver.Receiver, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Luma (float32, H x W, 0..255) -> RGB (uint8, H x W x 3) in colours drawn at random, alike within its parts."""
    height, width = y.shape
    rgb = networks.colorize_blind(y).astype(np.float32)
    labels = parts(y)
    own = rng.multivariate_normal(np.zeros(2), PARTS + (1 - SHARED) * WHOLE, int(labels.max()) + 1)
    drawn = rng.multivariate_normal(np.zeros(2), SHARED * WHOLE) + _alike(y, labels) @ own
    factor = FACTOR * math.exp(FACTOR_SPREAD * rng.standard_normal())

    cell = CELL * max(1.0, math.sqrt(height * width / receiver.COLOUR_PIXELS))
    rows, columns = math.ceil(height / cell), math.ceil(width / cell)

    def cells(plane: np.ndarray) -> np.ndarray:
        """Means over the cells; the last ones reach beyond the border."""
        unit = height / plane.shape[0], width / plane.shape[1]
        box = (0, 0, columns * cell / unit[1], rows * cell / unit[0])
        padding = [(0, math.ceil(reach) - side) for reach, side in zip(box[:1:-1], plane.shape, strict=True)]
        image = Image.fromarray(np.pad(plane, padding, mode="edge"))
        return np.asarray(image.resize((columns, rows), Image.Resampling.BOX, box))

    blind = (rgb[..., 2] - y) / 1.772, (rgb[..., 0] - y) / 1.402
    room = 1 - np.square(cells(y) / 127.5 - 1)  # black and white have no room for colour
    planes = [
        factor * cells(plane) + room * cells(drawn[:, i].astype(np.float32)[labels]) for i, plane in enumerate(blind)
    ]
    return networks.colorize(y, np.clip(np.stack(planes), -127, 127).astype(np.float32), cell, STEP)


def _alike(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights (parts x parts) that mix independent draws so that parts which look alike get much the same colour."""
    from scipy.ndimage import mean, standard_deviation

    small = _small(y)
    count = np.arange(labels.max() + 1)
    rows = np.arange(len(labels))[:, None] / len(labels) + np.zeros_like(small)
    looks = [mean(small, labels, count) / 0.12, standard_deviation(small, labels, count) / 0.05]
    look = np.stack([*looks, mean(rows, labels, count) / 0.3], 1)
    covariance = np.exp(-0.5 * np.square(look[:, None] - look[None]).sum(2))
    return np.linalg.cholesky(covariance + 1e-3 * np.eye(len(look)))


def parts(y: np.ndarray) -> np.ndarray:
    """Luma -> labels from 0 on (at a longer side of SIDE): what is of one piece, like a sky or a face."""
    from skimage.segmentation import felzenszwalb

    return felzenszwalb(_small(y), scale=COARSENESS, sigma=1.0, min_size=60)


def _small(y: np.ndarray) -> np.ndarray:
    """Luma in 0..1, at a longer side of SIDE."""
    reduction = min(1.0, SIDE / max(y.shape))
    height, width = (max(round(side * reduction), 1) for side in y.shape)
    return np.asarray(Image.fromarray(y).resize((width, height), Image.Resampling.BOX)) / 255
