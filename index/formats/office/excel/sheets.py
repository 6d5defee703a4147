"""What an Excel workbook holds beside its cells: comments, drawings, printed headers and footers, embedded files."""

import html
import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.office.containers import attribute, local, member, parse, related
from index.formats.office.objects import EMBEDDED, Objects, is_page_number
from index.formats.office.symbols import lowered, raised

_WORKBOOK = "xl/workbook.xml"
_SHEETS = frozenset({"worksheet", "chartsheet", "dialogsheet"})
_MARKUP = (b"vertAlign", b"strike")
_MARGIN = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(Header|Footer)>([^<]{1,5000})</")
_MARGIN_CODE = re.compile(r"&(?:&|\"[^\"]*\"|K[0-9A-Fa-f]{6}|K\d\d[+-]\d{3}|\d+|[A-Za-z])")
_SECTION = re.compile(r"(?<!&)&[LCR]")
_LEGACY = re.compile(r"\[Threaded comment\]")
"""Beginning of the comment that newer programs leave for older ones, beside their own."""
_STRICT = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/main", b"http://schemas.openxmlformats.org/drawingml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/",
        b"http://schemas.openxmlformats.org/officeDocument/2006/",
    ),
)


def transitional(members: dict[str, bytes]) -> dict[str, bytes]:
    """Return the members of a workbook with the namespaces that openpyxl knows, instead of those of Strict Open XML."""
    changed = dict(members)
    for name, xml in members.items():
        if b"http://purl.oclc.org/ooxml/" in xml:
            for strict, usual in _STRICT:
                changed[name] = changed[name].replace(strict, usual)
    return changed


def write_out_strings(members: dict[str, bytes]) -> Counter[str]:
    """Write out raised and lowered figures within the strings of a workbook, and leave out what is struck through.

    Args:
        members: The workbook's members by name; those with such strings are changed.

    Returns:
        How many passages were left out, by what they are.
    """
    left_out: Counter[str] = Counter()
    for name in [name for name in members if name.endswith("sharedStrings.xml") or "/worksheets/" in name]:
        if not any(mark in members[name] for mark in _MARKUP):
            continue
        root = parse(members[name])
        for string in (each for each in root.iter() if local(each) in {"si", "is"}):
            before = ""
            for run in string.iterfind("{*}r"):
                before += _written_out(run, before, left_out)
        members[name] = etree.tostring(root, encoding="utf-8")
    return left_out


def _written_out(run: etree._Element, before: str, left_out: Counter[str]) -> str:
    text = run.find("{*}t")
    if text is None or not text.text:
        return ""
    struck, place = run.find("{*}rPr/{*}strike"), run.find("{*}rPr/{*}vertAlign")
    if struck is not None and attribute(struck, "val") not in {"0", "false"}:
        left_out["struck-through passage"] += 1
        text.text = ""
    elif place is not None and attribute(place, "val") in {"superscript", "subscript"}:
        text.text = (raised if attribute(place, "val") == "superscript" else lowered)(text.text, before)
    return str(text.text)


class Sheets:
    """The sheets of a workbook by their names."""

    def __init__(self, members: dict[str, bytes], objects: Objects) -> None:
        """List the sheets.

        Args:
            members: The workbook's members by name.
            objects: Reads its charts, pictures and embedded files.

        Raises:
            UnreadableFileError: The workbook's main part is damaged.
        """
        self._members = members
        self._objects = objects
        main = next((path for kind, path in related(members, "").values() if kind == "officeDocument"), _WORKBOOK)
        targets = related(members, main)
        self._paths: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._hidden: list[str] = []
        for sheet in (each for each in member(members, main).iter() if local(each) == "sheet"):
            relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
            name = attribute(sheet, "name")
            self._kinds[name], self._paths[name] = targets.get(relation, ("", ""))
            if attribute(sheet, "state") in {"hidden", "veryHidden"}:
                self._hidden.append(name)
        people = (parse(members[path]) for kind, path in targets.values() if kind == "person")
        self._people = {
            attribute(person, "id"): attribute(person, "displayName") for root in people for person in root.iter()
        }

    def label(self, name: str) -> str:
        """Return a sheet's name for readers: "Costs", "Rates (hidden sheet)"."""
        return " ".join(name.split()) + (" (hidden sheet)" if name in self._hidden else "")

    def without_cells(self) -> list[str]:
        """Return the names of the sheets that hold a chart, or a form, instead of cells."""
        return [name for name, kind in self._kinds.items() if kind in _SHEETS - {"worksheet"}]

    def remarks(self) -> tuple[str, ...]:
        """Return which sheets are hidden."""
        if not self._hidden:
            return ()
        names = ", ".join(" ".join(name.split()) for name in self._hidden[:10])
        return (f"read, though hidden: {len(self._hidden):,} sheet{'s' * (len(self._hidden) > 1)} ({names})",)

    def add_beside(self, text: Assembly, name: str) -> None:
        """Add what stands on a sheet beside its cells.

        Args:
            text: The text to add to.
            name: The sheet's name.
        """
        path = self._paths.get(name, "")
        others: dict[str, list[str]] = {}
        for kind, target in self._objects.targets(path).values() if path else ():
            others.setdefault(kind, []).append(target)
        for target in others.get("drawing", ()):
            text.stand(f"{self.label(name)}, drawing")
            self._objects.add_drawing(text, target)
        for cell, author, words in self._comments(others):
            text.stand(f"{self.label(name)}, comment at {cell}")
            text.add(f"Comment by {author} at {cell}: {words}" if author else f"Comment at {cell}: {words}")
        for kind, words in _margins(self._members.get(path, b"")):
            text.stand(f"{self.label(name)}, page {kind}")
            text.add(words)
        for target in (target for kind in sorted(EMBEDDED) for target in others.get(kind, ())):
            self._objects.embed(target)
        text.stand(None)

    def _comments(self, others: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
        """Yield cell, author and words of each comment of a sheet."""
        for path in others.get("threadedComment", ()):
            for comment in (each for each in self._parsed(path) if local(each) == "threadedComment"):
                author = self._people.get(attribute(comment, "personId"), "")
                yield attribute(comment, "ref"), author, _words(comment, "text")
        for path in others.get("comments", ()):
            root = self._parsed(path)
            authors = [" ".join((each.text or "").split()) for each in root.iter() if local(each) == "author"]
            for comment in (each for each in root.iter() if local(each) == "comment"):
                words, number = _words(comment, "t"), attribute(comment, "authorId")
                author = "".join(authors[int(number) :][:1]) if number.isdecimal() else ""
                if not (others.get("threadedComment") and _LEGACY.match(words)) and words:
                    yield attribute(comment, "ref"), author, words.removeprefix(f"{author}:").strip()

    def _parsed(self, path: str) -> etree._Element:
        if path.endswith(".bin"):
            self._objects.leave_out("sheet with comments", "they are not read; save it as XLSX")
            return etree.Element("none")
        try:
            return parse(self._members[path])
        except (KeyError, UnreadableFileError):
            self._objects.leave_out("comment", "damaged")
            return etree.Element("none")


def _words(parent: etree._Element, name: str) -> str:
    return " ".join("".join(each.text or "" for each in parent.iter() if local(each) == name).split())


def _margins(sheet: bytes) -> list[tuple[str, str]]:
    """Return the printed headers and footers of a sheet, each text once: "header" or "footer", and its words."""
    found: dict[tuple[str, str], None] = {}
    for match in _MARGIN.finditer(sheet):
        coded = html.unescape(match[2].decode("utf-8", "replace"))
        sections = (_MARGIN_CODE.sub(_sign, section).split() for section in _SECTION.split(coded))
        words = "; ".join(filter(lambda section: not is_page_number(section), map(" ".join, sections)))
        if words:
            found[match[1].decode("ascii").lower(), words] = None
    return list(found)


def _sign(code: re.Match[str]) -> str:
    return "&" if code[0] == "&&" else " "
