"""XLSX: rows as headers and values, formatted as displayed, read by openpyxl."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.utils import range_boundaries

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.numbering import numbered_places
from index.formats.office.containers import core_properties, refusing_damage, repacked, unpack
from index.formats.office.excel.number_formats import shown
from index.formats.office.excel.sheets import Sheets, transitional, write_out_strings
from index.formats.office.objects import Objects, left_out
from index.formats.tables import MAX_SPAN, Cell, Row, written

MAX_CELLS = 5_000_000
MAX_MERGED = 100_000
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})[\"']")
_DOCUMENT_TYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_STRUCK = b"<strike"
_FORMULA_WITHOUT_VALUE = re.compile(rb"(?:</f>|<f/>)\s*+(?:<v\s*+/>|<v></v>)?+\s*+</c>")


def load_xlsx(content: bytes, on_page: Callable[[], None] = lambda: None) -> Content:
    """Read an Excel workbook.

    Args:
        content: The file's bytes.
        on_page: Called before each picture that is read by OCR, which takes seconds.

    Returns:
        Its text, with rows as places; formulas appear as the values saved with them. Embedded files are parts.

    Raises:
        UnreadableFileError: The file is not XLSX, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name.endswith((".xml", ".rels")) and "/media/" not in name)
        if any(mark in xml for xml in members.values() for mark in _DOCUMENT_TYPES):
            raise UnreadableFileError("refused: its XML declares a document type, which office programs never do")
        members = transitional(members)
        return workbook_content(members, Objects(content, members, on_page, has_cells=True))


def workbook_content(members: dict[str, bytes], objects: Objects) -> Content:
    """Read the unpacked members of a workbook.

    Args:
        members: Their bytes by name.
        objects: Reads its charts, pictures and embedded files.

    Returns:
        The content.
    """
    n_struck = write_out_strings(members)
    workbook = openpyxl.load_workbook(repacked(members), read_only=True, data_only=True, keep_links=False)
    text = Assembly()
    notes: list[str] = []
    left = MAX_CELLS
    sheets = Sheets(members, objects)
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # the dimensions that the file declares may be false
        standing = _Standing(sheet, n_struck) if _has_struck(members) else sheet
        rows = _Rows(standing, left, _Merged(members.get(sheet._worksheet_path, b"")))  # noqa: SLF001 (no public name)
        name = sheets.label(sheet.title)
        starts = text.add_table(written(rows, may_stand_abreast=True), [" ".join(sheet.title.split())])
        text.stand_at(numbered_places(f"{name}, row", starts))
        left -= rows.n_cells
        if rows.is_cut:
            notes.append(f"only the first {rows.n_rows:,} rows of {name} were read: it has too many cells")
        sheets.add_beside(text, sheet.title)
    for title in sheets.without_cells():
        sheets.add_beside(text, title)
    missing = sum(len(_FORMULA_WITHOUT_VALUE.findall(xml)) for name, xml in members.items() if "/worksheets/" in name)
    if missing:
        notes.append(
            f"formulas without a saved value are missing ({missing:,}); open and save it in a spreadsheet program"
        )
    title, metadata = core_properties(members)
    loaded = text.content(title, metadata, (*notes, *objects.notes()))
    remarks = sheets.remarks() + objects.remarks() + left_out(n_struck + objects.left_out)
    return replace(loaded, remarks=remarks, parts=tuple(objects.parts))


def _has_struck(members: dict[str, bytes]) -> bool:
    return any(_STRUCK in xml for name, xml in members.items() if name.endswith("styles.xml"))


class _Standing:
    """A sheet without the cells that are struck through."""

    def __init__(self, sheet: Any, n_struck: Counter[str]) -> None:  # noqa: ANN401 (openpyxl has no types)
        self._sheet = sheet
        self._n_struck = n_struck

    def iter_rows(self) -> Iterator[Sequence[Any]]:
        for row in self._sheet.iter_rows():
            struck = [cell.value is not None and cell.font.strike for cell in row]
            self._n_struck["struck-through cell"] += sum(map(bool, struck))
            yield [EMPTY_CELL if is_struck else cell for cell, is_struck in zip(row, struck, strict=True)]


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
