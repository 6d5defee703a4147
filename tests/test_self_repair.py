"""Questions whose beginning was taken back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qa.answerer import QuestionAnswerer
from qa.dialogue.conversation import Conversation
from qa.question.self_repair import as_corrected


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("where, no, when was it opened?", "when was it opened?"),
        ("Who… sorry, I mean, what was opened?", "what was opened?"),
        ("How - wait - why did it close?", "why did it close?"),
        ("when no where was it signed", "where was it signed"),
        ("Where, no, in which year did it close?", "in which year did it close?"),
    ],
)
def test_what_was_taken_back_is_not_asked(typed: str, asked: str) -> None:
    assert as_corrected(typed) == asked


@pytest.mark.parametrize(
    "typed",
    [
        "When was it opened?",
        "What no one knows is when it was opened?",
        "Who said no when the vote was taken?",
        "No, when was it opened?",
        "What actually happened?",
        "Which of them, no matter when, was there?",
        "Who, no matter when, was there?",
        "",
    ],
)
def test_what_was_not_taken_back_stays(typed: str) -> None:
    assert as_corrected(typed) == typed


def test_it_is_answered_as_meant_and_told_as_typed(
    folder: Path, make_answerer: Callable[..., QuestionAnswerer]
) -> None:
    (folder / "river.txt").write_text("The river is called OXUS.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    typed, meant = "Where, no, what is the river called?", "what is the river called?"
    answer, expected = answerer.ask(typed), answerer.ask(meant)
    assert (answer.question, answer.text, answer.confidence) == (typed, "OXUS", expected.confidence)
    turn = Conversation(answerer).ask(typed)
    assert (turn.asked, turn.understood, turn.text) == (typed, meant, "OXUS")
