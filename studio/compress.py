"""What the tab Compress works out: a file, the picture that comes back, and other codecs at the same bytes."""

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

import scodec
from scodec import decoder, photo
from scodec.errors import ScodecWarning
from scodec.eval.codecs import CODECS, within
from scodec.files.export import export
from scodec.format import container
from scodec.metrics import rgb_psnr, ssimulacra2
from scodec.options import DecodeOptions, EncodeOptions
from scodec.studio.views import VIEW, flat
from scodec.studio.work import Report, timed

#: Other codecs by the name that the page gives them.
RIVALS = {"AVIF": "avif-iq", "JPEG": "jpeg"}
#: An effort of the page alone: medium, but fast for pictures of so many pixels, which would take too long to wait for.
AUTO, LARGE = "auto", 6_000_000
#: Pixels up to which SSIMULACRA2 is computed: it takes seconds for each megapixel.
MEASURED = 3_000_000


@dataclass(frozen=True)
class Shown:
    """A decoded picture and how it compares with the original."""

    rgb: np.ndarray  # uint8 (H, W, 3)
    size: int  # bytes of the file
    seconds: float  # to decode
    psnr: float  # dB
    ssimulacra2: float | None
    image: Image.Image | None = None  # with transparency and metadata, where it is ours


@dataclass(frozen=True)
class Coded:
    """A coded photograph, and what has been made of it so far, by look or by the name of another codec."""

    name: str  # of the photograph's file, without its suffix
    original: np.ndarray  # uint8 (H, W, 3)
    data: bytes
    effort: str
    seconds: float  # to encode
    notes: tuple[str, ...]  # warnings of the encoder
    shown: dict[str, Shown] = field(default_factory=dict)


def encode(path: str, options: EncodeOptions, effort: str, report: Report) -> Coded:
    """Read and encode a photograph. effort: one of `EFFORTS` or AUTO, in place of the options'. Raises as `encode`."""
    report.say("reading")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ScodecWarning)
        picture = photo.load(path)
        if effort == AUTO:
            effort = "fast" if picture.rgb.shape[0] * picture.rgb.shape[1] >= LARGE else "medium"
        report.say("encoding")
        data, seconds = timed(lambda: scodec.encode(picture, replace(options, effort=effort)))
    notes = tuple(str(each.message) for each in caught if issubclass(each.category, ScodecWarning))
    return Coded(Path(path).stem, flat(_whole(picture)), data, effort, seconds, notes)


def _whole(picture: photo.Photo) -> Image.Image:
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def draft(coded: Coded, look: str, report: Report) -> np.ndarray:
    """What the screen can show of the picture before the restorer has worked: uint8 (h, w, 3)."""
    report.say("a first look")
    height, width = coded.original.shape[:2]
    reduction = max(1, -(-max(height, width) // VIEW))
    return flat(decoder.preview(container.parse(coded.data), reduction, DecodeOptions(look=look)))


def rebuild(coded: Coded, look: str, report: Report) -> None:
    """Decode the file in a look, and measure."""
    if look in coded.shown:
        return
    report.say("rebuilding")
    image, seconds = timed(lambda: scodec.decode(coded.data, DecodeOptions(look=look), progress=report.steps))
    coded.shown[look] = _measured(coded, flat(image), len(coded.data), seconds, report, image)


def picture(shown: Shown, report: Report) -> bytes:
    """A picture of ours as a PNG file."""
    report.say("writing the PNG")
    assert shown.image is not None
    return export(shown.image, "PNG")


def rival(coded: Coded, name: str, report: Report) -> None:
    """Encode the photograph by another codec to the same bytes, or to its smallest file, and measure."""
    if name in coded.shown:
        return
    report.say(f"{name} for comparison")
    data = within(CODECS[RIVALS[name]], coded.original, len(coded.data))
    rgb, seconds = timed(lambda: CODECS[RIVALS[name]].decode(data))
    coded.shown[name] = _measured(coded, rgb, len(data), seconds, report)


def _measured(
    coded: Coded, rgb: np.ndarray, size: int, seconds: float, report: Report, image: Image.Image | None = None
) -> Shown:
    report.say("measuring")
    small = rgb.shape[0] * rgb.shape[1] <= MEASURED and min(rgb.shape[:2]) >= 8
    score = ssimulacra2(coded.original, rgb) if small else None
    return Shown(rgb, size, seconds, rgb_psnr(coded.original, rgb), score, image)


def table(coded: Coded, look: str, other: str | None) -> str:
    """Bytes, quality and times as a table in Markdown, and the notes below it."""
    facts, pixels = scodec.info(coded.data), coded.original.shape[0] * coded.original.shape[1]
    lines = ["| | bytes | bpp | PSNR | SSIMULACRA2 | seconds to decode |", "| --- | --- | --- | --- | --- | --- |"]
    for name in filter(None, (look, other)):
        shown = coded.shown.get(name)
        if shown is None:
            lines.append(f"| **scodec** | {len(coded.data):,} | {facts.bpp:.4f} | … | … | … |")
            continue
        title = f"**scodec**, {name}"
        if name in RIVALS:
            title = name if shown.size <= len(coded.data) else f"{name} at its smallest"
        score = "-" if shown.ssimulacra2 is None else f"{shown.ssimulacra2:.1f}"
        lines.append(
            f"| {title} | {shown.size:,} | {8 * shown.size / pixels:.4f} | {shown.psnr:.2f} dB | {score} "
            f"| {shown.seconds:.1f} |"
        )
    colour = facts.hints_bytes or ("coded along" if facts.chroma else "none: colours are guessed")
    parts = [f"{facts.luma} luma at 1/{facts.scale} size: {facts.luma_bytes:,} bytes"]
    if not facts.gray:
        parts.append(f"colour: {f'{colour:,} bytes' if isinstance(colour, int) else colour}")
    if facts.alpha:
        parts.append(f"transparency: {facts.alpha_bytes:,} bytes")
    if about := facts.exif_bytes + facts.xmp_bytes:
        parts.append(f"metadata: {about:,} bytes")
    parts.append(f"encoded in {coded.seconds:.1f} s (effort {coded.effort})")
    return "\n".join([*lines, "", " · ".join(parts), *(f"\n> {note}" for note in coded.notes)])
