"""CSV, TSV and similar tables: each row becomes a line of headers and values."""

import re
from collections import Counter
from collections.abc import Iterator

from index.errors import EmptyFileError
from index.formats.content import Content
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.numbering import numbered_places
from index.formats.tables import TableRecorder, written
from index.formats.text.decoding import decode

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARS = 256 * 1024
_SAMPLE_ROWS = 200
_DECLARED = re.compile(r"sep=([,;\t|])\r?\n?")
"""Line that Excel writes first if the delimiter differs from the locale's."""


def load_csv(content: bytes) -> Content:
    """Read a table of delimited values.

    Args:
        content: The file's bytes.

    Returns:
        A line "Item: Travel; Cost: 120 EUR" for each row that is not blank, with the place "row 12": the row's number
        in a spreadsheet, where the header is row 1 and blank rows count.

    Raises:
        EmptyFileError: No cell has text.
        UnreadableFileError: The file is not text.
    """
    text = decode(content)
    declared = _DECLARED.match(text)
    delimiter = declared[1] if declared else _delimiter(text)
    begin, first = (declared.end(), 2) if declared else (0, 1)
    tables = TableRecorder()
    lines: list[str] = []
    starts: list[tuple[int, int]] = []
    notes: tuple[str, ...] = ()
    at = 0
    for line in written(enumerate(_rows(text, delimiter, begin), start=first), may_stand_abreast=True):
        if at + len(line.text) > MAX_TEXT_CHARS:
            notes = (f"more than {MAX_TEXT_CHARS:,} characters: row {line.number:,} and those below are left out",)
            break
        tables.add(line, at)
        starts.append((at, line.number))
        lines.append(line.text)
        at += len(line.text) + 1
    if not lines:
        raise EmptyFileError("empty: no cell holds text")
    text = "\n".join(lines)
    return Content(text, places=numbered_places("row", starts), notes=notes, tables=tables.tables(len(text)))


def _delimiter(text: str) -> str:
    """Return the delimiter that splits most of the first rows into the same number of cells, at least two."""
    sample = text[:_SAMPLE_CHARS]
    if len(text) > len(sample):  # drop the last line, which may be incomplete
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    return max(_DELIMITERS, key=lambda delimiter: _regularity(sample, delimiter))


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    widths: Counter[int] = Counter()
    for row in _rows(sample, delimiter, 0):
        if any(cell.strip() for cell in row):
            widths[len(row)] += 1
        if widths.total() >= _SAMPLE_ROWS:
            break
    regular = [(count / widths.total(), width) for width, count in widths.items() if width > 1]
    return max(regular, default=(0.0, 0))


def _rows(text: str, delimiter: str, begin: int) -> Iterator[list[str]]:
    """Split a table into rows.

    Unlike in the csv module, a quote that is never closed, or that closes before the cell's end, is an ordinary
    character and does not swallow the rows below. Takes linear time: every cell is matched once, and a failed match of
    a quoted cell ends at the next quote.
    """
    cell = re.compile(
        rf'(?:[ ]*+"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"[ ]*+(?={re.escape(delimiter)}|[\r\n]|\Z)'
        rf"|(?P<bare>[^{re.escape(delimiter)}\r\n]*+))(?P<end>{re.escape(delimiter)}|\r\n?|\n|\Z)"
    )
    row: list[str] = []
    at = begin
    while at < len(text):
        match = cell.match(text, at)
        if match is None:  # impossible: an empty cell matches anywhere
            break
        quoted = match["quoted"]
        row.append(match["bare"] if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if match["end"] != delimiter:
            yield row
            row = []
    if row:
        yield row
