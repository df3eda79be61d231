"""FFmpeg, as imageio-ffmpeg finds it: how it is run, and how to tell whether it or its input is to blame for a failure.

A missing library, a wrong path in IMAGEIO_FFMPEG_EXE or too little memory must not make a sound file look damaged.
"""

import errno
import os
import re
import subprocess
from dataclasses import dataclass

import imageio_ffmpeg

from scodec.errors import OutOfMemory, Unsupported

Result = subprocess.CompletedProcess[bytes]

#: What FFmpeg, the dynamic linker and the C++ library write when memory is short.
_STARVED = re.compile(rb"cannot allocate memory|bad_alloc|out of memory|pthread_create", re.I)
#: SIGKILL as Python reports it, and as a shell passes it on: what the system does to the largest when memory is short.
_KILLED = -9, 137
_MORE_MEMORY = "free memory, or use a machine with more"


@dataclass(frozen=True)
class Trial:
    """A small piece of work that every sound FFmpeg does."""

    work: str  # "decode VVC", say
    arguments: tuple[str, ...]
    data: bytes
    least: int  # bytes that come out of it at least
    way_out: str = ""  # what else helps than another FFmpeg


def run(*arguments: str, data: bytes) -> Result:
    """Feed `data` to FFmpeg; what it writes is in the result, also when it fails.

    Raises Unsupported where there is no FFmpeg, or one that can't be started; OutOfMemory when memory is short; OSError
    when this process has too many files open.
    """
    try:
        path = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise Unsupported("there is no FFmpeg on this machine: reinstall imageio-ffmpeg, which brings one") from error
    try:
        return subprocess.run([path, "-nostdin", "-v", "error", *arguments], input=data, capture_output=True)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        if error.errno in (errno.ENOMEM, errno.EAGAIN):
            raise OutOfMemory(f"not enough memory to start FFmpeg: {_MORE_MEMORY}") from error
        raise Unsupported(f"the FFmpeg at {path} can't be started ({error.strerror}): {_advice()}") from error


def blame(result: Result, trial: Trial) -> None:
    """Raise Unsupported (where memory is short, OutOfMemory) if a failure is the fault of FFmpeg, not of its input.

    That is so when FFmpeg fails on the trial too. Nothing is remembered: memory may run out at any time.
    """
    _check_memory(result)
    tried = run(*trial.arguments, data=trial.data)
    _check_memory(tried)
    if tried.returncode or len(tried.stdout) < trial.least:
        advice = f"{'free memory, or ' if tried.returncode < 0 else ''}{_advice()}{trial.way_out}"
        raise Unsupported(f"the FFmpeg at {tried.args[0]} can't {trial.work} ({ended(tried)}): {advice}")


def reason(result: Result) -> str:
    """The first line that FFmpeg wrote to stderr, without the names of its parts."""
    lines = result.stderr.decode(errors="replace").strip().splitlines()
    return re.sub(r"^(\[[^\]]*\] *)+", "", lines[0]) if lines else "no picture came out"


def ended(result: Result) -> str:
    """How FFmpeg ended, and what it wrote first."""
    how = f"killed by signal {-result.returncode}" if result.returncode < 0 else f"exit status {result.returncode}"
    return f"{how}: {reason(result)}"


def _check_memory(result: Result) -> None:
    if result.returncode and (result.returncode in _KILLED or _STARVED.search(result.stderr)):
        raise OutOfMemory(f"not enough memory for the FFmpeg at {result.args[0]} ({ended(result)}): {_MORE_MEMORY}")


def _advice() -> str:
    if os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return "correct or unset IMAGEIO_FFMPEG_EXE"
    return "reinstall imageio-ffmpeg"
