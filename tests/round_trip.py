"""Encodes and decodes with what is installed, in all modes of a bare install; prints the modules that were imported."""

import sys

import numpy as np

import scodec

picture = np.tile(np.arange(96, dtype=np.uint8)[:, None, None] * 2, (1, 128, 3)) + np.array([0, 9, 30], np.uint8)
for options in ({}, {"hints": "auto"}, {"hints": 60, "luma": "av1"}, {"effort": "slow"}):
    data = scodec.encode(picture, **options)
    for look in ("faithful", "natural"):
        rebuilt = np.asarray(scodec.decode(data, look=look)).astype(float)
        assert rebuilt.shape == picture.shape
        assert np.abs(rebuilt.mean(2) - picture.mean(2)).mean() < 6
assert "torch" not in sys.modules
(restored,) = scodec.restore(picture)
assert restored.size == (256, 192)
print(*sorted({name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}))
