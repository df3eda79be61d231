"""README's examples run as they stand, links lead somewhere, and the API reference can be built."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pdoc
import pytest
from PIL import Image

import scodec

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def blocks(language: str) -> list[str]:
    """The fenced blocks of README in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M)


@pytest.fixture
def folder(tmp_path: Path, cat: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What README takes for granted: a photograph and a folder of photographs."""
    Image.fromarray(cat).save(tmp_path / "photo.png")
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(cat[:120, :160]).save(tmp_path / "photos" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_readme_run_from_top_to_bottom(scodec_command: Callable[..., Any], folder: Path) -> None:
    (block,) = blocks("console")
    for line in block.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        run = scodec_command(*arguments)
        assert program == "scodec" and run.code == 0, f"{line}: {run.err}"
    assert len((folder / "tiny.scz").read_bytes()) <= 2000
    assert Image.open(folder / "rebuilt.png").size == (451, 300)
    assert {path.name for path in (folder / "small").iterdir()} == {"a.scz", "b.scz"}


def test_the_python_of_readme_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), {})
    assert 0 < float(capsys.readouterr().out) < 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    assert all(f"({page.name})" in index for page in ROOT.glob("docs/*.md") if page.name != "index.md")


def test_modules_that_pages_name_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"python -m scodec((?:\.\w+)+)", page.read_text()):
            path = name[1:].replace(".", "/") + ".py"
            homes = ROOT / path, ROOT / "codec" / path
            assert any(home.exists() for home in homes), f"{page.name} names scodec{name}"


def test_the_reference_is_built(tmp_path: Path) -> None:
    (modules,) = re.findall(r"^PUBLIC := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    pdoc.pdoc(*modules.split(), output_directory=tmp_path)
    pages = "".join(page.read_text() for page in tmp_path.rglob("*.html"))
    assert all(f'id="{name}"' in pages for name in scodec.__all__ if name != "register")
