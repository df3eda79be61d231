"""HEIC, which phones write: Pillow reads it with pillow-heif (extra `heif`), loaded when a file needs it."""

from importlib.util import find_spec
from typing import BinaryIO

from scodec.errors import BadImage

#: Suffixes of HEIF files.
SUFFIXES = {".heic", ".heics", ".heif", ".heifs", ".hif"}
#: Brands of HEIF files that hold HEVC pictures (ISO/IEC 23008-12, annex B), and those of pictures of any coder.
_HEVC, _ANY = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}, {b"mif1", b"msf1"}


def readable() -> bool:
    """Whether pillow-heif is installed. Does not import it."""
    return find_spec("pillow_heif") is not None


def prepare(stream: BinaryIO) -> None:
    """Before Pillow opens a stream: let it read HEIC if this is a HEIC file.

    Raises BadImage, which names the package, where it is not installed. The stream's position does not change.
    """
    position = stream.tell()
    start = stream.read(64)
    stream.seek(position)
    if not _is_heic(start):
        return
    try:
        import pillow_heif
    except ImportError:
        raise BadImage(
            "this is HEIC, for which scodec needs pillow-heif: pip install 'scodec-image[heif]', or convert the picture"
            " to JPEG or PNG"
        ) from None
    pillow_heif.register_heif_opener()


def _is_heic(start: bytes) -> bool:
    """By the first box of the file: its length, "ftyp", the main brand, a version, and the other brands."""
    if start[4:8] != b"ftyp":
        return False
    box = start[: int.from_bytes(start[:4], "big")]
    others = {box[i : i + 4] for i in range(16, len(box), 4)}
    return box[8:12] in _HEVC or (box[8:12] in _ANY and not others.isdisjoint(_HEVC))
