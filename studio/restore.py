"""What the tab Restore works out: an old photograph in colours and larger."""

import numpy as np
from PIL import Image

import scodec
from scodec import photo
from scodec.options import RestoreOptions
from scodec.studio.views import flat
from scodec.studio.work import Report


def restore(path: str, options: RestoreOptions, report: Report) -> tuple[np.ndarray, list[Image.Image]]:
    """The photograph enlarged without any network (grey, uint8 (H, W, 3)), and its versions.

    Raises as `scodec.restore`.
    """
    report.say("reading")
    picture = photo.load(path)
    report.say("restoring")
    versions = scodec.restore(picture, options)
    plain = Image.fromarray(photo.planes(picture.rgb)[0]).resize(versions[0].size, Image.Resampling.BICUBIC)
    return flat(plain), versions
