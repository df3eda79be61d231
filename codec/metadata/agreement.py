"""What EXIF and XMP must say after a picture was turned upright, converted to sRGB or enlarged."""

from scodec.metadata import exif, xmp
from scodec.metadata.exif import Directory

#: Tags of the first directory that describe how the samples lie in the source file and what their colours are (TIFF
#: 6.0, EXIF 2.32 section 4.6.4 A, B and C), with the profile, XMP and Photoshop data that TIFF keeps there.
LAYOUT = {
    *range(254, 260), 262, 263, 266, 273, 274, *range(277, 282), 284, 301, *range(317, 321), *range(322, 326), 330, 338,
    339, 342, 347, *range(529, 533), 700, 33723, 34377, 34675,
}  # fmt: skip
_X_RESOLUTION, _Y_RESOLUTION, _FOCAL_X_RESOLUTION, _FOCAL_Y_RESOLUTION = 0x011A, 0x011B, 0xA20E, 0xA20F
_COLOR_SPACE, _WIDTH, _HEIGHT = 0xA001, 0xA002, 0xA003
_COMPRESSED_BITS, _GAMMA = 0x9102, 0xA500
_SUBJECT_AREA, _SUBJECT_LOCATION = 0x9214, 0xA214  # pixels of the picture as it was taken
_INTEROP_INDEX, _RELATED = 1, (0x1000, 0x1001, 0x1002)  # the latter: format and size of the source file
_SRGB, _SRGB_INTEROP = 1, "R98"
#: The same in XMP (part 2, section 3.3 of its specification; CIPA DC-010).
_XMP_LAYOUT = [
    *((xmp.TIFF, name) for name in (
        "BitsPerSample", "Compression", "PhotometricInterpretation", "SamplesPerPixel", "PlanarConfiguration",
        "YCbCrSubSampling", "YCbCrPositioning", "YCbCrCoefficients", "TransferFunction", "WhitePoint",
        "PrimaryChromaticities", "ReferenceBlackWhite",
    )),
    (xmp.EXIF, "CompressedBitsPerPixel"), (xmp.EXIF_EX, "Gamma"), (xmp.PHOTOSHOP, "ICCProfile"),
    (xmp.PHOTOSHOP, "ColorMode"), (xmp.XMP, "Thumbnails"),
]  # fmt: skip
_XMP_SUBJECT = [(xmp.EXIF, "SubjectArea"), (xmp.EXIF, "SubjectLocation")]
_XMP_FOCAL = (xmp.EXIF, "FocalPlaneXResolution"), (xmp.EXIF, "FocalPlaneYResolution")
_XMP_RESOLUTION = (xmp.TIFF, "XResolution"), (xmp.TIFF, "YResolution")


def correct(tree: Directory, size: tuple[int, int], turned: int) -> None:
    """Make EXIF say what the picture is now: upright, sRGB, of this size."""
    inside = tree.get(exif.EXIF, {})
    _set_size(inside, size)
    if _COLOR_SPACE in inside:
        inside[_COLOR_SPACE] = _SRGB
    drop(inside, _COMPRESSED_BITS, _GAMMA)
    if turned > 1:
        drop(inside, _SUBJECT_AREA, _SUBJECT_LOCATION)
    if turned >= 5:
        _swap(tree, _X_RESOLUTION, _Y_RESOLUTION)
        _swap(inside, _FOCAL_X_RESOLUTION, _FOCAL_Y_RESOLUTION)
    interop = inside.get(exif.INTEROP, {})
    drop(interop, *_RELATED)
    if _INTEROP_INDEX in interop:
        interop[_INTEROP_INDEX] = _SRGB_INTEROP
    for parent, pointer in ((inside, exif.INTEROP), (tree, exif.EXIF)):
        if parent.get(pointer) == {}:
            del parent[pointer]


def enlarge(tree: Directory, size: tuple[int, int]) -> None:
    """Make EXIF say the size of the enlarged picture, and nothing in pixels of the smaller one."""
    inside = tree.get(exif.EXIF, {})
    _set_size(inside, size)
    drop(inside, _SUBJECT_AREA, _SUBJECT_LOCATION, _FOCAL_X_RESOLUTION, _FOCAL_Y_RESOLUTION)


def corrections(said: dict[xmp.Name, str], size: tuple[int, int], turned: int) -> dict[xmp.Name, str | None]:
    """The changes that do the same to XMP as `correct` to EXIF. said: its properties."""
    changes: dict[xmp.Name, str | None] = dict.fromkeys(_XMP_LAYOUT)
    changes |= _xmp_size(size) | {
        (xmp.TIFF, "Orientation"): "1",
        (xmp.EXIF, "ColorSpace"): str(_SRGB),
        (xmp.EXIF_EX, "InteroperabilityIndex"): _SRGB_INTEROP,
    }
    if turned > 1:
        changes |= dict.fromkeys(_XMP_SUBJECT)
    if turned >= 5:
        for across, down in (_XMP_RESOLUTION, _XMP_FOCAL):
            changes |= {across: said.get(down), down: said.get(across)}
    return changes


def enlargements(size: tuple[int, int]) -> dict[xmp.Name, str | None]:
    """The changes that do the same to XMP as `enlarge` to EXIF."""
    return _xmp_size(size) | dict.fromkeys([*_XMP_SUBJECT, *_XMP_FOCAL])


def _xmp_size(size: tuple[int, int]) -> dict[xmp.Name, str | None]:
    width, height = map(str, size)
    return {
        (xmp.TIFF, "ImageWidth"): width,
        (xmp.TIFF, "ImageLength"): height,
        (xmp.EXIF, "PixelXDimension"): width,
        (xmp.EXIF, "PixelYDimension"): height,
    }


def _set_size(inside: Directory, size: tuple[int, int]) -> None:
    for tag, side in zip((_WIDTH, _HEIGHT), size, strict=True):
        if tag in inside:
            inside[tag] = side


def drop(directory: Directory, *tags: int) -> None:
    """Leave out tags, where they are."""
    for tag in tags:
        directory.pop(tag, None)


def _swap(directory: Directory, first: int, second: int) -> None:
    directory[first], directory[second] = directory.get(second), directory.get(first)
    for tag in (first, second):
        if directory[tag] is None:
            del directory[tag]
