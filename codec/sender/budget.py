"""What transparency and metadata may take of a file, so that there is room for the picture."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

from scodec import luma, metadata
from scodec.errors import ScodecWarning
from scodec.format.container import Stream
from scodec.metadata import Metadata
from scodec.sender import rate

#: Transparency is coded as finely as that where it may: a mask costs little and every fault of its edge shows.
FINEST = {"vvc": 34, "av1": 40, "hyperprior": 20}
#: Where the coarsest quantizer takes too much (with av1), the plane is blurred first, by a radius up to that.
BLURS = 8
#: The share of a target size that metadata may take.
METADATA_SHARE = 1 / 3


@dataclass(frozen=True)
class Transparency:
    """A plane of opacity (uint8, H x W), coded at full size at whatever quantizer is asked for, and only once at each.

    coder, effort: of the luma.
    """

    plane: np.ndarray
    coder: str
    effort: str
    sections: dict[int, bytes] = field(default_factory=dict)

    def fair(self, stream: Stream) -> bytes:
        """The finest section that takes no more of a file than the rest of the picture.

        Or no more than the luma of a typical picture takes at this rung: a flat logo is all outline.
        """
        header = stream.header
        typical = rate.typical_bpp(self.coder, header.scale, header.quantizer) * self.plane.size / 8
        return self.within(max(len(stream.luma) + len(stream.hints), int(typical)))

    def within(self, most: int) -> bytes:
        """The finest section of at most so many bytes; the coarsest one where none is small enough."""
        if len(self._at(FINEST[self.coder])) <= most:
            return self._at(FINEST[self.coder])
        quantizers = range(FINEST[self.coder] + 1, 64 + BLURS)
        low, high = 0, len(quantizers) - 1
        while low < high:
            middle = (low + high) // 2
            if len(self._at(quantizers[middle])) <= most:
                high = middle
            else:
                low = middle + 1
        return self._at(quantizers[low])

    def _at(self, quantizer: int) -> bytes:
        """At a quantizer; those beyond 63 stand for 63 and a blur before it, of so many more pixels."""
        if quantizer not in self.sections:
            plane, blur = self.plane, quantizer - 63
            if blur > 0:
                plane = np.asarray(Image.fromarray(plane).filter(ImageFilter.GaussianBlur(blur)))
            coded = luma.CODERS[self.coder].encode(plane, min(quantizer, 63), self.effort)
            self.sections[quantizer] = coded
        return self.sections[quantizer]


def boxes_within(found: Metadata, target: int, picture: int) -> tuple[tuple[bytes, bytes], ...]:
    """The boxes of the metadata, or of what there is room for in a file of `target` bytes, with a ScodecWarning.

    They may take a third of the file, and nothing of the `picture` bytes that a picture of quality 1 takes.
    """
    boxes = metadata.boxes(found)
    most = max(0, min(int(target * METADATA_SHARE), target - picture))
    if sum(len(content) for _, content in boxes) <= most:
        return boxes
    kept, dropped = metadata.slimmed(found, most)
    warnings.warn(
        f"left out to make room for the picture in {target} bytes: {', '.join(dropped)}; a larger target keeps "
        "it, --strip leaves out all metadata without a word",
        ScodecWarning,
        stacklevel=5,  # names the caller of `scodec.encode`
    )
    return metadata.boxes(kept)
