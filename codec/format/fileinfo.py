"""What an .scz file is, told by its header and the lengths of its sections."""

from dataclasses import dataclass

from scodec.format import container


@dataclass(frozen=True)
class Info:
    """What an .scz file is."""

    version: int  # of the format
    width: int  # of the picture, in pixels
    height: int
    gray: bool  # the source had no colour
    scale: int  # the luma is stored at 1/scale of the size
    quantizer: int  # of the luma coder, 0 (finest) to 63
    luma: str  # luma coder
    chroma: bool  # coded together with the luma
    alpha: bool  # has transparency
    luma_bytes: int  # with that chroma
    hints_bytes: int
    alpha_bytes: int
    exif_bytes: int  # as stored
    xmp_bytes: int
    total_bytes: int  # the whole file
    bpp: float  # bits of the whole file per pixel of the picture


def describe(data: bytes) -> Info:
    """`Info` of a file's bytes. Raises BadFile or Unsupported."""
    stream = container.parse(data)
    header = stream.header
    return Info(
        version=header.version,
        width=header.width,
        height=header.height,
        gray=header.gray,
        scale=header.scale,
        quantizer=header.quantizer,
        luma=header.luma,
        chroma=header.chroma,
        alpha=header.alpha,
        luma_bytes=len(stream.luma),
        hints_bytes=len(stream.hints),
        alpha_bytes=len(stream.alpha),
        exif_bytes=sum(len(content) for kind, content in stream.boxes if kind == b"EXIF"),
        xmp_bytes=sum(len(content) for kind, content in stream.boxes if kind == b"XMP "),
        total_bytes=len(data),
        bpp=len(data) * 8 / (header.width * header.height),
    )
