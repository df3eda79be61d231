"""Files that the page shows or offers for download, for an hour."""

import shutil
import tempfile
import time
from pathlib import Path

#: Seconds that a file stays.
AGE = 3600
_folder = tempfile.TemporaryDirectory(prefix="scodec-studio-")


def keep(content: bytes, name: str) -> str:
    """The path of a new file of that name. Older ones than `AGE` go."""
    root = Path(_folder.name)
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > AGE:
            shutil.rmtree(old, ignore_errors=True)
    path = Path(tempfile.mkdtemp(dir=root)) / name
    path.write_bytes(content)
    return str(path)
