"""Run the examples on a page of docs/."""

import contextlib
import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def run_examples(page: str, folder: Path) -> None:
    """Execute the ```python blocks of a page in one namespace, with `folder` as the working directory."""
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.S | re.M))
    assert code, f"{page} has no examples"
    with contextlib.chdir(folder):
        exec(compile(code, page, "exec"), {})
