"""Coverage-guided fuzzing of the reader. `make fuzz`, or `python fuzz/fuzz_decode.py [libFuzzer's options] CORPUS...`

libFuzzer can't guess a checksum, so every input gets one that fits. What is no ScodecError ends the run, and libFuzzer
keeps the input in a file crash-... Needs atheris (Linux).
"""

import sys

import atheris

with atheris.instrument_imports(include=["scodec"]):
    from scodec.eval.lab import fuzz


def check(data: bytes) -> None:
    """All readings but those by FFmpeg and the networks."""
    fuzz.read(fuzz.sealed(data), 1, fuzz.Board())


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
