"""Make a study: every picture coded by every codec at equal bytes, decoded, and saved under names that tell nothing."""

import os
import random
import secrets
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from scodec import photo
from scodec.errors import BadImage, BadRequest, explain
from scodec.eval.codecs import CODECS, check, within
from scodec.files.folders import pictures
from scodec.files.pool import work
from scodec.study import plan
from scodec.study.plan import ORIGINAL, PICTURES, QUESTIONS, RUINED, Miss, Picture, Study, Version
from scodec.study.trials import design

#: A ruin is the picture in squares of this many pixels a side.
SQUARE = 16

#: A picture's name and one codec, or ORIGINAL.
Job = tuple[str, str]


@dataclass(frozen=True)
class Coded:
    """What came of a job."""

    picture: Picture
    versions: tuple[Version, ...]
    misses: tuple[Miss, ...]


def make(
    folder: Path,
    out: Path,
    codecs: Sequence[str],
    rates: Sequence[float],
    question: str = QUESTIONS[0],
    seed: int = 0,
    count: int | None = None,
    workers: int = 1,
) -> tuple[Study, dict[str, str]]:
    """Make a study of the pictures in a folder and below; returns it, and the pictures that failed with the reasons.

    Each codec gets the highest quality whose file is no larger than the rate allows. A codec whose smallest file is
    larger has no version of that picture at that rate (Study.misses): one that took more bytes would not be comparable.
    The study's folder appears when all is done; one that is cut short leaves nothing.

    out: must not exist. rates: bits per pixel of the original picture, whole files. count: how many pictures, chosen at
    random, instead of all. Raises BadRequest for what is impossible and if no two versions can be compared, OSError.
    """
    _check(codecs, rates, question)
    if os.path.lexists(out):
        raise BadRequest(f"{out} exists already: name another folder for the study, or remove this one")
    names = [path.relative_to(folder).as_posix() for path in pictures([folder])]
    if count is not None and count > len(names):
        raise BadRequest(f"{count} pictures are wanted, but {folder} has {len(names)}: ask for fewer")
    if count is not None:
        names = sorted(random.Random(seed).sample(names, count))
    unfinished = out.with_name(f".scodec-{secrets.token_hex(8)}.tmp")
    (unfinished / PICTURES).mkdir(parents=True)
    try:
        coded, failed = _code(folder, names, codecs, rates, unfinished, workers)
        if not coded:
            raise BadRequest(next(iter(failed.values())))
        study = _study(coded, unfinished, tuple(codecs), tuple(rates), question, seed)
        plan.save(study)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return replace(study, folder=out), failed


def _check(codecs: Sequence[str], rates: Sequence[float], question: str) -> None:
    check(codecs)
    if not codecs or len(set(codecs)) < len(codecs):
        raise BadRequest("name each codec once, and at least one")
    if not rates or len(set(rates)) < len(rates) or not all(0 < rate < float("inf") for rate in rates):
        raise BadRequest("give each rate once, in bits per pixel, above 0")
    if question not in QUESTIONS:
        raise BadRequest(f"unknown question {question!r}: choose {' or '.join(QUESTIONS)}")


def _code(
    folder: Path, names: Sequence[str], codecs: Sequence[str], rates: Sequence[float], target: Path, workers: int
) -> tuple[list[Coded], dict[str, str]]:
    """Do all jobs; what came of them in the order of pictures and codecs, without pictures of which one job failed."""
    jobs: list[Job] = [(name, codec) for name in names for codec in (ORIGINAL, *codecs)]
    outcomes: dict[Job, Coded] = {}
    failed: dict[str, str] = {}
    with closing(work(partial(_job, folder, tuple(rates), target / PICTURES), jobs, workers)) as results:
        for job, outcome in tqdm(results, total=len(jobs), unit="file", disable=None):
            if not isinstance(outcome, Exception):
                outcomes[job] = outcome
            elif (reason := explain(outcome)) is None:
                raise outcome
            else:
                failed.setdefault(job[0], reason if job[0] in reason else f"{folder / job[0]}: {reason}")
    return [outcomes[job] for job in jobs if job[0] not in failed], failed


def _job(folder: Path, rates: Sequence[float], target: Path, job: Job) -> Coded:
    """All versions of a picture by one codec, or the original and its ruin, as PNG files in `target`."""
    name, codec = job
    original = photo.load(folder / name)
    if original.gray:
        raise BadImage(f"{folder / name} is grey: a study asks about colour photographs")
    rgb = original.rgb
    height, width = rgb.shape[:2]
    versions, misses = [], []
    if codec == ORIGINAL:
        versions = [
            Version(name, kind, None, None, _write(pixels, target))
            for kind, pixels in ((ORIGINAL, rgb), (RUINED, ruin(rgb)))
        ]
    else:
        for bpp in rates:
            most = int(bpp * width * height / 8)
            data = within(CODECS[codec], rgb, most)
            if len(data) > most:
                misses.append(Miss(name, codec, bpp, len(data)))
            else:
                versions.append(Version(name, codec, bpp, len(data), _write(CODECS[codec].decode(data), target)))
    return Coded(Picture(name, width, height), tuple(versions), tuple(misses))


def ruin(rgb: np.ndarray) -> np.ndarray:
    """A picture in coarse squares, which anybody sees is worse. uint8 (H, W, 3), and so is the result."""
    image = Image.fromarray(rgb)
    coarse = image.resize([-(-length // SQUARE) for length in image.size], Image.Resampling.BOX)
    return np.array(coarse.resize(image.size, Image.Resampling.NEAREST))


def _write(rgb: np.ndarray, target: Path) -> str:
    """Save a PNG under a name made of its own bytes; returns the name."""
    file = BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    name = f"{sha256(file.getvalue()).hexdigest()[:20]}.png"
    (target / name).write_bytes(file.getvalue())
    return name


def _study(
    coded: Sequence[Coded],
    folder: Path,
    codecs: tuple[str, ...],
    rates: tuple[float, ...],
    question: str,
    seed: int,
) -> Study:
    """The study of what was coded, without pictures that no codec brought under any rate."""
    fitting = {version.picture for each in coded for version in each.versions if version.bpp is not None}
    if not fitting:
        raise BadRequest("no codec has a file as small as that for any picture: give higher rates")
    versions = tuple(version for each in coded for version in each.versions if version.picture in fitting)
    shown = {each.picture.name: each.picture for each in coded if each.picture.name in fitting}
    return Study(
        folder=folder,
        seed=seed,
        question=question,
        codecs=codecs,
        rates=rates,
        pictures=tuple(shown.values()),
        versions=versions,
        misses=tuple(miss for each in coded for miss in each.misses),
        trials=design(versions, seed),
    )
