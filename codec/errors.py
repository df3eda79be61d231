"""The errors and warnings of scodec: every message says what is wrong and what to do about it."""


class ScodecError(Exception):
    """Base of every error that scodec raises on purpose."""


class BadImage(ScodecError):
    """The input picture cannot be read or cannot be encoded."""


class BadFile(ScodecError):
    """The data is not a .scz file, or it is damaged."""


class Unsupported(ScodecError):
    """The .scz file needs something this release does not have: a later format version, an unknown id."""


class BadRequest(ScodecError):
    """An argument is impossible, on its own or with the others."""


class ScodecWarning(UserWarning):
    """Base of every warning of scodec: the work was done, but not quite as asked."""


class TargetWarning(ScodecWarning):
    """The requested size cannot be reached; the nearest possible file was made instead."""


def explain(error: BaseException) -> str | None:
    """One line on an error that users may run into; None for those that are our own faults."""
    if isinstance(error, ScodecError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory for a picture of this size"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return None
