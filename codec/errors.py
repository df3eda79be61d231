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
