"""Rows of tables as units of reading: the rows that a question is about, and the values in them that it asks for."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import Stemmer

from index.records import Cell, Hit, Passage, TableRow
from index.retrieval.lexical import STOP_WORDS
from index.retrieval.proximity import words_of
from qa.records.span import Span
from qa.text.shallow_parsing import NUMBER_WORDS, QUESTION_WORDS, names_in

RowsOf = Callable[[str, int, int], Sequence[TableRow]]
"""Returns the rows of tables that share characters with a span of a document, by its name, start and end."""

MOST_ROWS = 4
"""Most rows read for a question."""
_NEARLY = 0.85
"""Share of the best row's weight of matched words that another row needs to be read."""
_MOST_ALIKE = 6
"""Rows that match equally well: with more, the question is not about one row, and whole passages are read."""
_MOST_MISSING = 0.25
"""Share of the weight of a question's words that other rows hold that a row may lack."""
_UNSUPPORTED = 12.0
"""Log-odds taken from spans of a row that lacks more."""
_SINGLED_OUT = 2.5
"""Log-odds given to spans of the only row that holds all that the question names."""
_NAMED = 5.5
"""Log-odds given besides to spans in the only column that the question names."""
_LONGEST_VALUE = 60
"""Longest value that is given whole, in characters, when the reader picks a part of it."""
_ORDINALS = {
    word: str(number)
    for number, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
} | {word: str(number) for word, number in NUMBER_WORDS.items()}
_WHO = re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE)
_stem = Stemmer.Stemmer("porter").stemWords


@dataclass(frozen=True, slots=True)
class _Match:
    """How a row fits a question.

    Attributes:
        weight: Inverse document frequency among the rows compared, summed over the question's words that it holds.
        missing: Share of the weight of key words that it lacks, 0 to 1; 1 if it lacks a word of a name.
        holds_key: Whether one of its values holds a key word.
        columns: Columns whose headers fit the question best; empty if none does.
        is_whole: Whether the question names one of its values as a whole: "Olga Palm", and not "Olga-Lou Palm".
        is_only: Whether no other row fits as well.
    """

    weight: float
    missing: float
    holds_key: bool
    columns: frozenset[int]
    is_whole: bool
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with its words.

    Attributes:
        hit: The retrieved passage that holds it.
        row: The row.
        values: Stems of its values, by column.
        about: Stems of the title, headings, caption and headers above it.
    """

    hit: Hit
    row: TableRow
    values: dict[int, frozenset[str]]
    about: frozenset[str]


class RowSelection:
    """The retrieved passages of a question, with the rows that it is about in place of the tables' passages."""

    def __init__(self, question: str, hits: Sequence[Hit], rows_of: RowsOf) -> None:
        """Select the rows.

        Args:
            question: The question.
            hits: The retrieved passages, best first.
            rows_of: Looks rows up.
        """
        self._asked = stems_of(question)
        self._asks_who = bool(_WHO.search(question))
        self._names = frozenset(stems_of(" ".join(name.text for name in names_in(question))))
        rows = {id(hit): _rows_in(hit, rows_of) for hit in hits}
        self._first_rows = {hit_id: found[0].row.start for hit_id, found in rows.items() if found}
        self._matches: dict[tuple[str, int], _Match] = {}
        asked = frozenset(self._asked)
        # A row that only repeats the question's words has nothing to say: headers that were not known as such.
        saying = [r for found in rows.values() for r in found if not all(words <= asked for words in r.values.values())]
        self.hits = self._selected(hits, saying)

    def _selected(self, hits: Sequence[Hit], rows: Sequence[_Row]) -> list[Hit]:
        matched = list(zip(rows, self._match(rows), strict=True))
        best = max((match.weight for _, match in matched), default=0.0)
        likely = [(row, match) for row, match in matched if match.holds_key and match.weight >= _NEARLY * best]
        likely = [pair for pair in likely if pair[1].is_whole] or likely
        likely.sort(key=lambda pair: (pair[1].missing, -pair[1].weight))
        if not likely:
            return list(hits)
        fit = likely[0][1]  # where no row holds all that is named, reading them all would only find what was not asked
        if fit.missing <= _MOST_MISSING and sum(match == fit for _, match in likely) > _MOST_ALIKE:
            return list(hits)
        top = hits[0].score
        chosen = []
        for row, match in likely[:MOST_ROWS]:
            hit = _as_hit(row, top if match.missing <= _MOST_MISSING else row.hit.score)
            alike = (other for _, other in matched if other.is_whole or not match.is_whole)
            is_only = sum(other.weight >= match.weight for other in alike) == 1
            self._matches[hit.passage.document, hit.passage.start] = replace(match, is_only=is_only)
            chosen.append(hit)
        others = (self._without_rows(hit) for hit in hits)
        return sorted([*chosen, *filter(None, others)], key=lambda hit: -hit.score)

    def _without_rows(self, hit: Hit) -> Hit | None:
        """Return a passage as it stands, or what stands above the rows in it, such as a title; None if nothing does."""
        first = self._first_rows.get(id(hit))
        if first is None:
            return hit
        passage = hit.passage
        text = passage.text[: max(first - passage.start, 0)].rstrip()
        above = Passage(passage.document, passage.start, passage.start + len(text), text, passage.heading)
        return replace(hit, passage=above) if text else None

    def _match(self, rows: Sequence[_Row]) -> list[_Match]:
        """Compare the question with rows."""
        asked = frozenset(self._asked)
        held = [asked & frozenset().union(*row.values.values()) for row in rows]
        known = [had | (asked & row.about) for row, had in zip(rows, held, strict=True)]
        counts = Counter(word for words in known for word in words)
        weights = {word: math.log(1 + (len(rows) - counts[word] + 0.5) / (counts[word] + 0.5)) for word in asked}
        by_table: dict[tuple[str, int], set[str]] = {}
        for row, had in zip(rows, held, strict=True):
            by_table.setdefault((row.hit.passage.document, row.row.table), set()).update(had)
        matches = []
        for row, had, has in zip(rows, held, known, strict=True):
            keys = (by_table[row.hit.passage.document, row.row.table] - row.about) | (self._names & asked)
            total = sum(weights[word] for word in keys)
            lacking = sum(weights[word] for word in keys - has)
            weight = sum(weights[word] for word in has)
            missing = 1.0 if (self._names & asked) - has else lacking / total if total else 0.0
            is_whole = any(words <= asked and words & keys for words in row.values.values())
            matches.append(_Match(weight, missing, bool(keys & had), self._columns(row, keys), is_whole))
        return matches

    def _columns(self, row: _Row, keys: Collection[str]) -> frozenset[int]:
        """Return the columns that the question names by their headers, but those that its key words stand in."""
        headers = {column: frozenset(stems_of(header)) for column, header in enumerate(row.row.headers) if header}
        used = {column for column, words in row.values.items() if words & set(keys)}
        fits = {column: len(words & set(self._asked)) for column, words in headers.items() if column not in used}
        best = max(fits.values(), default=0)
        if self._asks_who and used and min(used) > min(row.values) and not best:
            return frozenset({min(row.values)})  # the other way round: a row is named by its first value
        return frozenset(column for column, fit in fits.items() if best and fit == best)

    def checked(self, hits: Sequence[Hit], spans: Sequence[Sequence[Span]]) -> list[list[Span]]:
        """Hold the spans found in rows against what the question names.

        Args:
            hits: The passages that were read, among them rows.
            spans: The spans found in each, best first.

        Returns:
            The spans. Of those in a row, the ones that are no value, repeat the question, or stand in another column
            than the question names are left out; the score is lowered where the row lacks what the question names; a
            part of a short value becomes the whole value.
        """
        return [
            list(found) if hit.row is None else self._of_row(hit, hit.row, found)
            for hit, found in zip(hits, spans, strict=True)
        ]

    def _of_row(self, hit: Hit, row: TableRow, found: Sequence[Span]) -> list[Span]:
        match = self._matches[hit.passage.document, hit.passage.start]
        kept: dict[tuple[int, int], Span] = {}
        for span in found:
            cell = _cell_of(row, row.start + span.start, row.start + span.end)
            if cell is None or (match.columns and cell.column not in match.columns):
                continue
            low, high = cell.start - row.start, cell.end - row.start
            if frozenset(stems_of(hit.passage.text[low:high])) <= frozenset(self._asked):
                continue
            whole = span if high - low > _LONGEST_VALUE else replace(span, start=low, end=high)
            change = _change(match)
            whole = replace(whole, score=whole.score + change, close_score=whole.close_score + change)
            old = kept.setdefault((whole.start, whole.end), whole)
            if old.score < whole.score:
                kept[whole.start, whole.end] = whole
        return sorted(kept.values(), key=lambda span: -span.score)


def _change(match: _Match) -> float:
    """Return what is added to the log-odds of spans in a row."""
    if match.missing > _MOST_MISSING:
        return -_UNSUPPORTED
    if not match.is_only:
        return 0.0
    return _SINGLED_OUT + (_NAMED if len(match.columns) == 1 else 0.0)


def _rows_in(hit: Hit, rows_of: RowsOf) -> list[_Row]:
    passage = hit.passage
    found = []
    for row in rows_of(passage.document, passage.start, passage.end) if passage.document else ():
        if row.start < passage.start or row.end > passage.end:
            continue  # a row too long for one passage
        values = {cell.column: _words(passage, cell) for cell in row.cells}
        above = " ".join([hit.title, passage.heading, row.about, *row.headers])
        found.append(_Row(hit, row, values, frozenset(stems_of(above))))
    return found


def _words(passage: Passage, cell: Cell) -> frozenset[str]:
    return frozenset(stems_of(passage.text[cell.start - passage.start : cell.end - passage.start]))


def _as_hit(row: _Row, score: float) -> Hit:
    passage = row.hit.passage
    start, end = row.row.start, row.row.end
    text = passage.text[start - passage.start : end - passage.start]
    return replace(
        row.hit, passage=Passage(passage.document, start, end, text, passage.heading), score=score, row=row.row
    )


def _cell_of(row: TableRow, start: int, end: int) -> Cell | None:
    """Return the value that a span is in or ends in; None if it holds no value, or several."""
    inside = [cell for cell in row.cells if cell.start < end and cell.end > start]
    return inside[0] if len(inside) == 1 else None


def stems_of(text: str) -> list[str]:
    """Return the stems of a text's words that say something, without accents, numbers in words as figures."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = [_ORDINALS.get(word, word) for word in words_of(plain) if word not in STOP_WORDS | QUESTION_WORDS]
    stems: list[str] = _stem(words)
    return stems
