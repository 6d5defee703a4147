"""XLS, the format of Excel before 2007: rows as headers and values, formatted as displayed, read by xlrd."""

import io
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any

import olefile

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.metadata import one_line
from index.formats.numbering import numbered_places
from index.formats.office.containers import refusing_damage
from index.formats.office.excel.number_formats import shown
from index.formats.tables import MAX_SPAN, Cell, Row, written

_DAMAGE = (OSError, struct.error, AssertionError, MemoryError, UnicodeError)
_ENCRYPTED = "encrypted"
_STREAMS = ("Workbook", "Book")
_MAX_MERGED = 10_000
_MAX_COVERED = 1_000
"""Cells of a merged area that are known to be covered: those of headers and groups, not of a whole column."""


def load_xls(content: bytes) -> Content:
    """Read an Excel workbook of the format before 2007.

    Args:
        content: The file's bytes.

    Returns:
        Its text, with rows as places; formulas appear as the values saved with them.

    Raises:
        UnreadableFileError: The file is not XLS, is damaged or encrypted.
    """
    import xlrd

    with refusing_damage():
        try:
            stream = _workbook_stream(content)
            book = xlrd.open_workbook(file_contents=stream, formatting_info=True, logfile=_Silence(), on_demand=True)
            return _content(book)
        except (xlrd.XLRDError, *_DAMAGE) as error:
            if _ENCRYPTED in str(error).lower():
                raise UnreadableFileError("encrypted: it needs a password; save it again without one") from error
            reason = one_line(str(error)) or type(error).__name__
            raise UnreadableFileError(f"damaged, or not a workbook: {reason}; restore the whole file") from error


def _workbook_stream(content: bytes) -> bytes:
    """Return the workbook without the compound file around it, in which xlrd follows damaged chains without end.

    Args:
        content: The file's bytes.

    Returns:
        The stream that holds the workbook.

    Raises:
        UnreadableFileError: The compound file holds no workbook.
    """
    if not content.startswith(olefile.MAGIC):
        return content  # as Excel 4 and older wrote it
    with olefile.OleFileIO(io.BytesIO(content)) as wrapping:
        for name in _STREAMS:
            if wrapping.exists(name):
                return bytes(wrapping.openstream(name).read())
    raise UnreadableFileError("damaged, or not a workbook: the compound file holds none; restore the whole file")


class _Silence:
    """A log that keeps nothing."""

    def write(self, said: str) -> None:
        """Pass over what xlrd says."""


def _content(book: Any) -> Content:  # noqa: ANN401 (xlrd has no types)
    text = Assembly()
    hidden = []
    for number in range(book.nsheets):
        sheet = book.sheet_by_index(number)
        name = " ".join(sheet.name.split())
        hidden += [name] if sheet.visibility else []
        starts = text.add_table(written(_rows(book, sheet), may_stand_abreast=True), [name])
        text.stand_at(numbered_places(f"{name}, row", starts))
        book.unload_sheet(number)
    remarks = (f"hidden sheets, read like the others: {', '.join(hidden)}",) if hidden else ()
    return replace(text.content("", {"author": one_line(book.user_name)}), remarks=remarks)


def _rows(book: Any, sheet: Any) -> Iterator[Row]:  # noqa: ANN401
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    covered: set[tuple[int, int]] = set()
    for top, bottom, left, right in sheet.merged_cells[:_MAX_MERGED]:
        spans[top, left] = (min(right - left, MAX_SPAN), bottom - top)
        area = islice(product(range(top, bottom), range(left, right)), _MAX_COVERED)
        covered.update(place for place in area if place != (top, left))
    for number in range(sheet.nrows):
        yield (
            number + 1,
            [
                Cell(_shown(book, cell), False, *spans.get((number, column), (1, 1)))
                for column, cell in enumerate(sheet.row(number))
                if (number, column) not in covered
            ],
        )


def _shown(book: Any, cell: Any) -> str:  # noqa: ANN401
    import xlrd

    if cell.ctype == xlrd.XL_CELL_TEXT:
        return str(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return shown(bool(cell.value), "General")
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    form = _format(book, cell)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment = xlrd.xldate.xldate_as_datetime(cell.value, book.datemode)
        except (xlrd.xldate.XLDateError, OverflowError, ValueError):
            return shown(cell.value, "General")
        return shown(moment.time() if cell.value < 1 else moment, form)
    return shown(cell.value, form) if cell.ctype == xlrd.XL_CELL_NUMBER else ""


def _format(book: Any, cell: Any) -> str:  # noqa: ANN401
    try:
        return str(book.format_map[book.xf_list[cell.xf_index].format_key].format_str)
    except (LookupError, TypeError):
        return "General"
