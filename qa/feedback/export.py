"""Feedback as data: SQuAD 2.0 for `verbatim evaluate` and `train confidence`, JSON Lines for the other commands."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from qa.feedback.store import Feedback, Stretch

SOURCE = "feedback"
"""What the lines for training name as their data set."""


class Format(StrEnum):
    """A form to export feedback in."""

    SQUAD = "squad"
    JSONL = "jsonl"


def teaches(said: Feedback) -> bool:
    """Whether feedback tells what a right answer is; that one is wrong alone doesn't, and is left out of exports."""
    return said.context is not None and (said.has_no_answer or said.right_words is not None)


def export(given: Sequence[Feedback], form: Format) -> str:
    """Feedback as the text of a file.

    Args:
        given: The feedback; what does not teach anything is left out.
        form: The file's form.

    Returns:
        The text; offsets count code points.
    """
    if form is Format.SQUAD:
        return json.dumps(as_squad(given), ensure_ascii=False, indent=2) + "\n"
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in as_lines(given))


def as_squad(given: Sequence[Feedback]) -> dict[str, Any]:
    """Feedback in the form of SQuAD 2.0: an article for each document, a paragraph for each passage.

    Args:
        given: The feedback.

    Returns:
        The JSON.
    """
    articles: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for said, context in _taught(given):
        article = articles.setdefault(context.document, {})
        article.setdefault(context.text, []).append(_question(said, context))
    data = [
        {"title": title, "paragraphs": [{"context": text, "qas": questions} for text, questions in passages.items()]}
        for title, passages in articles.items()
    ]
    return {"version": "v2.0", "data": data}


def as_lines(given: Sequence[Feedback]) -> list[dict[str, Any]]:
    """Feedback in the form that `verbatim train` reads.

    Args:
        given: The feedback.

    Returns:
        An object for each line.
    """
    return [
        {
            "id": said.id,
            "source": SOURCE,
            "group": context.document,
            "question": said.question,
            "context": context.text,
            "answers": [{"text": text, "start": start} for text, start in _answers(said, context)],
        }
        for said, context in _taught(given)
    ]


def _taught(given: Sequence[Feedback]) -> list[tuple[Feedback, Stretch]]:
    return [(said, said.context) for said in given if said.context is not None and teaches(said)]


def _question(said: Feedback, context: Stretch) -> dict[str, Any]:
    answers = [{"text": text, "answer_start": start} for text, start in _answers(said, context)]
    return {"id": said.id, "question": said.question, "answers": answers, "is_impossible": not answers}


def _answers(said: Feedback, context: Stretch) -> list[tuple[str, int]]:
    right = None if said.has_no_answer else said.right_words
    return [] if right is None else [(right.text, right.start - context.start)]
