"""What gets installed, and what an import costs."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "codec": "scodec",
    "models": "scodec/models",
    "metrics": "scodec/metrics",
    "training": "scodec/training",
    "eval": "scodec/eval",
}
DATA = {"models/weights": ".safetensors", "training/recipes": ".yaml", "eval/baselines": ".json"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel, built from a copy so that the work tree stays clean."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    run = subprocess.run(build, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_wheel_has_one_top_level(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"scodec"}


def test_wheel_holds_every_module(wheel: list[str]) -> None:
    for folder, package in FOLDERS.items():
        expected = {f"{package}/{path.relative_to(ROOT / folder)}" for path in (ROOT / folder).rglob("*.py")}
        assert expected and expected <= set(wheel)
    assert "scodec/py.typed" in wheel


def test_wheel_holds_the_data_and_nothing_else(wheel: list[str]) -> None:
    for folder, suffix in DATA.items():
        here = [path.name for path in (ROOT / folder).iterdir() if path.suffix == suffix]
        there = [name for name in wheel if name.startswith(f"scodec/{folder}/")]
        assert sorted(there) == sorted(f"scodec/{folder}/{name}" for name in here)


def run_without_torch(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Runs Python code, then asserts that nothing has imported torch, and that the code did not fail."""
    check = "\nimport sys\nassert 'torch' not in sys.modules, 'torch was imported'"
    command = [sys.executable, "-c", code + check, *args]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run


CALL = "import sys, scodec.cli\nscodec.cli.main(sys.argv[1:], standalone_mode=False)"


def test_import_is_torch_free() -> None:
    run_without_torch("import scodec\nscodec.encode, scodec.info, scodec.ScodecError")


def test_help_and_version_are_light() -> None:
    light = (
        CALL + "\nassert not {'torch', 'scipy', 'scodec.encoder', 'scodec.decoder', 'scodec.api'} & sys.modules.keys()"
    )
    help_text = run_without_torch(light, "--help").stdout
    assert all(name in help_text for name in ("encode", "decode", "info", "train", "eval"))
    run_without_torch(CALL, "--version")


@pytest.mark.parametrize("hints", ["0", "100", "auto"])
def test_encoding_and_info_are_torch_free(tmp_path: Path, small: np.ndarray, hints: str) -> None:
    picture, file = str(tmp_path / "in.png"), str(tmp_path / "out.scz")
    Image.fromarray(small).save(picture)
    run_without_torch(CALL, "encode", picture, file, "--hints", hints)
    run_without_torch(CALL, "encode", picture, file, "--hints", hints, "--target-size", "600", "--force")
    run_without_torch(CALL, "info", file)
