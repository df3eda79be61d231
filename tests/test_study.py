"""Studies with people: making one, asking, and what is concluded, with scripted judges whose preferences are known."""

import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import choix
import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.special import expit

from scodec.errors import BadRequest
from scodec.eval.codecs import CODECS, Codec
from scodec.study import plan, ranking
from scodec.study.answers import Answers, judgements, next_trial, open_answers, progress, record
from scodec.study.findings import findings
from scodec.study.judges import agreement
from scodec.study.make import within
from scodec.study.order import Showing, showings
from scodec.study.plan import ORIGINAL, RUINED, Miss, Picture, Study, Version
from scodec.study.ranking import Comparison, share, strengths
from scodec.study.trials import design

#: Preferences of the scripted judges, in log-odds.
LIKED = {ORIGINAL: 3.0, "good": 1.5, "middle": 0.0, "bad": -1.5, RUINED: -20.0}
Judge = Callable[[Showing], str]


def paper_study(folder: Path, pictures: int = 8, rates: tuple[float, ...] = (0.1,), question: str = "prefer") -> Study:
    """A study of codecs that don't exist, without its pictures' files."""
    codecs = ("good", "middle", "bad")
    names = [f"{i}.png" for i in range(pictures)]
    versions = tuple(
        Version(name, codec, bpp, None if bpp is None else 100, f"{name}-{codec}-{bpp}")
        for name in names
        for codec, bpp in [(ORIGINAL, None), (RUINED, None)] + [(codec, bpp) for codec in codecs for bpp in rates]
    )
    study = Study(
        folder=folder,
        seed=3,
        question=question,
        codecs=codecs,
        rates=rates,
        pictures=tuple(Picture(name, 64, 48) for name in names),
        versions=versions,
        misses=(),
        trials=design(versions, 3),
    )
    plan.save(study)
    return study


def attentive(seed: int) -> Judge:
    """Prefers by chance as LIKED says, and takes the better versions for photographs more often."""
    rng = np.random.default_rng(seed)

    def answer(showing: Showing) -> str:
        if showing.kind == "single":
            return "real" if rng.random() < expit(LIKED[showing.codecs[0]] - 1) else "rebuilt"
        first, second = (LIKED[codec] for codec in showing.codecs)
        return "left" if rng.random() < expit(first - second) else "right"

    return answer


def idle(showing: Showing) -> str:
    """Sees no difference, ever."""
    return "same" if showing.kind == "pair" else "real"


def ask(study: Study, answers: Answers, name: str, judge: Judge, count: int | None = None) -> None:
    """Let a judge answer, all or `count` showings."""
    asked = 0
    while asked != count and (showing := next_trial(study, answers, name)):
        assert record(answers, name, showing, judge(showing), 2.5)
        asked += 1


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return paper_study(tmp_path)


@pytest.fixture
def answers(study: Study) -> Answers:
    return open_answers(study.folder / "answers.sqlite")


# What judges see


def test_single_pictures_come_first_each_once_and_half_are_originals(study: Study) -> None:
    for judge in ("anna", "ben"):
        shown = showings(study, judge)
        assert [each.kind for each in shown] == ["single"] * 8 + ["pair"] * (len(shown) - 8)
        pictures = [each.left.name.partition("-")[0] for each in shown[:8]]
        assert len(set(pictures)) == 8
        assert sum(each.codecs == (ORIGINAL,) for each in shown[:8]) == 4


def test_every_pair_is_shown_and_the_original_hides_among_some(study: Study) -> None:
    pairs = Counter(frozenset(each.codecs) for each in showings(study, "anna") if each.kind == "pair")
    assert all(pairs[frozenset(two)] == 8 for two in combinations(study.codecs, 2))
    assert all(pairs[frozenset((ORIGINAL, codec))] == 2 for codec in study.codecs)
    assert pairs[frozenset((ORIGINAL, RUINED))] == 3


def test_checks_are_spread_over_the_pairs(study: Study) -> None:
    pairs = [each for each in showings(study, "anna") if each.kind == "pair"]
    places = [place for place, each in enumerate(pairs) if RUINED in each.codecs]
    assert [place * 3 // len(pairs) for place in places] == [0, 1, 2]


def test_sides_are_balanced(study: Study) -> None:
    left: Counter[tuple[str, str]] = Counter()
    for number in range(50):
        own = Counter(each.codecs for each in showings(study, f"judge {number}") if each.kind == "pair")
        assert all(abs(count - own[codecs[1], codecs[0]]) <= 1 for codecs, count in own.items())
        left.update(own)
    assert all(abs(left[a, b] - left[b, a]) < 5 * np.sqrt(50) for a, b in left)


def test_orders_differ_between_judges_and_stay_for_one(study: Study) -> None:
    again = plan.load(study.folder)
    assert again == study
    assert showings(again, "anna") == showings(study, "anna")
    assert showings(study, "ben") != showings(study, "anna")


def test_the_original_is_shown_beside_pairs_only_where_it_is_asked_for(tmp_path: Path, study: Study) -> None:
    assert not any(each.reference for each in showings(study, "anna"))
    (tmp_path / "closer").mkdir()
    shown = showings(paper_study(tmp_path / "closer", question="closer"), "anna")
    assert all((each.reference is None) == (each.kind == "single") for each in shown)


# Answers


def test_a_judge_goes_on_after_a_break(study: Study, answers: Answers) -> None:
    expected = showings(study, "anna")
    ask(study, answers, "anna", attentive(1), 11)
    assert progress(study, answers, "anna") == (11, len(expected))
    later = open_answers(answers.path)
    assert next_trial(plan.load(study.folder), later, "anna") == expected[11]
    assert next_trial(study, later, "ben") == showings(study, "ben")[0]
    ask(study, later, "anna", attentive(2))
    assert next_trial(study, later, "anna") is None
    assert progress(study, later, "anna") == (len(expected), len(expected))


def test_a_double_click_counts_once(study: Study, answers: Answers) -> None:
    showing = showings(study, "anna")[8]
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: record(answers, "anna", showing, "left", 1.0), range(8)))
    assert sum(kept) == 1
    assert not record(answers, "anna", showing, "right", 1.0)
    (only,) = judgements(answers)
    assert (only.left, only.right, only.answer) == (*showing.codecs, "left")


def test_several_judges_at_once(study: Study, answers: Answers) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: ask(study, answers, f"judge {i}", attentive(i), 10), range(4)))
    assert Counter(each.judge for each in judgements(answers)) == {f"judge {i}": 10 for i in range(4)}


def test_impossible_answers_are_refused(study: Study, answers: Answers) -> None:
    single, pair = showings(study, "anna")[0], showings(study, "anna")[-1]
    for showing, answer, seconds in (
        (single, "left", 1),
        (pair, "real", 1),
        (pair, "left", -1),
        (pair, "left", np.nan),
    ):
        with pytest.raises(BadRequest):
            record(answers, "anna", showing, answer, seconds)
    for name in ("", "  ", "n" * 101):
        with pytest.raises(BadRequest, match="a judge needs a name"):
            next_trial(study, answers, name)
    assert not judgements(answers)


def test_a_file_of_answers_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"not a database, but long enough" * 100)
    with pytest.raises(BadRequest, match="answers.sqlite"):
        open_answers(tmp_path / "answers.sqlite")


# Ranking


def compare(rng: np.random.Generator, truth: np.ndarray, judges: int, pictures: int, spread: float) -> list[Comparison]:
    """Answers of judges, each to a half of all pairs; judges and pictures differ from the truth by `spread`."""
    own, here = (rng.normal(0, spread, (count, len(truth))) for count in (judges, pictures))
    found = []
    for judge, picture in np.ndindex(judges, pictures):
        liked = truth + own[judge] + here[picture]
        for a, b in combinations(range(len(truth)), 2):
            if rng.random() < 0.5:
                score = float(rng.random() < expit(liked[a] - liked[b]))
                found.append(Comparison(str(judge), str(picture), "abc"[a], "abc"[b], score))
    return found


def test_the_true_order_is_recovered_from_200_answers(study: Study, answers: Answers) -> None:
    for number in range(8):
        ask(study, answers, f"judge {number}", attentive(number), 8 + 27)
    found = findings(study, judgements(answers))
    assert 180 <= found["answers"]["pair"] <= 200
    for bpp in (None, 0.1):
        rows = [row for row in found["strengths"] if row["bpp"] == bpp]
        ranked = sorted(rows, key=lambda row: -row["strength"])
        assert [row["codec"] for row in ranked] == [ORIGINAL, "good", "middle", "bad"]
        assert all(row["low"] < row["strength"] < row["high"] for row in rows)
    won = {(row["codec"], row["rival"]): row["share"] for row in found["wins"] if row["bpp"] is None}
    assert won["good", "bad"] > won["good", "middle"] > 0.5


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_intervals_cover_the_truth(spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least 90 % of the time: in 50 studies whose judges and pictures are alike, and in 50 whose differ."""
    monkeypatch.setattr(ranking, "RESAMPLES", 50)
    truth, rng = np.array([0.7, 0.0, -0.7]), np.random.default_rng(8)
    people = truth + rng.normal(
        0, spread * np.sqrt(2), (100_000, 3)
    )  # their answers, all together, follow flatter odds
    odds = np.array([[expit(people[:, a] - people[:, b]).sum() for b in range(3)] for a in range(3)])
    expected = choix.ilsr_pairwise_dense(odds * (1 - np.eye(3)))
    covered = np.zeros(3)
    for number in range(50):
        fitted = strengths(compare(rng, truth, 10, 10, spread), "abc", number)
        assert fitted is not None
        covered += [each.low <= value <= each.high for each, value in zip(fitted, expected, strict=True)]
    assert (covered >= 45).all()


def test_who_always_wins_stays_finite() -> None:
    answers = [Comparison(str(i % 10), str(i // 10), *two, 1.0) for i in range(100) for two in ("ab", "ac", "bc")]
    fitted = strengths(answers, "abc")
    assert fitted is not None and fitted[0].value > fitted[1].value > fitted[2].value
    assert all(np.isfinite([each.low, each.high]).all() and each.high - each.low > 1 for each in fitted)
    won = share([each for each in answers if each.second == "b"], "a", "b")
    assert won.value == won.high == 1 and won.low is not None and 0.8 < won.low < 0.95


def test_ties_are_half_a_win_for_each() -> None:
    tied = [Comparison(str(i), str(j), "a", "b", 0.5) for i in range(4) for j in range(4)]
    fitted = strengths(tied, "ab")
    assert fitted is not None and fitted[0].value == 0
    assert share(tied, "a", "b").value == share(tied, "b", "a").value == 0.5


def test_shares_of_winner_and_loser_are_complements() -> None:
    answers = compare(np.random.default_rng(1), np.array([1.0, 0.0]), 6, 6, 0.3)
    won, lost = share(answers, "a", "b"), share(answers, "b", "a")
    assert won.value + lost.value == pytest.approx(1)
    assert won.low is not None and lost.high is not None
    assert won.low + lost.high == pytest.approx(1, abs=0.01)


def test_two_items_have_the_strengths_that_choix_finds() -> None:
    wins = np.array([[0.0, 17.0], [4.0, 0.0]])
    expected = choix.ilsr_pairwise_dense(wins + ranking._prior(2))
    assert ranking._fit(wins) == pytest.approx(expected)


def test_nothing_is_said_of_too_few_answers() -> None:
    one_judge = [Comparison("anna", str(i), "a", "b", 1.0) for i in range(9)]
    one_picture = [Comparison(str(i), "1.png", "a", "b", 1.0) for i in range(9)]
    apart = [Comparison(str(i), str(j), *two, 1.0) for i in range(3) for j in range(3) for two in ("ab", "cd")]
    assert strengths([], "ab") is strengths(one_judge, "ab") is strengths(one_picture, "ab") is None
    assert strengths(apart, "abcd") is None
    assert share(one_judge, "a", "b") == ranking.Estimate(1.0, None, None)


# Judges


def test_a_judge_who_fails_the_checks_is_left_out_and_counted(study: Study, answers: Answers) -> None:
    for number in range(3):
        ask(study, answers, f"judge {number}", attentive(number))
    before = findings(study, judgements(answers))
    ask(study, answers, "idler", idle)
    ask(study, answers, "guest", attentive(9), 8)
    after = findings(study, judgements(answers))
    assert after["judges"] == {"used": 3, "failed_checks": 1, "no_check_yet": 1}
    assert {**after, "judges": None} == {**before, "judges": None}


def test_agreement(study: Study, answers: Answers) -> None:
    def decided(showing: Showing) -> str:
        liked = [LIKED[codec] for codec in showing.codecs]
        if showing.kind == "single":
            return "real" if liked[0] > 2 else "rebuilt"
        return "left" if liked[0] > liked[1] else "right"

    pairs = [trial for trial in study.trials if trial.kind == "pair"]
    assert agreement(judgements(answers), pairs) is None
    ask(study, answers, "anna", decided)
    assert agreement(judgements(answers), pairs) is None
    ask(study, answers, "ben", decided)
    assert agreement(judgements(answers), pairs) == pytest.approx(1)
    ask(study, answers, "guesser", lambda each: "same" if each.kind == "pair" else "real")
    alpha = agreement(judgements(answers), pairs)
    assert alpha is not None and alpha < 0.9


def test_answers_of_another_study_are_refused(tmp_path: Path, study: Study, answers: Answers) -> None:
    ask(study, answers, "anna", attentive(1), 9)
    (tmp_path / "other").mkdir()
    other = paper_study(tmp_path / "other", pictures=5, rates=(0.2,))
    with pytest.raises(BadRequest, match="another study"):
        findings(other, judgements(answers))


# The report


def test_without_answers_no_figure_is_reported(scodec_command: Callable[..., Any], study: Study) -> None:
    run = scodec_command("study", "report", study.folder)
    assert run.code == 0 and run.out.decode().startswith("Nobody has answered yet")
    assert not re.search(r"\d", run.out.decode().replace(str(study.folder), ""))
    assert [path.name for path in study.folder.iterdir()] == ["study.json"]


def test_one_judge_gives_shares_but_neither_strengths_nor_intervals(
    scodec_command: Callable[..., Any], study: Study, answers: Answers
) -> None:
    ask(study, answers, "anna", attentive(1))
    run = scodec_command("study", "report", study.folder)
    assert (
        run.code == 0 and "too few answers for strengths" in run.out.decode() and " to " not in run.out.decode()[400:]
    )
    found = json.loads((study.folder / "report" / "report.json").read_text())
    assert not found["strengths"] and found["wins"] and all(row["low"] is None for row in found["wins"])
    assert not (study.folder / "report" / "strengths.png").exists()


def test_the_report_and_its_files(scodec_command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    study = paper_study(tmp_path / "study", pictures=4, rates=(0.05, 0.1))
    answers = open_answers(study.folder / "answers.sqlite")
    for number in range(3):
        ask(study, answers, f"judge {number}", attentive(number))
    run = scodec_command("study", "report", study.folder, "--out", tmp_path / "report")
    assert run.code == 0 and all(text in run.out.decode() for text in ("all rates", "0.05 bpp", "ITU-R BT.500"))
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "report.json", "judgements.csv", "strengths.png", "strengths.svg"
    }  # fmt: skip
    lines = (tmp_path / "report" / "judgements.csv").read_text().splitlines()
    assert len(lines) == 1 + len(judgements(answers))
    real = {
        (row["codec"], row["bpp"]): row for row in json.loads((tmp_path / "report/report.json").read_text())["real"]
    }
    assert real[ORIGINAL, None]["answers"] == 6


# Making a study


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crops of photographs, one of them in a folder below, and a grey one."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "more").mkdir()
    cat, astronaut = skimage.data.chelsea()[80:208, 120:248], skimage.data.astronaut()[30:158, 150:278]
    Image.fromarray(cat).save(folder / "cat.png")
    Image.fromarray(astronaut).save(folder / "more" / "astronaut.png")
    Image.fromarray(cat).convert("L").save(folder / "grey.png")
    return folder


#: Bits per pixel that a JPEG file of the cat comes down to, but none of the astronaut.
RATE = 0.36
LIMIT = int(RATE * 128 * 128 / 8)


@pytest.fixture(scope="module")
def made(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, str, str]:
    """A study made by the command, its standard output and standard error."""
    from click.testing import CliRunner

    from scodec.cli import main

    out = tmp_path_factory.mktemp("made") / "study"
    options = ["--codecs", "scodec,jpeg,avif-iq", "--bpp", str(RATE), "-j", "2"]
    result = CliRunner().invoke(main, ["study", "make", str(photographs), "--out", str(out), *options])
    assert result.exit_code == 1, result.output  # for the grey picture
    return plan.load(out), result.stdout, result.stderr


def test_bytes_are_equal_within_the_limit(made: tuple[Study, str, str]) -> None:
    study = made[0]
    coded = [version.bytes for version in study.versions if version.bytes is not None]
    assert len(coded) == 5 and all(0.8 * LIMIT < count <= LIMIT for count in coded)
    smallest = len(CODECS["jpeg"].encode(original(study, "more/astronaut.png"), 1))
    assert study.misses == (Miss("more/astronaut.png", "jpeg", RATE, smallest),) and smallest > LIMIT


def original(study: Study, name: str) -> np.ndarray:
    return np.array(Image.open(study.paths()[name, ORIGINAL, None]))


def test_versions_are_what_the_codecs_decode(made: tuple[Study, str, str], photographs: Path) -> None:
    study = made[0]
    rgb = original(study, "more/astronaut.png")
    assert (rgb == np.array(Image.open(photographs / "more" / "astronaut.png"))).all()
    data = within(CODECS["avif-iq"], rgb, LIMIT)
    shown = Image.open(study.paths()["more/astronaut.png", "avif-iq", RATE])
    assert (np.array(shown) == CODECS["avif-iq"].decode(data)).all()
    assert all(Image.open(path).size == (128, 128) for path in study.paths().values())


def test_names_of_files_tell_nothing(made: tuple[Study, str, str]) -> None:
    study = made[0]
    files = {path.name for path in (study.folder / "pictures").iterdir()}
    assert files == {version.file for version in study.versions}
    assert all(re.fullmatch(r"[0-9a-f]{20}\.png", name) for name in files)
    assert all(not Image.open(study.folder / "pictures" / name).info for name in files)
    assert all(re.fullmatch(r"[0-9a-f]{12}", trial.id) for trial in study.trials)


def test_what_was_left_out_is_said(made: tuple[Study, str, str]) -> None:
    study, out, err = made
    assert "grey.png is grey" in err and "failed and are not in the study: 1" in err
    assert {picture.name for picture in study.pictures} == {"cat.png", "more/astronaut.png"}
    assert "smallest file" in out
    missed = {(miss.picture, miss.codec, miss.bpp) for miss in study.misses}
    assert not any((trial.picture, codec, trial.bpp) in missed for trial in study.trials for codec in trial.codecs)
    assert [path.name for path in study.folder.parent.iterdir()] == ["study"]


def test_only_real_showings_have_files(made: tuple[Study, str, str]) -> None:
    shown = showings(made[0], "anna")
    assert all(path.is_file() for each in shown for path in (each.left, each.right) if path)


@pytest.mark.parametrize(
    "options, message",
    [
        (("--codecs", "scodec,gif"), "unknown codec 'gif'"),
        (("--codecs", "jpeg,jpeg"), "each codec once"),
        (("--bpp", "0.1,much"), "no list of rates"),
        (("--bpp", "0"), "above 0"),
        (("--pictures", "9"), "ask for fewer"),
        (("--codecs", "jpeg", "--bpp", "0.001", "--pictures", "1", "--seed", "1"), "give higher rates"),
    ],
)
def test_impossible_studies(
    scodec_command: Callable[..., Any], photographs: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    run = scodec_command("study", "make", photographs, "--out", tmp_path / "study", *options)
    assert run.code == 1 and message in run.err and run.err.count("error") == 1
    assert not list(tmp_path.iterdir())


def test_a_study_is_never_replaced(scodec_command: Callable[..., Any], photographs: Path, study: Study) -> None:
    run = scodec_command("study", "make", photographs, "--out", study.folder)
    assert run.code == 1 and "exists already" in run.err


def test_a_folder_without_a_study(scodec_command: Callable[..., Any], tmp_path: Path, study: Study) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("serve", "report"):
        run = scodec_command("study", command, tmp_path / "empty")
        assert run.code == 1 and "holds no study" in run.err
    (study.folder / "study.json").write_text('{"format": 1}')
    run = scodec_command("study", "report", study.folder)
    assert run.code == 1 and "damaged" in run.err


@pytest.mark.parametrize("most, expected", [(5, 10), (10, 10), (11, 10), (57, 50), (10_000, 1000)])
def test_the_largest_file_within_the_limit(most: int, expected: int) -> None:
    steps = Codec(lambda rgb, quality: bytes(max(10, quality // 5 * 50)), lambda data: np.zeros(1), (0, 1))
    assert len(within(steps, np.zeros((1, 1, 3), np.uint8), most)) == expected
