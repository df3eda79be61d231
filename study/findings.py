"""What the answers to a study say, as figures."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from scodec.errors import BadRequest
from scodec.study.answers import Judgement
from scodec.study.judges import agreement, preferred, sort
from scodec.study.plan import ORIGINAL, Study
from scodec.study.ranking import Comparison, Estimate, share, strengths

#: A line of a table: names and values, ready for JSON. A bpp of None stands for all rates together.
Row = dict[str, Any]


def findings(study: Study, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """All figures of the report; docs/study.md explains them.

    Raises BadRequest if an answer belongs to no trial of the study.
    """
    trials = {trial.id: trial for trial in study.trials}
    if any(each.trial not in trials for each in judgements):
        raise BadRequest(f"the answers in {study.folder} belong to another study: each keeps its own")
    judges = sort(judgements, trials)
    used = [each for each in judgements if each.judge in judges.attentive]
    kinds = {kind: [each for each in used if trials[each.trial].kind == kind] for kind in ("pair", "single")}
    by_rate: dict[float | None, list[Comparison]] = defaultdict(list)
    for each in kinds["pair"]:
        trial, choice = trials[each.trial], preferred(each)
        first, second = trial.codecs
        score = 0.5 if choice is None else float(choice == first)
        for bpp in (None, trial.bpp):
            by_rate[bpp].append(Comparison(each.judge, trial.picture, first, second, score))
    real: dict[tuple[str, float | None], list[Comparison]] = defaultdict(list)
    for each in kinds["single"]:
        trial = trials[each.trial]
        answer = Comparison(each.judge, trial.picture, "real", "rebuilt", float(each.answer == "real"))
        real[trial.codecs[0], trial.bpp].append(answer)
    names = (ORIGINAL, *study.codecs)
    rates = (None, *study.rates)
    return {
        "question": study.question,
        "pictures": len(study.pictures),
        "judges": {
            "used": len(judges.attentive),
            "failed_checks": len(judges.inattentive),
            "no_check_yet": len(judges.unchecked),
        },
        "answers": {kind: len(each) for kind, each in kinds.items()},
        "seconds": {
            kind: statistics.median(each.seconds for each in answers) for kind, answers in kinds.items() if answers
        },
        "agreement": {
            kind: agreement(answers, [trial for trial in study.trials if trial.kind == kind])
            for kind, answers in kinds.items()
        },
        "strengths": [row for bpp in rates for row in _strengths(by_rate[bpp], names, bpp)],
        "wins": [row for bpp in rates for row in _wins(by_rate[bpp], names, bpp)],
        "real": [
            {"bpp": bpp, "codec": codec, "answers": len(real[codec, bpp])}
            | _interval("share", share(real[codec, bpp], "real", "rebuilt"))
            for codec in names
            for bpp in rates
            if real[codec, bpp]
        ],
    }


def _strengths(comparisons: Sequence[Comparison], names: Sequence[str], bpp: float | None) -> list[Row]:
    """A row for each codec that was compared; none if there are too few answers."""
    seen = {name for each in comparisons for name in (each.first, each.second)}
    items = [name for name in names if name in seen]
    fitted = strengths(comparisons, items) or []
    return [
        {"bpp": bpp, "codec": item} | _interval("strength", each) for item, each in zip(items, fitted, strict=False)
    ]


def _wins(comparisons: Sequence[Comparison], names: Sequence[str], bpp: float | None) -> list[Row]:
    """A row for each two codecs that were compared."""
    rows = []
    for codec, rival in combinations(names, 2):
        between = [each for each in comparisons if {each.first, each.second} == {codec, rival}]
        if between:
            won = share(between, codec, rival)
            ties = sum(each.score == 0.5 for each in between)
            row = {"bpp": bpp, "codec": codec, "rival": rival, "answers": len(between), "no_difference": ties}
            rows.append(row | _interval("share", won))
    return rows


def _interval(name: str, estimate: Estimate) -> Row:
    return {name: estimate.value, "low": estimate.low, "high": estimate.high}
