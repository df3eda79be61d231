"""`scodec export` writes networks that give the pictures of the installed ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import scodec
from scodec.errors import Unsupported
from scodec.extras import EXTRAS
from scodec.models.receiver import filled, onnx

FILES = {"colorizer.onnx", "faithful.onnx", "natural.onnx"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from click.testing import CliRunner

    from scodec.cli import main

    target = tmp_path_factory.mktemp("export") / "new"
    assert CliRunner().invoke(main, ["export", "--onnx", str(target)]).exit_code == 0
    return target


def test_files_are_small_and_stay_unless_forced(folder: Path, scodec_command: Callable[..., Any]) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    assert sum(path.stat().st_size for path in folder.iterdir()) < 20_000_000, "weights are stored in float16"
    (folder / "natural.onnx").rename(folder / "kept.onnx")
    run = scodec_command("export", "--onnx", folder)
    assert run.code == 1 and "faithful.onnx exists already" in run.err
    assert not (folder / "natural.onnx").exists(), "all is checked before anything is written"
    assert scodec_command("export", "--onnx", folder, "-f").code == 0
    assert (folder / "natural.onnx").read_bytes() == (folder / "kept.onnx").read_bytes()


def test_nothing_is_made_unless_all_can_be(
    tmp_path: Path, scodec_command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(name: str) -> bytes:
        if name != next(iter(onnx.GRAPHS)):
            raise Unsupported("no weights")
        return b"network"

    with monkeypatch.context() as patch:
        patch.setattr(filled, "filled", first)
        run = scodec_command("export", "--onnx", tmp_path / "new")
    assert run.code == 1 and "no weights" in run.err and not any(tmp_path.iterdir())
    monkeypatch.setitem(EXTRAS, "onnx", ("no_such_module",))
    run = scodec_command("export", "--onnx", tmp_path / "new")
    assert run.code == 1 and "'scodec-image[onnx]'" in run.err and not any(tmp_path.iterdir())


@pytest.mark.parametrize("look", ["faithful", "natural"])
@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_exported_networks_give_the_same_pictures(
    cat: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch, backend: str, look: str
) -> None:
    data = scodec.encode(cat[60:211, 100:351], luma="av1")
    expected = scodec.decode(data, backend=backend, look=look)

    def exported(graph: str, threads: int) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(folder / f"{graph}.onnx", providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnx, "_sessions", {})
    monkeypatch.setattr(onnx, "_session", exported)
    picture = scodec.decode(data, backend="onnx", look=look)
    assert (np.abs(np.asarray(picture).astype(int) - np.asarray(expected)) <= 1).mean() >= 0.999
