"""The best file within a target size: a search over the ladder of scales and quantizers."""

import warnings
from collections.abc import Callable

from scodec.errors import TargetWarning
from scodec.format import container

#: A target size counts as met from this share of it upwards.
ENOUGH = 0.95
#: How often a blur is halved to find a size between two rungs, and the largest radius in pixels.
BLURS, STRONGEST = 7, 3.0

#: Encodes at a rung of the ladder, the luma blurred before by a Gaussian of that radius.
Encode = Callable[[int, float], container.Stream]


def search(target: int, rungs: int, encode: Encode) -> tuple[int, float, container.Stream]:
    """Rung and blur of the best file of at most `target` bytes, or of the smallest file there is, and the file.

    A bisection over the ladder; when the rung below the target leaves much of it unused, the next rung is tried with
    its luma blurred a little, which makes sizes between two quantizers.
    """
    low, best = 0, encode(0, 0.0)
    if size(best) > target:
        return 0, 0.0, best
    high = rungs
    while high - low > 1:
        middle = (low + high) // 2
        stream = encode(middle, 0.0)
        if size(stream) <= target:
            low, best = middle, stream
        else:
            high = middle
    found = low, 0.0, best
    if high == rungs:
        return found
    weak, strong = 0.0, STRONGEST
    for _ in range(BLURS):
        if filled(found[2], target):
            break
        blur = (weak + strong) / 2
        stream = encode(high, blur)
        if size(stream) <= target:
            strong = blur
            found = max(found, (high, blur, stream), key=lambda each: size(each[2]))
        else:
            weak = blur
    return found


def search_twice(target: int, rungs: int, quick: Encode, final: Encode) -> container.Stream:
    """`search` with a quick encoder; what it found is encoded finally, and the next rungs as long as there is room."""
    index, blur, best = search(target, rungs, quick)
    for attempt in dict.fromkeys([(index, blur), *((richer, 0.0) for richer in range(index, rungs))]):
        stream = final(*attempt)
        if size(stream) > target:
            break
        best = stream
        if filled(best, target):
            break
    return best


def size(stream: container.Stream) -> int:
    """Bytes of the whole file."""
    return len(container.pack(stream))


def filled(stream: container.Stream, target: int) -> bool:
    """Whether there is no point in searching on."""
    return size(stream) >= target * (1 + ENOUGH) / 2


def warn_if_missed(size: int, target: int) -> None:
    """A TargetWarning when a file is larger than its target, or leaves much of it unused."""
    if size > target:
        message = f"the smallest file of this picture has {size} bytes: a target of {target} is out of reach"
    elif size < target * ENOUGH:
        message = f"{target} bytes were not used up: the best file of this picture has {size}"
    else:
        return
    warnings.warn(message, TargetWarning, stacklevel=4)  # names the caller of `scodec.encode`
