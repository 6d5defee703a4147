"""DOCX: all that a document holds, in its order, with headings as places; page headers and footers come last.

Read from the XML by lxml: python-docx silently skips content controls, tracked insertions, text boxes and footnotes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lxml import etree

from index.errors import UnreadableFileError
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
from index.formats.office.objects import Objects, is_page_number, left_out
from index.formats.office.word.numbering import Numbering
from index.formats.office.word.text import WordText, text_of, visible
from index.formats.tables import Cell, Row, written

_DOCUMENT = "word/document.xml"
_TRANSPARENT = frozenset("sdt sdtContent customXml ins moveTo smartTag AlternateContent Choice body".split())
_NOTES = ("footnoteReference", "endnoteReference")
_OBJECTS = ("drawing", "pict", "object")
_BESIDE = tuple(f"{{*}}{name}" for name in (*_NOTES, "commentReference", *_OBJECTS))
_OFF = frozenset({"0", "false", "off"})
_TITLE_LEVEL = 0
_MAX_LEVEL = 9
_MAX_STYLES_DEEP = 20


def load_docx(content: bytes, on_page: Callable[[], None] = lambda: None) -> Content:
    """Read a Word document.

    Args:
        content: The file's bytes.
        on_page: Called before each picture that is read by OCR, which takes seconds.

    Returns:
        Its text, with headings as places; embedded files as parts.

    Raises:
        UnreadableFileError: The file is not DOCX, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name.endswith((".xml", ".rels")))
        return _Word(members, Objects(content, members, on_page)).content()


class _Word:
    def __init__(self, members: dict[str, bytes], objects: Objects) -> None:
        self._members = members
        self._objects = objects
        self._main = next((path for kind, path in related(members, "").values() if kind == "officeDocument"), _DOCUMENT)
        self._part = self._main
        self._body = member(members, self._main)
        self._parts = dict(related(members, self._main).values())
        styles = {attribute(style, "styleId"): style for style in self._children("styles", "style")}
        self._styles = styles
        self._notes = {
            (kind, attribute(note, "id")): note
            for kind in ("footnote", "endnote")
            for note in self._children(f"{kind}s", kind)
        }
        self._comments = {attribute(comment, "id"): comment for comment in self._children("comments", "comment")}
        self._writing = WordText(styles, Numbering(self._root("numbering"), styles), self._note_forms())
        self._text = Assembly()
        self._path = HeadingPath()
        self._title = ""
        self._in_list = False

    def _root(self, kind: str) -> etree._Element | None:
        """Return the root of a part beside the main one; None if there is none, or it is damaged."""
        path = self._parts.get(kind)
        if path is None:
            return None
        try:
            return parse(self._members[path])
        except UnreadableFileError:
            self._parts.pop(kind)
            self._objects.leave_out(f"part ({kind})", "damaged")
            return None

    def _children(self, kind: str, name: str) -> Iterator[etree._Element]:
        root = self._root(kind)
        return (child for child in (() if root is None else root) if local(child) == name)

    def _note_forms(self) -> dict[str, str]:
        """Return the number formats of notes: those of the settings, or of a section."""
        forms = {"footnote": "decimal", "endnote": "lowerRoman"}
        settings = self._root("settings")
        for root in (self._body, settings) if settings is not None else (self._body,):
            for kind in forms:
                for form in root.iterfind(f".//{{*}}{kind}Pr/{{*}}numFmt"):
                    forms[kind] = attribute(form, "val")
        return forms

    def content(self) -> Content:
        for root in (self._body, *self._notes.values(), *self._comments.values()):
            self._writing.write_out(root)
        self._add_all(self._body)
        self._add_margins()
        title, metadata = core_properties(self._members)
        content = self._text.content(title or self._title, metadata, self._objects.notes())
        remarks = self._objects.remarks() + left_out(self._writing.left_out)
        return replace(content, remarks=remarks, parts=tuple(self._objects.parts))

    def _add_margins(self) -> None:
        """Add the headers and footers that are shown, each text once."""
        seen = set()
        for kind in ("header", "footer"):
            for reference in list(self._body.iter(f"{{*}}{kind}Reference")):
                _, path = self._objects.targets(self._main).get(_relation(reference), ("", ""))
                if path not in self._members or not self._is_shown(reference):
                    continue
                root = parse(self._members[path])
                self._writing.write_out(root)
                words = _flat(root)
                if path in seen or (words in seen and words):
                    continue
                seen.update({path, words})
                self._part = path
                self._text.stand(f"page {kind}")
                if is_page_number(words):
                    self._add_asides(root)
                else:
                    self._add_all(root)

    def _is_shown(self, reference: etree._Element) -> bool:
        """Return whether a header is on any page: those of first and even pages may be switched off."""
        kind = attribute(reference, "type")
        settings = self._root("settings")
        if kind == "even":
            return settings is not None and _is_on(settings.find("{*}evenAndOddHeaders"))
        return kind != "first" or _is_on(reference.getparent().find("{*}titlePg"))

    def _add_all(self, parent: Iterable[etree._Element]) -> None:
        for element in parent:
            kind = local(element)
            if kind == "p":
                self._add_paragraph(element)
            elif kind == "tbl":
                self._add_table(element)
                self._add_asides(element)
            elif kind == "altChunk":
                self._objects.add(self._text, element, self._part)
            elif kind in _TRANSPARENT:
                self._add_all(element)

    def _add_paragraph(self, paragraph: etree._Element) -> None:
        words = text_of(paragraph)
        level = self._level(paragraph) if words.strip() else None
        if level is not None:
            self._text.stand(self._path.go_to(level, words))
            self._title = self._title or (" ".join(words.split()) if level == _TITLE_LEVEL else "")
        in_list = paragraph.find("{*}pPr/{*}numPr") is not None
        self._text.add(words, LINE if in_list and self._in_list else PARAGRAPH)
        self._in_list = in_list
        self._add_asides(paragraph)

    def _add_asides(self, parent: etree._Element) -> None:
        """Add what stands beside the text of paragraphs: notes, comments, objects and text boxes."""
        if next(parent.iter(*_BESIDE), None) is None:  # the usual case, found out quickly
            return
        for element in visible(parent, *_NOTES, "commentReference", *_OBJECTS):
            kind = local(element)
            if kind in _NOTES:
                self._add_note(kind.removesuffix("Reference"), attribute(element, "id"))
            elif kind == "commentReference":
                self._add_comment(self._comments.pop(attribute(element, "id"), None))
            else:
                self._objects.add(self._text, element, self._part)
                for box in visible(element, "txbxContent", "textpath"):
                    if local(box) == "textpath":
                        self._text.add(attribute(box, "string"))
                    else:
                        self._add_all(box)

    def _add_note(self, kind: str, name: str) -> None:
        note = self._notes.pop((kind, name), None)
        mark = self._writing.marks.get((kind, name))
        words = _flat(note) if note is not None else ""
        if words and mark is not None:
            self._text.add(f"[{mark}] {words}")

    def _add_comment(self, comment: etree._Element | None) -> None:
        words = _flat(comment) if comment is not None else ""
        if words:
            author = " ".join(attribute(comment, "author").split())
            self._text.add(f"Comment by {author}: {words}" if author else f"Comment: {words}")

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
    for number, row in enumerate(visible(table, "tr"), 1):
        cells: list[str] = []
        begun: list[Cell] = []
        is_header = row.find("{*}trPr/{*}tblHeader") is not None
        for cell in visible(row, "tc"):
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


def _flat(parent: etree._Element) -> str:
    """Return all paragraphs below an element, on one line."""
    return " ".join(filter(None, (" ".join(text_of(paragraph).split()) for paragraph in visible(parent, "p"))))


def _relation(element: etree._Element) -> str:
    """Return the id of the relationship that an element refers to, the namespaced one of its attributes."""
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), "")


def _is_on(switch: etree._Element | None) -> bool:
    return switch is not None and attribute(switch, "val") not in _OFF
