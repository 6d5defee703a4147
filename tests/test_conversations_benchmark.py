"""The benchmark of conversations: its material holds together, and it counts rightly; models are faked."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from qa.open_folder import default_folder
from qa.question.coreference import pointer_of
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn

PATH = Path(__file__).parents[1] / "benchmarks" / "conversations.py"
spec = importlib.util.spec_from_file_location("conversations", PATH)
conversations = importlib.util.module_from_spec(spec)
sys.modules["conversations"] = conversations
spec.loader.exec_module(conversations)


@pytest.fixture
def measured(monkeypatch, engine):
    """Runs the benchmark on fakes that decline nothing."""
    monkeypatch.setenv("VERBATIM_THRESHOLD", "0.0")
    return lambda *arguments: conversations.main(arguments, engine)


def words_of(folder):
    return " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in sorted(folder.iterdir()))


def test_the_material_is_complete_and_its_answers_stand_in_the_documents():
    held = {"seeds": words_of(default_folder()), "library": words_of(conversations.DATA / "library")}
    talks = conversations.load("conversations.json")
    follow_ups = [(talk, turn) for talk in talks for turn in talk["turns"][1:]]
    assert (len(talks), len(follow_ups)) == (20, 60)
    for talk, turn in follow_ups:
        assert turn["needs"]
        if turn["answers"]:
            assert any(
                " ".join(answer.split()).lower() in held[talk["documents"]].lower() for answer in turn["answers"]
            )

    lists = conversations.load("lists.json")
    assert len(lists) == 40
    text = words_of(conversations.DATA / "lists")
    assert all(len(each["spans"]) > 1 and all(span in text for span in each["spans"]) for each in lists)

    pairs = conversations.load("pairs.json")
    assert [sum(pair["disagree"] is which for pair in pairs) for which in (True, False)] == [10, 10]
    for pair in pairs:
        for answer, document in zip(pair["answers"], pair["documents"].values(), strict=True):
            assert answer in document


def test_what_counts_as_understood_and_right():
    turn = Turn("when?", "1924", Kind.ANSWER, "When was the Museum founded?", None)
    assert conversations.is_understood(turn, ["museum", "when|what"])
    assert not conversations.is_understood(turn, ["museum", "where"])
    assert not conversations.is_understood(Turn("when?", "?", Kind.TALK), ["museum"])
    said = Answer("?", answered=True, text="the old school")
    assert conversations.is_right(said, ["old school"])
    assert not conversations.is_right(said, [])
    assert conversations.is_right(Answer("?", answered=False), [])


def test_it_prints_its_tables(measured, capsys):
    measured("--part", "disagreements", "--part", "lists", "--details")
    said = capsys.readouterr().out
    assert "| disagreements found | 0 of 10 |" in said  # the faked reader finds words in capitals alone
    assert "| questions | 40 |" in said
    assert "| spans that are right | 119 |" in said


def test_questions_that_stand_alone_are_left_alone(measured, tmp_path, capsys):
    context = "The NORNA was built in LEITH. It was sold in OSLO."
    asked = ["Where was the Norna built?", "Where was the Norna sold?", "When was it sold?"]
    questions = [
        {"id": str(i), "question": text, "answers": [{"text": "LEITH", "answer_start": 23}]}
        for i, text in enumerate(asked)
    ]
    data = {"data": [{"title": "a", "paragraphs": [{"context": context, "qas": questions}]}]}
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    measured("--questions", str(path), "--details")
    said = capsys.readouterr().out
    assert [pointer_of(text) is None for text in asked] == [True, True, False]
    assert "| questions | 3 |" in said
    assert "| rewritten, rightly or not | 1 (33.3 %) |" in said
    assert "When was it sold? → When was the Norna sold?" in said


def test_a_file_that_is_missing_is_said_in_a_line(tmp_path):
    with pytest.raises(SystemExit, match=r"conversations: .*missing\.json cannot be read"):
        conversations.main(["--questions", str(tmp_path / "missing.json")])
