"""Many files at once: which ones, to which targets, done in several processes."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scodec.errors import BadFile, BadRequest, ScodecError, ScodecWarning, Unsupported, explain
from scodec.files.pool import work
from scodec.format import container

#: Source and target of one piece of work.
Job = tuple[str, str]
#: Converts one file: source, target. Must be importable by other processes (a function of a module, or a partial).
Convert = Callable[[str, str], object]
#: Source, what failed (None: nothing), and warnings.
Outcome = tuple[str, str | None, list[str]]

#: Suffixes of the pictures that are measured and trained on.
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif"}
#: How linked folders are named among what was passed over.
LINKED = "linked folder"


def pictures(folders: Collection[Path]) -> list[Path]:
    """All pictures in the folders and below, in order. Raises BadRequest if there are none."""
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise BadRequest(f"no pictures in {', '.join(map(str, folders))}: choose other folders")
    return found


@dataclass
class Plan:
    """What becomes of the files and folders that a user named."""

    jobs: list[Job] = field(default_factory=list)
    done: int = 0  # files whose target was there already
    failed: list[tuple[str, str]] = field(default_factory=list)  # source, and why nothing can be done
    passed_over: Counter[str] = field(default_factory=Counter)  # files in folders by suffix, and LINKED


def plan(
    paths: Iterable[str],
    output: Path,
    suffix: str,
    wanted: Collection[str],
    unreadable: Collection[str] = (),
    force: bool = False,
) -> Plan:
    """A job for every file of `paths` and those of the wanted suffixes in its folders, whose tree is kept in `output`.

    A target has `suffix` in place of the source's own. Sources that would share one keep their own too, whichever comes
    first: IMG.jpg and IMG.png become IMG.jpg.scz and IMG.png.scz. Where that doesn't help, both fail.
    unreadable: suffixes that are counted where they are passed over. force: do again what was done.
    """
    result = Plan()
    places: dict[str, tuple[Path, Path]] = {}  # absolute source -> source, and where it goes under its own name
    for path in map(Path, paths):
        for source in _inside(path, wanted, unreadable, result) if path.is_dir() else [path]:
            place = output / (source.relative_to(path) if path.is_dir() else source.name)
            places.setdefault(os.path.abspath(source), (source, place))
    short = {source: place.with_suffix(suffix) for source, place in places.values()}
    shared = _shared(short.values())
    targets = {
        source: place.with_name(place.name + suffix) if _key(short[source]) in shared else short[source]
        for source, place in places.values()
    }
    shared = _shared(targets.values())
    for source, target in targets.items():
        if _key(target) in shared:
            reason = f"another file would become {target} too: give them different folders or names"
        elif force or not os.path.lexists(target):
            reason = None
        elif not (reason := _unfinished(source, target)):
            result.done += 1
            continue
        if reason:
            result.failed.append((str(source), reason))
        else:
            result.jobs.append((str(source), str(target)))
    return result


def _inside(folder: Path, wanted: Collection[str], unreadable: Collection[str], result: Plan) -> list[Path]:
    """The wanted files in a folder and below, in order; what is passed over goes to `result`."""

    def closed(error: OSError) -> None:
        result.failed.append((str(error.filename), explain(error) or str(error)))

    found = []
    for parent, folders, files in os.walk(folder, onerror=closed):
        result.passed_over[LINKED] += sum(os.path.islink(os.path.join(parent, name)) for name in folders)
        for path in (Path(parent, name) for name in files):
            kind = path.suffix.lower()
            if kind in wanted and path.is_file():
                found.append(path)
            elif kind in unreadable:
                result.passed_over[kind] += 1
    return sorted(found)


def _key(target: Path) -> str:
    """Names that differ in case only are one file on many systems."""
    return str(target).casefold()


def _shared(targets: Iterable[Path]) -> set[str]:
    return {key for key, count in Counter(map(_key, targets)).items() if count > 1}


def _unfinished(source: Path, target: Path) -> str | None:
    """Why what stands in the target's place is not the outcome of an earlier run; None if it may be."""
    if not target.is_file():
        return f"{target} is there already and is no file: move it away"
    if target.suffix != ".scz" and os.path.realpath(target.parent) == os.path.realpath(source.parent):
        return f"{target} is there already and may be the original: choose another --output-dir, or --force"
    with target.open("rb") as file:
        start = file.read(32)
    flaw = "is empty" if not start else None
    if start and target.suffix == ".scz":
        try:
            container.parse_header(start)
        except BadFile:
            flaw = "is no .scz file"
        except Unsupported:
            pass  # a later scodec wrote it
    return flaw and f"{target} is there already, but {flaw}: --force replaces it"


def run(
    convert: Convert, jobs: Iterable[Job], workers: int
) -> Generator[tuple[str, str | None, list[str]], None, None]:
    """Do the jobs in any order; yields the outcome of each.

    Close the iterator when you leave it early (`pool.work`).
    """
    for (source, _), outcome in work(partial(_attempt, convert), jobs, workers):
        if isinstance(outcome, ScodecError):
            yield source, str(outcome), []
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            yield source, *outcome


def _attempt(convert: Convert, job: Job) -> tuple[str | None, list[str]]:
    source, target = job
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # libraries tell each other's authors
        warnings.simplefilter("always", ScodecWarning)
        try:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            convert(source, target)
            failed = None
        except Exception as error:
            failed = explain(error)
            if failed is None:
                raise
    return failed, [str(warning.message) for warning in caught]
