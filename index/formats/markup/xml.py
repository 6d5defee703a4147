"""XML: the text of its elements without tags; feeds (RSS, Atom) entry by entry."""

import re
from collections import Counter

from lxml import etree

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.assembling import LINE, PARAGRAPH, Assembly, HeadingPath
from index.formats.content import Content
from index.formats.metadata import iso_date, one_line
from index.formats.numbering import line_places
from index.formats.text.decoding import decode
from index.formats.web.html import load_html

_MAX_DEPTH = 200
_PROSE = frozenset("p para simpara paragraph sec section abstract list item listitem figure note".split())
_TECHNICAL = frozenset("id class style lang href type space xref ref idref rend role".split())
"""Attributes that say nothing about an element's words."""
_UNLIKE_AT_LEAST = 0.75
"""Share of names that must differ among the fields of a record."""
_HTML_SIGN = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-z]+|#\d+);")
_FEEDS = frozenset({"rss", "feed", "RDF"})
_ENTRIES = frozenset({"item", "entry"})
_TITLES = frozenset({"title", "head", "heading", "label", "article-title", "bridgehead", "titlestmt"})


def load_xml(content: bytes) -> Content:
    """Read an XML file.

    Args:
        content: The file's bytes.

    Returns:
        The text of its elements: a paragraph for each that holds words, a line "name: value" for each field of a
        record. Places are titles of the elements around. Feeds become a paragraph for each entry; pages in XHTML are
        read as such. What is no valid XML, or declares entities of its own, is kept as it is, with lines as places.

    Raises:
        EmptyFileError: No element holds text.
        UnreadableFileError: The file is not text.
    """
    try:
        root = _parsed(content)
    except (etree.XMLSyntaxError, ValueError) as error:
        return _as_it_is(content, f"not valid XML, {one_line(str(error))[:100]}")
    if root is None:
        return _as_it_is(content, "it declares entities of its own")
    if _local(root) == "html":
        return load_html(content)
    return _feed(root) if _local(root) in _FEEDS else _Document().content(root)


def _parsed(content: bytes) -> etree._Element | None:
    """Parse the file without entities of its own; None if it has such."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(content, parser)
    internal = root.getroottree().docinfo.internalDTD
    has_entities = internal is not None and any(True for _ in internal.iterentities())
    return None if has_entities else root


def _as_it_is(content: bytes, why: str) -> Content:
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    return Content(text, places=line_places(text), remarks=(f"shown with its tags: {why}",))


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _words(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _shown(element: etree._Element | None) -> str:
    """Return the text of an element of a feed, which may be a web page of its own."""
    if element is None:
        return ""
    text = element.text or ""
    if len(element):
        text = etree.tostring(element, encoding="unicode", with_tail=False)
    if not _HTML_SIGN.search(text):
        return text.strip()
    try:
        return load_html(f"<!DOCTYPE html><body>{text}</body>".encode("utf-8-sig")).text
    except UnreadableFileError:
        return ""


def _feed(root: etree._Element) -> Content:
    text = Assembly()
    channel = next((each for each in root.iter() if _local(each) == "channel"), root)
    about = {_local(each): each for each in reversed(channel) if _local(each) not in _ENTRIES}
    title = one_line(_shown(about.get("title")))
    for name in ("title", "description", "subtitle"):
        text.add(_shown(about.get(name)))
    for entry in (each for each in root.iter() if _local(each) in _ENTRIES):
        said = {_local(each): each for each in reversed(entry)}
        its_title = one_line(_shown(said.get("title")))
        day = next((day for name in ("pubDate", "published", "date", "updated") if (day := _day(said.get(name)))), "")
        text.stand(its_title or day or "entry")
        text.add(its_title)
        author = said.get("author", said.get("creator"))
        by = "" if author is None else _words(next((each for each in author if _local(each) == "name"), author))
        text.add(", ".join(filter(None, (day, by))), LINE)
        text.add(
            _shown(said.get("encoded", said.get("content"))) or _shown(said.get("description", said.get("summary")))
        )
    if not text.length:
        raise EmptyFileError("empty: its entries hold no text")
    return text.content(title, {"date": _day(about.get("lastBuildDate", about.get("updated")))})


def _day(element: etree._Element | None) -> str:
    return "" if element is None else iso_date(_words(element)[:100].partition("T")[0] or "")


class _Document:
    """Any other XML: records as lines, all else as paragraphs."""

    def __init__(self) -> None:
        self._text = Assembly()
        self._path = HeadingPath()
        self._title = ""
        self._is_deep = False

    def content(self, root: etree._Element) -> Content:
        self._read(root, 0)
        if not self._text.length:
            raise EmptyFileError("empty: no element holds text")
        notes = (f"elements nested more than {_MAX_DEPTH} deep were read without their order",) if self._is_deep else ()
        return self._text.content(self._title, {}, notes)

    def _read(self, element: etree._Element, depth: int) -> None:
        if depth > _MAX_DEPTH or _holds_words(element):
            self._is_deep |= depth > _MAX_DEPTH
            words = _words(element)
            if _local(element).lower() in _TITLES and words:
                self._title = self._title or words
                self._text.stand(self._path.go_to(depth, words))
            self._text.add(words)
            if not words:
                self._add_fields(_attributes(element))
        elif _is_record(element):
            self._add_fields([*_attributes(element), *((_local(inner), _value(inner)) for inner in element)])
        else:
            for inner in element:
                self._read(inner, depth + 1)

    def _add_fields(self, fields: list[tuple[str, str]]) -> None:
        for order, (name, value) in enumerate(field for field in fields if field[1]):
            self._text.add(f"{name}: {value}", LINE if order else PARAGRAPH)


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    return [(name.rpartition("}")[2], " ".join(value.split())) for name, value in element.attrib.items()]


def _value(element: etree._Element) -> str:
    """Return the words of a field, with what its attributes say of them: "44.95 (currency: EUR)"."""
    beside = ", ".join(f"{name}: {said}" for name, said in _attributes(element) if name not in _TECHNICAL and said)
    words = _words(element)
    return f"{words} ({beside})" if words and beside else words or beside


def _holds_words(element: etree._Element) -> bool:
    """Return whether the element itself has text, with others amid it, or has no elements in it."""
    return not len(element) or bool((element.text or "").strip()) or any((each.tail or "").strip() for each in element)


def _is_record(element: etree._Element) -> bool:
    """Return whether the elements in an element are fields: words alone, hardly two of a name, and none of prose."""
    if len(element) < 2 or any(len(inner) for inner in element):  # noqa: PLR2004
        return False
    names = Counter(_local(inner).lower() for inner in element)
    return len(names) >= _UNLIKE_AT_LEAST * len(element) and _PROSE.isdisjoint(names)
