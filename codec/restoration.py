"""Old photographs: grey ones get colours and a larger size, without any .scz file."""

import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from scodec import metadata, photo
from scodec.errors import BadRequest
from scodec.look import DEFAULT, number

#: Enlargements that the restorer knows.
SCALES = range(1, 5)
#: What the restorer is told of a photograph that was hardly coded: of seven quantizers of VVC the best on 14 pictures
#: held out of its training, at scales 2 and 4, and 0.01 dB off the best at 3.
QUANTIZER = 22


def restore(
    source: photo.Source,
    *,
    scale: int = 2,
    color: bool = True,
    systems: Sequence[str] = (),
    look: str | float = DEFAULT,
    samples: int = 1,
    seed: int = 0,
    device: str = "auto",
    dtype: str = "auto",
) -> list[Image.Image]:
    """Colour and enlarge a photograph; colours that it has are taken for the paper's and replaced.

    source: as for `scodec.encode`. scale: 1 to 4 times larger. color: False leaves it grey.
    systems: systems of the reports (docs/systems.md) in the place of scodec's own networks, by name or weights file:
    one that colours, one that enlarges, or both.
    look: "faithful" (least error), "natural" (plausible colours and texture), or a number from 0 to 1 between them.
    samples: how many versions; the first has the colours of the look, the others plausible ones drawn with `seed`.

    Returns pictures of mode "RGB" or "L", with transparency "RGBA" or "LA", with EXIF and XMP in their `info`.
    Raises BadImage, BadRequest, Unsupported; OSError when a path can't be read.
    """
    if scale not in SCALES:
        raise BadRequest(f"a scale of {scale} is impossible: give 1 to {SCALES[-1]}")
    shown = number(look)
    from scodec.models import system
    from scodec.models.alternatives import alternative

    chosen = system.chosen(systems, device, dtype)
    networks, painter, enlarger = chosen.networks, chosen.painter, chosen.enlarger
    if samples < 1 or samples > 1 and (painter is not None or not color):
        raise BadRequest("only scodec's own colours come in samples: leave out --no-color and the colouring system")
    picture = photo.load(source)
    y = photo.planes(picture.rgb)[0]
    width, height = y.shape[1] * scale, y.shape[0] * scale
    if scale == 1:
        luma = y.astype(np.float32)
    elif enlarger is not None:
        grey = system.enlarged(enlarger, np.repeat(y[..., None], 3, 2), scale, width, height)
        luma = photo.planes(grey)[0].astype(np.float32)
    else:
        luma = networks.restore(y, "vvc", scale, QUANTIZER, height, width, shown, zlib.crc32(y.tobytes()))
    if not color:
        pictures = [luma.round().astype(np.uint8)]
    elif painter is not None:
        pictures = [painter.colorize(luma)]
    else:
        rng = np.random.default_rng(seed)
        pictures = [networks.colorize_blind(luma, shown)]
        pictures += [alternative(networks, luma, shown, rng) for _ in range(samples - 1)]
    return [_finished(each, picture, (width, height)) for each in pictures]


def _finished(pixels: np.ndarray, picture: photo.Photo, size: tuple[int, int]) -> Image.Image:
    image = Image.fromarray(pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha).resize(size, Image.Resampling.BICUBIC))
    image.info.update(metadata.as_info(picture.metadata))
    return image
