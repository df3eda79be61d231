"""What a judge sees, and in which order: random for each judge, and the same whenever that judge comes back."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scodec.study.plan import ORIGINAL, Study, Trial


@dataclass(frozen=True)
class Showing:
    """A trial as one judge sees it.

    kind: "pair" (also for checks, which judges must not tell from pairs) or "single".
    left, right: PNG files; of a single picture only the left. reference: the original, where the judge is to see it.
    codecs: what the pictures are, left first. It is never shown.
    """

    trial: str
    kind: str
    left: Path
    right: Path | None
    reference: Path | None
    codecs: tuple[str, ...]


def showings(study: Study, judge: str) -> list[Showing]:
    """All that a judge is to see, in order; equal seeds and judges give equal lists.

    Single pictures come first, and each photograph once: who has seen the original in a pair knows it. Half of them are
    originals, so that neither answer is the likelier one (as in HYPE, Zhou et al., NeurIPS 2019). Then come all pairs,
    with the checks spread evenly among them. Of the pairs of the same two codecs, each codec is left in every other.
    """
    rng = random.Random(f"{study.seed}/{judge}")
    paths = study.paths()
    singles = [
        Showing(each.id, "single", paths[each.picture, each.codecs[0], each.bpp], None, None, each.codecs)
        for each in _singles(study, rng)
    ]
    trials = _pairs(study, rng)
    pairs = []
    for trial, codecs in zip(trials, _sides(trials, rng), strict=True):
        left, right = (paths[trial.picture, codec, trial.bpp] for codec in codecs)
        reference = paths[trial.picture, ORIGINAL, None] if study.question == "closer" else None
        pairs.append(Showing(trial.id, "pair", left, right, reference, codecs))
    return singles + pairs


def _singles(study: Study, rng: random.Random) -> list[Trial]:
    """One trial for each photograph: the original for every other, codecs and rates in equal shares for the rest."""
    by_picture: dict[str, list[Trial]] = defaultdict(list)
    for trial in study.trials:
        if trial.kind == "single":
            by_picture[trial.picture].append(trial)
    seen: Counter[tuple[str, float | None]] = Counter()
    chosen = []
    names = list(by_picture)
    rng.shuffle(names)
    for name, real in zip(names, _halves(len(names), rng), strict=True):
        trials = [trial for trial in by_picture[name] if (trial.codecs[0] == ORIGINAL) == real]
        rng.shuffle(trials)
        trial = min(trials, key=lambda each: seen[each.codecs[0], each.bpp])
        seen[trial.codecs[0], trial.bpp] += 1
        chosen.append(trial)
    return chosen


def _pairs(study: Study, rng: random.Random) -> list[Trial]:
    """Pairs at random, and one check at random within each of equal stretches."""
    pairs, checks = ([trial for trial in study.trials if trial.kind == kind] for kind in ("pair", "check"))
    rng.shuffle(pairs)
    rng.shuffle(checks)
    places: list[tuple[float, Trial]] = [(place + 0.5, trial) for place, trial in enumerate(pairs)]
    stretch = len(pairs) / max(1, len(checks))
    places += [((i + rng.random()) * stretch, check) for i, check in enumerate(checks)]
    return [trial for _, trial in sorted(places, key=lambda each: each[0])]


def _sides(trials: Iterable[Trial], rng: random.Random) -> list[tuple[str, ...]]:
    """The codecs of each trial from left to right."""
    count = Counter(trial.codecs for trial in trials)
    turned = {codecs: _halves(number, rng) for codecs, number in count.items()}
    return [trial.codecs[::-1] if turned[trial.codecs].pop() else trial.codecs for trial in trials]


def _halves(count: int, rng: random.Random) -> list[bool]:
    """True for a half, in random order; of an odd number, the half is rounded at random."""
    first = rng.randrange(2)
    halves = [(first + i) % 2 == 0 for i in range(count)]
    rng.shuffle(halves)
    return halves
