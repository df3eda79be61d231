"""Pictures that the tests share."""

import numpy as np
import pytest
import skimage.data


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    """A photograph, uint8 (300, 451, 3). Chelsea the cat, by Stefan van der Walt, CC0."""
    return skimage.data.chelsea()


@pytest.fixture(scope="session")
def small(cat: np.ndarray) -> np.ndarray:
    """A piece of it for quick tests, odd in both directions: uint8 (97, 131, 3)."""
    return np.ascontiguousarray(cat[100:197, 100:231])
