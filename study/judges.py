"""The judges: who pays attention, and how far they agree."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np

from scodec.study.answers import Judgement
from scodec.study.plan import ORIGINAL, Trial

#: Share of the checks seen that a judge must get right.
ATTENTIVE = 0.8


@dataclass(frozen=True)
class Judges:
    """Names of judges: those whose answers count, those who failed the checks, those who have come to none yet."""

    attentive: frozenset[str]
    inattentive: frozenset[str]
    unchecked: frozenset[str]


def sort(judgements: Sequence[Judgement], trials: dict[str, Trial]) -> Judges:
    """Judges by what they answered to the checks. trials: by id."""
    right: dict[str, list[bool]] = {each.judge: [] for each in judgements}
    for each in judgements:
        if trials[each.trial].kind == "check":
            right[each.judge].append(preferred(each) == ORIGINAL)
    unchecked = frozenset(judge for judge, answers in right.items() if not answers)
    attentive = frozenset(judge for judge, answers in right.items() if answers and np.mean(answers) >= ATTENTIVE)
    return Judges(attentive, frozenset(right) - unchecked - attentive, unchecked)


def preferred(judgement: Judgement) -> str | None:
    """Which codec a judge preferred of a pair; None: no difference."""
    return {"left": judgement.left, "right": judgement.right, "same": None}[judgement.answer]


def agreement(judgements: Sequence[Judgement], trials: Collection[Trial]) -> float | None:
    """Krippendorff's alpha (2004) over the trials, which are all pairs or all single pictures.

    1: all agree; 0: no more than by chance; below 0: less than by chance. Answers to pairs are ordered: one codec, no
    difference, the other; they count once in this order and once in the reverse, since neither codec is the first by
    right. None if no trial has answers of two judges, or if there all answers are equal.
    """
    wanted = {trial.id: trial for trial in trials}
    judges = {name: i for i, name in enumerate(dict.fromkeys(each.judge for each in judgements))}
    columns = {trial.id: np.full(len(judges), np.nan) for trial in trials}
    for each in judgements:
        if each.trial in wanted:
            columns[each.trial][judges[each.judge]] = _number(each, wanted[each.trial])
    shared = [column for column in columns.values() if np.isfinite(column).sum() > 1]
    if any(trial.kind == "pair" for trial in trials):
        shared += [-column for column in shared]
    if len({answer for column in shared for answer in column[np.isfinite(column)]}) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=np.array(shared).T, level_of_measurement="ordinal"))


def _number(judgement: Judgement, trial: Trial) -> float:
    if judgement.kind == "single":
        return float(judgement.answer == "real")
    choice = preferred(judgement)
    return 0.0 if choice is None else 1.0 if choice == trial.codecs[0] else -1.0
