"""scodec: still images at very low rates. A small luminance bitstream out, full-resolution colour back.

Importing it teaches Pillow and imageio the format.

>>> import scodec
>>> data = scodec.encode("picture.png", quality=30)  # doctest: +SKIP
>>> image = scodec.decode(data)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from scodec import imageio_plugin, pillow_plugin
from scodec.errors import (
    BadFile,
    BadImage,
    BadRequest,
    ScodecError,
    ScodecWarning,
    TargetWarning,
    Unsupported,
)

if TYPE_CHECKING:
    from scodec.decoder import Info, decode, info
    from scodec.encoder import encode
    from scodec.restoration import restore

__all__ = [
    "BadFile",
    "BadImage",
    "BadRequest",
    "Info",
    "ScodecError",
    "ScodecWarning",
    "TargetWarning",
    "Unsupported",
    "decode",
    "encode",
    "info",
    "register",
    "restore",
]

_HOME = {
    "encode": "scodec.encoder",
    "decode": "scodec.decoder",
    "info": "scodec.decoder",
    "Info": "scodec.decoder",
    "restore": "scodec.restoration",
}


def __getattr__(name: str) -> Any:
    # Loaded with the first use, so that `scodec --help` answers at once.
    if name not in _HOME:
        raise AttributeError(f"module 'scodec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def register() -> None:
    """Teach Pillow and imageio the format. Importing scodec has done it already."""
    pillow_plugin.register()
    imageio_plugin.register()


register()
