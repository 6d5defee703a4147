"""Exports feedback: as SQuAD 2.0 for `verbatim evaluate` and `train confidence`, as JSON Lines for other commands."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from qa.feedback.store import Feedback, Stretch

SOURCE = "feedback"
"""The source given in exported training data."""


class Format(StrEnum):
    """Format of an export."""

    SQUAD = "squad"
    JSONL = "jsonl"


def teaches(said: Feedback) -> bool:
    """Return whether feedback tells the right answer; "wrong" alone does not, and is not exported."""
    return said.context is not None and (said.has_no_answer or said.right_words is not None)


def export(given: Sequence[Feedback], form: Format) -> str:
    """Convert feedback to the text of a file.

    Args:
        given: The feedback; what does not tell the right answer is left out.
        form: The format.

    Returns:
        The text; offsets count code points.
    """
    if form is Format.SQUAD:
        return json.dumps(as_squad(given), ensure_ascii=False, indent=2) + "\n"
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in as_lines(given))


def as_squad(given: Sequence[Feedback]) -> dict[str, Any]:
    """Convert feedback to SQuAD 2.0, with an article per document and a paragraph per passage.

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
    """Convert feedback to the format that `verbatim train` reads.

    Args:
        given: The feedback.

    Returns:
        The JSON object of each line.
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
