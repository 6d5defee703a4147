"""A web page as blocks of text: what the parser meets, turned into paragraphs, items, rows and code as it goes."""

import re
from dataclasses import dataclass, field

from index.formats.limits import MAX_TEXT_CHARS
from index.formats.text.markdown import HEADING_SEPARATOR, MAX_HEADING_CHARS
from index.formats.web.html_tables import Cell, table_lines

ARTICLE, PAGE, MENU = 2, 1, 0
"""Ranks of a block: in what the page marks as its article, elsewhere on it, in a menu."""

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PREFORMATTED = frozenset({"pre", "xmp", "listing", "plaintext"})
_LISTS = frozenset({"ul", "ol", "menu", "dir", "dl"})
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dt fieldset figcaption figure footer "
    "form header hgroup hr html legend li main nav p search section summary table tbody td tfoot th thead tr".split()
).union(_HEADINGS, _PREFORMATTED, _LISTS)
_NOT_SHOWN = frozenset(
    "annotation annotation-xml applet area audio base button canvas datalist embed frame iframe input link map meta "
    "meter noembed noframes noscript object option param progress rp rt script select source style svg template "
    "textarea track video".split()
)
"""What is never text of the article: programs, controls, what stands in for pictures, readings beside characters."""

_MENU_TAGS = frozenset({"nav", "search"})
_MENU_ROLES = frozenset(
    "alertdialog banner complementary contentinfo dialog menu menubar navigation search toolbar".split()
)
_MENU_CLASSES = frozenset(
    "breadcrumb breadcrumbs cookie-banner footer gutter headerlink lineno linenos navbar navfooter navheader "
    "pagination related site-footer site-header sidebar skip-link sphinxsidebar toc".split()
)
"""Classes that generators of pages give their menus: Sphinx, DocBook, Doxygen, Bootstrap, blogs."""

_FRAME = frozenset({"html", "body", "main", "article"})
"""Hold the article, whatever their classes say: a body of class "sidebar" has one."""
_PAGE_EDGES = frozenset({"header", "footer", "aside"})
"""Menus at the edges of a page; within the article they hold its title, its footnotes, its notes."""

_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_PERMALINKS = frozenset({"¶", "#", "§", "🔗"})
_RAISED = re.compile(r"[0-9+\-−n]{1,6}")  # noqa: RUF001 (a minus as printed)
_SUPERSCRIPTS = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")  # noqa: RUF001
_SPACE = re.compile(r"[ \t\n\r\f]+")
_NO_BREAK_SPACES = str.maketrans("\xa0\u202f", "  ", "\xad")
"""Tell where lines must not be broken, as soft hyphens tell where they may; copied from a browser they are spaces."""
_LINE_BREAK = "\0"  # in no page: the parser makes U+FFFD of it
_MANY_BLOCKS = 8
"""Paragraphs in a cell from which on its table is taken to arrange the page."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, row or piece of code.

    Attributes:
        text: Its text.
        rank: `ARTICLE`, `PAGE` or `MENU`.
        label: Headings that it stands under, itself included.
        is_tight: Whether it follows the one before on the next line, rather than after a blank one.
        level: 1 to 6 where it is a heading, else 0.
    """

    text: str
    rank: int
    label: str
    is_tight: bool = False
    level: int = 0


class PageFullError(Exception):
    """What is allowed of text or depth is used up: reading ends here, with what was read."""


@dataclass(slots=True)
class _Element:
    """What an open element means for the text in it.

    Attributes:
        tag: Its name.
        rank: Rank of the blocks in it.
        level: Of the heading that it is or is in, else 0.
        is_skipped: Whether nothing in it is shown.
        is_preformatted: Whether line breaks in it stay.
        is_in_article: Whether edges in it are the article's rather than the page's.
        is_term: Whether it is, or is in, a term with an anchor of its own.
        keeps_buttons: Whether a button in it is text: a heading that unfolds, say.
    """

    tag: str
    rank: int = PAGE
    level: int = 0
    is_skipped: bool = False
    is_preformatted: bool = False
    is_in_article: bool = False
    is_term: bool = False
    keeps_buttons: bool = False


@dataclass(slots=True)
class _List:
    number: int | None  # of its next item; None where items have none
    n_items: int = 0


@dataclass(slots=True)
class _TableCell:
    attributes: dict[str, str]
    is_header: bool
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    """A table being read.

    Attributes:
        outside: Blocks of what it stands in.
        loose: Blocks in it that are in no cell: its caption.
        rows: Its rows so far.
        arranges_page: Whether it is no table of data: it holds headings, code or another table.
    """

    outside: list[Block]
    loose: list[Block] = field(default_factory=list)
    rows: list[list[_TableCell]] = field(default_factory=list)
    arranges_page: bool = False


class Page:
    """Collects a page from the parser's events. It builds no tree, so that depth costs nothing."""

    def __init__(self, max_depth: int) -> None:
        """Nothing is read yet.

        Args:
            max_depth: Elements that may be open at once.
        """
        self.blocks: list[Block] = []
        self.title = ""
        self.language = ""
        self.metas: dict[str, str] = {}
        self._max_depth = max_depth
        self._chars = 0
        self._open = [_Element("")]
        self._inline: list[str] = []
        self._link_from = self._raised_from = -1
        self._is_in_title = False
        self._headings: dict[int, str] = {}
        self._term = ""
        self._lists: list[_List] = []
        self._tables: list[_Table] = []
        self._marker = ""
        self._next_is_tight = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins.

        Args:
            tag: Its name.
            attributes: Its attributes.

        Raises:
            PageFullError: Too many elements are open.
        """
        tag = tag.rpartition(":")[2]
        if len(self._open) > self._max_depth:
            raise PageFullError("nested too deeply: what follows is left out")
        self._note_metadata(tag, attributes)
        if tag in _BLOCKS:
            self._end_block()
        element = _element(tag, attributes, self._open[-1])
        self._open.append(element)
        if not element.is_skipped:
            self._begin(tag, attributes, element)

    def end(self, tag: str) -> None:  # noqa: ARG002 (the parser ends what began last)
        """The element that began last ends.

        Args:
            tag: Its name.
        """
        element = self._open[-1]
        self._is_in_title = False
        if not element.is_skipped:
            self._finish(element)
        if len(self._open) > 1:
            self._open.pop()

    def data(self, text: str) -> None:
        """Text stands here.

        Args:
            text: The text, entities decoded.
        """
        if self._is_in_title:
            self.title += text
        elif not self._open[-1].is_skipped:
            self._inline.append(text.replace(_LINE_BREAK, ""))

    def close(self) -> None:
        """The page ends, and whatever is still open."""
        while len(self._open) > 1:
            self.end(self._open[-1].tag)
        self._end_block()

    def _note_metadata(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "meta":
            name = attributes.get("name") or attributes.get("property") or attributes.get("itemprop")
            name = name or attributes.get("http-equiv") or ""
            self.metas.setdefault(name.lower(), attributes.get("content") or "")
        elif tag == "html" and not self.language:
            self.language = attributes.get("lang") or attributes.get("xml:lang") or ""

    def _begin(self, tag: str, attributes: dict[str, str], element: _Element) -> None:
        if tag == "title" and not self.title:
            self._is_in_title = True
        elif tag == "br":
            self._inline.append("\n" if element.is_preformatted else _LINE_BREAK)
        elif tag == "q":
            self._inline.append("“")
        elif tag == "a":
            self._link_from = len(self._inline)
        elif tag == "sup":
            self._raised_from = len(self._inline)
        elif tag in _LISTS:
            self._lists.append(_List(_whole_number(attributes.get("start"), 1) if tag == "ol" else None))
        elif tag in {"li", "dt", "dd"}:
            self._begin_item(tag)
        elif tag in {"table", "tr", "td", "th"}:
            self._begin_table_part(tag, attributes)
        if self._tables and (tag in _HEADINGS or tag in _PREFORMATTED):
            self._tables[-1].arranges_page = True

    def _finish(self, element: _Element) -> None:
        tag = element.tag
        if tag == "q":
            self._inline.append("”")
        elif tag == "a":
            self._drop_permalink()
        elif tag == "sup":
            self._raise_digits()
        elif tag in _BLOCKS:
            self._end_block()
        if tag == "li" or tag in _LISTS:
            self._marker, self._next_is_tight = "", False
        if tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag == "dd":
            self._term = ""
        elif tag in {"table", "td", "th"}:
            self._finish_table_part(tag)

    # Lists

    def _begin_item(self, tag: str) -> None:
        items = self._lists[-1] if self._lists else _List(None)
        items.n_items += 1
        if tag != "li":
            # A second term of the same definition, or the definition itself.
            self._next_is_tight = tag == "dd" or bool(self._term)
            return
        self._next_is_tight = items.n_items > 1 or len(self._lists) > 1
        number = "-" if items.number is None else f"{items.number}."
        items.number = None if items.number is None else items.number + 1
        self._marker = "  " * (min(len(self._lists), 10) - 1) + number + " "

    # Tables

    def _begin_table_part(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table":
            for table in self._tables[-1:]:
                table.arranges_page = True
            self._tables.append(_Table(outside=self.blocks))
            self._tables[-1].arranges_page = attributes.get("role") in {"presentation", "none"}
            self.blocks = self._tables[-1].loose
        elif self._tables and tag == "tr":
            self._tables[-1].rows.append([])
        elif self._tables:
            cell = _TableCell(attributes, is_header=tag == "th")
            table = self._tables[-1]
            if not table.rows:
                table.rows.append([])
            table.rows[-1].append(cell)
            self.blocks = cell.blocks

    def _finish_table_part(self, tag: str) -> None:
        if not self._tables:
            return
        if tag != "table":
            self.blocks = self._tables[-1].loose
            return
        table = self._tables.pop()
        self.blocks = table.outside
        self.blocks.extend(table.loose)
        cells = [cell for row in table.rows for cell in row]
        if table.arranges_page or any(len(cell.blocks) > _MANY_BLOCKS for cell in cells):
            for cell in cells:
                self.blocks.extend(cell.blocks)
        else:
            self._add_rows(table)

    def _add_rows(self, table: _Table) -> None:
        rank = self._open[-1].rank
        rows = [[_cell(cell, rank) for cell in row] for row in table.rows]
        for number, line in enumerate(table_lines(rows)):
            self._next_is_tight = number > 0
            self._add(line, self._open[-1])

    # Blocks

    def _end_block(self) -> None:
        """What was read since the last block becomes one, where it holds words."""
        if not self._inline:
            return
        element = self._open[-1]
        inline = "".join(self._inline).translate(_NO_BREAK_SPACES)
        self._inline.clear()
        self._link_from = self._raised_from = -1
        text = _preformatted(inline) if element.is_preformatted else _collapsed(inline)
        if text:
            self._begin_section(element, text)
            self._add(text if element.is_preformatted else self._marker + text, element)
            self._marker = ""

    def _add(self, text: str, element: _Element) -> None:
        self._chars += len(text)
        if self._chars > MAX_TEXT_CHARS:
            raise PageFullError(f"more than {MAX_TEXT_CHARS:,} characters: what follows is left out")
        path = [*self._headings.values(), self._term] if self._term else self._headings.values()
        label = HEADING_SEPARATOR.join(path)
        self.blocks.append(Block(text, element.rank, label, self._next_is_tight, element.level))
        self._next_is_tight = False

    def _begin_section(self, element: _Element, text: str) -> None:
        words = text if len(text) <= MAX_HEADING_CHARS else text[:MAX_HEADING_CHARS].rstrip() + "…"
        words = words.replace("\n", " ")
        if element.level and element.rank != MENU:
            self._headings = {level: above for level, above in self._headings.items() if level < element.level}
            self._headings[element.level] = words
            self._term = ""
        elif element.is_term and not self._term:
            term = words.partition("(")[0].strip()
            self._term = term if any(map(str.isalpha, term)) else ""  # the number of a footnote says nothing

    # Within a line

    def _drop_permalink(self) -> None:
        if self._link_from >= 0 and "".join(self._inline[self._link_from :]).strip() in _PERMALINKS:
            del self._inline[self._link_from :]
        self._link_from = -1

    def _raise_digits(self) -> None:
        if self._raised_from >= 0:
            raised = "".join(self._inline[self._raised_from :])
            if _RAISED.fullmatch(raised):  # 10<sup>6</sup> is not 106
                self._inline[self._raised_from :] = [raised.translate(_SUPERSCRIPTS)]
        self._raised_from = -1


def _element(tag: str, attributes: dict[str, str], outer: _Element) -> _Element:
    """What an element means, by itself and by what it stands in."""
    is_article = tag == "main" or attributes.get("role") == "main"
    level = _HEADINGS.get(tag, outer.level)
    return _Element(
        tag,
        rank=ARTICLE if is_article else MENU if _is_menu(tag, attributes, outer) else outer.rank,
        level=level,
        is_skipped=outer.is_skipped or _is_hidden(tag, attributes, outer),
        is_preformatted=outer.is_preformatted or tag in _PREFORMATTED,
        is_in_article=outer.is_in_article or is_article or tag in {"article", "section"},
        is_term=outer.is_term or (tag == "dt" and bool(attributes.get("id"))),
        keeps_buttons=outer.keeps_buttons or bool(level) or tag in {"dt", "summary"},
    )


def _is_menu(tag: str, attributes: dict[str, str], outer: _Element) -> bool:
    if tag not in _BLOCKS or tag in _FRAME:
        return False
    if tag in _PAGE_EDGES and outer.is_in_article:
        return False
    return (
        tag in _MENU_TAGS or tag in _PAGE_EDGES or attributes.get("role") in _MENU_ROLES or _has_menu_class(attributes)
    )


def _has_menu_class(attributes: dict[str, str]) -> bool:
    return not _MENU_CLASSES.isdisjoint(attributes.get("class", "").split())


def _is_hidden(tag: str, attributes: dict[str, str], outer: _Element) -> bool:
    if tag in _NOT_SHOWN:
        return not (tag == "button" and outer.keeps_buttons)
    if not attributes:
        return tag == "dialog"
    return (
        attributes.get("hidden", "until-found") != "until-found"
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN_STYLE.search(attributes.get("style", "")))
        or (tag == "dialog" and "open" not in attributes)
        or (tag not in _BLOCKS and _has_menu_class(attributes))
    )


def _cell(cell: _TableCell, rank: int) -> Cell:
    shown = (block.text for block in cell.blocks if rank == MENU or block.rank != MENU)
    return Cell(
        " ".join(" ".join(shown).split("\n")),
        cell.is_header,
        _whole_number(cell.attributes.get("colspan"), 1),
        _whole_number(cell.attributes.get("rowspan"), 1),
    )


def _whole_number(said: str | None, otherwise: int) -> int:
    digits = (said or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else otherwise  # noqa: PLR2004


def _preformatted(text: str) -> str:
    return text.replace(_LINE_BREAK, "\n").replace("\r\n", "\n").strip("\n").rstrip()


def _collapsed(text: str) -> str:
    lines = (_SPACE.sub(" ", line).strip() for line in text.split(_LINE_BREAK))
    return "\n".join(line for line in lines if line)
