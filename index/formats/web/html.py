"""Web pages: the article without menus, as text with headings as places."""

import re

from lxml import etree

from index.errors import EmptyFileError
from index.formats.content import Content, Place, Table
from index.formats.metadata import iso_date, language_code, one_line
from index.formats.tables import TableRecorder
from index.formats.text.declared_charset import decode_declared
from index.formats.web.html_page import ARTICLE, MENU, PAGE, Block, Page, PageFullError

_ENOUGH_CHARS = 200
"""Length from which the part that the page marks as its article is taken for the whole of it."""

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARATION = re.compile(
    rb"""(?:<\?xml[^<>]{0,200}?encoding|<meta[^<>]{0,500}?charset)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_DECLARED_WITHIN = 4096
_ENTITY_DECLARATIONS = re.compile(r"((?:\s*+<\?[^>]*+>)?\s*+<!DOCTYPE[^>\[]*+)\[[^\]]*+\]\s*+>", re.IGNORECASE)

_MAX_TAGS_SCANNED = 1_000_000_000
"""Closing tags times open elements: libxml2 searches all open elements for a stray closing tag, 3 ns each."""
_MAX_DEPTH = 100_000

_UNTITLED = "<no title>"
"""Sphinx's title for a page without a heading, before the site's name."""
_SITE = re.compile(r"\s[—–|·-]\s")  # noqa: RUF001 (dashes as printed)
"""Separates the page's name from the site's in a title."""

_AUTHOR = ("author", "dc.creator", "dcterms.creator", "citation_author", "article:author")
_DATE = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dcterms.date",
    "dcterms.created",
    "dcterms.issued",
    "citation_publication_date",
)
_LANGUAGE = ("content-language", "dc.language", "dcterms.language", "og:locale")


def load_html(content: bytes) -> Content:
    """Read a web page.

    Args:
        content: The file's bytes.

    Returns:
        Its article: paragraphs separated by blank lines, lists with "- ", one line per table row, code unchanged;
        without menus, scripts and hidden elements. Places are headings, and below them terms with an anchor; title,
        author, date and language from the page's metadata. Notes count the pictures that the file itself holds.

    Raises:
        EmptyFileError: The page shows no text.
        UnreadableFileError: The file is not text.
    """
    page, notes = _read(_decode(content))
    notes += tuple(f"{n:,} {noun}{'s' if n > 1 else ''} in it: not read" for noun, n in page.embedded.items())
    blocks = _chosen(page.blocks)
    if not blocks:
        raise EmptyFileError("; ".join(["empty: the page shows no text", *notes]))
    text, places, tables = _joined(blocks)
    return Content(text, _title(page, blocks), places, _metadata(page), notes, tables=tables)


def _decode(content: bytes) -> str:
    if content.startswith(_BYTE_ORDER_MARKS):
        return decode_declared(content, "")
    declared = _DECLARATION.search(content[:_DECLARED_WITHIN])
    charset = declared[1].decode("ascii", "replace").lower() if declared else ""
    # A declaration that can be read as ASCII is not in UTF-16; the WHATWG standard then assumes UTF-8.
    return decode_declared(content, "utf-8" if charset.startswith("utf-16") else charset)


def _read(text: str) -> tuple[Page, tuple[str, ...]]:
    if declared := _ENTITY_DECLARATIONS.match(text):
        text = f"{declared[1]}>{text[declared.end() :]}"
    page = Page(max_depth=min(_MAX_DEPTH, max(256, _MAX_TAGS_SCANNED // (text.count("</") + 1))))
    parser = etree.HTMLParser(target=page, encoding="utf-8", huge_tree=True)
    notes: tuple[str, ...] = ()
    try:
        parser.feed(text.encode("utf-8", "replace"))
        parser.close()
    except PageFullError as full:
        notes = (str(full),)
    except etree.ParserError:
        pass  # the page is empty
    try:
        page.close()
    except PageFullError as full:
        notes = (str(full),)
    return page, notes


def _chosen(blocks: list[Block]) -> list[Block]:
    """Return the article; if the page marks none, all but the menus; the menus if there is nothing else."""
    for rank in (ARTICLE, PAGE, MENU):
        kept = [block for block in blocks if block.rank >= rank]
        n_chars = sum(len(block.text) for block in kept)
        n_elsewhere = sum(len(block.text) for block in blocks if block.rank == PAGE)
        if kept and (rank != ARTICLE or n_chars >= min(_ENOUGH_CHARS, n_elsewhere // 4)):
            return kept
    return []


def _joined(blocks: list[Block]) -> tuple[str, tuple[Place, ...], tuple[Table, ...]]:
    tables = TableRecorder()
    pieces: list[str] = []
    places: list[Place] = []
    at = 0
    label = ""
    for block in blocks:
        apart = "" if not pieces else "\n" if block.is_tight else "\n\n"
        at += len(apart)
        if block.label != label:
            label = block.label
            places.append(Place(at, label))
        pieces += (apart, block.text)
        if block.row is not None:
            tables.add(block.row, at, [block.caption])
        at += len(block.text)
    return "".join(pieces), tuple(places), tables.tables(at)


def _title(page: Page, blocks: list[Block]) -> str:
    """Return the page's title, or its first heading if the title only adds the site's name to it."""
    title = one_line(page.title) or one_line(page.metas.get("og:title", ""))
    heading = next((one_line(block.text) for block in blocks if block.level), "")
    name, _, site = _SITE.sub("\n", title, count=1).partition("\n")
    if name == _UNTITLED:
        return site
    return heading if heading and (heading in title or heading.startswith(name)) else title


def _metadata(page: Page) -> dict[str, str]:
    languages = [page.language, *(page.metas.get(name, "") for name in _LANGUAGE)]
    found = {
        "author": next((one_line(page.metas[name]) for name in _AUTHOR if page.metas.get(name)), ""),
        "date": next((day for name in _DATE if (day := iso_date(page.metas.get(name, "")))), ""),
        "language": next((code for language in languages if (code := language_code(language))), ""),
        "description": one_line(page.metas.get("description", "")),
    }
    return {name: words for name, words in found.items() if words}
