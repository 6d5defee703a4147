"""XLS, the format of Excel before 2007: rows as headers and values, formatted as displayed, read by xlrd."""

import struct
from collections.abc import Iterator
from typing import Any

from index.errors import UnreadableFileError
from index.formats.assembling import LINE, PARAGRAPH, Assembly
from index.formats.content import Content
from index.formats.metadata import one_line
from index.formats.numbering import numbered_places
from index.formats.office.containers import refusing_damage
from index.formats.office.xlsx import shown
from index.formats.tables import Row, described

_DAMAGE = (struct.error, AssertionError, MemoryError, UnicodeError)
_ENCRYPTED = "encrypted"


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
            book = xlrd.open_workbook(file_contents=content, formatting_info=True, logfile=_Silence(), on_demand=True)
            return _content(book)
        except (xlrd.XLRDError, xlrd.compdoc.CompDocError, *_DAMAGE) as error:
            if _ENCRYPTED in str(error).lower():
                raise UnreadableFileError("encrypted: it needs a password; save it again without one") from error
            reason = one_line(str(error)) or type(error).__name__
            raise UnreadableFileError(f"damaged, or not a workbook: {reason}; restore the whole file") from error


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
        starts = []
        for order, (row, words) in enumerate(described(_rows(book, sheet))):
            starts.append((text.add(words, LINE if order else PARAGRAPH), row))
        text.stand_at(numbered_places(f"{name}, row", starts))
        book.unload_sheet(number)
    content = text.content("", {"author": one_line(book.user_name)})
    remarks = (f"hidden sheets, read like the others: {', '.join(hidden)}",) if hidden else ()
    return Content(content.text, "", content.places, content.metadata, content.notes, remarks=remarks)


def _rows(book: Any, sheet: Any) -> Iterator[Row]:  # noqa: ANN401
    for number in range(sheet.nrows):
        yield number + 1, [_shown(book, cell) for cell in sheet.row(number)]


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
