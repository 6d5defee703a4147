"""Records of answers: an answer with its source, or the reason for declining."""

from dataclasses import dataclass, field
from enum import StrEnum

from index.records import Passage


class Reason(StrEnum):
    """Why a question was not answered."""

    NOTHING_RETRIEVED = "nothing retrieved"
    NO_SPAN_FOUND = "no span found"
    TOO_UNSURE = "too unsure"

    @property
    def explanation(self) -> str:
        """The reason as a sentence for people."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Reason.NOTHING_RETRIEVED: "There is no passage to look in.",
    Reason.NO_SPAN_FOUND: "No words in the documents answer this.",
    Reason.TOO_UNSURE: "The best words found are too unlikely to be the answer.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question, or the reason for declining it.

    Attributes:
        question: The question as it was asked.
        answered: Whether there is an answer.
        text: The exact words; "" when not answered.
        confidence: Fitted probability, 0 to 1, that the answer is right; when not answered, of the best
            rejected candidate, 0 when there was none. Set instead of fitted where no reader judged: 0.9 for a cell
            found by comparing a whole column, 1/n for each of n clauses with the number that was asked for.
        document: Name of the document, relative to the folder; None when not answered.
        document_sha256: Hash of the document's file; None when not answered.
        title: Title of the document; None when not answered.
        place: Where in the document the answer starts, for people: "page 3", "slide 7", "Costs, row 12", "mail
            of 4 May 2026 from Ann Lee", headings; None if the document has no such places.
        start: Offset of the first character in the document's stored text, in Unicode code points;
            None when not answered.
        end: Offset after the last character; None when not answered.
        sentence: The whole sentence around the words; "" when not answered.
        sentence_start: Offset of the sentence; None when not answered.
        passage: The passage that the words were read in; None when not answered.
        evidence: Passages read that hold this answer, best first.
        alternatives: Other answers, best first, without alternatives of their own.
        nearest: When not answered: the passages that came closest, best first.
        reason: Why not answered; None when answered.
        understood: The question as searched and read, if a self-correction or typing mistake was resolved in it;
            otherwise None.
        hurried: Whether only the cascade's fast reader read, because many questions waited (`Settings.patience`).
    """

    question: str
    answered: bool
    text: str = ""
    confidence: float = 0.0
    document: str | None = None
    document_sha256: str | None = None
    title: str | None = None
    place: str | None = None
    start: int | None = None
    end: int | None = None
    sentence: str = ""
    sentence_start: int | None = None
    passage: Passage | None = None
    evidence: tuple[Passage, ...] = ()
    alternatives: tuple["Answer", ...] = ()
    nearest: tuple[Passage, ...] = field(default=())
    reason: Reason | None = None
    understood: str | None = None
    hurried: bool = False


@dataclass(frozen=True, slots=True)
class Quotation:
    """A span of a document's stored text.

    Attributes:
        document: Name of the document.
        document_sha256: Hash of the document's file.
        title: Title of the document.
        place: Where in the document it starts, as in `Answer`; None if the document has no such places.
        start: Offset of the first character in the document's stored text, in Unicode code points.
        end: Offset after the last character.
        text: The characters of the span.
    """

    document: str
    document_sha256: str
    title: str
    place: str | None
    start: int
    end: int
    text: str
