"""Writes out what OpenDocument shows by other means than text: numbers of lists and headings, raised figures."""

from collections import Counter
from collections.abc import Iterable

from lxml import etree

from index.formats.office.containers import attribute, local
from index.formats.office.numerals import number_text
from index.formats.office.symbols import lowered, raised

_MAX_DEEP = 20
_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_CHANGES_WITH_PAGE = frozenset(
    "page-number page-count page-continuation sheet-name date time header footer date-time file-name title".split()
)
"""Fields of headers and footers whose saved words are those of one page, or of the program."""


class OdfText:
    """Writes out the parts of one document, in place."""

    def __init__(self, roots: Iterable[etree._Element]) -> None:
        """Learn the styles.

        Args:
            roots: Roots of the parts that hold styles.
        """
        self._styles: dict[str, etree._Element] = {}
        self._lists: dict[str, dict[int, etree._Element]] = {}
        self._outline: dict[int, etree._Element] = {}
        for element in (element for root in roots for element in root.iter()):
            kind = local(element)
            if kind == "style":
                self._styles[attribute(element, "name")] = element
            elif kind == "list-style":
                self._lists[attribute(element, "name")] = _levels(element)
            elif kind == "outline-style":
                self._outline = _levels(element)
        self._counters: dict[str, dict[int, int]] = {}
        self._headings: dict[int, int] = {}
        self.left_out: Counter[str] = Counter()
        """How many passages were left out, by what they are."""

    def write_out(self, root: etree._Element) -> None:
        """Change a part in place.

        Args:
            root: Its root.
        """
        for span in [element for element in root.iter() if local(element) == "span"]:
            self._write_span(span)
        for element in list(root.iter()):
            if local(element) == "list" and local(element.getparent()) != "list-item":
                self._write_list(element)
            elif local(element) == "h" and local(element.getparent()) not in {"list-item", "list-header"}:
                self._write_heading(element)

    def said(self, style: str, name: str) -> str:
        """Return the value of a property of a style, its own or inherited; "" if nothing says it."""
        for _ in range(_MAX_DEEP):
            defined = self._styles.get(style)
            if defined is None:
                break
            own = next(
                (value for part in defined for key, value in part.attrib.items() if key.endswith(f"}}{name}")), ""
            )
            if own:
                return own
            style = attribute(defined, "parent-style-name")
        return ""

    def _write_span(self, span: etree._Element) -> None:
        style = attribute(span, "style-name")
        line = self.said(style, "text-line-through-style") or self.said(style, "text-line-through-type")
        place = self.said(style, "text-position").split(" ")[0]
        words = "".join(span.itertext())
        if line not in {"", "none"}:
            self.left_out["struck-through passage"] += bool(words.strip())
            for child in list(span):
                span.remove(child)
            span.text = ""
        elif len(span) == 0 and place not in {"", "0%"}:
            is_low = place == "sub" or place.startswith("-")
            span.text = (lowered if is_low else raised)(words, _before(span))

    def _write_heading(self, heading: etree._Element) -> None:
        said = attribute(heading, "outline-level")
        depth = int(said) if said.isdecimal() else 1
        if not "".join(heading.itertext()).strip() or attribute(heading, "is-list-header") == "true":
            return
        _count(self._headings, depth, self._outline, attribute(heading, "start-value"))
        _put_in_front(heading, _number(self._headings, depth, self._outline))

    def _write_list(self, items: etree._Element) -> None:
        style = attribute(items, "style-name")
        goes_on = attribute(items, "continue-numbering") == "true" or attribute(items, "continue-list")
        counters = self._counters.get(style, {}) if goes_on else {}
        self._counters[style] = counters
        self._write_items(items, 1, style, counters)

    def _write_items(self, items: etree._Element, depth: int, style: str, counters: dict[int, int]) -> None:
        levels = self._lists.get(attribute(items, "style-name") or style, {})
        for item in (each for each in items if local(each) == "list-item"):
            is_counted = False
            for child in item:
                if local(child) == "list":
                    self._write_items(child, depth + 1, attribute(items, "style-name") or style, counters)
                elif local(child) in {"p", "h"} and not is_counted:
                    is_counted = True
                    _count(counters, depth, levels, attribute(item, "start-value"))
                    _put_in_front(child, _number(counters, depth, levels))


def without_page_fields(margin: etree._Element) -> None:
    """Remove from a header or footer, in place, what differs from page to page.

    Args:
        margin: The header or footer.
    """
    for field in [element for element in margin.iter() if local(element) in _CHANGES_WITH_PAGE]:
        tail, before, parent = field.tail or "", field.getprevious(), field.getparent()
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
        parent.remove(field)


def _levels(style: etree._Element) -> dict[int, etree._Element]:
    """Return the levels of a list style that have numbers, by depth from 1."""
    numbered = (level for level in style if attribute(level, "num-format") in _FORMS)
    return {int(attribute(level, "level")): level for level in numbered if attribute(level, "level").isdecimal()}


def _count(counters: dict[int, int], depth: int, levels: dict[int, etree._Element], start: str) -> None:
    first = attribute(levels[depth], "start-value") if depth in levels else ""
    if start.isdecimal():
        counters[depth] = int(start)
    else:
        counters[depth] = counters.get(depth, (int(first) if first.isdecimal() else 1) - 1) + 1
    for deeper in [each for each in counters if each > depth]:
        del counters[deeper]


def _number(counters: dict[int, int], depth: int, levels: dict[int, etree._Element]) -> str:
    level = levels.get(depth)
    if level is None:
        return ""
    said = attribute(level, "display-levels")
    n_shown = int(said) if said.isdecimal() else 1
    shown = [each for each in range(max(depth - n_shown + 1, 1), depth + 1) if each in levels]
    number = ".".join(
        number_text(counters.get(each, 1), _FORMS[attribute(levels[each], "num-format")]) for each in shown
    )
    return f"{attribute(level, 'num-prefix')}{number}{attribute(level, 'num-suffix')}".strip()


def _put_in_front(paragraph: etree._Element, number: str) -> None:
    if number and "".join(paragraph.itertext()).strip():
        paragraph.text = f"{number} {paragraph.text or ''}"


def _before(element: etree._Element) -> str:
    """Return some of the text right before an element of a paragraph."""
    previous = element.getprevious()
    if previous is None:
        parent = element.getparent()
        return parent.text or "" if parent is not None else ""
    return previous.tail or "".join(previous.itertext())
