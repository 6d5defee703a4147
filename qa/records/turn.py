"""What a conversation is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from index.records import Passage
from qa.records.answer import Answer


class Kind(StrEnum):
    """What a turn is."""

    ANSWER = "answer"
    LIST = "list"
    DISAGREEMENT = "disagreement"
    EVIDENCE = "evidence"
    UNKNOWN = "unknown"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said, and what the chat says to it.

    Attributes:
        asked: What was said, as it was typed.
        text: What the chat says.
        kind: What it is.
        understood: The question as it was asked of the documents; None for talk.
        answer: What the documents say to it; None for talk.
        answers: Of a list its items, of a disagreement the different answers, each with its place.
        evidence: For a yes/no or why question the sentence that bears on it; None where there is none.
        dates: Of a disagreement the date that each answer's document bears, as it is written there, or None.
        suggestions: When not answered: questions that the documents do answer.
        within: Names of the documents that were asked; None for all.
        documents: Names of the documents that talk mentions.
        new_subject: Whether it has nothing in common with what was said before.
        meant: What stands in `understood` for a pronoun; "" where there was none.
    """

    asked: str
    text: str
    kind: Kind
    understood: str | None = None
    answer: Answer | None = None
    answers: tuple[Answer, ...] = ()
    evidence: Passage | None = None
    dates: tuple[str | None, ...] = ()
    suggestions: tuple[str, ...] = ()
    within: tuple[str, ...] | None = None
    documents: tuple[str, ...] = ()
    new_subject: bool = False
    meant: str = ""

    @property
    def answered(self) -> bool:
        """Whether the documents say something to it, or it was no question to them."""
        return self.kind is not Kind.UNKNOWN


def quoted_in(turn: Turn) -> Iterator[Passage]:
    """The words that a turn quotes, passages that were read or came close included, each with its place."""
    if turn.evidence is not None:
        yield turn.evidence
    for answer in (turn.answer, *turn.answers):
        if answer is None:
            continue
        yield from (*answer.evidence, *answer.nearest)
        for each in (answer, *answer.alternatives):
            if each.document is not None and each.start is not None and each.end is not None:
                yield Passage(each.document, each.start, each.end, each.text)


def mentioned_in(turn: Turn) -> set[str]:
    """Names of the documents that a turn names or quotes."""
    return {*turn.documents, *(words.document for words in quoted_in(turn))}
