"""A decoded picture as the bytes of any format that Pillow writes."""

import io
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, PngImagePlugin

from scodec import metadata
from scodec.errors import BadRequest, ScodecWarning

_XMP_KEYWORD = "XML:com.adobe.xmp"  # PNG keeps XMP as a text of this name (XMP specification, part 3, section 1.1.5)
_XMP_TAG = 700  # and TIFF in this tag (section 3.4)

#: What files of these suffixes hold: Pillow would write the other kinds of the PNM family under those names too.
_ONLY = {
    ".pgm": ("L", "grey pictures"),
    ".pbm": ("1", "pictures in black and white"),
    ".pfm": ("F", "floating-point samples"),
}


def export(image: Image.Image, kind: str, suffix: str = "") -> bytes:
    """`image` in the format `kind` (Pillow's name); a ScodecWarning tells what the format can't hold.

    suffix: of the file, which says more than the format where there are several (".pgm").
    EXIF and XMP are taken from its `info`. Transparency gives way to white where it must. What was written is opened
    again: raises BadRequest if Pillow can't write the picture so at all, or only in another size or without colours.
    """
    if only := _ONLY.get(suffix):
        mode, words = only
        if image.mode.removesuffix("A") != mode:
            raise BadRequest(f"{suffix} files hold {words} only: take .png")
    reason: Exception | str | None = None
    for candidate, options, notes in _attempts(image, kind):
        stream = io.BytesIO()
        try:
            candidate.save(stream, kind, quality=95, **options)  # lossless formats ignore the quality
        except MemoryError:
            raise
        except Exception as error:  # Pillow's plugins raise whatever their format lacks
            reason = error
            continue
        if reason := _changed(candidate, stream, kind):
            continue
        for note in [*notes, *_lost(image, stream)]:
            warnings.warn(f"{kind} {note}", ScodecWarning, 2)
        return stream.getvalue()
    raise BadRequest(f"{kind} can't hold this picture ({reason}): take .png")


def _changed(image: Image.Image, stream: io.BytesIO, kind: str) -> str | None:
    """What became of the picture that was written, where it is another now."""
    try:
        with Image.open(stream) as written:
            size, mode, transparent = written.size, written.mode, written.has_transparency_data
    except Image.DecompressionBombError:
        return None  # by its size it is the same
    except Image.UnidentifiedImageError:
        return None if kind == "PDF" else "it could not be read again"  # of what can't, PDF alone holds any picture
    if sorted(size) != sorted(image.size):  # TIFF is turned by the orientation in its EXIF
        return f"it would have {size[0]} x {size[1]} pixels in place of {image.width} x {image.height}"
    if image.mode.startswith("RGB") and not mode.startswith(("RGB", "P", "CMYK", "YCbCr")):
        return "its colours would be lost"
    if mode == "1":
        return "its shades would be lost"
    if image.has_transparency_data and not transparent:
        return "its transparency would be lost"
    return None


def _attempts(image: Image.Image, kind: str) -> Iterator[tuple[Image.Image, dict[str, Any], list[str]]]:
    """Picture, arguments of `save` and what to tell, from all to the least."""
    pictures: list[tuple[Image.Image, list[str]]] = [(image, [])]
    if "A" in image.mode:
        ground = Image.new("RGBA", image.size, "white")
        opaque = Image.alpha_composite(ground, image.convert("RGBA")).convert(image.mode.removesuffix("A"))
        pictures.append((opaque, ["keeps no transparency: white was put behind"]))
    options = _options(image, kind)
    for picture, notes in pictures:
        yield picture, options, notes
        if options:
            yield picture, {}, notes


def _options(image: Image.Image, kind: str) -> dict[str, Any]:
    """EXIF and XMP as Pillow's writer of that format wants them."""
    about: dict[str, Any] = {key: image.info[key] for key in ("exif", "xmp") if key in image.info}
    if kind == "PNG" and "xmp" in about:
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt(_XMP_KEYWORD, about.pop("xmp"))
        about["pnginfo"] = texts
    elif kind == "TIFF" and "xmp" in about:
        exif = Image.Exif()
        exif.load(about.get("exif", b""))
        exif[_XMP_TAG] = about.pop("xmp")
        about["exif"] = exif
    return about


def _lost(image: Image.Image, stream: io.BytesIO) -> Iterator[str]:
    """What of EXIF and XMP did not get into the file."""
    names = {"exif": "EXIF", "xmp": "XMP"}
    wanted = [key for key in names if key in image.info]
    if not wanted:
        return
    try:
        with Image.open(stream) as written:
            kept = metadata.read(written)
    except Exception:  # a format that Pillow writes but can't read
        kept = metadata.NOTHING
    for key in wanted:
        if not getattr(kept, key):
            yield f"can't hold the {names[key]} data: they were left out"
