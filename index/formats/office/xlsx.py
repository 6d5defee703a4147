"""XLSX: rows as headers and values, formatted as displayed, read by openpyxl."""

import io
import re
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.utils import range_boundaries

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.numbering import numbered_places
from index.formats.office.containers import core_properties, refusing_damage, unpack
from index.formats.tables import MAX_SPAN, Cell, Row, written

MAX_CELLS = 5_000_000
MAX_MERGED = 100_000
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})[\"']")
_DOCUMENT_TYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_FORMULA_WITHOUT_VALUE = re.compile(rb"(?:</f>|<f/>)\s*+(?:<v\s*+/>|<v></v>)?+\s*+</c>")
_NO_TEXT = re.compile(r"\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[[^\]]*\]|[_*].|\\(?P<escaped>.)|\"(?P<quoted>[^\"]*)\"")
_FIGURE = re.compile(
    r"(?P<before>[^#0?.,]*)(?P<figure>[#0?][#0?,]*(?:\.(?P<decimals>[#0?]*))?|\.(?P<only>[#0?]+))(?P<after>.*)"
)
_OTHER_FORMAT = re.compile(r"[eE][+-]|/|@")


def load_xlsx(content: bytes) -> Content:
    """Read an Excel workbook.

    Args:
        content: The file's bytes.

    Returns:
        Its text, with rows as places; formulas appear as the values saved with them.

    Raises:
        UnreadableFileError: The file is not XLSX, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name.endswith((".xml", ".rels")) and "/media/" not in name)
        if any(mark in xml for xml in members.values() for mark in _DOCUMENT_TYPES):
            raise UnreadableFileError("refused: its XML declares a document type, which office programs never do")
        return _content(members)


def _content(members: dict[str, bytes]) -> Content:
    workbook = openpyxl.load_workbook(_repacked(members), read_only=True, data_only=True, keep_links=False)
    text = Assembly()
    notes: list[str] = []
    left = MAX_CELLS
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # the dimensions that the file declares may be false
        rows = _Rows(sheet, left, _Merged(members.get(sheet._worksheet_path, b"")))  # noqa: SLF001 (no public name)
        name = " ".join(sheet.title.split())
        starts = text.add_table(written(rows, may_stand_abreast=True), [name])
        text.stand_at(numbered_places(f"{name}, row", starts))
        left -= rows.n_cells
        if rows.is_cut:
            notes.append(f"only the first {rows.n_rows:,} rows of {name} were read: it has too many cells")
    missing = sum(len(_FORMULA_WITHOUT_VALUE.findall(xml)) for name, xml in members.items() if "/worksheets/" in name)
    if missing:
        notes.append(
            f"formulas without a saved value are missing ({missing:,}); open and save it in a spreadsheet program"
        )
    title, metadata = core_properties(members)
    return text.content(title, metadata, tuple(notes))


def _repacked(members: dict[str, bytes]) -> io.BytesIO:
    """Repack the members that were unpacked within bounds, since openpyxl itself unpacks without limit."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, xml in members.items():
            archive.writestr(name, xml)
    packed.seek(0)
    return packed


class _Merged:
    """The merged cells of a sheet, which openpyxl does not give while it reads row by row."""

    def __init__(self, xml: bytes) -> None:
        """Find the merged cells in a sheet's XML, up to `MAX_MERGED`.

        `spans` holds the number of columns and of rows of each, by its row and column, from 1.
        """
        self.spans: dict[tuple[int, int], tuple[int, int]] = {}
        for match in islice(_MERGED.finditer(xml), MAX_MERGED):
            left, top, right, bottom = range_boundaries(match[1].decode("ascii"))
            self.spans[top, left] = (min(right - left + 1, MAX_SPAN), bottom - top + 1)
        self._begin = deque(sorted(self.spans))
        self._until: dict[int, int] = {}

    def covered(self, row: int, n_columns: int) -> set[int]:
        """Return the columns of a row, up to a number of them, that merged cells reach over, from 1.

        Rows must be asked for in ascending order.
        """
        while self._begin and self._begin[0][0] <= row:
            top, left = self._begin.popleft()
            width, height = self.spans[top, left]
            for column in range(left, left + width):
                self._until[column] = max(self._until.get(column, 0), top + height - 1)
        return {
            column
            for column in range(1, n_columns + 1)
            if self._until.get(column, 0) >= row and (row, column) not in self.spans
        }


class _Rows:
    """The rows of a sheet, up to a total number of cells."""

    def __init__(self, sheet: Any, max_cells: int, merged: _Merged) -> None:  # noqa: ANN401 (openpyxl has no types)
        self._sheet = sheet
        self._merged = merged
        self._max_cells = max_cells
        self.n_cells = self.n_rows = 0
        self.is_cut = False

    def __iter__(self) -> Iterator[Row]:
        for number, row in enumerate(self._sheet.iter_rows(), 1):
            self.n_cells += len(row) + 1
            if self.n_cells > self._max_cells:
                self.is_cut = True
                return
            self.n_rows = number
            yield number, list(self._cells(number, row))

    def _cells(self, number: int, row: Sequence[Any]) -> Iterator[Cell | str]:
        left_out = self._merged.covered(number, len(row))
        for column, cell in enumerate(row, 1):
            words = shown(cell.value, cell.number_format) if cell.value is not None else ""
            spans = self._merged.spans.get((number, column))
            if spans is not None:
                yield Cell(words, False, *spans)
            elif column not in left_out:
                yield words


def shown(value: object, number_format: str) -> str:
    """Return a cell's value as a spreadsheet displays it; dates in ISO 8601, since their format depends on the locale.

    Args:
        value: The value.
        number_format: The cell's number format, `#,##0.00 "EUR"`, say.

    Returns:
        The text displayed.
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, number_format)
    if isinstance(value, datetime | time):
        if isinstance(value, datetime) and value.time() == time.min:
            return value.date().isoformat()
        precision = "seconds" if value.second else "minutes"
        return value.isoformat(" ", precision) if isinstance(value, datetime) else value.isoformat(precision)
    return str(value)


def _number(value: float, number_format: str) -> str:
    positive, _, others = number_format.partition(";")
    negative = others.partition(";")[0] if value < 0 else ""
    plain = _NO_TEXT.sub(_literal, negative or positive)
    match = None if _OTHER_FORMAT.search(plain) or "general" in plain.lower() else _FIGURE.fullmatch(plain)
    if match is None:
        return f"{value:.11g}" if isinstance(value, float) else str(value)
    places = match["decimals"] or match["only"] or ""
    figure = abs(value) if negative else value  # a format for negative numbers writes the sign itself
    if "%" in plain:
        figure *= 100
    digits = f"{figure:{',' if ',' in match['figure'] else ''}.{len(places)}f}"
    optional = len(places) - len(places.rstrip("#"))
    while optional and digits.endswith("0"):
        digits, optional = digits[:-1], optional - 1
    return _put_back(match["before"] + digits.removesuffix(".") + match["after"]).strip()


_PRIVATE = 0xE000
"""Literal characters are shifted here while a format is parsed, so that a dot within quotes is no decimal point."""


def _literal(match: re.Match[str]) -> str:
    words = match["currency"] or match["escaped"] or match["quoted"] or ""
    return "".join(chr(_PRIVATE + ord(character)) if ord(character) < _ASCII else character for character in words)


_ASCII = 0x80


def _put_back(words: str) -> str:
    return "".join(chr(ord(c) - _PRIVATE) if _PRIVATE <= ord(c) < _PRIVATE + _ASCII else c for c in words)
