"""Run the command on odd and broken pictures. `python -m scodec.eval.lab.robust FOLDER`

Every file below FOLDER is encoded in a process of its own and, if that succeeds, decoded in another. A file is handled
if both succeed and the result agrees with what Pillow makes of the source: size, greyscale or not, transparent or not,
and a warning if only the first of several frames was used. It is refused if the command prints one error line and
leaves no file. Anything else is a failure: a traceback, a crash, more than LIMIT seconds. Seconds are CPU time, which
does not depend on how busy the machine is.
"""

import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image, ImageOps

import scodec
from scodec.tool import Tool

LIMIT = 30  # CPU seconds of one process; ten times as many seconds of wall-clock time
#: Folders deeper than this are counted with their ancestor at this depth.
DEPTH = 3


@dataclass(frozen=True)
class Run:
    """The outcome of a process."""

    code: int
    err: str
    seconds: float
    memory: float  # peak, in MiB


@dataclass(frozen=True)
class Result:
    """The outcome for a file."""

    path: Path
    outcome: str  # "handled", "refused" or a description of the failure
    seconds: float  # of the slower process
    memory: float  # of the process that used more, in MiB


def run(*arguments: str | Path) -> Run:
    """Run `scodec ARGUMENTS` in a separate process, which is killed after LIMIT."""
    with tempfile.TemporaryFile() as err:
        process = subprocess.Popen([sys.executable, "-m", "scodec", *map(str, arguments)], stderr=err)
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (LIMIT, LIMIT))
        timer = threading.Timer(10 * LIMIT, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)  # unlike Popen.wait, it reports the memory used
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        text = err.read().decode(errors="replace")
    return Run(process.returncode, text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def attempt(path: Path) -> Result:
    """Encode and decode a picture."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "out.scz", Path(folder) / "out.png"
        runs = [run("encode", path, file, "--luma", "av1", "--effort", "fast")]
        if runs[0].code == 0:
            runs.append(run("decode", file, out))
        outcome = _outcome(path, file, out, runs)
    return Result(path, outcome, max(each.seconds for each in runs), max(each.memory for each in runs))


def _outcome(path: Path, file: Path, out: Path, runs: list[Run]) -> str:
    encoded = runs[0]
    lines = encoded.err.splitlines()
    if encoded.code == 1 and len(lines) == 1 and lines[0].startswith("scodec: error: ") and not file.exists():
        return "refused"
    for name, each in zip(("encode", "decode"), runs, strict=False):
        if each.code:
            return f"{name} ended with {each.code}: {' | '.join(each.err.splitlines()[-3:])}"
        if strange := [line for line in each.err.splitlines() if not line.startswith("scodec: ")]:
            return f"{name} printed {strange[0]}"
    return _difference(path, file, out, encoded.err) or "handled"


def _difference(path: Path, file: Path, out: Path, messages: str) -> str:
    """How the decoded picture differs from the source; empty if it does not, or if Pillow can't tell."""
    facts = scodec.info(file)
    try:
        image = Image.open(path)
    except Image.UnidentifiedImageError:
        return ""
    with image:
        multiframe = getattr(image, "n_frames", 1) > 1
        source = ImageOps.exif_transpose(image)
        grey = source.mode in ("1", "L", "LA", "F") or source.mode.startswith("I")
        transparent = source.has_transparency_data and min(source.convert("RGBA").getchannel("A").tobytes()) < 255
    with Image.open(out) as decoded:
        checks = {
            "size": decoded.size == source.size == (facts.width, facts.height),
            "grey": not grey or facts.gray and decoded.mode in ("L", "LA"),
            "transparency": transparent <= facts.alpha == ("A" in decoded.mode),  # Pillow overlooks some
            "frames": multiframe == ("only the first of" in messages),
        }
    wrong = [name for name, agrees in checks.items() if not agrees]
    return f"differs from the source in: {', '.join(wrong)}" if wrong else ""


def table(folder: Path, results: Sequence[Result]) -> str:
    """A Markdown table with a row per folder and one for all files."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault("/".join(result.path.relative_to(folder).parent.parts[:DEPTH]) or ".", []).append(result)
    headings = "folder", "files", "handled", "refused", "failed", "longest, s", "largest, MiB"
    rows = [headings, ("---",) * len(headings)]
    for name, group in [*sorted(groups.items()), ("all", list(results))]:
        handled, refused = (sum(each.outcome == outcome for each in group) for outcome in ("handled", "refused"))
        counts = map(str, (len(group), handled, refused, len(group) - handled - refused))
        longest, largest = max(each.seconds for each in group), max(each.memory for each in group)
        rows.append((name, *counts, f"{longest:.1f}", f"{largest:.0f}"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@click.command(cls=Tool)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Take only every Nth file.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Files in parallel.")
def main(folder: Path, every: int, jobs: int) -> None:
    """Encode and decode every file below FOLDER and print the outcomes; exit code 1 after any failure."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())[::every]
    if not paths:
        raise click.UsageError(f"there are no files below {folder}")
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(attempt, paths))
    click.echo(table(folder, results))
    failures = [each for each in results if each.outcome not in ("handled", "refused")]
    for each in failures:
        click.echo(f"\n{each.path.relative_to(folder)}: {each.outcome}")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
