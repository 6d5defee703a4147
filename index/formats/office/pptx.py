"""PPTX: the slides in order, each with its title first, then what else it shows, its comments and its notes.

Read from the XML by lxml: python-pptx skips SmartArt and alternate content, was last released in August 2024, and
depends on a library for writing spreadsheets.
"""

import posixpath
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from lxml import etree

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.office.containers import (
    attribute,
    core_properties,
    local,
    member,
    refusing_damage,
    related,
    unpack,
)
from index.formats.office.drawing_text import write_out_drawing
from index.formats.office.objects import Objects, left_out
from index.formats.tables import Cell, written

_PRESENTATION = "ppt/presentation.xml"
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})


def load_pptx(content: bytes, on_page: Callable[[], None] = lambda: None) -> Content:
    """Read a PowerPoint presentation.

    Args:
        content: The file's bytes.
        on_page: Called before each picture that is read by OCR, which takes seconds.

    Returns:
        Its text, with slides as places; embedded files as parts.

    Raises:
        UnreadableFileError: The file is not PPTX, is damaged, encrypted or too large.
    """
    with refusing_damage():
        members = unpack(content, lambda name: name.endswith((".xml", ".rels")))
        return _Presentation(members, Objects(content, members, on_page)).content()


class _Presentation:
    def __init__(self, members: dict[str, bytes], objects: Objects) -> None:
        self._members = members
        self._objects = objects
        self._main = next(
            (path for kind, path in related(members, "").values() if kind == "officeDocument"), _PRESENTATION
        )
        self._text = Assembly()
        self._title = ""
        self._margins: dict[str, None] = {}
        self._layouts: set[str] = set()
        self._left_out: Counter[str] = Counter()
        self._hidden: list[int] = []
        targets = related(members, self._main)
        people = (self._root(path) for kind, path in targets.values() if kind in {"commentAuthors", "authors"})
        self._people = {attribute(person, "id"): attribute(person, "name") for root in people for person in root}

    def content(self) -> Content:
        slides = related(self._members, self._main)
        listed = (element for element in member(self._members, self._main).iter() if local(element) == "sldId")
        for number, slide in enumerate(listed, 1):
            _, path = slides.pop(_relation(slide), ("", ""))  # popped: no slide is read twice
            if path:
                self._add_slide(path, number)
        self._text.stand("margins of the slides")
        self._text.add("\n".join(self._margins))
        title, metadata = core_properties(self._members)
        content = self._text.content(title or self._title, metadata, self._objects.notes())
        remarks = self._remarks() + self._objects.remarks() + left_out(self._left_out)
        return replace(content, remarks=remarks, parts=tuple(self._objects.parts))

    def _remarks(self) -> tuple[str, ...]:
        if not self._hidden:
            return ()
        return (f"read, though hidden: slide{'s' * (len(self._hidden) > 1)} {', '.join(map(str, self._hidden))}",)

    def _root(self, path: str) -> etree._Element:
        """Return the root of a part; an empty element for one that is damaged, which is counted."""
        try:
            root = member(self._members, path)
        except UnreadableFileError:
            self._objects.leave_out(f"part ({posixpath.basename(path)})", "damaged")
            return etree.Element("none")
        self._left_out.update(write_out_drawing(root))
        return root

    def _add_slide(self, path: str, number: int) -> None:
        root = self._root(path)
        label = f"slide {number}"
        if attribute(root, "show") in {"0", "false"}:
            self._hidden.append(number)
            label = f"{label} (hidden)"
        self._text.stand(label)
        shapes = list(_shapes(root))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        for shape in sorted(shapes, key=lambda shape: _placeholder(shape) not in _TITLES):
            self._add_shape(shape, path)
        self._title = self._title or " ".join(" ".join(map(_lines, titles)).split())
        others = list(related(self._members, path).values())
        self._text.stand(f"{label}, comments")
        for other in (other for kind, other in others if kind == "comments"):
            self._add_comments(self._root(other))
        self._text.stand(f"{label}, notes")
        for other in (other for kind, other in others if kind == "notesSlide"):
            for shape in _shapes(self._root(other)):
                self._add_shape(shape, other)
        for other in (other for kind, other in others if kind == "slideLayout"):
            self._see_layout(other)

    def _add_shape(self, shape: etree._Element, path: str) -> None:
        if _placeholder(shape) in _FURNITURE:
            words = _lines(shape) if not any(local(element) == "fld" for element in shape.iter()) else ""
            self._margins.update({words: None} if words else {})
        else:
            _add_shape(self._text, shape)
            self._objects.add(self._text, shape, path)

    def _see_layout(self, path: str) -> None:
        """Note the text that a layout and its master show on every slide."""
        if path in self._layouts:
            return
        self._layouts.add(path)
        for shape in _shapes(self._root(path)):
            words = _lines(shape)
            if words and shape.find("{*}nvSpPr/{*}nvPr/{*}ph") is None:
                self._margins[words] = None
        for kind, other in related(self._members, path).values():
            if kind == "slideMaster":
                self._see_layout(other)

    def _add_comments(self, root: etree._Element) -> None:
        for comment in (element for element in root.iter() if local(element) in {"cm", "reply"}):
            said = next((each for each in comment if local(each) in {"text", "txBody"}), None)
            words = "" if said is None else " ".join((_lines(said) or said.text or "").split())
            author = self._people.get(attribute(comment, "authorId"), "")
            if words:
                self._text.add(f"Comment by {author}: {words}" if author else f"Comment: {words}")


def _relation(slide: etree._Element) -> str:
    """Return a slide's relationship id, the namespaced one of its two ids."""
    return next((value for key, value in slide.attrib.items() if key.endswith("}id")), "")


def _shapes(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield shapes, tables and pictures in order, those within groups included."""
    for element in parent:
        kind = local(element)
        if kind in {"sp", "graphicFrame", "pic"}:
            yield element
        elif kind != "Fallback":
            yield from _shapes(element)


def _placeholder(shape: etree._Element) -> str:
    found = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return "" if found is None else attribute(found, "type")


def _add_shape(text: Assembly, shape: etree._Element) -> None:
    table = next((element for element in shape.iter() if local(element) == "tbl"), None)
    if table is None:
        text.add(_lines(shape))
        return
    rows = [
        [_cell(cell) for cell in row if local(cell) == "tc" and not _is_covered(cell)]
        for row in table
        if local(row) == "tr"
    ]
    text.add_table(written(enumerate(rows, 1)))


def _is_covered(cell: etree._Element) -> bool:
    """Return whether a merged cell reaches over this one."""
    return bool({attribute(cell, "hMerge"), attribute(cell, "vMerge")} & {"1", "true"})


def _cell(cell: etree._Element) -> Cell:
    n_columns, n_rows = (int(attribute(cell, name) or 1) for name in ("gridSpan", "rowSpan"))
    return Cell(_lines(cell), n_columns=n_columns, n_rows=n_rows)


def _lines(parent: etree._Element) -> str:
    """Return the paragraphs below an element, one per line."""
    paragraphs = (element for element in parent.iter() if local(element) == "p")
    return "\n".join(filter(None, (_words(paragraph).strip() for paragraph in paragraphs)))


def _words(paragraph: etree._Element) -> str:
    return "".join(
        "\n" if local(element) == "br" else element.text or ""
        for element in paragraph.iter()
        if local(element) in {"t", "br"}
    )
