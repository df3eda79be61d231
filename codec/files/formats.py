"""Which files are pictures, by their suffixes, and which of them scodec reads and writes."""

import os

from PIL import Image, ImageFile

from scodec.errors import BadRequest
from scodec.files import heif

#: Formats that Pillow only recognizes: it reads no picture out of them.
_RECOGNIZED = {"MPEG"}
#: Suffixes of raw photographs, of the cameras of many makers; Pillow reads none, or only the thumbnail within.
RAW = {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef",
       ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}  # fmt: skip


def readable() -> set[str]:
    """Suffixes of the pictures that can be encoded."""
    Image.init()
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if _is_read(kind)} - {".scz"}
    return suffixes | heif.SUFFIXES if heif.readable() else suffixes - heif.SUFFIXES


def unreadable() -> set[str]:
    """Suffixes of pictures that can't."""
    return (RAW | heif.SUFFIXES) - readable()


def is_picture(path: str) -> bool:
    """Whether a file is another format's: by its name, or by what is in it."""
    Image.init()
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (set(Image.registered_extensions()) | RAW | heif.SUFFIXES) - {".scz"}:
        return True
    if suffix == ".scz" or not os.path.isfile(path):
        return False
    try:
        with Image.open(path) as image:
            return image.format != "SCODEC"
    except Exception:  # Pillow's plugins raise whatever their parsers ran into
        return False


def written(target: str) -> str:
    """Pillow's name for the format that the suffix of a file name asks for. Raises BadRequest if it can't write it."""
    Image.init()
    suffix = os.path.splitext(target)[1].lower()
    kind = Image.registered_extensions().get(suffix, "")
    if suffix == ".scz":
        raise BadRequest(f"{target} would be coded with loss again: name a picture, .png say")
    if not suffix:
        raise BadRequest(f"{target} needs a suffix that names the format, such as .png")
    if kind not in Image.SAVE:
        raise BadRequest(f"scodec can't write {suffix}: use .png, .jpg, .webp, .avif or .tif")
    return kind


def _is_read(kind: str) -> bool:
    if kind not in Image.OPEN or kind in _RECOGNIZED:
        return False
    factory = Image.OPEN[kind][0]
    return not (isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile))
