"""scodec: still images at very low rates. A small luminance bitstream out, full-resolution colour back.

Importing it teaches Pillow and imageio the format.

>>> import scodec
>>> data = scodec.encode("picture.png", quality=30)  # doctest: +SKIP
>>> image = scodec.decode(data)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from scodec.errors import (
    BadFile,
    BadImage,
    BadRequest,
    OutOfMemory,
    ScodecError,
    ScodecWarning,
    TargetWarning,
    Unsupported,
)
from scodec.plugins import imageio, pillow

if TYPE_CHECKING:
    from scodec.api import decode, decode_many, encode, encode_many, info, restore
    from scodec.format.fileinfo import Info
    from scodec.options import DecodeOptions, EncodeOptions, RestoreOptions

__all__ = [
    "BadFile",
    "BadImage",
    "BadRequest",
    "DecodeOptions",
    "EncodeOptions",
    "Info",
    "OutOfMemory",
    "RestoreOptions",
    "ScodecError",
    "ScodecWarning",
    "TargetWarning",
    "Unsupported",
    "decode",
    "decode_many",
    "encode",
    "encode_many",
    "info",
    "register",
    "restore",
]

#: Loaded with the first use, so that `scodec --help` answers at once.
_LAZY = {
    "encode": "scodec.api",
    "decode": "scodec.api",
    "encode_many": "scodec.api",
    "decode_many": "scodec.api",
    "info": "scodec.api",
    "restore": "scodec.api",
    "Info": "scodec.format.fileinfo",
    "EncodeOptions": "scodec.options",
    "DecodeOptions": "scodec.options",
    "RestoreOptions": "scodec.options",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'scodec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def register() -> None:
    """Teach Pillow and imageio the format. Importing scodec has done it already."""
    pillow.register()
    imageio.register()


register()
