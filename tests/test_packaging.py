"""What gets installed, and what an import costs."""

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import scodec

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "codec": "scodec",
    "models": "scodec/models",
    "metrics": "scodec/metrics",
    "training": "scodec/training",
    "eval": "scodec/eval",
    "study": "scodec/study",
    "studio": "scodec/studio",
}
DATA = {
    "models/graphs": ".onnx",
    "models/weights": ".safetensors",
    "training/recipes": ".yaml",
    "eval/baselines": ".json",
}


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy so that the work tree stays clean."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    run = subprocess.run(build, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = out.glob("*.whl")
    check = [sys.executable, "-m", "twine", "check", "--strict", str(path)]
    run = subprocess.run(check, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return path


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> list[str]:
    """The names in the wheel."""
    with zipfile.ZipFile(wheel_file) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def bare(wheel_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh environment with the wheel and what it requires without extras.

    Torch is too large to be fetched again: what is required is linked to where it is installed here.
    """
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extractall(site)
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        required = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    for needed in closure(required):
        for top in {path.parts[0] for path in needed.files or () if path.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(needed.locate_file(top))).resolve())
    return folder / "bin" / "python"


def closure(requirements: list[str]) -> list[Distribution]:
    """The distributions that requirements lead to in this environment, extras left out."""
    found: dict[str, Distribution] = {}
    todo = list(requirements)
    while todo:
        requirement = Requirement(todo.pop())
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found:
            found[name] = distribution(name)
            todo += found[name].requires or []
    return list(found.values())


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
def test_all_but_what_needs_it_is_torch_free(tmp_path: Path, small: np.ndarray, hints: str) -> None:
    picture, file = str(tmp_path / "in.png"), str(tmp_path / "out.scz")
    Image.fromarray(small).save(picture)
    run_without_torch(CALL, "encode", picture, file, "--hints", hints)
    run_without_torch(CALL, "encode", picture, file, "--hints", hints, "--target-size", "600", "--force")
    run_without_torch(CALL, "info", file)
    run_without_torch(CALL, "decode", file, picture, "--force")


#: Top-level modules of the packages that a bare install imports beside the standard library, for whatever it does.
CORE = {"PIL", "av", "imageio", "imageio_ffmpeg", "numpy", "onnxruntime", "safetensors", "scodec"}


def test_a_bare_install_encodes_and_decodes(bare: Path) -> None:
    run = subprocess.run(
        [bare, "-I", str(ROOT / "tests" / "round_trip.py")], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    imported = set(run.stdout.split()) - set(sys.stdlib_module_names)
    assert imported >= CORE
    # what imageio and ONNX Runtime import of their own
    assert not imported & {
        "torch",
        "compressai",
        "kornia",
        "matplotlib",
        "scipy",
        "skimage",
        "timm",
        "torchvision",
        "yaml",
    }


@pytest.mark.parametrize(
    "extra, arguments",
    [
        ("learned", ("encode", "{picture}", "-", "--luma", "hyperprior")),
        ("torch", ("decode", "{file}", "out.png", "--backend", "torch")),
        ("torch", ("decode", "{file}", "out.png", "--dtype", "bfloat16")),
        ("train", ("train", "{folder}", "--recipe", "release")),
        ("eval", ("eval", "{folder}", "--out", "results")),
        ("onnx", ("export", "--onnx", "out")),
        ("studio", ("studio", "--no-browser")),
        ("study", ("study", "make", "{folder}", "--out", "results")),
    ],
)
def test_a_bare_install_names_the_extra_that_is_missing(
    bare: Path, tmp_path: Path, small: np.ndarray, extra: str, arguments: tuple[str, ...]
) -> None:
    Image.fromarray(small).save(tmp_path / "in.png")
    (tmp_path / "in.scz").write_bytes(scodec.encode(small))
    command = [
        each.format(picture=tmp_path / "in.png", file=tmp_path / "in.scz", folder=tmp_path) for each in arguments
    ]
    run = subprocess.run([bare, "-I", "-m", "scodec", *command], capture_output=True, text=True, timeout=120)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("scodec: error: ") and f"pip install 'scodec-image[{extra}]'" in run.stderr
