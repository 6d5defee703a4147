"""What the confidence is fitted on, and that the fit learns from it."""

import json

import numpy as np
import pytest

from index.documents import Passage
from index.searching import Hit
from qa.deciding import FEATURES, Decider
from qa.reading import Span
from qa.training import confidence
from qa.training.confidence import Asked, Read, fit, plan


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


def test_five_kinds_of_questions_about_every_second_article(tmp_path, monkeypatch):
    monkeypatch.setattr(confidence, "QUESTIONS_OF_A_KIND", 3)
    titles = ["Ada", "Bohr", "Curie", "Dirac"]
    answerable = squad(tmp_path / "1.json", titles, answerable=True)
    paragraphs, asked = plan(answerable, squad(tmp_path / "2.json", titles[:3], answerable=False))
    assert sorted(paragraphs) == titles
    assert {one.article for one in asked} == {"Ada", "Curie"}
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
