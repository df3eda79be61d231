"""The judges' answers, in a SQLite file that several processes and threads may write at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from scodec.errors import BadRequest
from scodec.study.order import Showing, showings
from scodec.study.plan import Study

FILE = "answers.sqlite"
#: What may be answered to each kind of showing.
CHOICES = {"pair": ("left", "right", "same"), "single": ("real", "rebuilt")}
#: Longest name of a judge, in characters.
LONGEST = 100


@dataclass(frozen=True)
class Judgement:
    """One answer.

    left, right: the codecs shown (right is None for a single picture). answer: one of CHOICES[kind].
    seconds: from the showing to the answer. utc: when it was recorded, ISO 8601.
    """

    judge: str
    trial: str
    kind: str
    left: str
    right: str | None
    answer: str
    seconds: float
    utc: str


_COLUMNS = ", ".join(each.name for each in fields(Judgement))


@dataclass(frozen=True)
class Answers:
    """A file of answers; every use opens a connection of its own, so any thread may use it."""

    path: Path

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A transaction. Raises BadRequest if the file is no SQLite database or can't be written."""
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise BadRequest(f"{self.path}: {error}") from error


def open_answers(path: Path) -> Answers:
    """The answers in a file, which is made if it is missing. Raises BadRequest as `Answers.connection` does."""
    answers = Answers(path)
    with answers.connection() as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # readers don't wait for the writer
        connection.execute(
            "CREATE TABLE IF NOT EXISTS judgements (judge TEXT NOT NULL, trial TEXT NOT NULL, kind TEXT NOT NULL, "
            "left TEXT NOT NULL, right TEXT, answer TEXT NOT NULL, seconds REAL NOT NULL, utc TEXT NOT NULL, "
            "PRIMARY KEY (judge, trial))"
        )
    return answers


def next_trial(study: Study, answers: Answers, judge: str) -> Showing | None:
    """What a judge is to see next: the first of their showings without an answer; None when all are answered.

    judge: any name that stays the same, 1 to 100 characters. Raises BadRequest for others.
    """
    done = _done(answers, judge)
    return next((showing for showing in showings(study, judge) if showing.trial not in done), None)


def record(answers: Answers, judge: str, showing: Showing, answer: str, seconds: float) -> bool:
    """Keep an answer; False if this judge has answered the trial before, as after a double click: the first one counts.

    answer: one of CHOICES[showing.kind]; seconds: 0 or more. Raises BadRequest for others.
    """
    _check(judge)
    if answer not in CHOICES[showing.kind]:
        raise BadRequest(f"{answer!r} is no answer: give {' or '.join(CHOICES[showing.kind])}")
    if not 0 <= seconds < float("inf"):
        raise BadRequest(f"{seconds} seconds is impossible: give 0 or more")
    left, right = showing.codecs[0], None if showing.right is None else showing.codecs[1]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    row = Judgement(judge, showing.trial, showing.kind, left, right, answer, seconds, now)
    with answers.connection() as connection:
        places = ", ".join("?" * len(fields(Judgement)))
        kept = connection.execute(
            f"INSERT INTO judgements ({_COLUMNS}) VALUES ({places}) ON CONFLICT (judge, trial) DO NOTHING", astuple(row)
        )
        return kept.rowcount == 1


def progress(study: Study, answers: Answers, judge: str) -> tuple[int, int]:
    """How many of a judge's showings are answered, and how many there are. Raises BadRequest as `next_trial` does."""
    done = _done(answers, judge)
    trials = [showing.trial for showing in showings(study, judge)]
    return sum(trial in done for trial in trials), len(trials)


def judgements(answers: Answers) -> list[Judgement]:
    """All answers, in the order in which they came."""
    with answers.connection() as connection:
        return [Judgement(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM judgements ORDER BY rowid")]


def _done(answers: Answers, judge: str) -> set[str]:
    _check(judge)
    with answers.connection() as connection:
        return {trial for (trial,) in connection.execute("SELECT trial FROM judgements WHERE judge = ?", (judge,))}


def _check(judge: str) -> None:
    if not judge.strip() or len(judge) > LONGEST:
        raise BadRequest(f"a judge needs a name of 1 to {LONGEST} characters")
