"""Whole tables: what a table is about, its columns by the words of their headers, the rows that a question picks."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from index.formats.text.markdown import HEADING_SEPARATOR
from index.records import Cell, TableRow
from qa.reader.row_selection import stems_of
from qa.response.typed_cells import typed

_IN_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_PREPOSITION = re.compile(r"\b(?:of|in|at|for|from|per|by|to|on|with|under)\b|[,:;\u2013\u2014]", re.IGNORECASE)
_SAYS_LITTLE = frozenset(stems_of("number no count annual yearly amount date year official total"))
_LISTS = frozenset(stems_of("list table overview register index schedule sheet data inventory record records"))
_RUNNING_NUMBER = frozenset({"no", "nr", "#", "id", "rank", "number", "pos", "position", "row", "key", "code"})
_SUMMARY = re.compile(
    r"(?:(?:grand|sub|overall|running)[ -]?)?(?:totals?|sums?)\b.*|subtotals?\b.*|averages?\b.*|mean|median|overall|all"
    r"|altogether|others?|rest|world|everyone|minimum|maximum|count|balance.*",
    re.IGNORECASE | re.DOTALL,
)
_TOTAL = re.compile(r"(?:grand )?totals?|sum", re.IGNORECASE)


class DoubtError(Exception):
    """A table fits the words of a question, and does not settle it beyond doubt."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The value that a question picks rows by.

    Attributes:
        column: Its column.
        value: The value as it stands in the table.
        stems: Stems of its words.
    """

    column: int
    value: str
    stems: frozenset[str]


class WholeTable:
    """All rows of a table."""

    def __init__(self, document: str, title: str, text: str, rows: Sequence[TableRow]) -> None:
        """Take the rows of a table.

        Args:
            document: Name of its document.
            title: Title of the document.
            text: Text of the document.
            rows: All rows of the table, one or more.
        """
        self.document = document
        self.title = title
        self.about = rows[0].about
        self.headers = rows[0].headers
        self._text = text
        self._all = tuple(rows)

    @property
    def name(self) -> str:
        """Name of the table for people: its sheet or caption, else the document's title."""
        return self.about.rpartition(HEADING_SEPARATOR)[2] or self.title or self.document

    @property
    def start(self) -> int:
        """Offset of its first row."""
        return self._all[0].start

    @property
    def end(self) -> int:
        """Offset after its last row."""
        return self._all[-1].end

    @cached_property
    def subject(self) -> "TableSubject":
        """What it is about."""
        return TableSubject(self.document, self.title, self.about, self.headers)

    @cached_property
    def rows(self) -> tuple[TableRow, ...]:
        """The rows without a total below them.

        Returns:
            The rows, in the order of the text.

        Raises:
            DoubtError: Some row may sum up others.
        """
        odd = [row for row in self._all if self._is_summary(row)]
        if not odd:
            return self._all
        others = self._all[:-1]
        if odd != [self._all[-1]] or not _TOTAL.fullmatch(self.value(odd[0], odd[0].cells[0].column) or ""):
            raise DoubtError
        totals = [cell.column for cell in odd[0].cells[1:]]
        if not totals or not all(self._adds_up(column, others) for column in totals):
            raise DoubtError
        return others

    @property
    def has_total(self) -> bool:
        """Whether its last row is the sum of the others."""
        return len(self.rows) < len(self._all)

    def _is_summary(self, row: TableRow) -> bool:
        words = (self._words(cell) for cell in row.cells[:2])
        return any(_SUMMARY.fullmatch(text.rstrip(" :")) for text in words)

    def _adds_up(self, column: int, rows: Sequence[TableRow]) -> bool:
        """Return whether the last row's value in a column is the sum of the others."""
        read = typed([text for row in (*rows, self._all[-1]) if (text := self.value(row, column)) is not None])
        return read is not None and len(read.numbers) > 1 and sum(read.numbers[:-1]) == read.numbers[-1]

    def _words(self, cell: Cell) -> str:
        return self._text[cell.start : cell.end]

    def text_of(self, row: TableRow) -> str:
        """Return a row as it stands in the document."""
        return self._text[row.start : row.end]

    def value(self, row: TableRow, column: int) -> str | None:
        """Return the value of a row in a column; None if it is blank."""
        cell = cell_in(row, column)
        return None if cell is None else self._words(cell)

    def values(self, column: int) -> list[str]:
        """Return the values of a column that are not blank, in order."""
        return [text for row in self.rows if (text := self.value(row, column)) is not None]

    @cached_property
    def key(self) -> int:
        """The column that names the rows.

        Returns:
            The first column whose values are words, and none of them blank.

        Raises:
            DoubtError: There is none.
        """
        for column, header in enumerate(self.headers):
            values = self.values(column)
            if len(values) < len(self.rows) or header.casefold().strip(" .") in _RUNNING_NUMBER:
                continue
            if typed(values) is None and not all(value[:1].isdigit() for value in values):
                return column
        raise DoubtError

    def has_unique_names(self) -> bool:
        """Return whether no two rows have the same name."""
        names = [name.casefold() for name in self.values(self.key)]
        return len(set(names)) == len(names)

    def filter_in(self, words: Collection[str], question: str) -> Filter | None:
        """Return the value by which a question picks rows; None if it names none.

        Args:
            words: Stems of the words of the question that may name it.
            question: The question.

        Returns:
            The only value whose words all stand in the question.

        Raises:
            DoubtError: There are several, or other values hold its words, too.
        """
        found = list(self._named_values(frozenset(words), question))
        longest = [each for each in found if not any(each.stems < other.stems for other in found)]
        if not longest:
            return None
        if len(longest) > 1:
            raise DoubtError
        (only,) = longest
        plain = only.value.casefold()
        if any(plain in value.casefold() != plain for value in self.values(only.column)):
            raise DoubtError
        return only

    def _named_values(self, words: frozenset[str], question: str) -> Iterator[Filter]:
        starts = {word[:2] for word in re.findall(r"\w+", _plain(question))}
        seen: set[tuple[int, str]] = set()
        for row in self.rows:
            for cell in row.cells:
                value = self._words(cell)
                if len(value) > len(question) + 2 or _plain(value[:2]).strip() not in starts:
                    continue
                if (cell.column, value.casefold()) in seen:
                    continue
                seen.add((cell.column, value.casefold()))
                stems = frozenset(stems_of(value))
                if stems and stems <= words:
                    yield Filter(cell.column, value, stems)

    def picked(self, by: Filter | None) -> list[TableRow]:
        """Return the rows that a value picks; all for None."""
        if by is None:
            return list(self.rows)
        wanted = by.value.casefold()
        return [row for row in self.rows if (self.value(row, by.column) or "").casefold() == wanted]

    def holds_all(self, stems: Collection[str]) -> bool:
        """Return whether each of some stems stands in a value."""
        left = set(stems)
        for row in self._all:
            if not left:
                break
            for cell in row.cells:
                words = _plain(self._words(cell))
                left -= {stem for stem in left if _root(stem) in words}
        return not left

    def holds_any(self, stems: Collection[str]) -> bool:
        """Return whether a value holds one of some stems."""
        return any(
            _root(stem) in _plain(self._words(cell)) for stem in stems for row in self.rows for cell in row.cells
        )


class TableSubject:
    """What a table is about, by its words."""

    def __init__(self, document: str, title: str, about: str, headers: Sequence[str]) -> None:
        """Take the words above a table.

        Args:
            document: Name of its document.
            title: Title of the document.
            about: What is said above the table, as in `TableRow`.
            headers: Header of each column.
        """
        parts = [*about.split(HEADING_SEPARATOR), title, re.sub(r"[_\W]+", " ", PurePosixPath(document).stem)]
        self.words = frozenset(stem for part in parts for stem in stems_of(part))
        self.nouns = frozenset(filter(None, map(_noun_of_title, parts)))
        self.headers = [frozenset(stems_of(_IN_BRACKETS.sub(" ", header))) for header in headers]
        self._nouns = [_noun_of_header(header) for header in headers]

    def noun(self, column: int) -> str:
        """Return the stem of the noun in a column's header that the others modify; "" if it has none."""
        return self._nouns[column]

    def named(self, words: Collection[str]) -> set[int]:
        """Return the columns that words name; several of the same noun if the other words do not tell them apart."""
        found: set[int] = set()
        for noun in {noun for noun in self._nouns if noun and noun in words}:
            fits = {
                column: len(self.headers[column] & set(words)) for column, own in enumerate(self._nouns) if own == noun
            }
            best = max(fits.values())
            found |= {column for column, fit in fits.items() if fit == best}
        return found

    def having(self, stems: Collection[str]) -> set[int]:
        """Return the columns whose headers hold one of some stems."""
        return {column for column, header in enumerate(self.headers) if header & set(stems)}


def cell_in(row: TableRow, column: int) -> Cell | None:
    """Return the cell of a row in a column; None if it is blank."""
    return next((cell for cell in row.cells if cell.column == column), None)


def _noun_of_header(header: str) -> str:
    plain = _IN_BRACKETS.sub(" ", header)
    for part in (_PREPOSITION.split(plain)[0], plain):
        stems = [stem for stem in stems_of(part) if stem not in _SAYS_LITTLE and not stem.isdigit()]
        if stems:
            return stems[-1]
    return next(iter(stems_of(plain)), "")


def _noun_of_title(title: str) -> str:
    """Return the stem of what a title names: "station" for "Railway stations of the valley" and "List of stations"."""
    for part in _PREPOSITION.split(_IN_BRACKETS.sub(" ", title)):
        stems = [stem for stem in stems_of(part) if stem not in _LISTS and not stem.isdigit()]
        if stems:
            return stems[-1]
    return ""


def _root(stem: str) -> str:
    """Return what words of a stem begin with: "rock" for "rocki", the stem of "rocky"."""
    return stem.removesuffix("i")


def _plain(text: str) -> str:
    """Return a text in lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
