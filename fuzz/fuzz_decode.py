"""Coverage-guided fuzzing of the reader. `make fuzz`, or `python fuzz/fuzz_decode.py [libFuzzer options] CORPUS...`

libFuzzer can't guess a checksum, so every input gets a valid one. Any exception other than BadFile and Unsupported ends
the run, and libFuzzer saves the input as crash-.... Needs atheris (Linux only).
"""

import sys

import atheris

with atheris.instrument_imports(include=["scodec"]):
    from scodec.eval.lab import fuzz


def check(data: bytes) -> None:
    """Try all readings except those by FFmpeg and the networks."""
    fuzz.read(fuzz.sealed(data), 1, fuzz.Board())


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
