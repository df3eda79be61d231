"""High dynamic range: the curves of ITU-R BT.2100, and a plain tone mapping to the range of sRGB.

Light is relative to the white of graphics and paper in such pictures, 203 cd/m2 (ITU-R BT.2408), which becomes the
white of sRGB. What is brighter is compressed by the curve of ITU-R BT.2390-11, section 5.4.1 (the EETF), applied to
the largest of the three channels, so that hues stay and no channel clips. The curve ends at the picture's own peak: a
picture that stays below white is not changed.
"""

import numpy as np
from numpy.typing import NDArray

from scodec.photo.planes import Chroma

#: cd/m2: white (ITU-R BT.2408), the brightest that PQ codes, the display that HLG is shown on (BT.2100).
WHITE, PQ_PEAK, HLG_PEAK = 203, 10_000, 1000
#: Constants of PQ (SMPTE ST 2084).
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
#: Constants of HLG (BT.2100, table 5), and its system gamma at 1000 cd/m2.
_A, _B, _C, _GAMMA = 0.17883277, 0.28466892, 0.55991073, 1.2
#: Luminance of BT.2020's primaries.
_LUMINANCE = np.array([0.2627, 0.678, 0.0593], np.float32)
#: Brighter than all but a thousandth of the pixels: what lies above (stray pixels, the sun) may clip.
_PEAK_PERCENTILE = 99.9


def pq(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Encoded samples, 0 to 1 -> light, 1 at white, PQ_PEAK / WHITE at most."""
    root = np.power(samples, 1 / _M2)
    light: NDArray[np.float64] = np.power(np.maximum(root - _C1, 0) / (_C2 - _C3 * root), 1 / _M1)
    return PQ_PEAK / WHITE * light


def hlg(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Encoded samples, 0 to 1 -> light of the scene, 0 to 1. `displayed` makes it that of a display."""
    return np.where(samples <= 0.5, samples**2 / 3, (np.exp((samples - _C) / _A) + _B) / 12)


def displayed(scene: Chroma) -> Chroma:
    """What a display of HLG_PEAK shows of a scene in HLG (the OOTF of BT.2100), (..., 3), 1 at white."""
    luminance = np.maximum(scene @ _LUMINANCE, np.float32(1e-9))[..., None]
    light: Chroma = np.float32(HLG_PEAK / WHITE) * scene * np.power(luminance, np.float32(_GAMMA - 1))
    return light


def peak(light: Chroma) -> float:
    """The brightest light of a picture (..., 3) that counts, at least 1."""
    return max(1.0, float(np.percentile(light.max(-1), _PEAK_PERCENTILE)))


def tone_mapped(light: Chroma, brightest: float) -> Chroma:
    """Light of (..., 3) up to `brightest`, brought to 0..1."""
    most = np.maximum(light.max(-1, keepdims=True), np.float32(1e-9))
    mapped: Chroma = light * (_eetf(np.minimum(most, np.float32(brightest)), brightest) / most)
    return mapped


def _eetf(light: Chroma, brightest: float) -> Chroma:
    """BT.2390: as it is up to a knee, then a Hermite spline that ends at 1, both on the scale of PQ."""
    ends = _to_pq(np.array([1.0, brightest], np.float32))
    most = float(ends[0] / ends[1])
    knee = 1.5 * most - 0.5
    if most >= 1:
        return light
    level = _to_pq(light) / ends[1]
    t = np.maximum(level - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    eased = np.where(level < knee, level, spline) * ends[1]
    mapped: Chroma = pq(eased.astype(np.float64)).astype(np.float32)
    return mapped


def _to_pq(light: Chroma) -> Chroma:
    """The inverse of `pq`."""
    power = np.power(light * np.float32(WHITE / PQ_PEAK), np.float32(_M1))
    encoded: Chroma = np.power((_C1 + _C2 * power) / (1 + _C3 * power), np.float32(_M2))
    return encoded
