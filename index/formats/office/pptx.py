"""PPTX: the slides in order, each with its title first and its notes last.

Read from the XML by lxml: python-pptx skips SmartArt and alternate content, was last released in August 2024, and
depends on a library for writing spreadsheets.
"""

from collections.abc import Iterator

from lxml import etree

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
from index.formats.tables import Cell, written

_PRESENTATION = "ppt/presentation.xml"
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})


def load_pptx(content: bytes) -> Content:
    """Read a PowerPoint presentation.

    Args:
        content: The file's bytes.

    Returns:
        Its text, with slides as places.

    Raises:
        UnreadableFileError: The file is not PPTX, is damaged, encrypted or too large.
    """
    with refusing_damage():
        return _content(unpack(content, lambda name: name.endswith((".xml", ".rels"))))


def _content(members: dict[str, bytes]) -> Content:
    main = next((path for kind, path in related(members, "").values() if kind == "officeDocument"), _PRESENTATION)
    slides = related(members, main)
    listed = (element for element in member(members, main).iter() if local(element) == "sldId")
    text = Assembly()
    first_title = ""
    for number, slide in enumerate(listed, 1):
        _, path = slides.pop(_relation(slide), ("", ""))  # popped: no slide is read twice
        if path:
            text.stand(f"slide {number}")
            title = _add_slide(text, members, path, f"slide {number}, notes")
            first_title = first_title or title
    title, metadata = core_properties(members)
    return text.content(title or first_title, metadata)


def _relation(slide: etree._Element) -> str:
    """Return a slide's relationship id, the namespaced one of its two ids."""
    return next((value for key, value in slide.attrib.items() if key.endswith("}id")), "")


def _add_slide(text: Assembly, members: dict[str, bytes], path: str, notes_label: str) -> str:
    """Add a slide's text and notes, and return its title."""
    shapes = list(_shapes(member(members, path)))
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    for shape in sorted(shapes, key=lambda shape: _placeholder(shape) not in _TITLES):
        _add_shape(text, shape)
    others = list(related(members, path).values())
    for kind, other in others:
        if kind == "diagramData":
            text.add(_lines(member(members, other)))
    text.stand(notes_label)
    for kind, other in others:
        if kind == "notesSlide":
            for shape in _shapes(member(members, other)):
                _add_shape(text, shape)
    return " ".join(" ".join(map(_lines, titles)).split())


def _shapes(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield shapes and tables in order, those within groups included."""
    for element in parent:
        kind = local(element)
        if kind in {"sp", "graphicFrame"}:
            if _placeholder(element) not in _FURNITURE:
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
