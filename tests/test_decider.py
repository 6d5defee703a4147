"""Merging, one distribution, confidence."""

import itertools
import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ModelError, ParameterError
from index.records import Hit, Passage
from qa.decision.decider import Decider
from qa.decision.features import features
from qa.decision.grouping import group
from qa.reader.calibrations import load_calibration
from qa.records.calibration import FEATURES, Calibration
from qa.records.span import Span
from qa.text.normalization import normalize

CALIBRATION = Calibration(
    0.5,
    2.0,
    0.5,
    0.0,
    {"margin": 2.0, "close": 0.5, "share": 0.5, "cosine": 1.0, "years": -1.0},
    -2.0,
    0.5,
    ((0.0, 0.6), (0.25, 0.3), (0.5, 0.1)),
)


def hit(text: str, document: str = "a.txt", start: int = 0, score: float = 0.0) -> Hit:
    return Hit(Passage(document, start, start + len(text), text), "", "0" * 64, score, 0.5, 1.0)


def decide(hits, spans):
    return Decider(CALIBRATION).decide("who banned it?", hits, spans)


def words(candidate):
    passage = candidate.hit.passage
    return passage.text[candidate.start - passage.start : candidate.end - passage.start]


def test_no_spans_no_candidates():
    assert decide([hit("text")], [[]]) == []
    assert decide([], []) == []


def test_the_same_words_in_two_documents_are_one_answer_with_two_pieces_of_evidence():
    hits = [hit("The court did.", "a.txt"), hit("It was a Court.", "b.txt"), hit("No, the senate.", "c.txt")]
    found = decide(hits, [[Span(0, 9, 4.0)], [Span(9, 14, 3.0)], [Span(4, 14, 4.5)]])
    assert [words(c) for c in found] == ["The court", "the senate"]
    assert found[0].evidence == (hits[0].passage, hits[1].passage)


def test_evidence_adds_up():
    one = decide([hit("The court did.")], [[Span(4, 9, 2.0)]])[0].confidence
    two = decide([hit("The court did."), hit("A court.", "b.txt")], [[Span(4, 9, 2.0)], [Span(2, 7, 2.0)]])[
        0
    ].confidence
    assert two > one


def test_a_place_read_twice_where_passages_overlap_counts_once():
    text = "It was the court of Khujand."
    once = group([hit(text)], [[Span(11, 16, 3.0)]], CALIBRATION)[0]
    hits = [hit(text), hit(text[7:], start=7)]
    twice = group(hits, [[Span(11, 16, 3.0)], [Span(4, 9, 2.5)]], CALIBRATION)[0]
    assert twice.share == pytest.approx(once.share)
    assert (twice.best.start, twice.best.end, len(twice.spans)) == (11, 16, 1)


def test_a_passage_that_cuts_the_answer_is_no_evidence_for_it():
    text = "It was banned in May 2012 by court."
    cut = hit(text[21:], start=21)
    found = decide([hit(text), cut], [[Span(17, 25, 5.0)], [Span(0, 4, 1.0)]])
    assert [words(c) for c in found] == ["May 2012"]
    assert cut.passage not in found[0].evidence


def test_nested_spans_are_one_answer_and_the_best_stands_for_it():
    found = decide(
        [hit("In May 2012 it was.")], [[Span(3, 11, 5.0), Span(0, 11, 4.0), Span(3, 6, 1.0), Span(12, 14, 0.5)]]
    )
    assert [words(c) for c in found] == ["May 2012", "it"]


def test_spans_of_punctuation_and_articles_alone_are_no_answers():
    assert decide([hit("... the !!")], [[Span(0, 3, 9.0), Span(4, 7, 9.0)]]) == []


def test_the_null_answer_takes_its_share():
    strong, weak = (group([hit("court")], [[Span(0, 5, score)]], CALIBRATION)[0].share for score in (10.0, -10.0))
    assert strong == pytest.approx(1 / (1 + math.exp(-5)))
    assert weak == pytest.approx(1 / (1 + math.exp(5)))


def test_a_better_retrieved_passage_wins_between_equal_spans():
    hits = [hit("the senate", "a.txt", score=1.0), hit("the court", "b.txt", score=3.0)]
    assert words(decide(hits, [[Span(4, 10, 3.0)], [Span(4, 9, 3.0)]])[0]) == "court"


def test_confidence_rises_with_what_it_is_fitted_on():
    hits, spans = [hit("It was the court.")], [[Span(11, 16, 3.0)]]
    lower = decide(hits, spans)[0].confidence
    higher = decide(hits, [[Span(11, 16, 30.0)]])[0].confidence
    assert 0 < lower < higher < 1


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("Who was banned in 2012?", 0.0),
        ("Who was banned in 2013?", 1.0),
        ("Which 13 groups were banned in 2012 or 2013?", 0.5),
        ("Which groups were banned in the 1980s?", 0.0),  # "since 1983" may say that
        ("Which groups were banned in the 1980's?", 0.0),
        ("Which 2013.5 or 1,999 groups were banned?", 0.0),
        ("Which group was banned?", 0.0),
    ],
)
def test_years_tells_how_many_of_the_questions_years_the_passage_does_not_state(question, share):
    candidate = group([hit("The court banned 12 groups of 3,000 in May 2012.")], [[Span(4, 9, 1.0)]], CALIBRATION)[0]
    assert features(question, candidate)["years"] == share


def test_scores_of_any_size_give_a_probability():
    for score in (-1e6, 1e6, 0.0):
        assert 0 <= decide([hit("It was the court.")], [[Span(11, 16, score)]])[0].confidence <= 1


passages = st.lists(st.tuples(st.sampled_from(["a.txt", "b.txt"]), st.integers(0, 40)), max_size=4)


@given(data=st.data(), places=passages)
def test_whatever_is_read_every_candidate_is_the_documents_own_words(data, places):
    documents = {
        "a.txt": "Alpha beta, GAMMA delta. The alpha! ",
        "b.txt": "Gamma... delta\u00a0epsilon 😀 beta alpha zeta",
    }
    hits = []
    for name, start in dict.fromkeys(places):
        text = documents[name][start : start + 20]
        if text:
            hits.append(hit(text, name, start, score=float(start)))
    spans = [
        data.draw(
            st.lists(
                st.builds(
                    lambda a, b, s: Span(min(a, b), max(a, b) + 1, s),
                    st.integers(0, len(h.passage.text) - 1),
                    st.integers(0, len(h.passage.text) - 1),
                    st.floats(-50, 50),
                ),
                max_size=6,
            )
        )
        for h in hits
    ]
    found = decide(hits, spans)
    assert [c.confidence for c in found] == sorted((c.confidence for c in found), reverse=True)
    shares = [g.share for g in group(hits, spans, CALIBRATION)]
    assert sum(shares) <= 1 + 1e-9
    assert shares == sorted(shares, reverse=True)
    for candidate in found:
        text = documents[candidate.hit.passage.document][candidate.start : candidate.end]
        assert words(candidate) == text
        assert normalize(text)
        assert candidate.evidence[0] == candidate.hit.passage
        for passage in candidate.evidence:
            of_passage = next(s for h, s in zip(hits, spans, strict=True) if h.passage == passage)
            same_words = [s for s in of_passage if normalize(passage.text[s.start : s.end]) == normalize(text)]
            assert same_words or text in passage.text
    for one, other in itertools.combinations(found, 2):
        assert normalize(words(one)) != normalize(words(other))
        apart = (
            one.hit.passage.document != other.hit.passage.document or one.end <= other.start or other.end <= one.start
        )
        assert apart


def test_the_packaged_calibration_is_complete():
    calibration = load_calibration(None)
    candidate = group([hit("It was the court.")], [[Span(11, 16, 3.0)]], calibration)[0]
    assert calibration.features.keys() == features("who?", candidate).keys() == set(FEATURES)
    assert 0 < calibration.threshold < 1
    thresholds, wrong = zip(*calibration.risk, strict=True)
    assert list(thresholds) == sorted(set(thresholds))
    assert list(wrong) == sorted(wrong, reverse=True)


@pytest.mark.parametrize(("max_wrong", "threshold"), [(1.0, 0.0), (0.6, 0.0), (0.59, 0.25), (0.3, 0.25), (0.1, 0.5)])
def test_the_threshold_that_keeps_wrong_answers_within_a_bound(max_wrong, threshold):
    assert Decider(CALIBRATION).threshold_for(max_wrong) == threshold


def test_a_bound_that_cannot_be_kept_is_refused():
    with pytest.raises(
        ParameterError, match=r"max_wrong=0.05 cannot be kept .*: 0.100 of .* wrong; allow at least that many"
    ):
        Decider(CALIBRATION).threshold_for(0.05)


@pytest.mark.timeout(120)
def test_spans_without_number_are_merged_one_by_one():
    # Compared each with each, these would take hours.
    n = 60_000
    text = " ".join(f"w{number}" for number in range(n))
    spans, start = [], 0
    for word in text.split():
        spans.append(Span(start, start + len(word), 1.0))
        start += len(word) + 1
    groups = group([hit(text), hit("w7 w7", "b.txt")], [spans, [Span(0, 2, 0.5), Span(3, 5, 0.5)]], CALIBRATION)
    assert len(groups) == n
    assert [found.hit.passage.document for found in groups[0].spans] == ["a.txt", "b.txt", "b.txt"]


def test_a_span_over_two_answers_goes_to_the_better_one():
    text = "May 2012 by the court"
    one, other = Span(0, 8, 5.0), Span(16, 21, 4.0)
    for spans, best in (([one, other], "May 2012"), ([Span(0, 8, 4.0), Span(16, 21, 5.0)], "court")):
        groups = group([hit(text)], [[*spans, Span(0, 21, 1.0)]], CALIBRATION)
        assert [len(g.spans) for g in groups] == [2, 1]
        assert text[groups[0].best.start : groups[0].best.end] == best


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"threshold": None}, "threshold: Field required"),
        ({"treshold": 0.5}, "treshold: Unknown name"),
        ({"threshold": 1.5}, r"threshold: Input should be less than or equal to 1; it is 1\.5"),
        ({"threshold": math.nan}, "threshold: Input should be a finite number; it is nan"),
        ({"temperature": 0}, "temperature: Input should be greater than 0; it is 0"),
        ({"intercept": "much"}, "intercept: Input should be a valid number; it is 'much'"),
        ({"null": True}, "null: Input should be a valid number; it is True"),
        ({"null": 10**400}, "null: Input should be a finite number"),
        ({"risk": []}, "risk: Tuple should have at least 1 item"),
        ({"risk": [[0.5, 0.1, 0.2]]}, r"risk\.0: Tuple should have at most 2 items"),
        ({"risk": [[0.5, "few"]]}, r"risk\.0\.1: Input should be a valid number; it is 'few'"),
        ({"risk": [[0.5, 0.1], [0.4, 0.1]]}, "risk: thresholds must rise"),
        ({"risk": [[0.4, 0.1], [0.5, 0.2]]}, "risk: thresholds must rise, and shares must never rise"),
        ({"risk": [[0.5, 1.1]]}, r"risk\.0\.1: Input should be less than or equal to 1; it is 1\.1"),
        ({"coverage": [[0.0, 1.0]]}, r"coverage\.0\.2: Field required"),
        ({"coverage": [[0.0, 1.0, 1.0, 1.0]]}, "coverage must have the thresholds of risk"),
        ({"coverage": [[t, 1.5, 1.0, 1.0] for t, _ in CALIBRATION.risk]}, r"coverage\.0\.1: .* equal to 1; it is 1\.5"),
        ({"features": [1.0]}, r"features: Input should be an object; it is \[1\.0\]"),
        ({"features": dict.fromkeys(FEATURES[:-1], 1.0)}, "features: years is missing"),
        ({"features": dict.fromkeys((*FEATURES, "length"), 1.0)}, "features: length is unknown"),
        ({"features": {**dict.fromkeys(FEATURES, 1.0), "share": []}}, r"features\.share: Input .* number; it is \[\]"),
    ],
)
def test_a_calibration_that_is_not_whole_is_refused_when_it_is_read(tmp_path, change, said):
    values = {name: value for name, value in (asdict(CALIBRATION) | change).items() if value is not None}
    (tmp_path / "calibration.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=rf"calibration\.json cannot be used: {said}"):
        load_calibration(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, "\ufeff{}"])
def test_a_calibration_that_is_no_json_object_is_refused(tmp_path, content):
    (tmp_path / "calibration.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"calibration\.json cannot be used: .*verbatim train confidence$"):
        load_calibration(tmp_path)


def test_a_reader_brings_its_own_calibration_in_its_folder(tmp_path):
    assert load_calibration(tmp_path) == load_calibration(None)
    covering = replace(CALIBRATION, coverage=tuple((t, 1.0, 0.5, 0.0) for t, _ in CALIBRATION.risk))
    for whole in (CALIBRATION, covering):
        (tmp_path / "calibration.json").write_text(json.dumps(asdict(whole)))
        assert load_calibration(tmp_path) == whole
    older = {name: value for name, value in asdict(CALIBRATION).items() if name != "coverage"}
    (tmp_path / "calibration.json").write_text(json.dumps(older))
    assert load_calibration(tmp_path) == CALIBRATION


def test_the_share_of_wrong_answers_by_threshold():
    from qa.training.fit.calibration import risk_by_threshold

    confidence = np.repeat([0.1, 0.5, 0.9], 100)
    right = np.array([False] * 90 + [True] * 10 + [False] * 50 + [True] * 50 + [False] * 5 + [True] * 95)
    risk = dict(risk_by_threshold(confidence, right, np.ones(300)))
    assert (risk[0.0], risk[0.1], risk[0.125], risk[0.5], risk[0.525]) == (0.483, 0.483, 0.275, 0.275, 0.05)
    assert max(risk) == 0.9  # above it, nothing is given
    doubled = dict(risk_by_threshold(confidence, right, np.where(right, 1.0, 2.0)))
    assert doubled[0.525] == round(10 / 105, 3)
    worse_above = dict(risk_by_threshold(confidence, ~right, np.ones(300)))
    assert worse_above[0.0] == worse_above[0.9] == 0.95  # the lower one is charged with what the higher one did
