"""The errors and warnings of scodec: every message says what is wrong and what to do about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager


class ScodecError(Exception):
    """Base of every error that scodec raises on purpose."""


class BadImage(ScodecError):
    """The input picture cannot be read or cannot be encoded."""


class BadFile(ScodecError):
    """The data is not a .scz file, or it is damaged."""


class Unsupported(ScodecError):
    """The work needs something that this release does not have (a later format version, an unknown id), or that this
    machine lacks (an FFmpeg that works)."""


class OutOfMemory(Unsupported, MemoryError):
    """This machine has too little memory for a picture of this size."""


class BadRequest(ScodecError):
    """An argument is impossible, on its own or with the others."""


class ScodecWarning(UserWarning):
    """Base of every warning of scodec: the work was done, but not quite as asked."""


class TargetWarning(ScodecWarning):
    """The requested size cannot be reached; the nearest possible file was made instead."""


#: What torch (on CPU, CUDA, MPS), oneDNN, the dynamic linker, threads and libavif say when memory is short.
_STARVED = re.compile(
    r"not enough memory|(can't|cannot|unable to|failed to) allocate|out of memory|could not create a memory|bad_alloc"
    r"|can't start new thread|failed to map segment",
    re.IGNORECASE,
)


def short_of_memory(error: BaseException) -> bool:
    """Whether an error of any library means that memory has run out: many raise a RuntimeError."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError | OSError | ValueError) and _STARVED.search(str(error)) is not None
    )


@contextmanager
def memory_advice(advice: str) -> Iterator[None]:
    """Turn all errors that mean that memory has run out into OutOfMemory, with what to do about it."""
    try:
        yield
    except ScodecError:
        raise
    except Exception as error:
        if not short_of_memory(error):
            raise
        raise OutOfMemory(f"not enough memory for a picture of this size: {advice}") from error


def explain(error: BaseException) -> str | None:
    """One line on an error that users may run into; None for those that are our own faults."""
    if isinstance(error, ScodecError):
        return str(error)
    if short_of_memory(error):
        return "not enough memory for a picture of this size"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return None
