"""Pillow plugin: `Image.open("x.scz")` and `im.save("x.scz", quality=40, hints="auto")`; docs/pillow.md."""

import math
from dataclasses import fields
from typing import IO, Any

from PIL import Image, ImageFile

from scodec.errors import BadFile, BadRequest, OutOfMemory, ScodecError
from scodec.format import container
from scodec.options import DecodeOptions, EncodeOptions

#: How pictures are decoded, see `scodec.decode`: Pillow's `open` takes no options.
COLOR, LOOK = DecodeOptions.color, DecodeOptions.look
BACKEND, DEVICE, DTYPE = DecodeOptions.backend, DecodeOptions.device, DecodeOptions.dtype

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "I;16B"}
#: Of a picture's `info`: what its samples mean.
_MEANING = "transparency", "icc_profile", "srgb", "gamma", "chromaticity"


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(container.MAGIC)


class ScodecImageFile(ImageFile.ImageFile):
    """A .scz file. Opening reads the header and the metadata; the networks run with the first `load`."""

    format = "SCODEC"
    format_description = "scodec image"

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        try:
            header = container.parse_header(self._data)
        except ScodecError as error:
            raise SyntaxError(str(error)) from error
        self._size = header.width, header.height
        self._mode = ("L" if header.gray else "RGB") + "A" * header.alpha
        self._full = self._size
        self._reduction = 1
        self.info.update(luma=header.luma, scale=header.scale, quantizer=header.quantizer, **self._metadata())
        self.tile = [ImageFile._Tile("scodec", (0, 0, *self._size), 0, ())]

    def _metadata(self) -> dict[str, bytes]:
        from scodec import metadata

        try:
            return metadata.as_info(metadata.from_boxes(container.parse(self._data).boxes))
        except BadFile:  # `load` says so, unless it may read damaged files
            return {}

    def verify(self) -> None:
        """Raises SyntaxError, as Pillow's own plugins do, when the file is truncated or damaged."""
        try:
            container.parse(self._data)
        except BadFile as error:
            raise SyntaxError(str(error)) from error
        super().verify()

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Reduce the size by 2, 4 or 8 as far as `size` allows, and leave the colours out for mode "L".

        A picture so reduced is decoded without the restorer, and without torch where its colours are in the file.
        """
        if not self.tile:
            return None
        if mode == "L":
            self._mode = "L" + "A" * ("A" in self._mode)
        if size is not None:
            fits = min(whole // max(wanted, 1) for whole, wanted in zip(self._full, size, strict=True))
            self._reduction = next(factor for factor in (8, 4, 2, 1) if fits >= factor or factor == 1)
            width, height = (math.ceil(side / self._reduction) for side in self._full)
            self._size = width, height
            self.tile = [ImageFile._Tile("scodec", (0, 0, *self._size), 0, ())]
        width, height = self._full
        return self.mode, (0, 0, width / self._reduction, height / self._reduction)

    def load(self) -> Any:
        if self.tile:
            from scodec import decoder

            color, check = COLOR and self._mode.startswith("RGB"), not ImageFile.LOAD_TRUNCATED_IMAGES
            try:
                options = DecodeOptions(
                    color=color, look=LOOK, backend=BACKEND, device=DEVICE, dtype=DTYPE, check=check
                )
                if self._reduction > 1:
                    image = decoder.preview(decoder.parse(self._data, check), self._reduction, options)
                else:
                    image = decoder.decode(self._data, options)
            except OutOfMemory:  # a MemoryError too, as Pillow raises it
                raise
            except ScodecError as error:
                raise OSError(str(error)) from error
            self.im = image.im
            self._mode, self._size = image.mode, image.size
            self.tile = []
            self._data = b""
            if self._exclusive_fp and self.fp is not None:  # as Pillow's own formats: open only until loaded
                self.fp.close()
            self.fp = None
        return Image.Image.load(self)


def _save(im: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    if im.mode not in _MODES:
        raise OSError(f"cannot write mode {im.mode} as SCODEC")
    from scodec.api import encode

    info = im.encoderinfo
    plain = im.copy()  # without the metadata that was not asked for, as Pillow's other formats have it
    plain.info = {key: im.info[key] for key in _MEANING if key in im.info}
    exif, xmp = info.get("exif", b""), info.get("xmp")
    for key, value in (
        ("exif", exif.tobytes() if isinstance(exif, Image.Exif) else exif),
        ("xmp", xmp.encode() if isinstance(xmp, str) else xmp),
        ("icc_profile", info.get("icc_profile")),
    ):
        if value:
            plain.info[key] = value
    options = {each.name: info[each.name] for each in fields(EncodeOptions) if each.name in info}
    if "target_size" in info:
        options["target_bytes"] = info["target_size"]
    try:
        data = encode(plain, **options)
    except BadRequest as error:
        raise ValueError(str(error)) from error
    except ScodecError as error:
        raise OSError(str(error)) from error
    fp.write(data)


def register() -> None:
    """Tell Pillow of the format."""
    Image.register_open(ScodecImageFile.format, ScodecImageFile, _accept)
    Image.register_save(ScodecImageFile.format, _save)
    Image.register_extension(ScodecImageFile.format, ".scz")
    Image.register_mime(ScodecImageFile.format, "image/x-scodec")
