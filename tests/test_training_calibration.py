"""What the confidence is fitted on, and that the fit learns from it."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from typer.testing import CliRunner

from fakes import HashEmbedder
from index.records import Hit, Passage
from index.settings import Settings
from qa.cli.main import cli
from qa.decision.decider import Decider
from qa.engine import Engine
from qa.reader.calibrations import load_calibration
from qa.records.calibration import FEATURES
from qa.records.span import Span
from qa.training.data.questions import DataError
from qa.training.fit import calibration as fitting
from qa.training.fit.calibration import Asked, Read, cross_check, fit, plan


def squad(path, titles, *, answerable):
    def qa(title, n):
        answers = [{"text": f"{title}{n}", "answer_start": 4}] if answerable else []
        kind = "x" if answerable else "u"
        return {"id": f"{kind}-{title}-{n}", "question": f"what {kind} is {n} of {title}?", "answers": answers} | (
            {} if answerable else {"is_impossible": True}
        )

    paragraphs = [
        (title, [{"context": f"The {title}{n} of it.", "qas": [qa(title, n)]} for n in range(6)]) for title in titles
    ]
    data = [{"title": title, "paragraphs": of_title} for title, of_title in paragraphs]
    path.write_text(json.dumps({"version": "1", "data": data}))
    return path


def test_five_kinds_of_questions_about_all_articles(tmp_path):
    titles = ["Ada", "Bohr", "Curie", "Dirac"]
    answerable = squad(tmp_path / "1.json", titles, answerable=True)
    paragraphs, asked = plan(answerable, squad(tmp_path / "2.json", titles[:3], answerable=False), 3)
    assert sorted(paragraphs) == titles
    assert {one.article for one in asked} <= set(titles)
    kinds = [(bool(one.answers), one.elsewhere, bool(one.paragraph)) for one in asked]
    expected = [(True, False, False), (False, False, False), (False, True, False), (True, False, True)]
    assert sorted(set(kinds)) == sorted([*expected, (False, False, True)])
    assert all(kinds.count(kind) == 3 for kind in set(kinds))
    assert all(answer in one.paragraph for one in asked if one.paragraph for answer in one.answers)
    alone = {one.question for one in asked if one.paragraph}
    assert not alone & {one.question for one in asked if not one.paragraph and not one.elsewhere}


class Noting:
    """Finds the first word of each passage, and notes what it was asked."""

    quick, fingerprint = None, "one"

    def __init__(self):
        self.asked = []
        self.calibration = load_calibration(None)

    def read(self, question, hits):
        self.asked.append(question)
        return [[Span(0, hit.passage.text.index(" "), 1.5, 0.25, -0.5)] for hit in hits]


@pytest.fixture
def read_again(tmp_path):
    """Reads with what was kept, as a run does that is started again: questions that were read, what was found, said."""
    titles = ["Ada", "Bohr", "Curie"]
    files = [squad(tmp_path / f"{kind}.json", titles, answerable=kind) for kind in (True, False)]

    def run(n_of_a_kind=2, fingerprint="one", stop_after=None):
        reader, said = Noting(), []
        reader.fingerprint = fingerprint
        engine = Engine(embedder=HashEmbedder(), reader=reader)
        paragraphs, asked = plan(*files, n_of_a_kind)
        kept = tmp_path / "kept.jsonl"
        found = fitting.read_all(paragraphs, asked[:stop_after], Settings(), said.append, kept, engine)
        engine.close()
        assert [one.asked for one in found] == asked[:stop_after]
        return reader.asked, found, said

    return run


def test_what_was_kept_is_not_read_again(read_again, tmp_path):
    asked, found, _ = read_again()
    assert len(asked) == len(found) == 10
    kept = (tmp_path / "kept.jsonl").read_bytes()
    assert read_again() == ([], found, ["resuming after 10 of 10 questions"])
    assert (tmp_path / "kept.jsonl").read_bytes() == kept


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_run_that_was_ended_goes_on_with_the_question_it_was_at(read_again, tmp_path, cut):
    _, all_of_them, _ = read_again()
    kept = tmp_path / "kept.jsonl"
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(lines[:4]) + lines[4][:cut])
    asked, found, _ = read_again()
    assert asked == [one.asked.question for one in all_of_them[4:]]
    assert found == all_of_them


def test_what_other_models_or_of_other_questions_was_kept_is_refused(read_again, tmp_path):
    read_again()
    with pytest.raises(DataError, match=r"kept\.jsonl, line 1 was read by other models: use those, or a new file"):
        read_again(fingerprint="two")
    for other in ({"n_of_a_kind": 3}, {"stop_after": 4}):
        with pytest.raises(DataError, match=r"line \d is of other data or another number of questions"):
            read_again(**other)
    (tmp_path / "kept.jsonl").write_text('{"models": "one"}\n')
    with pytest.raises(DataError, match=r"line 1 is not a record of verbatim train confidence: read: Field required"):
        read_again()


def test_the_fit_learns_what_tells_right_from_wrong():
    rng = np.random.default_rng(0)
    found = []
    for number in range(400):
        has_answer = number % 2 == 0
        sure = rng.normal(4 if has_answer else -4, 3)
        hit = Hit(Passage("", 0, 9, "It is red"), "", "0" * 64, 0.0, 0.5, 1.0)
        asked = Asked(f"a{number}", "what is it?", ("red",) if has_answer else ())
        found.append(Read(asked, [hit], [[Span(6, 9, float(sure))]]))
    calibration = fit(found)
    assert calibration.features.keys() == set(FEATURES)
    decided = [(Decider(calibration).decide("what is it?", r.hits, r.spans)[0].confidence, r) for r in found]
    right = np.array([conf for conf, r in decided if r.asked.answers])
    wrong = np.array([conf for conf, r in decided if not r.asked.answers])
    assert (right >= calibration.threshold).mean() == pytest.approx(0.85, abs=0.02)
    assert (wrong >= calibration.threshold).mean() < 0.2
    at, answered, traps, strangers = min(calibration.coverage, key=lambda row: abs(row[0] - calibration.threshold))
    assert [row[0] for row in calibration.coverage] == [threshold for threshold, _ in calibration.risk]
    assert answered == pytest.approx((right >= at).mean(), abs=0.001)
    assert traps == pytest.approx((wrong >= at).mean(), abs=0.001)
    assert strangers == 0  # there were none
    assert np.median(right) > 0.7
    assert np.median(wrong) < 0.3


@pytest.mark.parametrize("helps", [False, True])
def test_what_the_fast_reader_says_counts_where_it_helps_to_choose(helps):
    rng = np.random.default_rng(0)
    found = []
    for number in range(200):
        hit = Hit(Passage("", 0, 9, "It is red"), "", "0" * 64, 0.0, 0.5, 1.0)
        right, wrong = (Span(*place, rng.normal(2, 2), rng.normal(0, 2)) for place in ((6, 9), (0, 2)))
        right = replace(right, fast_score=right.fast_score + 6) if helps else replace(right, score=right.score + 6)
        has_answer = number % 4 > 0
        asked = Asked(f"a{number}", "what is it?", ("red",) if has_answer else ())
        found.append(Read(asked, [hit], [sorted([right, wrong], key=lambda span: -span.score)]))
    assert (fit(found).fast > 0) == helps


def read_by(n_articles, n_questions=600):
    """What was found: surer when there is an answer, of three ways of asking."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(n_questions):
        way, has_answer = number % 3, number % 2 == 0
        sure = rng.normal(3 if has_answer and way != 2 else -3, 4)
        hit = Hit(Passage("", 0, 9, "It is red"), "", "0" * 64, 0.0, 0.5, 1.0)
        answers = ("red",) if has_answer and way != 2 else ()
        paragraph = "It is red" if way == 1 else ""
        asked = Asked(f"a{number % n_articles}", "what is it?", answers, elsewhere=way == 2, paragraph=paragraph)
        found.append(Read(asked, [hit], [[Span(6, 9, float(sure))]]))
    return found


def test_the_check_is_of_articles_that_were_left_out(monkeypatch):
    found = read_by(7)
    calibration = fit(found)
    checks = cross_check(found, calibration)
    assert checks.keys() == {"retrieving", "reading"}
    assert checks["reading"].strangers is None
    for check in checks.values():
        assert check.kept == pytest.approx(0.85, abs=0.06)
        assert 0.6 < check.declined < 1
        assert 0.75 < check.auroc < 0.95
        assert check.error < 0.1
    fitted = []
    original = fitting.LogisticRegression.fit
    monkeypatch.setattr(
        fitting.LogisticRegression,
        "fit",
        lambda self, x, y, sample_weight: fitted.append(len(y)) or original(self, x, y, sample_weight=sample_weight),
    )
    assert cross_check(found, calibration) == checks
    assert len(fitted) == 7
    assert all(n < len(found) for n in fitted)


def test_one_article_cannot_be_checked():
    found = read_by(1)
    with pytest.raises(DataError, match="about one article"):
        cross_check(found, fit(found))


@pytest.mark.parametrize("n_articles", [1, 7])
def test_the_command_prints_one_json_object(tmp_path, monkeypatch, n_articles):
    found, out = read_by(n_articles), tmp_path / "calibration.json"
    monkeypatch.setattr(fitting, "read_all", lambda *_: found)
    files = [squad(tmp_path / f"{kind}.json", ["Ada", "Bohr"], answerable=kind) for kind in (True, False)]
    arguments = ["train", "confidence", *map(str, files), "--out", str(out), "--json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout, parse_constant=pytest.fail)
    assert printed["written"] == str(out)
    assert printed["calibration"] == json.loads(out.read_text())
    checks = {} if n_articles == 1 else cross_check(found, fit(found))
    assert printed["checks"] == {way: asdict(check) for way, check in checks.items()}
    assert f"wrote {out}" in done.stderr
    assert ("too few questions to check the fit" in done.stderr) == (n_articles == 1)
