"""WorkedOut: a count, sum or mean over the rows of a table. It is no quotation."""

from dataclasses import dataclass

from index.records import Passage


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """What was worked out from the rows of a table, since no words of the documents say it.

    Attributes:
        text: What was done and what came out, as a sentence for people.
        value: What came out, written as the table writes it: "412", "£1,250.50"; never words of a document.
        method: "count", "sum" or "average".
        is_rounded: Whether `value` is rounded.
        column: Header of the column that was added up; "" for a count.
        document: Name of the document that holds the table.
        document_sha256: Hash of the document's file.
        title: Title of the document.
        start: Offset of the table's first row in the document's stored text, in Unicode code points.
        end: Offset after its last row.
        n_rows: Number of rows that it was worked out from.
        rows: The first of these rows, as they stand in the document.
    """

    text: str
    value: str
    method: str
    is_rounded: bool
    column: str
    document: str
    document_sha256: str
    title: str
    start: int
    end: int
    n_rows: int
    rows: tuple[Passage, ...]
