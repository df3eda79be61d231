"""What PyInstaller must know to freeze a program that uses scodec; it finds this folder by itself."""

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The folders that hold hooks: the value of the entry point `hook-dirs` in the group `pyinstaller40`."""
    return [str(Path(__file__).parent)]
