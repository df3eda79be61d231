"""numcodecs plugin: `Scodec(quality=40)` for Zarr arrays of uint8 pictures, one a chunk; lossy; docs/zarr.md."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_bytes, ensure_ndarray, ndarray_copy
from numpy.typing import NDArray

from scodec import api
from scodec.options import EncodeOptions, keywords_of
from scodec.photo import Photo


class Scodec(Codec):
    """One picture a chunk: uint8 (H, W, 3) or (H, W), with any number of dimensions of length 1 in front.

    Options are those of `scodec.encode`, but hints are "auto": what is read back should have the colours written.
    """

    codec_id = "scodec"

    @keywords_of(EncodeOptions)
    def __init__(self, **options: Any) -> None:
        self.options = EncodeOptions(**{"hints": "auto"} | options)

    def get_config(self) -> dict[str, Any]:
        """What Zarr stores with an array."""
        return {"id": self.codec_id} | asdict(self.options)

    def encode(self, buf: Any) -> bytes:
        """A chunk -> an .scz file. Raises ValueError for chunks of other kinds, and as `scodec.encode` does."""
        picture = _picture(ensure_ndarray(buf))
        # Three equal channels must come back as three, so such a picture does not count as grey.
        source = Photo(picture, gray=False) if picture.ndim == 3 else picture
        return api.encode(source, self.options)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """An .scz file -> uint8 (H, W, 3) or (H, W), written to `out` where given. Raises as `scodec.decode` does."""
        return ndarray_copy(np.array(api.decode(ensure_bytes(buf))), out)


def _picture(chunk: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The chunk without its leading dimensions."""
    shape = chunk.shape[-3:] if chunk.ndim > 2 and chunk.shape[-1] == 3 else chunk.shape[-2:]
    if chunk.dtype != np.uint8 or len(shape) < 2 or chunk.size == 0 or chunk.size != np.prod(shape):
        raise ValueError(
            "a chunk must be one picture, uint8 of shape (H, W, 3) or (H, W) behind dimensions of length 1, "
            f"not {chunk.dtype} of shape {chunk.shape}"
        )
    if chunk.flags.fnc:  # numcodecs passes bytes on as they lie, and nothing tells `decode` to turn them round
        raise ValueError("a chunk in Fortran order would come back scrambled: give order='C'")
    return chunk.reshape(shape)
