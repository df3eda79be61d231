"""The report of a study: tables as text, and the files."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scodec.study import answers, plot
from scodec.study.answers import Judgement, open_answers
from scodec.study.findings import Row, findings
from scodec.study.plan import Study

#: Observers that ITU-R BT.500 asks for at least.
OBSERVERS = 15
QUESTIONS = {"prefer": "which is preferred", "closer": "which is closer to the original"}


def report(study: Study, out: Path) -> str:
    """What the answers say, as text; writes report.json, judgements.csv and, with enough answers, the plot to `out`.

    Without any answer nothing is written. Raises BadRequest if the answers can't be read or are another
    study's, OSError.
    """
    path = study.folder / answers.FILE
    judgements = answers.judgements(open_answers(path)) if path.exists() else []
    if not judgements:
        return f"Nobody has answered yet: `scodec study serve {study.folder}` asks people."
    found = findings(study, judgements)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(found, indent=1) + "\n")
    _write_csv(study, judgements, out / "judgements.csv")
    if found["strengths"]:
        plot.draw(found["strengths"], out)
    return "\n".join(_text(found))


def _write_csv(study: Study, judgements: Sequence[Judgement], path: Path) -> None:
    """All answers, also of judges who are left out."""
    trials = {trial.id: trial for trial in study.trials}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("judge", "trial", "kind", "picture", "bpp", "left", "right", "answer", "seconds", "utc"))
        for each in judgements:
            trial, row = trials[each.trial], asdict(each)
            row |= {"kind": trial.kind, "picture": trial.picture, "bpp": trial.bpp}
            writer.writerow(
                row[name]
                for name in ("judge", "trial", "kind", "picture", "bpp", "left", "right", "answer", "seconds", "utc")
            )


def _text(found: dict[str, Any]) -> list[str]:
    judges, count = found["judges"], found["answers"]
    lines = [
        f"{judges['used']} judges, {count['pair']} answers to pairs, {count['single']} to single pictures, "
        f"{found['pictures']} pictures",
        f"left out: {judges['failed_checks']} judges who failed the checks, "
        f"{judges['no_check_yet']} who have come to none yet",
    ]
    if judges["used"] < OBSERVERS:
        lines.append(f"fewer than {OBSERVERS} judges (ITU-R BT.500): take this as a trial run")
    for kind, alpha in found["agreement"].items():
        if alpha is not None:
            lines.append(f"agreement, {kind} trials: {alpha:.2f} (Krippendorff's alpha)")
    if found["strengths"]:
        lines += ["", f"strength: {QUESTIONS[found['question']]}, in log-odds, with 95 % intervals"]
        lines += [
            f"  {_rate(row):10}{row['codec']:24}{row['strength']:+6.2f}  {row['low']:+.2f} to {row['high']:+.2f}"
            for row in found["strengths"]
        ]
    else:
        lines += [
            "",
            "too few answers for strengths: two judges who passed the checks, and two pictures, are the least",
        ]
    if found["wins"]:
        lines += ["", "wins of the first over the second, no difference counted half"]
        lines += [
            f"  {_rate(row):10}{row['codec']:24}{row['rival']:24}{_share(row)}, {row['no_difference']} no difference"
            for row in found["wins"]
        ]
    if found["real"]:
        lines += ["", 'taken for a real photograph (the share of "real" for the original is the yardstick)']
        lines += [f"  {_rate(row) if row['bpp'] else '':10}{row['codec']:24}{_share(row)}" for row in found["real"]]
    return lines


def _rate(row: Row) -> str:
    return "all rates" if row["bpp"] is None else f"{row['bpp']:g} bpp"


def _share(row: Row) -> str:
    interval = "" if row["low"] is None else f" ({row['low']:.0%} to {row['high']:.0%})"
    return f"{row['share']:4.0%}{interval}, {row['answers']} answers"
