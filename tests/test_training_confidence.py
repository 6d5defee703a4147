"""What the confidence is fitted on, and that the fit learns from it."""

import json

import numpy as np
import pytest

from index.documents import Passage
from index.searching import Hit
from qa.deciding import FEATURES, Decider
from qa.reading import Span
from qa.training import confidence
from qa.training.confidence import Asked, Read, cross_check, fit, plan
from qa.training.data import DataError


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


def test_five_kinds_of_questions_about_all_articles(tmp_path, monkeypatch):
    monkeypatch.setattr(confidence, "QUESTIONS_OF_A_KIND", 3)
    titles = ["Ada", "Bohr", "Curie", "Dirac"]
    answerable = squad(tmp_path / "1.json", titles, answerable=True)
    paragraphs, asked = plan(answerable, squad(tmp_path / "2.json", titles[:3], answerable=False))
    assert sorted(paragraphs) == titles
    assert {one.article for one in asked} <= set(titles)
    kinds = [(bool(one.answers), one.elsewhere, bool(one.paragraph)) for one in asked]
    expected = [(True, False, False), (False, False, False), (False, True, False), (True, False, True)]
    assert sorted(set(kinds)) == sorted([*expected, (False, False, True)])
    assert all(kinds.count(kind) == 3 for kind in set(kinds))
    assert all(answer in one.paragraph for one in asked if one.paragraph for answer in one.answers)
    alone = {one.question for one in asked if one.paragraph}
    assert not alone & {one.question for one in asked if not one.paragraph and not one.elsewhere}


@pytest.mark.parametrize("in_a_row", [False, True])
def test_the_fit_learns_what_tells_right_from_wrong(in_a_row):
    rng = np.random.default_rng(0)
    found = []
    for number in range(400):
        has_answer = number % 2 == 0
        sure = rng.normal(4 if has_answer else -4, 3)
        fast = rng.normal(3 if has_answer else -3, 3) if in_a_row else 0.0
        hit = Hit(Passage("", 0, 9, "It is red"), "", "0" * 64, 0.0, 0.5, 1.0)
        asked = Asked(f"a{number}", "what is it?", ("red",) if has_answer else ())
        found.append(Read(asked, [hit], [[Span(6, 9, float(sure), float(fast))]]))
    calibration = fit(found)
    assert calibration.features.keys() == set(FEATURES)
    assert (calibration.features["fast"] > 0.5) == in_a_row
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
    original = confidence.LogisticRegression.fit
    monkeypatch.setattr(
        confidence.LogisticRegression,
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
