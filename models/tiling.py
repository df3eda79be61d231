"""Large pictures in overlapping tiles: bounded memory, no seams."""

from collections.abc import Iterator

#: Pixels on every side of a tile that are computed and thrown away. The restorer's receptive field reaches about 110
#: pixels, but what lies beyond 64 moves the result by far less than one grey level (tests/test_receiver.py).
OVERLAP = 64


def tiles(height: int, width: int, size: int) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Tiles of at most `size` x `size` pixels that cover height x width.

    Yields (rows, columns) of the output and (rows, columns) of the input that it needs. Input tiles start at multiples
    of `size`, hence of the network's stride when `size` and OVERLAP are, so a pixel sees the same grid in every tiling.
    """
    for top in range(0, height, size):
        for left in range(0, width, size):
            bottom, right = min(top + size, height), min(left + size, width)
            yield (
                slice(top, bottom),
                slice(left, right),
                slice(max(top - OVERLAP, 0), min(bottom + OVERLAP, height)),
                slice(max(left - OVERLAP, 0), min(right + OVERLAP, width)),
            )
