"""ODT, ODS and ODP: OpenDocument files, as LibreOffice writes them.

Read from the XML by lxml: odfpy was last released in January 2020.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lxml import etree

from index.errors import UnreadableFileError
from index.formats.assembling import LINE, PARAGRAPH, Assembly, HeadingPath
from index.formats.content import Content
from index.formats.limits import MAX_HEADER_CHARS
from index.formats.numbering import numbered_places
from index.formats.office.containers import attribute, local, member, parse, properties, refusing_damage, unpack
from index.formats.office.objects import Objects, is_page_number, left_out
from index.formats.office.opendocument.text import OdfText, without_page_fields
from index.formats.office.symbols import mark
from index.formats.tables import Cell, Row, written

MAX_COLUMNS = 1024
_MEMBERS = frozenset({"content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"})
_OBJECT = re.compile(r"Object \d{1,5}/content\.xml|Obj\d{1,5}/content\.xml")
_BOXES = ("text-box", "table")
_DESCRIBED = ("title", "desc")
_ASIDE = frozenset(
    {"note", "annotation", "tracked-changes", "forms", "notes", "shapes", "ruby-text", "frame", *_DESCRIBED, *_BOXES}
)
_OPEN_ASIDE = _ASIDE - {"text-box", "frame"}
"""What is not read with the paragraphs of a body."""
_MARGINS = {"header": "header", "header-left": "header", "header-first": "header"}
_MARGINS |= {name.replace("header", "footer"): "footer" for name in _MARGINS}
_IN_PLACE_OF = {"s": " ", "tab": " ", "line-break": "\n"}


def load_odf(content: bytes, on_page: Callable[[], None] = lambda: None) -> Content:
    """Read an OpenDocument text, spreadsheet or presentation.

    Args:
        content: The file's bytes.
        on_page: Called before each picture that is read by OCR, which takes seconds.

    Returns:
        Its text, with headings, rows or slides as places.

    Raises:
        UnreadableFileError: The file is not OpenDocument, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name in _MEMBERS or _OBJECT.fullmatch(name) is not None)
        if b"encryption-data" in members.get("META-INF/manifest.xml", b""):
            raise UnreadableFileError("encrypted: it needs a password; save it again without one")
        root = member(members, "content.xml")
        body = root.find("{*}body")
        if body is None or not len(body):
            raise UnreadableFileError("damaged: it has no body; restore the whole file")
        document = _OpenDocument(members, root, Objects(content, members, on_page))
        document.add(body[0])
        document.add_margins()
        meta = members.get("meta.xml")
        title, metadata = properties(parse(meta)) if meta is not None else ("", {})
        return replace(document.text.content(title, metadata, document.objects.notes()), remarks=document.remarks())


class _OpenDocument:
    def __init__(self, members: dict[str, bytes], root: etree._Element, objects: Objects) -> None:
        self.text = Assembly()
        self.objects = objects
        self._members = members
        self._path = HeadingPath()
        self._styles = parse(members["styles.xml"]) if "styles.xml" in members else None
        self._writing = OdfText([root] if self._styles is None else [self._styles, root])
        self._writing.write_out(root)
        self._hidden: list[str] = []

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

    def add_margins(self) -> None:
        """Add the headers and footers of pages, each text once."""
        seen = set()
        for page in () if self._styles is None else self._styles.iter("{*}master-page"):
            for margin in page:
                kind = _MARGINS.get(local(margin), "")
                if not kind or attribute(margin, "display") == "false":
                    continue
                without_page_fields(margin)
                self._writing.write_out(margin)
                words = _flat(margin)
                if words in seen or is_page_number(words):
                    continue
                seen.add(words)
                self.text.stand(f"page {kind}")
                self._add_all(margin)

    def remarks(self) -> tuple[str, ...]:
        """Return how the document was read."""
        hidden = (f"read, though hidden: {', '.join(self._hidden[:10])}",) if self._hidden else ()
        return hidden + self.objects.remarks() + left_out(self._writing.left_out)

    def _label(self, name: str, is_hidden: bool, noun: str) -> str:
        if is_hidden:
            self._hidden.append(name)
        return f"{name} (hidden{noun})" if is_hidden else name

    def _add_sheet(self, sheet: etree._Element) -> None:
        is_hidden = self._writing.said(attribute(sheet, "style-name"), "display") == "false"
        name = self._label(" ".join(attribute(sheet, "name").split()), is_hidden, " sheet")
        lines = written(_rows(sheet), _has_header(sheet), may_stand_abreast=True)
        starts = self.text.add_table(lines, [name])
        self.text.stand_at(numbered_places(f"{name}, row", starts))
        self.text.stand(f"{name}, drawing")
        for frame in sheet.iter("{*}frame"):
            self._add_frame(frame)
        self.text.stand(f"{name}, comments")
        for comment in sheet.iter("{*}annotation"):
            self._add_comment(comment)
        self.text.stand(None)

    def _add_slide(self, slide: etree._Element, label: str) -> None:
        is_hidden = self._writing.said(attribute(slide, "style-name"), "visibility") == "hidden"
        label = self._label(label, is_hidden, "")
        self.text.stand(label)
        self._add_all(sorted(slide, key=lambda shape: attribute(shape, "class") != "title"))
        for comment in slide.iterfind("{*}annotation"):
            self._add_comment(comment)
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
                self._add_asides(element)
            elif kind == "list":
                self._add_list(element, separator)
            elif kind == "frame":
                self._add_frame(element)
            elif kind not in _OPEN_ASIDE:
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
        self._add_asides(paragraph)

    def _add_asides(self, parent: etree._Element) -> None:
        """Add what stands beside the text of paragraphs: notes, comments, frames and tables."""
        for aside in _shown(parent, "note", "annotation", "frame", *_BOXES):
            kind = local(aside)
            if kind == "note":
                words = " ".join(_flat(body) for body in aside.iterfind("{*}note-body"))
                self.text.add(f"[{_citation(aside)}] {words}" if words else "")
            elif kind == "annotation":
                self._add_comment(aside)
            elif kind == "frame":
                self._add_frame(aside)
            elif kind == "table":
                self._add_all([aside])
            else:
                self._add_all(aside)

    def _add_comment(self, comment: etree._Element) -> None:
        author = " ".join("".join(each.text or "" for each in comment.iterfind("{*}creator")).split())
        words = _flat(comment)
        if words:
            self.text.add(f"Comment by {author}: {words}" if author else f"Comment: {words}")

    def _add_frame(self, frame: etree._Element) -> None:
        """Add what a frame shows: the first of its alternatives that can be read."""
        for name in _DESCRIBED:
            self.objects.describe(self.text, "".join(each.text or "" for each in frame.iterfind(f"{{*}}{name}")))
        for shown in frame:
            kind, target = local(shown), attribute(shown, "href").removeprefix("./")
            if kind in {"image", "object", "object-ole", "plugin"}:
                self._add_object(kind, target)
                return
            if kind in _BOXES:
                self._add_all([shown] if kind == "table" else shown)
                return

    def _add_object(self, kind: str, target: str) -> None:
        if kind == "image":
            self.objects.add_picture(self.text, target)
            return
        inside = self._members.get(f"{target}/content.xml") if kind == "object" else None
        body = None if inside is None else parse(inside).find("{*}body")
        if body is None or not len(body):
            self.objects.leave_out("video or sound" if kind == "plugin" else "embedded object", "not read")
        elif local(body[0]) == "chart":
            title = " ".join(_flat(title) for title in body.iter("{*}title"))
            self.text.add(f"Chart: {title}" if title else "")
            for table in body.iter("{*}table"):
                self._add_table(table)
        else:
            self.add(body[0])

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
    """Return a paragraph's text with marks for its notes, without text boxes; line breaks in the XML become spaces."""
    pieces = [_blanks_as_one(element.text)]
    for child in element:
        kind = local(child)
        if kind in _IN_PLACE_OF:
            pieces.append(_IN_PLACE_OF[kind])
        elif kind == "note":
            pieces.append(mark(_citation(child), "".join(pieces)))
        elif kind not in _ASIDE:
            pieces.append(_words(child))
        pieces.append(_blanks_as_one(child.tail))
    return "".join(pieces)


def _citation(note: etree._Element) -> str:
    return "".join("".join(each.itertext()) for each in note.iterfind("{*}note-citation")).strip()


def _blanks_as_one(text: str | None) -> str:
    return "" if text is None else text.replace("\n", " ").replace("\t", " ")


def _flat(parent: etree._Element) -> str:
    """Return all paragraphs below an element, on one line."""
    paragraphs = (" ".join(_words(paragraph).split()) for paragraph in _shown(parent, "p", "h"))
    return " ".join(filter(None, paragraphs))
