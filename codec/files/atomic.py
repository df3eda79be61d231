"""Bytes from and to files and the standard streams, never leaving a half-written file."""

import os
import secrets
import shutil
import sys
from pathlib import Path

from scodec.errors import BadRequest

STREAM = "-"


def read(path: str) -> bytes:
    """The whole content of a file, or of standard input for "-".

    Raises OSError with the file's name, BadRequest if standard input is closed.
    """
    if path == STREAM:
        if sys.stdin is None:
            raise BadRequest("standard input is closed; name a file")
        return sys.stdin.buffer.read()
    return Path(path).read_bytes()


def check_writable(path: str, *, force: bool) -> None:
    """Fail early, before any long work, where `write` is bound to fail.

    Raises BadRequest if the file exists (without `force`), is a folder or named like one, lies in a missing folder or
    one that may not be written, or if "-" is a terminal or closed.
    """
    if path == STREAM:
        if sys.stdout is None:
            raise BadRequest("standard output is closed; redirect it or name a file")
        if sys.stdout.isatty():
            raise BadRequest("standard output is a terminal; redirect it or name a file")
        return
    target = Path(path)
    if target.is_dir():
        raise BadRequest(f"{path} is a folder; name a file in it")
    if path.endswith(tuple(filter(None, (os.sep, os.altsep)))):  # Path drops it, and would make a file of that name
        raise BadRequest(f"{path} names a folder, not a file; name a file in it")
    if not target.parent.is_dir():
        raise BadRequest(f"the folder {target.parent} does not exist; make it first")
    if _is_special(target):
        return
    if target.exists() and not force:
        raise BadRequest(f"{path} exists already; --force replaces it")
    if not os.access(_resolved(target).parent, os.W_OK):
        raise BadRequest(f"the folder {target.parent} may not be written; choose another")


def check_distinct(source: str, target: str) -> None:
    """Raises BadRequest when both are one file: what is coded is never replaced by the outcome, by no option."""
    if STREAM not in (source, target) and os.path.exists(target) and os.path.samefile(source, target):
        raise BadRequest(f"{target} is the input itself; name another file")


def write(path: str, data: bytes, *, force: bool) -> None:
    """Write a file whole or not at all, or to standard output for "-".

    The bytes go to a temporary file in the same folder, which then takes the name in one step. Raises as
    `check_writable` does, and OSError with the file's name if the disk is full or fails.
    """
    check_writable(path, force=force)
    if path == STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        if _is_special(Path(path)):
            Path(path).write_bytes(data)
        else:
            _replace(_resolved(Path(path)), data)
    except OSError as error:  # names the temporary file, or none
        raise OSError(error.errno, error.strerror, path) from error


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".scodec-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _resolved(target: Path) -> Path:
    """Where a link leads: replacing the link itself would leave the file that it names as it was."""
    return Path(os.path.realpath(target))


def _is_special(target: Path) -> bool:
    """A device or a pipe is written to, never replaced."""
    return target.exists() and not target.is_file()
