"""imageio plugin: `iio.imread("x.scz", color=False)`, `iio.imwrite("x.scz", picture, quality=40)`; docs/imageio.md."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from imageio import config
from imageio.core.request import URI_BYTES, InitializationError, Request
from imageio.core.v3_plugin_api import ImageProperties, PluginV3
from numpy.typing import NDArray

from scodec.format import container

SUFFIX = ".scz"


class ScodecPlugin(PluginV3):
    """One picture in a .scz file. Options are those of `scodec.encode` and `scodec.decode`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if request.mode.io_mode == "r":
            if not request.firstbytes.startswith(container.MAGIC):
                raise InitializationError("this is not an .scz file")
        elif request.extension != SUFFIX:
            raise InitializationError(f"scodec writes {SUFFIX} files only")

    def read(self, *, index: Any = 0, **options: Any) -> NDArray[np.uint8]:
        """uint8 (H, W, 3), grey (H, W), with transparency (H, W, 4) or (H, W, 2). index: 0 or ..., as there is one."""
        from scodec.api import decode

        _check_index(index)
        picture = np.array(decode(self._data(), **options))
        return picture[None] if index is ... else picture

    def iter(self, **options: Any) -> Iterator[NDArray[np.uint8]]:
        """The one picture."""
        yield self.read(**options)

    def write(self, ndimage: Any, **options: Any) -> bytes | None:
        """Write uint8 (H, W), (H, W, 1), (H, W, 3), or with transparency (H, W, 2) or (H, W, 4)."""
        from PIL import Image

        from scodec.api import encode

        array = np.asarray(ndimage)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0]
        if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (2, 3, 4))):
            raise ValueError(f"{SUFFIX} files hold one uint8 picture, not {array.dtype} of shape {array.shape}")
        modes = {2: "LA", 3: "RGB", 4: "RGBA"}
        source = array if array.ndim == 2 else Image.fromarray(array, modes[array.shape[2]])
        data = encode(source, **options)  # before the file is opened, which empties it
        self._request.get_file().write(data)
        return data if self._request._uri_type == URI_BYTES else None

    def properties(self, index: Any = 0) -> ImageProperties:
        """Shape and type, from the header alone."""
        _check_index(index)
        header = container.parse_header(self._data())
        channels = (1 if header.gray else 3) + header.alpha
        shape: tuple[int, ...] = (header.height, header.width, channels)[: 2 if channels == 1 else 3]
        if index is ...:
            shape = (1, *shape)
        many = index is ...
        return ImageProperties(shape=shape, dtype=np.dtype(np.uint8), n_images=1 if many else None, is_batch=many)

    def metadata(self, index: Any = 0, exclude_applied: bool = True) -> dict[str, Any]:
        """What `scodec.info` tells, and EXIF and XMP where there are."""
        import dataclasses

        from scodec import metadata
        from scodec.api import info

        _check_index(index)
        data = self._data()
        about = dataclasses.asdict(info(data))
        return about | metadata.as_info(metadata.from_boxes(container.parse(data).boxes))

    def _data(self) -> bytes:
        file = self._request.get_file()
        file.seek(0)
        return file.read()


def _check_index(index: Any) -> None:
    if index not in (0, None, ...):
        raise IndexError(f"there is no picture {index}: {SUFFIX} files hold one")


def register() -> None:
    """Tell imageio of the format."""
    config.known_plugins["scodec"] = config.PluginConfig("scodec", "ScodecPlugin", "scodec.plugins.imageio")
    extension = config.FileExtension(extension=SUFFIX, priority=["scodec"], name="scodec image")
    config.extension_list.append(extension)
    config.known_extensions[SUFFIX] = [extension]
