"""DOCX: paragraphs, tables, footnotes and text boxes in document order, with headings as places.

Read from the XML by lxml: python-docx silently skips content controls, tracked insertions, text boxes and footnotes.
"""

from collections.abc import Iterator

from lxml import etree

from index.formats.assembling import LINE, PARAGRAPH, Assembly, HeadingPath
from index.formats.content import Content
from index.formats.limits import MAX_HEADER_CHARS
from index.formats.office.containers import (
    attribute,
    core_properties,
    local,
    member,
    parse,
    refusing_damage,
    related,
    unpack,
)
from index.formats.tables import Cell, Row, written

_DOCUMENT = "word/document.xml"
_TRANSPARENT = frozenset("sdt sdtContent customXml ins moveTo smartTag AlternateContent Choice body".split())
_HIDDEN = frozenset("Fallback del moveFrom pPr rPr txbxContent instrText delText".split())
_IN_PLACE_OF = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_TITLE_LEVEL = 0
_MAX_LEVEL = 9
_MAX_STYLES_DEEP = 20


def load_docx(content: bytes) -> Content:
    """Read a Word document.

    Args:
        content: The file's bytes.

    Returns:
        Its text, with headings as places.

    Raises:
        UnreadableFileError: The file is not DOCX, is damaged, encrypted or too large.
    """
    with refusing_damage():
        return _Word(unpack(content, lambda name: name.endswith((".xml", ".rels")))).content()


class _Word:
    def __init__(self, members: dict[str, bytes]) -> None:
        self._members = members
        main = next((path for kind, path in related(members, "").values() if kind == "officeDocument"), _DOCUMENT)
        self._body = member(members, main)
        parts = dict(related(members, main).values())
        self._styles = {attribute(style, "styleId"): style for style in self._children(parts.get("styles"), "style")}
        self._notes = {
            (kind, attribute(note, "id")): note
            for kind in ("footnote", "endnote")
            for note in self._children(parts.get(f"{kind}s"), kind)
        }
        self._text = Assembly()
        self._path = HeadingPath()
        self._title = ""
        self._in_list = False

    def _children(self, path: str | None, name: str) -> Iterator[etree._Element]:
        root = parse(self._members[path]) if path is not None else ()
        return (child for child in root if local(child) == name)

    def content(self) -> Content:
        self._add_all(self._body)
        title, metadata = core_properties(self._members)
        return self._text.content(title or self._title, metadata)

    def _add_all(self, parent: etree._Element) -> None:
        for element in parent:
            kind = local(element)
            if kind == "p":
                self._add_paragraph(element)
            elif kind == "tbl":
                self._add_table(element)
            elif kind in _TRANSPARENT:
                self._add_all(element)

    def _add_paragraph(self, paragraph: etree._Element) -> None:
        words = _words(paragraph)
        level = self._level(paragraph) if words.strip() else None
        if level is not None:
            self._text.stand(self._path.go_to(level, words))
            self._title = self._title or (" ".join(words.split()) if level == _TITLE_LEVEL else "")
        in_list = paragraph.find("{*}pPr/{*}numPr") is not None
        self._text.add(words, LINE if in_list and self._in_list else PARAGRAPH)
        self._in_list = in_list
        for element in _shown(paragraph, "footnoteReference", "endnoteReference", "txbxContent"):
            if local(element) == "txbxContent":
                self._add_all(element)
            else:
                note = self._notes.pop((local(element).removesuffix("Reference"), attribute(element, "id")), None)
                self._text.add("" if note is None else _flat(note))

    def _level(self, paragraph: etree._Element) -> int | None:
        """Return a heading's level, 0 for the document's title; None for other paragraphs."""
        own = paragraph.find("{*}pPr/{*}outlineLvl")
        style = paragraph.find("{*}pPr/{*}pStyle")
        name = attribute(style, "val") if style is not None else ""
        for _ in range(_MAX_STYLES_DEEP):
            if own is not None:
                level = int(attribute(own, "val")) + 1
                return level if level <= _MAX_LEVEL else None
            defined = self._styles.get(name)
            if defined is None:
                return None
            called = defined.find("{*}name")
            if called is not None and attribute(called, "val").lower() == "title":
                return _TITLE_LEVEL
            own = defined.find("{*}pPr/{*}outlineLvl")
            based = defined.find("{*}basedOn")
            name = attribute(based, "val") if based is not None else ""
        return None

    def _add_table(self, table: etree._Element) -> None:
        self._text.add_table(written(_rows(table)))
        self._in_list = False


def _rows(table: etree._Element) -> Iterator[Row]:
    """Yield a table's rows; a cell that spans rows is repeated in each."""
    above: list[str] = []
    for number, row in enumerate(_shown(table, "tr"), 1):
        cells: list[str] = []
        begun: list[Cell] = []
        is_header = row.find("{*}trPr/{*}tblHeader") is not None
        for cell in _shown(row, "tc"):
            merged = cell.find("{*}tcPr/{*}vMerge")
            goes_on = merged is not None and attribute(merged, "val") != "restart"
            words = above[len(cells)] if goes_on and len(cells) < len(above) else _flat(cell)
            words = "" if goes_on and len(words) > MAX_HEADER_CHARS else words
            span = cell.find("{*}tcPr/{*}gridSpan")
            width = min(max(int(attribute(span, "val")), 1), 100) if span is not None else 1
            begun.append(Cell(words, is_header, width))
            cells += [words, *[""] * (width - 1)]
        above = cells
        yield number, begun


def _shown(parent: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield the outermost visible descendants with these names."""
    for element in parent:
        if local(element) in names:
            yield element
        elif local(element) not in _HIDDEN:
            yield from _shown(element, *names)


def _words(paragraph: etree._Element) -> str:
    """Return a paragraph's text without its footnotes and text boxes."""
    pieces = (_IN_PLACE_OF.get(local(element), element.text or "") for element in _shown(paragraph, "t", *_IN_PLACE_OF))
    return "".join(pieces)


def _flat(parent: etree._Element) -> str:
    """Return all paragraphs below an element, on one line."""
    return " ".join(filter(None, (" ".join(_words(paragraph).split()) for paragraph in _shown(parent, "p"))))
