"""A frozen program (PyInstaller) finds the weights."""

import runpy
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from scodec.models import weights

ROOT = Path(__file__).resolve().parent.parent


def hook_folder() -> Path:
    """The folder that PyInstaller is told of by the entry point in pyproject.toml."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pyinstaller40"]
    (folder,) = EntryPoint("hook-dirs", declared["hook-dirs"], "pyinstaller40").load()()
    return Path(folder)


def test_pyinstaller_is_led_to_a_hook() -> None:
    assert (hook_folder() / "hook-scodec.py").is_file()


def test_the_hook_collects_the_weights_and_what_is_imported_by_name() -> None:
    pytest.importorskip("PyInstaller")
    found = runpy.run_path(str(hook_folder() / "hook-scodec.py"))
    collected = {Path(source).resolve(): folder for source, folder in found["datas"]}
    for name in weights.installed():
        assert Path(collected[weights.path(name).resolve()]) == Path("scodec/models/weights")
    assert Path("scodec/models/graphs") in {Path(folder) for folder in collected.values()}
    assert {"scodec.api", "scodec.cli.decode", "scodec.models.receiver.colorizer"} <= set(found["hiddenimports"])
    assert not [module for module in found["hiddenimports"] if module.startswith("scodec.training")]
