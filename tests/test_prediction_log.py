"""What `evaluate --save` keeps agrees with what is printed; a file that cannot be written is said before the work."""

import json
import os
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from index.errors import ParameterError
from qa.cli.main import cli
from qa.evaluation.metrics import EvaluationError, Prediction, Question, calibration_error
from qa.evaluation.prediction_log import Record, RecordsFile, check_writable, load_records, write_whole

COURT = "The COURT of Khujand banned the cell of farmers; later KARIMOV led it."
RIVER = "The river VARZOB joins another one below the town of Gissar."


def qa(id_, question, answer, context):
    answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
    return {"id": id_, "question": question, "answers": answers, "is_impossible": not answer}


@pytest.fixture
def questions(tmp_path):
    paragraphs = [
        (
            COURT,
            [("1", "who later led the cell of farmers?", "KARIMOV"), ("2", "who banned the cell?", "COURT of Khujand")],
        ),
        (RIVER, [("3", "what joins another one?", "VARZOB"), ("4", "who founded the moon?", "")]),
    ]
    entries = [{"context": text, "qas": [qa(*one, text) for one in asked]} for text, asked in paragraphs]
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"data": [{"title": "t", "paragraphs": entries}]}))
    return file


@pytest.fixture
def evaluate(monkeypatch, engine):
    """Runs `verbatim evaluate --json` on fakes; gives what it printed."""
    monkeypatch.setenv("VERBATIM_THRESHOLD", "0.55")

    def run(*arguments, code=0):
        result = CliRunner().invoke(cli, ["evaluate", *map(str, arguments), "--json"], obj=engine)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return run


def percent(values):
    return round(100 * statistics.fmean(values), 2)


def test_what_is_saved_agrees_with_what_is_printed(evaluate, questions, tmp_path):
    saved = tmp_path / "saved.jsonl"
    printed = evaluate(questions, "--save", saved)
    records = load_records(saved)
    assert [(r.file, r.mode, r.id) for r in records] == [
        (str(questions), m, i) for m in ("read", "retrieve") for i in "1234"
    ]
    for mode, scores in zip(("read", "retrieve"), printed, strict=True):
        of_mode = [r for r in records if r.mode == mode]
        answerable = [r for r in of_mode if r.answers]
        assert {r.answered for r in of_mode} == {r.right for r in of_mode} == {True, False}
        assert len(answerable) == scores["answerable"] == 3
        assert percent(r.f1 if r.answered else not r.answers for r in of_mode) == scores["f1"]
        assert percent(r.f1 for r in answerable) == scores["undeclined_f1"]
        assert percent(r.answered for r in of_mode if r.right) == scores["right_kept"]
        assert percent(not r.answered for r in of_mode if not r.answers) == scores["declined"]
        confidence, right = np.array([r.confidence for r in of_mode]), np.array([r.right for r in of_mode])
        assert calibration_error(confidence, right) == scores["calibration_error"]
        assert statistics.median(r.seconds for r in of_mode) == scores["median_seconds"]
        ranks = [r.rank for r in answerable]
        assert (None if mode == "read" else {"1": round(ranks.count(1) / 3, 4)}) == (
            scores["recall"] and {"1": scores["recall"]["1"]}
        )
    assert [r.question for r in records[:2]] == ["who later led the cell of farmers?", "who banned the cell?"]
    assert [r.answers for r in records[:4]] == [("KARIMOV",), ("COURT of Khujand",), ("VARZOB",), ()]


def test_several_files_of_one_mode_and_a_limit(evaluate, questions, tmp_path):
    second = tmp_path / "second.json"
    second.write_bytes(questions.read_bytes())
    saved = tmp_path / "saved.jsonl"
    evaluate(questions, second, "--mode", "read", "--limit", "2", "--save", saved)
    records = load_records(saved)
    assert [(r.file, r.mode) for r in records] == [(str(f), "read") for f in (questions, second) for _ in range(2)]
    assert [r.id for r in records[:2]] == [r.id for r in records[2:]]


def test_a_mode_that_fails_leaves_the_one_before_it(evaluate, questions, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "qa.evaluation.metrics.evaluate_retrieving", lambda *_: (_ for _ in ()).throw(OSError(28, "No space"))
    )
    saved = tmp_path / "saved.jsonl"
    assert "No space" in evaluate(questions, "--save", saved, code=2)["error"]
    assert [r.mode for r in load_records(saved)] == ["read"] * 4


@pytest.mark.parametrize(
    ("name", "said"), [("gone/saved.jsonl", "cannot be written: No such file"), (".", "is a folder; name a file in it")]
)
def test_a_place_that_cannot_be_written_is_said_before_the_work_begins(evaluate, tmp_path, monkeypatch, name, said):
    monkeypatch.setattr("qa.evaluation.metrics.evaluate_file", lambda *_: pytest.fail("went on"))
    error = evaluate("not-looked-at.json", "--save", tmp_path / name, code=2)
    assert error["kind"] == "ParameterError"
    assert error["error"].startswith(f"save={str(tmp_path / name)!r} {said}")


@pytest.mark.skipif(os.name == "nt", reason="devices have no path there")
def test_a_device_is_not_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ParameterError, match=r"save='.*pipe' is not a regular file"):
        RecordsFile(pipe)


def test_writing_goes_through_a_link_and_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "far").mkdir()
    file, link = tmp_path / "far" / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    check_writable("save", link)
    write_whole(link, "new\n")
    assert (file.read_bytes(), link.is_symlink()) == (b"new\n", True)
    assert [p.name for p in file.parent.iterdir()] == ["file"]


def test_writing_that_fails_leaves_what_was_there(tmp_path):
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "new \ud800")
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(
    words=st.lists(WORDS, min_size=4, max_size=4),
    confidence=st.floats(0, 1),
    rank=st.none() | st.integers(1, 1000),
    answered=st.booleans(),
)
def test_records_come_back_as_they_were(tmp_path_factory, words, confidence, rank, answered):
    id_, question, answer, text = words
    path = tmp_path_factory.mktemp("saved") / "saved.jsonl"
    prediction = Prediction(text, confidence, answered, 0.25, rank)
    RecordsFile(path).add(path, "read", [Question(id_, question, "paragraph", (answer,))] * 2, [prediction] * 2)
    first, second = load_records(path)
    assert first == second
    assert (first.id, first.question, first.answers, first.text) == (id_, question, (answer,), text)
    assert (first.confidence, first.rank, first.answered, first.seconds) == (confidence, rank, answered, 0.25)


GOOD = Record("f", "read", "1", "who?", ("a",), "a", 0.5, True, 0.1, None, True, 1.0)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b"", "has no records"),
        (b"{", r"saved\.jsonl, line 1 is not a record of verbatim evaluate --save: Invalid JSON"),
        (b"[]\n", "line 1 is not a record"),
        (b"GOOD\n\n", "line 2 is not a record"),
        (b'GOOD\n{"file": "f"}\n', "line 2 is not a record of verbatim evaluate --save: mode: Field required"),
        (b"GOOD\n" + b'BAD"confidence": "high"}', r"line 2 is .*: confidence: Input should be a valid number"),
        (b"\xff", r"saved\.jsonl is not UTF-8"),
    ],
)
def test_a_file_of_something_else_is_named_with_the_line(tmp_path, lines, said):
    good = json.dumps({name: getattr(GOOD, name) for name in Record.__slots__})
    path = tmp_path / "saved.jsonl"
    path.write_bytes(lines.replace(b"GOOD", good.encode()).replace(b"BAD", f"{good[:-1]}, ".encode()))
    with pytest.raises(EvaluationError, match=said):
        load_records(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(EvaluationError, match=r"gone\.jsonl cannot be read: No such file"):
        load_records(tmp_path / "gone.jsonl")
