"""Working out: answers over whole tables. The most or the least is a cell to quote; counts, sums and means are not."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TypeVar

from index.protocol import DocumentIndex
from index.records import READ, Cell, Hit, Passage, TableRow
from index.retrieval.lexical import STOP_WORDS
from index.retrieval.proximity import words_of
from qa.protocol import DocumentAnswerer
from qa.question.table_questions import BEGINNINGS, Asked, TableQuestion, names_superlative, table_question
from qa.reader.row_selection import stems_of
from qa.records.answer import Answer
from qa.records.worked_out import WorkedOut
from qa.response.evidence import unsupported
from qa.response.typed_cells import Column, typed, written
from qa.response.whole_tables import DoubtError, Filter, TableSubject, WholeTable, cell_in
from qa.text.shallow_parsing import states_a_number

MAX_ROWS = 100_000
"""Rows of the largest table that is worked over."""
MAX_ROWS_SHOWN = 200
"""Rows given with what was worked out, to open and check."""
_MAX_TABLES = 12
"""Tables compared for a question; with more that may be meant, none is."""
_DIGITS = 80
"""Digits that sums are exact to; a cell has 60 at most."""
_MORE_DECIMALS = 2
"""Decimals that a mean may have beyond those of the cells."""
_BESIDE = frozenset(stems_of("number recorded shown given pay pays paid"))
"""Words that may stand between a superlative and what it compares."""
_LIGHT = _BESIDE | frozenset(stems_of("list listed table sheet row rows entry entries"))
_ROWS = frozenset(stems_of("row rows entry entries"))
_YEARS = frozenset(stems_of("year date day month"))
_RANKS = frozenset(stems_of("rank ranking position place grade no nr number id code zip phone class version room page"))
_PEOPLE = frozenset(
    stems_of(
        "name person member player author employee teacher student pupil president king queen monarch driver winner"
        " keeper owner tenant director manager captain chair chairman minister mayor artist writer composer scientist"
        " astronaut athlete candidate customer client guest patient volunteer staff people leader chancellor pope"
    )
)
_HAS = re.compile(r"\s*(?:which|what)\s+(?:one\s+)?(?:has|had|have)\b", re.IGNORECASE)
_WHAT_IS = re.compile(r"\s*(?:which|what)\s+(?:is|was|are|were)\s+(?:the\s+)?$", re.IGNORECASE)
_ASKING = re.compile(r"\s*(?:in\s+)?(?:how\s+(?!many)\w+|how\s+many|which|what|who|when)\b", re.IGNORECASE)
_NAME_OF = re.compile(r"\bnames?\s+of\b", re.IGNORECASE)
_MEASURED = re.compile(r"\s*(?:when|how\s+(?!many)\w+)\b", re.IGNORECASE)

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class QuotedCell:
    """A cell that answers a question.

    Attributes:
        hit: Its row, as if it were retrieved.
        cell: The cell.
    """

    hit: Hit
    cell: Cell


def cell_asked_for(
    question: str, hits: Sequence[Hit], documents: DocumentIndex, within: Sequence[str] | None
) -> QuotedCell | None:
    """Return the cell that answers a question for the most, the least, the first or the last of something.

    Args:
        question: The question.
        hits: The passages retrieved for it; their tables may be meant.
        documents: The documents.
        within: Names of the documents that may answer; None is all of them.

    Returns:
        The cell; None if the question asks for nothing of the kind, or there is a doubt.
    """
    asked = table_question(question)
    if asked is None or not asked.is_superlative or _is_told_in_prose(question, hits, documents):
        return None
    found = _only_result(asked, hits, documents, within, lambda table: _Superlative(asked, question, table).cell())
    if found is None:
        return None
    hit, table, (row, cell) = found
    passage = Passage(table.document, row.start, row.end, table.text_of(row))
    return QuotedCell(Hit(passage, hit.title, hit.document_sha256, hit.score, hit.cosine, hit.bm25, row=row), cell)


def worked_out(
    question: str, hits: Sequence[Hit], documents: DocumentIndex, within: Sequence[str] | None
) -> WorkedOut | None:
    """Work out the count, sum or mean that a question asks for.

    Args:
        question: The question.
        hits: The passages retrieved for it; their tables may be meant.
        documents: The documents.
        within: Names of the documents that may be worked over; None is all of them.

    Returns:
        What came out; None if the question asks for nothing of the kind, or there is a doubt.
    """
    asked = table_question(question)
    if asked is None or asked.is_superlative:
        return None
    found = _only_result(asked, hits, documents, within, lambda table: _Sum(asked, question, table).outcome())
    if found is None:
        return None
    hit, table, result = found
    rows = tuple(
        Passage(table.document, row.start, row.end, table.text_of(row)) for row in result.rows[:MAX_ROWS_SHOWN]
    )
    return WorkedOut(
        result.text,
        result.value,
        result.asked.value,
        result.is_rounded,
        result.column,
        table.document,
        hit.document_sha256,
        table.title,
        table.start,
        table.end,
        len(result.rows),
        rows,
    )


def ask_or_work_out(
    answerer: DocumentAnswerer, question: str, within: Sequence[str] | None
) -> tuple[Answer, WorkedOut | None]:
    """Answer a question, or work out what it asks of a table.

    Args:
        answerer: Answers the question.
        question: The question, 1,000 characters at most.
        within: Names of the documents to ask; None is all of them.

    Returns:
        The answer, and None; or a declined answer, and what was worked out.

    Raises:
        QuestionError: The question is blank or too long.
        UnknownDocumentError: `within` names a document that is not in the index.
    """
    answer, worked = answerer.ask(question, within=within), answerer.work_out(question, within=within)
    if worked is None or is_said(answer, worked):
        return answer, None
    return unsupported(answer), worked


def is_said(answer: Answer, instead: WorkedOut) -> bool:
    """Return whether the documents state a number elsewhere than in the table from which one was worked out."""
    is_in_table = (
        answer.document == instead.document and answer.start is not None and instead.start <= answer.start < instead.end
    )
    return answer.answered and not is_in_table and states_a_number(answer.text)


def is_unsettled(question: str, rows: Callable[[], Sequence[TableRow]], text: Callable[[], str]) -> bool:
    """Return whether words that may answer stand in any row of a table, and the question compares or adds up rows.

    Args:
        question: The question.
        rows: Returns the rows that hold the words; none outside tables.
        text: Returns the document's text.

    Returns:
        Whether the row does not say itself that it has the most ("Highest point: Galdhøpiggen"); for a sum or a mean,
        whether it holds nothing that the question names either.
    """
    superlative = names_superlative(question)
    asked = None if superlative else table_question(question)
    if not superlative and (asked is None or asked.asked is Asked.COUNT):
        return False
    found, said = rows(), text()
    words = {stem for row in found for stem in stems_of(f"{said[row.start : row.end]} {row.about}")}
    if asked is None:
        return bool(found) and not set(stems_of(superlative)) <= words
    values = {stem for row in found for cell in row.cells for stem in stems_of(said[cell.start : cell.end])}
    return bool(found) and not set(stems_of(asked.word)) & words and not set(stems_of(question)) & values


# Which table


def _is_told_in_prose(question: str, hits: Sequence[Hit], documents: DocumentIndex) -> bool:
    """Return whether a passage outside of tables holds all words of a question."""
    asked = set(stems_of(question))
    return any(
        asked <= set(stems_of(hit.passage.text))
        and not documents.table_rows(hit.passage.document, hit.passage.start, hit.passage.end)
        for hit in hits
    )


def _only_result(
    asked: TableQuestion,
    hits: Sequence[Hit],
    documents: DocumentIndex,
    within: Sequence[str] | None,
    work_out: Callable[[WholeTable], _Result | None],
) -> tuple[Hit, WholeTable, _Result] | None:
    """Return the result of the only table that fits; None if none fits, several do, or one that does is in doubt."""
    found = []
    try:
        for hit, document, number in _tables_meant(asked, hits, documents, within):
            table = WholeTable(document, hit.title, documents.text(document), documents.table(document, number))
            result = work_out(table)
            if result is not None:
                if not _is_whole(document, documents):
                    return None
                found.append((hit, table, result))
    except DoubtError:
        return None
    return found[0] if len(found) == 1 else None


def _is_whole(document: str, documents: DocumentIndex) -> bool:
    """Return whether all of a document's file was read, as far as a ledger says."""
    record = documents.file_records([document]).get(document)
    return record is None or record.status != READ[1]


def _tables_meant(
    asked: TableQuestion, hits: Sequence[Hit], documents: DocumentIndex, within: Sequence[str] | None
) -> Iterator[tuple[Hit, str, int]]:
    """Yield the tables among the retrieved passages that may be meant, and those with the same headers.

    Args:
        asked: What is asked.
        hits: The passages retrieved.
        documents: The documents.
        within: Names of the documents that may be meant; None is all of them.

    Yields:
        The retrieved passage (of other documents, one made up), the document's name and the table's number.

    Raises:
        DoubtError: There are too many tables, or one is too long.
    """
    met: dict[tuple[str, int], Hit] = {}
    headers: dict[tuple[str, ...], Hit] = {}
    for hit in hits:
        for row in documents.table_rows(hit.passage.document, hit.passage.start, hit.passage.end):
            subject = TableSubject(hit.passage.document, hit.title, row.about, row.headers)
            if (hit.passage.document, row.table) not in met and _may_fit(asked, subject):
                met[hit.passage.document, row.table] = hit
                headers.setdefault(row.headers, hit)
    for each, hit in headers.items():
        alike = documents.tables_with(each, _MAX_TABLES)
        if len(alike) == _MAX_TABLES:
            raise DoubtError
        for table in alike:
            if within is not None and table.document not in within:
                continue
            if table.n_rows > MAX_ROWS:
                raise DoubtError
            record = documents.record(table.document)
            passage = Passage(table.document, 0, 0, "")
            own = Hit(passage, record.title, record.sha256, hit.score, hit.cosine, hit.bm25)
            yield met.get((table.document, table.number), own), table.document, table.number


def _may_fit(asked: TableQuestion, subject: TableSubject) -> bool:
    """Return whether a table may be meant, by its headers alone."""
    words = set(stems_of(f"{asked.before} {asked.after}"))
    return bool(subject.having(words | set(stems_of(" ".join(asked.columns)))) or words & (subject.nouns | _ROWS))


# What a question asks of one table


class _Reading:
    """A question, read over a table."""

    def __init__(self, asked: TableQuestion, question: str, table: WholeTable) -> None:
        self.asked = asked
        self.table = table
        self.subject = table.subject
        self.before = stems_of(_NAME_OF.sub(" ", _ASKING.sub(" ", asked.before, count=1)))
        self.after = stems_of(asked.after)
        self.words = frozenset([*self.before, *self.after])
        self.question = question

    def fits(self, columns: Sequence[int], by: Filter | None) -> bool:
        """Return whether the table accounts for every word of the question.

        Args:
            columns: The columns that the question is about.
            by: The value that picks rows; None for all rows.

        Returns:
            Whether no other column is named, and no word is left over.

        Raises:
            DoubtError: A word of the table's title also stands in its rows, which it may be meant to pick.
        """
        used = {*columns, *([by.column] if by else [])}
        headers = frozenset(stem for column in used for stem in self.subject.headers[column])
        picked = by.stems if by else frozenset()
        nouns = self.subject.nouns | _LIGHT | headers | picked
        rest = self.words - nouns
        if not rest <= self.subject.words or not self.subject.named(self.words - picked) <= used:
            return False
        if rest and self.table.holds_any(rest):
            raise DoubtError  # all rows are about it, or only those that say so
        return True

    def could_fit(self) -> bool:
        """Return whether every word of the question stands somewhere in the table or above it."""
        headers = frozenset(stem for header in self.subject.headers for stem in header)
        return self.table.holds_all(self.words - headers - self.subject.words - _LIGHT)

    def accounted(self, *columns: int) -> frozenset[str]:
        """Return the words that the headers of some columns and the subject of the table account for."""
        headers = (self.subject.headers[column] for column in columns)
        return frozenset(stem for header in headers for stem in header) | self.subject.nouns

    def filter(self, accounted: Collection[str]) -> Filter | None:
        """Return the value that picks rows.

        Args:
            accounted: Words of the question that are used already.

        Returns:
            The value; None if no value is named.

        Raises:
            DoubtError: The value is the name of a row, or one of the words that are used already.
        """
        found = self.table.filter_in(self.words, self.question)
        if found is not None and (found.column == self.table.key or found.stems & set(accounted)):
            raise DoubtError
        return found

    def says_itself(self) -> bool:
        """Return whether the table's headers or its title hold the word that asks: "First name", "Total"."""
        own = set(stems_of(self.asked.word))
        return bool(own & self.subject.words) or bool(self.subject.having(own))


class _Superlative(_Reading):
    """A question for the row with the most or the least."""

    def cell(self) -> tuple[TableRow, Cell] | None:
        """Find the cell that answers.

        Returns:
            Its row and the cell; None if the table does not fit.

        Raises:
            DoubtError: It fits, and does not settle the question.
        """
        if not self.could_fit() or self.says_itself():
            return None
        key = self.table.key
        columns = self._columns(key)
        if columns is None:
            return None
        measure, target = columns
        by = self.filter(self.accounted(measure, target, key))
        if not self.fits((measure, target, key), by):
            return None
        row = self._best(measure, self.table.picked(by))
        cell = cell_in(row, target)
        if cell is None:
            raise DoubtError
        return row, cell

    def _columns(self, key: int) -> tuple[int, int] | None:
        """Return the column that is compared and the one that answers; None if the words do not say."""
        first = next((stem for stem in self.after if stem not in _BESIDE), "")
        if first in _LIGHT:
            return None  # "the longest entry"
        before, after = (self.subject.named(words) - {key} for words in (self.before, self.after))
        implied = self.subject.having(stems_of(" ".join(self.asked.columns))) - {key}
        beside = {column for column in after if first in self.subject.headers[column]}
        if beside:
            candidates = beside
        elif implied:
            candidates = implied
        elif after:
            candidates = after if self.asked.is_of_time else set()
        else:
            candidates = {column for column in before if self._is_comparable(column)}
        if len(candidates) != 1:
            return None
        (measure,) = candidates
        others = (before | after) - {measure}
        if len(others) > 1:
            return None
        target = others.pop() if others else self._target(measure, key)
        if target is None or not self._is_asked_once(measure, target, first):
            return None
        return measure, target

    def _is_asked_once(self, measure: int, target: int, first: str) -> bool:
        """Return whether the columns are meant in one way only.

        Not "the keeper with the most platforms" if a keeper may have several rows; nor "when was the first station
        closed" if stations have another date, by which they may be the first.
        """
        names_row = set(self.before) & (self.subject.nouns | {self.subject.noun(self.table.key)})
        if (
            self.asked.word in ("most", "least", "fewest")
            and target != measure
            and not (names_row and target != self.table.key)
        ):
            values = [value.casefold() for value in self.table.values(target)]
            return len(set(values)) == len(values)
        if not self.asked.is_of_time or target != measure or first in self.subject.headers[measure]:
            return True
        if measure in self.subject.having(stems_of(" ".join(BEGINNINGS))):
            return True
        return sum(self._is_comparable(column) for column in range(len(self.table.headers))) == 1

    def _target(self, measure: int, key: int) -> int | None:
        """Return the column that answers, if no other one is named: the rows' names, or the one compared."""
        asks = self.asked.before
        compared, entities = self.subject.headers[measure], self.subject.nouns | {self.subject.noun(key)}
        if re.match(r"\s*who\b", asks, re.IGNORECASE):
            return key if self.subject.noun(key) in _PEOPLE else None
        is_year = self.asked.is_of_time and self.before and set(self.before) <= _YEARS
        if _MEASURED.match(asks) or is_year:
            return measure
        if set(self.before) & entities or _HAS.match(asks) or _NAME_OF.search(asks):
            return key
        if set(self.before) & compared:
            return measure
        first = next((stem for stem in self.after if stem not in _LIGHT), "") if _WHAT_IS.match(asks) else ""
        return key if first in entities else measure if first in compared else None

    def _is_comparable(self, column: int) -> bool:
        read = typed(self.table.values(column))
        return read is not None and read.is_of_time == self.asked.is_of_time

    def _best(self, measure: int, rows: Sequence[TableRow]) -> TableRow:
        read = typed(self.table.values(measure))
        if read is None or read.is_of_time != self.asked.is_of_time or self.subject.noun(measure) in _RANKS:
            raise DoubtError
        if any(value < 0 for value in read.numbers) and self.asked.word not in ("highest", "lowest"):
            raise DoubtError  # the largest loss may be the lowest number
        every = [row for row in self.table.rows if cell_in(row, measure) is not None]
        values = {row.start: value for row, value in zip(every, read.values, strict=True)}
        compared = [row for row in rows if row.start in values]
        if len(compared) < 2:  # noqa: PLR2004 (nothing to compare)
            raise DoubtError
        pick = max if self.asked.asked is Asked.MOST else min
        best = pick(values[row.start] for row in compared)
        winners = [row for row in compared if values[row.start] == best]
        if len(winners) > 1:
            raise DoubtError
        return winners[0]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came out of some rows of a table; the fields are those of `WorkedOut`."""

    asked: Asked
    rows: Sequence[TableRow]
    value: str
    text: str
    column: str = ""
    is_rounded: bool = False


class _Sum(_Reading):
    """A question for a count, a sum or a mean."""

    def outcome(self) -> _Outcome | None:
        """Return what comes out; None if the table does not fit."""
        if not self.could_fit() or self.says_itself():
            return None
        named = self.subject.named(self.words) - {self.table.key}
        if self.asked.asked is Asked.COUNT and self._counts(named):
            return self._count(named)
        return self._sum(named) if self.asked.asked is not Asked.COUNT or self.asked.word else None

    def _counts(self, named: Collection[int]) -> bool:
        """Return whether the noun that the question counts is what the rows are, or "rows"."""
        nouns = {self.subject.noun(column) for column in named}
        counted = stems_of(" ".join(_first_words(self.asked.after)))
        while counted and counted[-1] in nouns:  # "stations closed in 1931"
            counted.pop()
        return bool(counted) and counted[-1] in self.subject.nouns | {self.subject.noun(self.table.key)} | _ROWS

    def _count(self, named: Collection[int]) -> _Outcome | None:
        by = self.filter(self.accounted(self.table.key) | _ROWS)
        if any(by is None or column != by.column for column in named) or not self.fits([self.table.key], by):
            return None
        if not self.words & _ROWS and not self.table.has_unique_names():
            raise DoubtError  # visits, say, when it asks for visitors
        rows = self.table.picked(by)
        n_rows = len(self.table.rows)
        text = f"Worked out by counting the rows of {self.table.name}{self._with(by)}: {len(rows):,}"
        if by is not None:
            n_blank = n_rows - len(self.table.values(by.column))
            text += f", of {n_rows:,} rows{f', {n_blank:,} of them without a value there' if n_blank else ''}"
        return _Outcome(Asked.COUNT, rows, f"{len(rows):,}", text)

    def _sum(self, named: Collection[int]) -> _Outcome | None:
        by = self.filter(self.accounted(self.table.key, *named))
        measures = set(named) - ({by.column} if by else set())
        if len(measures) != 1 or not self.fits([self.table.key, *measures], by):
            return None
        (measure,) = measures
        if by is None and self.table.has_total:
            return None  # the document itself says it
        read = typed(self.table.values(measure))
        if read is None or not read.numbers or "%" in read.unit_after or self.subject.noun(measure) in _RANKS:
            raise DoubtError
        picked = self.table.picked(by)
        rows = [row for row in picked if cell_in(row, measure) is not None]
        if len(rows) < 2:  # noqa: PLR2004 (a look-up)
            raise DoubtError
        kept = {row.start for row in rows}
        every = (row for row in self.table.rows if cell_in(row, measure) is not None)
        values = [value for row, value in zip(every, read.numbers, strict=True) if row.start in kept]
        return self._summed(measure, read, rows, values, f"{self._with(by)}{_blank(len(picked) - len(rows))}")

    def _summed(
        self, measure: int, read: Column, rows: Sequence[TableRow], values: Sequence[Decimal], which: str
    ) -> _Outcome:
        asked = Asked.AVERAGE if self.asked.asked is Asked.AVERAGE else Asked.SUM
        value, is_rounded = _mean(values) if asked is Asked.AVERAGE else (_total(values), False)
        header = self.table.headers[measure]
        method = "as the mean of" if asked is Asked.AVERAGE else "by adding up"
        shown = written(read, value)
        text = f"Worked out {method} {header} in {len(rows):,} rows of {self.table.name}{which}: {shown}"
        return _Outcome(asked, rows, shown, f"{text} (rounded)" if is_rounded else text, header, is_rounded)

    def _with(self, by: Filter | None) -> str:
        if by is None:
            return ""
        return f" with {self.table.headers[by.column] or 'the value'} \u201c{by.value}\u201d"


def _blank(n_rows: int) -> str:
    return f" ({n_rows:,} more {'has' if n_rows == 1 else 'have'} no value there)" if n_rows else ""


def _first_words(text: str) -> Iterator[str]:
    """Yield the words up to the first one that says nothing by itself, such as "are" or "in"."""
    for word in words_of(text):
        if word in STOP_WORDS:
            return
        yield word


def _total(values: Sequence[Decimal]) -> Decimal:
    with localcontext(prec=_DIGITS):
        return sum(values, Decimal(0))


def _mean(values: Sequence[Decimal]) -> tuple[Decimal, bool]:
    """Return the mean, and whether it is rounded: to a few decimals more than the values have."""
    n_decimals = max(-int(value.as_tuple().exponent) for value in values)
    with localcontext(prec=_DIGITS):
        exact = _total(values) / len(values)
        rounded = exact.quantize(Decimal(1).scaleb(-max(n_decimals, 0) - _MORE_DECIMALS), ROUND_HALF_EVEN)
        is_rounded = rounded * len(values) != _total(values)
        return rounded if is_rounded else _short(rounded, n_decimals), is_rounded


def _short(value: Decimal, n_decimals: int) -> Decimal:
    """Return an exact value without noughts beyond the decimals of what it was worked out from."""
    decimals = max(-int(value.normalize().as_tuple().exponent), n_decimals, 0)
    return value.quantize(Decimal(1).scaleb(-decimals))
