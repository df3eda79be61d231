"""LEB128, the integers of variable length in both AV1 (specification, 4.10.5) and the .scz container."""

from scodec.errors import BadFile


def write(value: int) -> bytes:
    """Seven bits a byte, lowest first; the top bit says that another byte follows."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def read(data: bytes, at: int) -> tuple[int, int]:
    """The value at `data[at:]` (below 2**35) and the position after it.

    Raises BadFile past the end of the data or past five bytes.
    """
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            raise BadFile("the file is truncated: get it again")
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise BadFile("the file's header holds impossible values: it is damaged, get it again")
