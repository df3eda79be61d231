"""Division of large pictures into overlapping tiles: bounded memory, no seams."""

from collections.abc import Iterator

#: Pixels on every side of a tile that are computed and discarded. The restorer's receptive field reaches about 110
#: pixels, but pixels beyond 64 change the result by far less than one grey level (tests/test_receiver.py).
OVERLAP = 64
#: The same for the restorer's faithful weights, which look less far.
OVERLAP_FAITHFUL = 32


def tiles(height: int, width: int, size: int, overlap: int = OVERLAP) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Tiles of at most `size` x `size` pixels that cover height x width.

    Yields (rows, columns) of each output tile and (rows, columns) of the input that it needs. If `size` and `overlap`
    are multiples of the network's stride, so are the starts of all input tiles: a pixel then has the same position
    relative to the stride in every tiling.
    """
    for top in range(0, height, size):
        for left in range(0, width, size):
            bottom, right = min(top + size, height), min(left + size, width)
            yield (
                slice(top, bottom),
                slice(left, right),
                slice(max(top - overlap, 0), min(bottom + overlap, height)),
                slice(max(left - overlap, 0), min(right + overlap, width)),
            )
