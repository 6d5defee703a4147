"""ODT, ODS and ODP: OpenDocument files, as LibreOffice writes them.

Read from the XML by lxml: odfpy was last released in January 2020.
"""

from collections.abc import Iterable, Iterator

from lxml import etree

from index.errors import UnreadableFileError
from index.formats.assembling import LINE, PARAGRAPH, Assembly, HeadingPath
from index.formats.content import Content
from index.formats.limits import MAX_HEADER_CHARS
from index.formats.numbering import numbered_places
from index.formats.office.containers import attribute, local, member, parse, properties, refusing_damage, unpack
from index.formats.tables import Cell, Row, written

MAX_COLUMNS = 1024
_MEMBERS = frozenset({"content.xml", "meta.xml", "META-INF/manifest.xml"})
_BOXES = ("text-box", "table")
_ASIDE = frozenset({"note", "annotation", "tracked-changes", "forms", "notes", "shapes", "ruby-text", *_BOXES})
_IN_PLACE_OF = {"s": " ", "tab": " ", "line-break": "\n"}


def load_odf(content: bytes) -> Content:
    """Read an OpenDocument text, spreadsheet or presentation.

    Args:
        content: The file's bytes.

    Returns:
        Its text, with headings, rows or slides as places.

    Raises:
        UnreadableFileError: The file is not OpenDocument, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name in _MEMBERS)
        if b"encryption-data" in members.get("META-INF/manifest.xml", b""):
            raise UnreadableFileError("encrypted: it needs a password; save it again without one")
        body = member(members, "content.xml").find("{*}body")
        if body is None or not len(body):
            raise UnreadableFileError("damaged: it has no body; restore the whole file")
        document = _OpenDocument()
        document.add(body[0])
        meta = members.get("meta.xml")
        title, metadata = properties(parse(meta)) if meta is not None else ("", {})
        return document.text.content(title, metadata)


class _OpenDocument:
    def __init__(self) -> None:
        self.text = Assembly()
        self._path = HeadingPath()

    def add(self, body: etree._Element) -> None:
        kind = local(body)
        if kind == "spreadsheet":
            for sheet in _shown(body, "table"):
                self._add_sheet(sheet)
        elif kind == "presentation":
            for number, slide in enumerate(_shown(body, "page"), 1):
                self._add_slide(slide, f"slide {number}")
        else:
            self._add_all(body)

    def _add_sheet(self, sheet: etree._Element) -> None:
        name = " ".join(attribute(sheet, "name").split())
        lines = written(_rows(sheet), _has_header(sheet), may_stand_abreast=True)
        starts = self.text.add_table(lines, [name])
        self.text.stand_at(numbered_places(f"{name}, row", starts))

    def _add_slide(self, slide: etree._Element, label: str) -> None:
        self.text.stand(label)
        self._add_all(sorted(slide, key=lambda shape: attribute(shape, "class") != "title"))
        for notes in slide.iterfind("{*}notes"):
            self.text.stand(f"{label}, notes")
            self._add_all(notes)

    def _add_all(self, parent: Iterable[etree._Element], separator: str = PARAGRAPH) -> None:
        for element in parent:
            kind = local(element)
            if kind in {"p", "h"}:
                self._add_paragraph(element, separator)
            elif kind == "table":
                self._add_table(element)
            elif kind == "list":
                self._add_list(element, separator)
            elif kind == "text-box" or kind not in _ASIDE:
                self._add_all(element, separator)

    def _add_list(self, items: etree._Element, separator: str) -> None:
        for item in items:
            self._add_all(item, separator)
            separator = LINE

    def _add_paragraph(self, paragraph: etree._Element, separator: str) -> None:
        words = _words(paragraph)
        if local(paragraph) == "h" and words.strip():
            self.text.stand(self._path.go_to(int(attribute(paragraph, "outline-level") or 1), words))
        self.text.add(words, separator)
        for aside in _shown(paragraph, "note", *_BOXES):
            if local(aside) == "note":
                self.text.add(" ".join(_flat(body) for body in aside.iterfind("{*}note-body")))
            elif local(aside) == "table":
                self._add_table(aside)
            else:
                self._add_all(aside)

    def _add_table(self, table: etree._Element) -> None:
        self.text.add_table(written(_rows(table), _has_header(table)))


def _has_header(table: etree._Element) -> bool:
    return next(_shown(table, "table-header-rows"), None) is not None


def _rows(table: etree._Element) -> Iterator[Row]:
    """Yield the rows that are not empty, numbered as shown; a repeated row is yielded once."""
    number = 1
    for row in _shown(table, "table-row"):
        cells: list[Cell] = []
        for cell in row:
            if local(cell) == "table-cell":
                words, room = _flat(cell), MAX_COLUMNS - len(cells)
                times = _repeated(cell, "number-columns-repeated") if len(words) <= MAX_HEADER_CHARS else 1
                spans = (_repeated(cell, f"number-{kind}-spanned") for kind in ("columns", "rows"))
                cells += [Cell(words, False, *spans)] * min(times, room)
        yield number, cells
        number += _repeated(row, "number-rows-repeated")


def _repeated(element: etree._Element, name: str) -> int:
    return max(int(attribute(element, name) or 1), 1)


def _shown(parent: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield the outermost descendants with these names, those in notes, boxes and hidden elements excepted."""
    for element in parent:
        if local(element) in names:
            yield element
        elif local(element) not in _ASIDE:
            yield from _shown(element, *names)


def _words(element: etree._Element) -> str:
    """Return a paragraph's text without its footnotes and text boxes; line breaks in the XML become spaces."""
    pieces = [_blanks_as_one(element.text)]
    for child in element:
        kind = local(child)
        if kind in _IN_PLACE_OF:
            pieces.append(_IN_PLACE_OF[kind])
        elif kind not in _ASIDE:
            pieces.append(_words(child))
        pieces.append(_blanks_as_one(child.tail))
    return "".join(pieces)


def _blanks_as_one(text: str | None) -> str:
    return "" if text is None else text.replace("\n", " ").replace("\t", " ")


def _flat(parent: etree._Element) -> str:
    """Return all paragraphs below an element, on one line."""
    paragraphs = (" ".join(_words(paragraph).split()) for paragraph in _shown(parent, "p", "h"))
    return " ".join(filter(None, paragraphs))
