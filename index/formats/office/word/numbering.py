"""Word's automatic numbers: "2.1" of a clause, which no text holds (ECMA-376, part 1, section 17.9)."""

import re

from lxml import etree

from index.formats.office.containers import attribute, local
from index.formats.office.numerals import MAX_NUMBER, number_text
from index.formats.office.symbols import symbols

_MAX_LEVELS = 9
_MAX_DEEP = 20
_PLACEHOLDER = re.compile(r"%([1-9])")
_OFF = {"0", "false", "off"}
_BALLOT_BOXES = frozenset("☐☑☒")


class Numbering:
    """Counts the numbered paragraphs of a document, in order."""

    def __init__(self, root: etree._Element | None, styles: dict[str, etree._Element]) -> None:
        """Begin before the first paragraph.

        Args:
            root: Root of the numbering part; None if the document has none.
            styles: The document's styles by their ids.
        """
        children = () if root is None else root
        self._definitions = {attribute(c, "abstractNumId"): c for c in children if local(c) == "abstractNum"}
        self._lists = {attribute(child, "numId"): child for child in children if local(child) == "num"}
        self._styles = styles
        self._by_style: dict[str, tuple[str, int | None]] = {}
        self._levels: dict[str, dict[int, etree._Element]] = {}
        self._counters: dict[str, dict[int, int]] = {}
        self._restarted: set[tuple[str, int]] = set()

    def next_number(self, paragraph: etree._Element) -> str:
        """Count a paragraph, and return its number as Word shows it.

        Args:
            paragraph: The paragraph.

        Returns:
            "2.1", "(b)", "Article IV"; "" if it has none, or a bullet. Of bullets, only ballot boxes are returned.
        """
        list_id, depth = self._place(paragraph)
        levels = self._levels_of(list_id) if list_id else {}
        level = levels.get(depth)
        if level is None:
            return ""
        self._count(list_id, depth, levels)
        form = _value(level, "numFmt")
        text = _value(level, "lvlText")
        if form == "bullet":
            fonts = level.find("{*}rPr/{*}rFonts")
            shown = symbols(text, attribute(fonts, "ascii") if fonts is not None else "")
            return shown if shown in _BALLOT_BOXES else ""
        if form == "none" and not _PLACEHOLDER.sub("", text).strip():
            return ""
        return self._filled_in(text, list_id, levels, level).strip()

    def has_number(self, paragraph: etree._Element) -> bool:
        """Return whether a paragraph is in a list, with numbers or bullets."""
        return bool(self._lists) and bool(self._place(paragraph)[0])

    def _place(self, paragraph: etree._Element) -> tuple[str, int]:
        """Return a paragraph's list and level, its own or those of its style; ("", 0) if it is in none."""
        properties = paragraph.find("{*}pPr")
        if properties is None:
            return "", 0
        list_id, depth = _numbered(properties.find("{*}numPr"))
        if not list_id:
            list_id, its_depth = self._place_by_style(_value(properties, "pStyle"))
            depth = its_depth if depth is None else depth
        return ("", 0) if list_id == "0" else (list_id, min(depth or 0, _MAX_LEVELS - 1))

    def _place_by_style(self, style: str) -> tuple[str, int | None]:
        if style not in self._by_style:
            list_id, depth, name = "", None, style
            for _ in range(_MAX_DEEP):
                defined = self._styles.get(name)
                if list_id or defined is None:
                    break
                list_id, its_depth = _numbered(defined.find("{*}pPr/{*}numPr"))
                if list_id:
                    levels = self._levels_of(list_id).items()
                    linked = [deep for deep, level in levels if _value(level, "pStyle") == name]
                    its_depth = linked[0] if linked else its_depth
                depth = its_depth if depth is None else depth
                name = _value(defined, "basedOn")
            self._by_style[style] = list_id, depth
        return self._by_style[style]

    def _levels_of(self, list_id: str) -> dict[int, etree._Element]:
        """Return a list's levels by depth from 0: those of its definition, replaced by those of its own."""
        if list_id not in self._levels:
            levels = {}
            numbered = self._lists.get(list_id)
            if numbered is not None:
                definition = self._definitions.get(self._definition(list_id))
                for level in () if definition is None else definition.iterfind("{*}lvl"):
                    levels[_integer(attribute(level, "ilvl"), 0)] = level
                for change in numbered.iterfind("{*}lvlOverride"):
                    for level in change.iterfind("{*}lvl"):
                        levels[_integer(attribute(change, "ilvl"), 0)] = level
            self._levels[list_id] = levels
        return self._levels[list_id]

    def _definition(self, list_id: str) -> str:
        """Return the id of a list's definition, followed through a list style; lists of one definition count on."""
        found = ""
        for _ in range(_MAX_DEEP):
            numbered = self._lists.get(list_id)
            if numbered is None:
                break
            found = _value(numbered, "abstractNumId")
            definition = self._definitions.get(found)
            link = _value(definition, "numStyleLink") if definition is not None else ""
            if not link or link not in self._styles:
                break
            list_id = _numbered(self._styles[link].find("{*}pPr/{*}numPr"))[0]
        return found

    def _count(self, list_id: str, depth: int, levels: dict[int, etree._Element]) -> None:
        counters = self._counters.setdefault(self._definition(list_id), {})
        restart = self._restart(list_id, depth)
        if restart is not None:
            counters[depth] = restart
        elif depth in counters:
            counters[depth] = min(counters[depth] + 1, MAX_NUMBER)
        else:
            counters[depth] = _start(levels[depth])
        for above in range(depth):  # a level that was skipped shows, and counts as, its first number
            if above in levels and _value(levels[above], "numFmt") != "bullet":
                counters.setdefault(above, _start(levels[above]))
        for below in [each for each in counters if each > depth]:
            after = _integer(_value(levels[below], "lvlRestart"), -1) if below in levels else -1
            if after < 0 or depth < after:
                del counters[below]

    def _restart(self, list_id: str, depth: int) -> int | None:
        """Return the number that a list begins with instead of counting on, the first time that it is used."""
        if (list_id, depth) in self._restarted:
            return None
        self._restarted.add((list_id, depth))
        for change in self._lists[list_id].iterfind("{*}lvlOverride"):
            if _integer(attribute(change, "ilvl"), 0) == depth and change.find("{*}startOverride") is not None:
                return _integer(_value(change, "startOverride"), 1)
        return None

    def _filled_in(self, text: str, list_id: str, levels: dict[int, etree._Element], level: etree._Element) -> str:
        counters = self._counters[self._definition(list_id)]
        legal = level.find("{*}isLgl")
        is_decimal = legal is not None and attribute(legal, "val") not in _OFF

        def number(match: re.Match[str]) -> str:
            depth = int(match[1]) - 1
            if depth not in levels or depth not in counters:
                return ""
            form = _value(levels[depth], "numFmt")
            return number_text(counters[depth], "decimal" if is_decimal and form not in {"none", "bullet"} else form)

        return _PLACEHOLDER.sub(number, text)


def _numbered(properties: etree._Element | None) -> tuple[str, int | None]:
    if properties is None:
        return "", None
    depth = properties.find("{*}ilvl")
    return _value(properties, "numId"), None if depth is None else _integer(attribute(depth, "val"), 0)


def _value(parent: etree._Element, name: str) -> str:
    """Return the value of a child element; "" if it is missing."""
    child = parent.find(f"{{*}}{name}")
    return attribute(child, "val") if child is not None else ""


def _start(level: etree._Element) -> int:
    return _integer(_value(level, "start"), 0 if level.find("{*}start") is None else 1)


def _integer(said: str, otherwise: int) -> int:
    return min(int(said), MAX_NUMBER) if said.isdecimal() else otherwise
