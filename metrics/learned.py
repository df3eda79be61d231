"""LPIPS, computed by the package `lpips`."""

from functools import cache
from typing import Any

import numpy as np

from scodec.errors import Unsupported


def lpips(original: np.ndarray, rebuilt: np.ndarray) -> float:
    """LPIPS (Zhang et al. 2018) with AlexNet, from 0 (equal) upwards (package `lpips`, an extra).

    Raises Unsupported if the package is not installed or can't download the weights of AlexNet.
    """
    import torch

    x, y = (torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 127.5 - 1 for picture in (original, rebuilt))
    with torch.inference_mode():
        return float(_lpips()(x, y))


@cache
def _lpips() -> Any:
    try:
        import lpips

        return lpips.LPIPS(net="alex", verbose=False).eval()
    except (ImportError, OSError) as error:  # a URLError is an OSError
        raise Unsupported(
            f"LPIPS can't be computed ({error}): install scodec-image[lpips]; its first use needs the internet"
        ) from error
