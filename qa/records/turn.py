"""Turn: one exchange of a conversation."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from index.records import Concordance, Passage
from qa.records.answer import Answer
from qa.records.worked_out import WorkedOut


class Kind(StrEnum):
    """Kind of reply."""

    ANSWER = "answer"
    LIST = "list"
    DISAGREEMENT = "disagreement"
    EVIDENCE = "evidence"
    WORKED_OUT = "worked out"
    UNKNOWN = "unknown"
    PLACES = "places"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user typed, and the reply.

    Attributes:
        asked: What the user typed.
        text: The reply.
        kind: Kind of reply.
        understood: The question as searched and read; None for small talk.
        answer: The answer from the documents; None for small talk.
        answers: The items of a list, or the different answers of a disagreement, each with its place.
        evidence: For a yes/no or why question, the sentence that supports or contradicts it; None if there is none.
        dates: For a disagreement, the date of each answer's document as written there, or None.
        suggestions: If not answered, questions that the documents do answer.
        within: Names of the documents that were searched; None is all of them.
        documents: Names of the documents that small talk mentions.
        new_subject: Whether it shares no content words with earlier turns.
        meant: The phrase that replaced a pronoun in `understood`; "" if none did.
        worked_out: For a count, a sum or a mean: what was worked out, and from which rows; `answer` is declined then,
            since it is no quotation. None otherwise.
        found: Where words stand, if that was asked for; None otherwise.
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
    worked_out: WorkedOut | None = None
    found: Concordance | None = None

    @property
    def answered(self) -> bool:
        """Whether the documents answered, or it was small talk."""
        return self.kind is not Kind.UNKNOWN


def quoted_in(turn: Turn) -> Iterator[Passage]:
    """Yield the passages that a turn quotes, read or came close to, with their places."""
    if turn.evidence is not None:
        yield turn.evidence
    if turn.worked_out is not None:
        yield from turn.worked_out.rows
    for document in turn.found.documents if turn.found is not None else ():
        for place in document.places:
            yield Passage(document.document, place.start, place.end, place.text)
    for answer in (turn.answer, *turn.answers):
        if answer is None:
            continue
        yield from (*answer.evidence, *answer.nearest)
        for each in (answer, *answer.alternatives):
            if each.document is not None and each.start is not None and each.end is not None:
                yield Passage(each.document, each.start, each.end, each.text)


def mentioned_in(turn: Turn) -> set[str]:
    """Return the names of documents that a turn mentions or quotes."""
    return {*turn.documents, *(words.document for words in quoted_in(turn))}
