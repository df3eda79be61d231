"""Fixtures shared by the tests: pictures, and a way to run the command."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from click.testing import CliRunner

import scodec
from scodec.cli import main


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    """A photograph, uint8 (300, 451, 3). Chelsea the cat, by Stefan van der Walt, CC0."""
    return skimage.data.chelsea()


@pytest.fixture(scope="session")
def small(cat: np.ndarray) -> np.ndarray:
    """A crop of `cat` for quick tests, with odd height and width: uint8 (97, 131, 3)."""
    return np.ascontiguousarray(cat[100:197, 100:231])


@dataclass(frozen=True)
class Run:
    """The outcome of a run of the command."""

    code: int
    out: bytes
    err: str


@pytest.fixture
def scodec_command() -> Callable[..., Run]:
    """A function that runs `scodec ARGS` in this process."""

    def run(*args: str | Path, stdin: bytes = b"") -> Run:
        result = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)
        expected = result.exception is None or isinstance(result.exception, SystemExit)
        assert expected, f"scodec raised {result.exception!r}"
        return Run(result.exit_code, result.stdout_bytes, result.stderr)

    return run


@pytest.fixture(scope="session")
def coded(small: np.ndarray) -> bytes:
    """`small` as a .scz file with colour hints."""
    return scodec.encode(small, hints=100)
