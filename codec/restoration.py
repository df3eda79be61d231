"""Old photographs: grey ones get colours and a larger size, without any .scz file."""

import zlib

import numpy as np
from PIL import Image

from scodec import metadata, photo
from scodec.errors import BadRequest, memory_advice
from scodec.models.backend import choose
from scodec.models.receiver.alternatives import alternative
from scodec.models.receiver.shared import CodedLuma
from scodec.options import RestoreOptions, look_number

#: The quantizer that the restorer is given for a photograph that was hardly coded: of seven quantizers of VVC the best
#: on 14 pictures held out of its training, at scales 2 and 4, and 0.01 dB off the best at 3.
QUANTIZER = 22


@memory_advice("enlarge it less (--scale), or use a machine with more")
def restore(picture: photo.Photo, options: RestoreOptions) -> list[Image.Image]:
    """Colour and enlarge a photograph; see `scodec.restore`."""
    networks, painter, enlarger = choose(options.systems, options.backend, options.device, options.dtype)
    if options.samples > 1 and (painter is not None or not options.color):
        raise BadRequest("only scodec's own colours come in samples: leave out --no-color and the colouring system")
    look, scale = look_number(options.look), options.scale
    y = photo.planes(picture.rgb)[0]
    width, height = y.shape[1] * scale, y.shape[0] * scale
    if scale == 1:
        luma = networks.plane(y)
    elif enlarger is not None:
        grey = enlarger.enlarge_to(np.repeat(y[..., None], 3, 2), scale, width, height)
        luma = networks.plane(photo.planes(grey)[0])
    else:
        coded = CodedLuma(y, "vvc", scale, QUANTIZER, height, width)
        luma = networks.restore([coded], look, [zlib.crc32(y.tobytes())])
    if not options.color:
        pictures = [networks.gray(luma)[0]]
    elif painter is not None:
        pictures = [painter.colorize(networks.levels(luma))]
    else:
        rng = np.random.default_rng(options.seed)
        pictures = [networks.colorize(luma, [None], look)[0]]
        pictures += [alternative(networks, luma, look, rng) for _ in range(options.samples - 1)]
    return [_finish(each, picture, (width, height)) for each in pictures]


def _finish(pixels: np.ndarray, picture: photo.Photo, size: tuple[int, int]) -> Image.Image:
    image = Image.fromarray(pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha).resize(size, Image.Resampling.BICUBIC))
    about = (
        picture.metadata if image.size == picture.rgb.shape[1::-1] else metadata.resized(picture.metadata, *image.size)
    )
    image.info.update(metadata.as_info(about))
    return image
