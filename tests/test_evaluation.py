"""Figures by their definitions, on files in SQuAD's format; fitting refuses the same files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ParameterError
from index.settings import read_settings
from qa.evaluation.metrics import (
    EvaluationError,
    Prediction,
    Question,
    calibration_error,
    load_predictions,
    load_questions,
    rank_of,
    sample,
    score,
)
from qa.text.normalization import exact_match, f1, normalize
from qa.training.data.questions import DataError
from qa.training.fit import calibration, fusion


@pytest.mark.parametrize(
    ("answer", "gold", "em", "overlap"),
    [
        ("The Court", ["court"], True, 1.0),
        ("May 2012.", ["in May 2012", "May 2012"], True, 1.0),
        ("in May 2012", ["May 2012"], False, 0.8),
        ("court", ["senate"], False, 0.0),
        ("", [], True, 1.0),
        ("court", [], False, 0.0),
        ("", ["court"], False, 0.0),
        ("the", ["a"], True, 1.0),
        ("b b", ["b"], False, 2 / 3),
    ],
)
def test_the_measures_of_squad(answer, gold, em, overlap):
    assert exact_match(answer, gold) is em
    assert f1(answer, gold) == pytest.approx(overlap)


@given(a=st.text(max_size=30), b=st.text(max_size=30))
def test_f1_is_symmetric_and_1_only_for_the_same_words(a, b):
    assert f1(a, [b]) == f1(b, [a])
    assert (f1(a, [b]) == 1) == (sorted(normalize(a).split()) == sorted(normalize(b).split()))


def questions(*answers):
    return [Question(str(i), f"q{i}?", "text", tuple(a)) for i, a in enumerate(answers)]


def test_scores_by_hand():
    asked = questions(["a b"], ["c"], [], ["d"])
    said = [
        Prediction("a b", 0.9, answered=True, seconds=1.0, rank=1),
        Prediction("x", 0.6, answered=True, seconds=2.0, rank=4),
        Prediction("y", 0.3, answered=False, seconds=3.0, rank=2),
        Prediction("d", 0.2, answered=False, seconds=4.0, rank=None),
    ]
    scores = score(asked, said)
    assert (scores.questions, scores.answerable) == (4, 3)
    assert (scores.exact_match, scores.f1) == (50.0, 50.0)  # "a b" right, "y" rightly declined
    assert (scores.undeclined_exact_match, scores.undeclined_f1) == (66.67, 66.67)  # "d" was right
    assert scores.best_f1 == 50.0
    assert (scores.right_kept, scores.declined) == (50.0, 100.0)
    assert scores.auroc == pytest.approx(2 / 3, abs=1e-4)
    assert scores.recall == {1: 0.3333, 5: 0.6667, 10: 0.6667}
    assert scores.mrr == pytest.approx((1 + 1 / 4) / 3, abs=1e-4)
    assert scores.median_seconds == 2.5


def test_the_best_threshold_may_be_to_decline_everything():
    scores = score(questions([], [], ["c"]), [Prediction("x", c, answered=True) for c in (0.9, 0.8, 0.1)])
    assert scores.f1 == 0.0
    assert scores.best_f1 == pytest.approx(66.67)


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.15, 1.0])
    right = np.array([True, False, False, True])
    # one bin of three: |mean(.95, .95, 1) - 2/3| * 3/4, and one of one: .15 * 1/4
    assert calibration_error(confidence, right) == pytest.approx(0.3 * 0.75 + 0.15 * 0.25, abs=1e-4)
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0


def test_what_has_no_meaning_is_none():
    scores = score(questions(["a"], ["b"]), [Prediction("a", 1.0, answered=True), Prediction("b", 1.0, answered=True)])
    assert (scores.auroc, scores.declined, scores.recall, scores.mrr, scores.median_seconds) == (None,) * 5
    assert scores.exact_match == 100.0


def squad(*entries, context="The court banned it in May 2012."):
    return {"data": [{"title": "t", "paragraphs": [{"context": context, "qas": list(entries)}]}]}


GOOD = {"id": "1", "question": "when?", "answers": [{"text": "May 2012", "answer_start": 23}]}


@pytest.fixture
def put(tmp_path):
    def put_(value, name="file.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return put_


def test_both_formats_are_read(put):
    none = {"id": "2", "question": "who?", "answers": [], "is_impossible": True}
    loaded = load_questions(put(squad(GOOD, none)))
    assert loaded == [
        Question("1", "when?", "The court banned it in May 2012.", ("May 2012",)),
        Question("2", "who?", "The court banned it in May 2012.", ()),
    ]


def entry(**changed):
    return squad({**GOOD, **changed})


def answer(**changed):
    return entry(answers=[{**GOOD["answers"][0], **changed}])


UNUSABLE = [
    ("{", r"file\.json is not JSON: Expecting property name"),
    ("[" * 200_000, r"file\.json is not JSON: "),
    ("[]", r"file\.json is not in SQuAD's format: \[\] is not an object"),
    ({}, r"file\.json is not in SQuAD's format: it has no 'data'"),
    ({"data": None}, r"file\.json is not in SQuAD's format: data=None is not a list"),
    ({"data": []}, "has no questions"),
    ({"data": ["x"]}, r"file\.json, article 1 is not in SQuAD's format: 'x' is not an object"),
    ({"data": [{"paragraphs": {}}]}, r"article 1 .*: paragraphs=\{\} is not a list"),
    ({"data": [{"title": 7, "paragraphs": []}]}, r"article 1 .*: title=7 is not a string"),
    ({"data": [{"paragraphs": [[]]}]}, r"article 1, paragraph 1 .*: \[\] is not an object"),
    ({"data": [{"paragraphs": [{"context": None, "qas": []}]}]}, r"paragraph 1 .*: context=None is not a string"),
    ({"data": [{"paragraphs": [{"context": "x"}]}]}, r"paragraph 1 .*: it has no 'qas'"),
    ({"data": [{"paragraphs": [{"context": "x", "qas": "who?"}]}]}, r"paragraph 1 .*: qas='who\?' is not a list"),
    (squad("who?"), r"file\.json, article 1, paragraph 1, question 1 .*: 'who\?' is not an object"),
    (squad({"question": "who?"}), r"paragraph 1, question 1 .*: it has no 'id'"),
    (squad({"id": "1"}), r"file\.json, question '1' .*: it has no 'question'"),
    (squad({"id": "1", "question": "who?"}), r"question '1' .*: it has no 'answers'"),
    (squad(GOOD, GOOD), "has the id '1' twice"),
    (entry(question=None), r"question '1' .*: question=None is not a string"),
    (entry(question=" "), r"file\.json, question '1': question=' ' holds no words"),
    (entry(question="who \udc80?"), r"file\.json, question '1': question is not valid Unicode"),
    (squad(GOOD, context="\ud800"), r"article 1, paragraph 1: context is not valid Unicode"),
    (entry(answers="May 2012"), r"question '1' .*: answers='May 2012' is not a list"),
    (entry(answers=["May 2012"]), r"question '1' .*: 'May 2012' is not an object"),
    (answer(text=None), r"question '1' .*: text=None is not a string"),
    (answer(answer_start="23"), r"question '1' .*: answer_start='23' is not a whole number"),
    (answer(answer_start=True), r"question '1' .*: answer_start=True is not a whole number"),
    (answer(answer_start=-9), r"question '1': 'May 2012' is not at offset -9"),
    (answer(text="May", answer_start=0), r"file\.json, question '1': 'May' is not at offset 0"),
    (answer(text=""), r"question '1': '' is not at offset 23"),
]


@pytest.mark.parametrize(("value", "said"), UNUSABLE)
def test_a_file_that_cannot_be_used_is_named_with_the_record_and_the_reason(put, value, said):
    with pytest.raises(EvaluationError, match=said):
        load_questions(put(value))


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(EvaluationError, match=r"gone\.json cannot be read: No such file or directory"):
        load_questions(tmp_path / "gone.json")
    with pytest.raises(EvaluationError, match=r"cannot be read: .*; name a file that can"):
        load_questions(tmp_path)
    (tmp_path / "file.json").write_bytes(b'"\xff"')
    with pytest.raises(EvaluationError, match=r"file\.json is not JSON: 'utf-8' codec can't decode"):
        load_questions(tmp_path / "file.json")


def fit_confidence(answerable, unanswerable, out):
    def never(line):
        pytest.fail(f"went on, and said {line}")

    calibration.run(answerable, unanswerable, out, read_settings(), never)


def test_confidence_is_not_fitted_on_files_that_cannot_be_used(put, tmp_path):
    good, out = put(squad(GOOD)), tmp_path / "calibration.json"
    for value, said in UNUSABLE:
        with pytest.raises(DataError, match=said.replace("file", "bad")):
            fit_confidence(good, put(value, "bad.json"), out)
    with pytest.raises(DataError, match=r"gone\.json cannot be read"):
        fit_confidence(tmp_path / "gone.json", good, out)
    none = {"id": "2", "question": "who?", "answers": [], "is_impossible": True}
    with pytest.raises(DataError, match=r"none\.json has no question with an answer"):
        fit_confidence(put(squad(none), "none.json"), good, out)
    with pytest.raises(DataError, match=r"file\.json has no question without an answer about the same articles"):
        fit_confidence(good, good, out)
    untitled = {"data": [{"paragraphs": squad(GOOD)["data"][0]["paragraphs"]}]}
    with pytest.raises(DataError, match=r"the title '' twice, or an article without"):
        fit_confidence(good, put(untitled, "untitled.json"), out)


def test_confidence_is_not_fitted_for_a_place_that_cannot_be_written(put, tmp_path):
    good = put(squad(GOOD))
    with pytest.raises(ParameterError, match=r"out='.*calibration\.json' cannot be written: No such file or directory"):
        fit_confidence(good, good, tmp_path / "gone" / "calibration.json")
    with pytest.raises(ParameterError, match=r"out='.*' is a folder; name a file in it"):
        fit_confidence(good, good, tmp_path)


def test_fusion_is_not_fitted_on_files_that_cannot_be_used(put, tmp_path):
    def fit(data, measure_on):
        fusion.run(data, measure_on, None, None, read_settings(), lambda line: pytest.fail(f"went on, and said {line}"))

    with pytest.raises(EvaluationError, match=r"file\.json is not in SQuAD's format"):
        fit(tmp_path / "not-looked-at.jsonl", put([]))
    with pytest.raises(DataError, match=r"gone\.jsonl cannot be read"):
        fit(tmp_path / "gone.jsonl", put(squad(GOOD)))
    with pytest.raises(DataError, match=r"empty\.jsonl has no question in the one of 4 groups used for fitting"):
        fit(put("", "empty.jsonl"), put(squad(GOOD)))


def test_predictions_of_another_system(put, tmp_path):
    asked = questions(["a"], [])
    assert load_predictions(put({"0": "a", "1": ""}), asked) == [
        Prediction("a", 1.0, answered=True),
        Prediction("", 1.0, answered=False),
    ]
    with pytest.raises(EvaluationError, match="no prediction for question '1', nor for 0 more"):
        load_predictions(put({"0": "a"}), asked)
    with pytest.raises(EvaluationError, match=r"file\.json is not of the form \{id: text\}: \[1\] is not an object"):
        load_predictions(put([1]), asked)
    with pytest.raises(EvaluationError, match=r"not of the form \{id: text\}: '1' is None, not a string"):
        load_predictions(put({"0": "a", "1": None}), asked)
    with pytest.raises(EvaluationError, match=r"file\.json is not JSON"):
        load_predictions(put("[" * 200_000), asked)
    with pytest.raises(EvaluationError, match="cannot be read"):
        load_predictions(tmp_path / "gone.json", asked)


def test_a_sample_is_always_the_same():
    asked = questions(*[["a"]] * 50)
    assert sample(asked, None) == sample(asked, 100) == asked
    assert len(sample(asked, 7)) == 7
    assert sample(asked, 7) == sample(asked, 7)


def test_the_rank_counts_documents_not_passages(make_answerer, folder):
    (folder / "a.txt").write_text("ALPHA one. " * 300)
    (folder / "b.txt").write_text("BETA two.")
    answerer = make_answerer()
    answerer.sync()
    hits = answerer.search("ALPHA one")
    assert len(hits) > 2
    assert (rank_of("a.txt", hits), rank_of("b.txt", hits), rank_of("c.txt", hits)) == (1, 2, None)
