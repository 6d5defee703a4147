"""Document filter: which document a question names, as in "in report.md" or "in the second one"."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qa.records.turn import Turn

_ORDINALS = {"first": 0, "former": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1, "latter": -1}
_ONE_OF_THEM = re.compile(
    rf"(?P<governed>\b(?:in|from|according\s+to|of)\s+)?\bthe\s+(?P<which>{'|'.join(_ORDINALS)}|other)"
    r"(?:\s+(?:one|document|file|text|report|source))\b,?",
    re.IGNORECASE,
)
_ONLY_LEADS = re.compile(r"(?:\b(?:and|but|so|what|how|about|then|now|please)\b|\W)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scope:
    """A question limited to one document.

    Attributes:
        question: The question without the words that name the document; "" if nothing else is left.
        document: Name of the document.
    """

    question: str
    document: str


def scope_of(
    text: str, names: Sequence[str], turns: Sequence[Turn], may_be_asked: Callable[[str], bool]
) -> Scope | None:
    """Find the document that a question names.

    Args:
        text: The question as typed.
        names: Names of documents that may be asked, all that stand in the question among them.
        turns: Earlier turns, latest first.
        may_be_asked: Tells whether there is a document of a name that may be asked.

    Returns:
        The document, found by its name or by its number among those mentioned before; None if none is named.
    """
    for name in sorted(names, key=len, reverse=True):
        match = re.search(
            rf"(?P<governed>\b(?:in|from|according\s+to)\s+)?(?<![\w/.]){re.escape(name)}(?![\w/]),?",
            text,
            re.IGNORECASE,
        )
        if match is not None:
            return Scope(_without(text, match), name)
    match = _ONE_OF_THEM.search(text)
    if match is None:
        return None
    spoken_of = next((found for turn in turns if len(found := _documents_of(turn)) > 1), ())
    document = _chosen(match["which"].lower(), spoken_of, turns)
    return Scope(_without(text, match), document) if document is not None and may_be_asked(document) else None


def _without(text: str, match: re.Match[str]) -> str:
    """Remove the words that name the document, unless they are subject or object of the question."""
    if match["governed"] is None:
        return text
    rest = " ".join(f"{text[: match.start()]} {text[match.end() :]}".split())
    rest = re.sub(r"\s+([?.!,])", r"\1", rest).strip(" ,")
    return "" if _ONLY_LEADS.fullmatch(rest) else rest


def _documents_of(turn: Turn) -> tuple[str, ...]:
    """Return the documents that a turn named, in order."""
    quoted = (answer.document for answer in turn.answers if answer.document is not None)
    return turn.documents or tuple(dict.fromkeys(quoted))


def _chosen(which: str, spoken_of: Sequence[str], turns: Sequence[Turn]) -> str | None:
    if which == "other":
        quoted = next(
            (turn.answer.document for turn in turns if turn.answer is not None and turn.answer.document), None
        )
        others = [name for name in spoken_of if name != quoted]
        return others[0] if len(others) == 1 else None
    number = _ORDINALS[which]
    return spoken_of[number] if number < len(spoken_of) else None
