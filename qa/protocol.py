"""Protocol of what a conversation needs to answer questions."""

from collections.abc import Collection, Sequence
from typing import Protocol

from index.records import Concordance, DocumentRecord, Hit
from qa.records.answer import Answer
from qa.records.worked_out import WorkedOut


class DocumentAnswerer(Protocol):
    """Answers self-contained questions. `qa.answerer.QuestionAnswerer` does so from a folder of documents."""

    @property
    def threshold(self) -> float:
        """Confidence from 0 to 1 below which a question is declined."""

    def ask(self, question: str, *, within: Sequence[str] | None = None, as_typed: bool = False) -> Answer:
        """Answer a question.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to ask; None is all of them.
            as_typed: Search and read the question exactly as typed; otherwise as corrected by `as_meant`.

        Returns:
            The answer.

        Raises:
            QuestionError: The question is blank or too long.
            UnknownDocumentError: `within` names a document that is not in the index.
        """

    def work_out(self, question: str, *, within: Sequence[str] | None = None) -> WorkedOut | None:
        """Work out the count, sum or mean that a question asks of a table; None if it asks for none, or in doubt."""

    def search(self, question: str, *, within: Sequence[str] | None = None) -> list[Hit]:
        """Return the passages that would be read for a question, best first."""

    def find(
        self, words: str, *, within: Sequence[str] | None = None, any_form: bool = False, places: int = 20
    ) -> Concordance:
        """Find every place where words stand; `within` names the documents, `places` is the most of each."""

    def as_meant(self, question: str) -> str:
        """Return a question with self-corrections and typing mistakes resolved."""

    def documents(self) -> list[DocumentRecord]:
        """Return the documents, sorted by name."""

    def records(self, names: Collection[str]) -> dict[str, DocumentRecord]:
        """Look up documents by name; unknown names are missing from the result."""

    def names_in(self, text: str) -> list[str]:
        """Return the names of documents that occur in a text, ignoring case; some may match only roughly."""

    def text(self, name: str) -> str:
        """Return the stored text of a document; raises `UnknownDocumentError`."""
