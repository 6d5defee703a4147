"""XLSX: rows as headers and values, formatted as displayed, read by openpyxl."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl

from index.errors import UnreadableFileError
from index.formats.assembling import LINE, PARAGRAPH, Assembly
from index.formats.content import Content
from index.formats.numbering import numbered_places
from index.formats.office.containers import core_properties, refusing_damage, unpack
from index.formats.office.number_formats import shown
from index.formats.tables import Row, described

MAX_CELLS = 5_000_000
_DOCUMENT_TYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_FORMULA_WITHOUT_VALUE = re.compile(rb"(?:</f>|<f/>)\s*+(?:<v\s*+/>|<v></v>)?+\s*+</c>")


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
        rows = _Rows(sheet, left)
        name = " ".join(sheet.title.split())
        starts = []
        for order, (number, words) in enumerate(described(rows)):
            starts.append((text.add(words, LINE if order else PARAGRAPH), number))
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


class _Rows:
    """The rows of a sheet, up to a total number of cells."""

    def __init__(self, sheet: Any, max_cells: int) -> None:  # noqa: ANN401 (openpyxl has no types)
        self._sheet = sheet
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
            yield number, [shown(cell.value, cell.number_format) if cell.value is not None else "" for cell in row]
