"""XLSB: Excel's binary workbooks, turned into the XML that Excel writes elsewhere, and read as such.

No library reads them well: pyxlsb was last released in 2022 and knows no number formats, and calamine panics on damaged
files and knows none either. The records are described in [MS-XLSB]; few are needed.
"""

import posixpath
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from openpyxl.utils import get_column_letter

from index.errors import UnreadableFileError
from index.formats.content import Content
from index.formats.office.containers import refusing_damage, unpack
from index.formats.office.excel.xlsx import workbook_content
from index.formats.office.objects import Objects

_WORKBOOK = "xl/workbook.bin"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.bin")
_INDEX = re.compile(r"xl/worksheets/binaryIndex\d+\.bin")
_IN_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROW, _STRING, _FORMAT, _STYLE, _PROPERTIES, _BUNDLED_SHEET, _MERGED = 0, 19, 44, 47, 153, 156, 176
_BEGIN_STYLES, _END_STYLES = 617, 618
_RK, _ERROR, _BOOL, _REAL, _TEXT, _SHARED = 2, 3, 4, 5, 6, 7
_CALCULATED = {8: _TEXT, 9: _REAL, 10: _BOOL, 11: _ERROR}
"""Cells with formulas, by what is saved of them."""
_RICH = 62
_KEPT = frozenset({_RK, _ERROR, _BOOL, _REAL, _TEXT, _SHARED, _RICH})
_END_OF_CELLS = 146
_FIRST_OWN_FORMAT = 164
"""Number of the first number format that is a workbook's own."""
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_NO_STRING = 0xFFFFFFFF
_STATES = {1: "hidden", 2: "veryHidden"}
_MAX_ROWS, _MAX_COLUMNS = 1_048_576, 16_384


def load_xlsb(content: bytes, on_page: Callable[[], None] = lambda: None) -> Content:
    """Read a binary Excel workbook.

    Args:
        content: The file's bytes.
        on_page: Called before each picture that is read by OCR, which takes seconds.

    Returns:
        Its text, with rows as places; formulas appear as the values saved with them. Embedded files are parts.

    Raises:
        UnreadableFileError: The file is not XLSB, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name.endswith((".bin", ".xml", ".rels")) and "/media/" not in name)
        if _WORKBOOK not in members:
            raise UnreadableFileError(
                f"damaged, or not of the kind that its suffix says: {_WORKBOOK} is missing from it"
            )
        converted = _as_xlsx(members)
        return workbook_content(converted, Objects(content, converted, on_page, has_cells=True))


def _as_xlsx(members: dict[str, bytes]) -> dict[str, bytes]:
    """Return the members of the same workbook as XLSX; those that are not needed for reading stay as they are."""
    styles, strings = (list(_records(members.get(f"xl/{name}.bin", b""))) for name in ("styles", "sharedStrings"))
    n_styles = len(_cell_styles(styles))
    n_strings = sum(kind == _STRING for kind, _ in strings)
    writers: dict[str, Callable[[Iterable[_Record]], str]] = {
        _WORKBOOK: _workbook,
        "xl/styles.bin": _styles,
        "xl/sharedStrings.bin": _strings,
    }
    sheets = (name for name in members if _SHEET.fullmatch(name) and not _INDEX.fullmatch(name))
    writers |= dict.fromkeys(sheets, lambda records: _sheet(records, n_styles, n_strings))
    renamed = {name: f"{name.removesuffix('.bin')}.xml" for name in writers if name in members}
    targets = [(posixpath.basename(old).encode(), posixpath.basename(new).encode()) for old, new in renamed.items()]
    converted: dict[str, bytes] = {}
    for name, content in members.items():
        if name in renamed:
            converted[renamed[name]] = writers[name](_records(content)).encode("utf-8")
        elif name.endswith(".rels"):
            for old, new in targets:
                content = content.replace(b"/" + old, b"/" + new).replace(b'"' + old, b'"' + new)  # noqa: PLW2901
            converted[name.replace(".bin.rels", ".xml.rels")] = content
        else:
            converted[name] = content
    kinds = {"workbook": "sheet.main", "styles": "styles", "sharedStrings": "sharedStrings"}
    listed = "".join(
        f'<Override PartName={quoteattr(f"/{name}")} ContentType="{_TYPES}.'
        f'{kinds.get(posixpath.basename(name).removesuffix(".xml"), "worksheet")}+xml"/>'
        for name in renamed.values()
    )
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    converted["[Content_Types].xml"] = f'<Types xmlns="{space}">{listed}</Types>'.encode()
    return converted


_Record = tuple[int, bytes]
"""Type and data of a record."""


def _records(content: bytes) -> Iterator[_Record]:
    at = 0
    while at < len(content):
        kind, at = content[at], at + 1
        if kind & 0x80 and at < len(content):
            kind, at = kind & 0x7F | (content[at] & 0x7F) << 7, at + 1
        size = 0
        for place in range(4):
            byte = content[at] if at < len(content) else 0
            at += 1
            size |= (byte & 0x7F) << 7 * place
            if not byte & 0x80:
                break
        yield kind, content[at : at + size]
        at += size


def _words(data: bytes, at: int) -> tuple[str, int]:
    """Return a string, and where it ends: its length, then UTF-16."""
    length = int.from_bytes(data[at : at + 4], "little")
    end = at + 4 + (2 * length if length != _NO_STRING else 0)
    return _IN_NO_XML.sub("", data[at + 4 : end].decode("utf-16-le", "replace")), end


def _workbook(records: Iterable[_Record]) -> str:
    properties, sheets = "", ""
    for kind, data in records:
        if kind == _PROPERTIES:
            properties = f'<workbookPr date1904="{data[0] & 1 if data else 0}"/>'
        elif kind == _BUNDLED_SHEET:
            state = _STATES.get(data[0] if data else 0, "visible")
            relation, end = _words(data, 8)
            name, _ = _words(data, end)
            number = int.from_bytes(data[4:8], "little")
            sheets += f'<sheet name={quoteattr(name)} sheetId="{number}" state="{state}" r:id={quoteattr(relation)}/>'
    return f'<workbook xmlns="{_SPACE}" xmlns:r="{_RELATIONS}">{properties}<sheets>{sheets}</sheets></workbook>'


def _styles(records: Iterable[_Record]) -> str:
    listed = list(records)
    codes = {_short(data, 0): _words(data, 2)[0] for kind, data in listed if kind == _FORMAT}
    known = {*range(_FIRST_OWN_FORMAT), *codes}
    formats = "".join(f'<numFmt numFmtId="{key}" formatCode={quoteattr(code)}/>' for key, code in codes.items())
    styles = "".join(
        f'<xf numFmtId="{number if number in known else 0}" fontId="0" fillId="0" borderId="0"/>'
        for number in _cell_styles(listed)
    )
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    looks = (
        "<fonts><font/></fonts><fills><fill><patternFill/></fill></fills><borders><border><left/></border></borders>"
        f"<cellStyleXfs>{plain}</cellStyleXfs>"
    )
    named = '<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    inside = f"<numFmts>{formats}</numFmts>{looks}<cellXfs>{styles or plain}</cellXfs>{named}"
    return f'<styleSheet xmlns="{_SPACE}">{inside}</styleSheet>'


def _cell_styles(records: Iterable[_Record]) -> list[int]:
    """Return the number format of each style of cells; styles of other things are listed before and after them."""
    found, is_inside = [], False
    for kind, data in records:
        if kind in {_BEGIN_STYLES, _END_STYLES}:
            is_inside = kind == _BEGIN_STYLES
        elif kind == _STYLE and is_inside:
            found.append(_short(data, 2))
    return found


def _short(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _strings(records: Iterable[_Record]) -> str:
    strings = (_words(data, 1)[0] for kind, data in records if kind == _STRING)
    listed = "".join(f"<si><t>{escape(string)}</t></si>" for string in strings)
    return f'<sst xmlns="{_SPACE}">{listed}</sst>'


def _sheet(records: Iterable[_Record], n_styles: int, n_strings: int) -> str:
    rows: list[str] = []
    merged: list[str] = []
    row, is_over = 0, False
    for kind, data in records:
        is_over = is_over or kind == _END_OF_CELLS
        if kind == _MERGED and len(data) >= 16:  # noqa: PLR2004 (four numbers)
            top, bottom, left, right = struct.unpack("<4I", data[:16])
            if top <= bottom < _MAX_ROWS and left <= right < _MAX_COLUMNS:
                corners = f"{get_column_letter(left + 1)}{top + 1}:{get_column_letter(right + 1)}{bottom + 1}"
                merged.append(f'<mergeCell ref="{corners}"/>')
        elif kind == _ROW and not is_over:
            number = int.from_bytes(data[:4], "little") + 1
            if row < number <= _MAX_ROWS:  # in order, as Excel writes them
                rows.append(f'{"</row>" if row else ""}<row r="{number}">')
                row = number
        elif row and not is_over and (kind in _KEPT or kind in _CALCULATED):
            rows.append(_cell(row, _CALCULATED.get(kind, kind), data, n_styles, n_strings))
    cells = f"<sheetData>{''.join(rows)}{'</row>' if row else ''}</sheetData>"
    return f'<worksheet xmlns="{_SPACE}">{cells}<mergeCells>{"".join(merged)}</mergeCells></worksheet>'


def _cell(row: int, kind: int, data: bytes, n_styles: int, n_strings: int) -> str:
    column, style = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:7], "little")
    style = style if style < n_styles else 0
    if column >= _MAX_COLUMNS:
        return ""
    place = f'r="{get_column_letter(column + 1)}{row}" s="{style}"'
    if kind in {_TEXT, _RICH}:
        words, _ = _words(data, 8 if kind == _TEXT else 9)
        return f'<c {place} t="inlineStr"><is><t>{escape(words)}</t></is></c>'
    if kind == _SHARED:
        string = int.from_bytes(data[8:12], "little")
        return f'<c {place} t="s"><v>{string}</v></c>' if string < n_strings else ""
    if kind == _BOOL:
        return f'<c {place} t="b"><v>{int(any(data[8:9]))}</v></c>'
    if kind == _ERROR:
        return f'<c {place} t="e"><v>{_ERRORS.get(data[8] if len(data) > 8 else 0, "#N/A")}</v></c>'  # noqa: PLR2004
    return f"<c {place}><v>{_number(kind, data[8:16])!r}</v></c>"


def _number(kind: int, data: bytes) -> float:
    """Return a number: one of 64 bits, or one of 30 bits that are a whole number or the upper part of a real one."""
    if kind == _REAL:
        return float(struct.unpack("<d", data.ljust(8, b"\0"))[0])
    coded = int.from_bytes(data[:4], "little")
    if coded & 2:
        number = float((coded >> 2) - (1 << 30 if coded >> 31 else 0))
    else:
        number = float(struct.unpack("<d", bytes(4) + (coded & 0xFFFFFFFC).to_bytes(4, "little"))[0])
    number = number / 100 if coded & 1 else number
    return int(number) if number.is_integer() else number
