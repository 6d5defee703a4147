"""What a conversation needs of what answers its questions."""

from collections.abc import Collection, Sequence
from typing import Protocol

from index.records import DocumentRecord, Hit
from qa.records.answer import Answer


class DocumentAnswerer(Protocol):
    """Answers questions that stand alone. `qa.answerer.QuestionAnswerer` is the one over a folder of documents."""

    @property
    def threshold(self) -> float:
        """Confidence from 0 to 1 below which a question is declined."""

    def ask(self, question: str, *, within: Sequence[str] | None = None, as_typed: bool = False) -> Answer:
        """Answer a question.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to ask; None is all of them.
            as_typed: Ask it letter by letter; else as `as_meant` understands it.

        Returns:
            The answer.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """

    def search(self, question: str, *, within: Sequence[str] | None = None) -> list[Hit]:
        """Retrieve the passages that would be read for a question, best first."""

    def as_meant(self, question: str) -> str:
        """Understand a question: without what it takes back, and without typing mistakes."""

    def documents(self) -> list[DocumentRecord]:
        """List the documents in the order of their names."""

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents by name; names that no document has are missing."""

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that stand in a text, letter case aside; some beside them may not quite."""

    def text(self, name: str) -> str:
        """Return the stored text of a document; raises `UnknownDocumentError`."""
