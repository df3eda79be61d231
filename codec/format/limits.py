"""How large a picture may be: one table for those who write files, those who read them, and the luma coders."""

from dataclasses import dataclass

from scodec.errors import BadRequest


@dataclass(frozen=True)
class Limit:
    """The largest picture: its longer side, and width times height, both after rounding up to `multiple`."""

    side: int
    pixels: int
    multiple: int = 1

    def holds(self, width: int, height: int) -> bool:
        """Whether a picture is no larger."""
        width, height = (-(-side // self.multiple) * self.multiple for side in (width, height))
        return max(width, height) <= self.side and width * height <= self.pixels


#: The picture that a header may declare. Pixels: twice Pillow's warning limit, where it sees a decompression bomb.
PICTURE = Limit(65535, 2 * (1024 * 1024 * 1024 // 4 // 3))
#: The luma (or transparency) that a coder codes, after the reduction by the scale.
#: vvc: level 6.2 of H.266 has at most sqrt(8 x 35,651,584) samples a side, and VVenC takes a picture for one of 25 a
#: second, of which the level allows 4,278,190,080 samples. av1: the largest side that libavif opens; it writes 65,536.
CODED = {
    "vvc": Limit(16888, 4_278_190_080 // 25, multiple=8),
    "av1": Limit(32768, PICTURE.pixels),
    "hyperprior": PICTURE,
}
#: Cells of a grid of colour hints.
HINT_CELLS = 1 << 16


def check_picture(width: int, height: int) -> None:
    """Raise BadRequest where no file can hold a picture of this size."""
    if not PICTURE.holds(width, height):
        raise BadRequest(
            f"{width} x {height} pixels are too many: a file holds sides up to {PICTURE.side:,} and {PICTURE.pixels:,} "
            "pixels; cut the picture into tiles, or reduce it"
        )


def codable(coder: str, width: int, height: int, scale: int = 1) -> bool:
    """Whether a luma coder codes a picture of this size at 1/scale of it."""
    return CODED[coder].holds(-(-width // scale), -(-height // scale))
