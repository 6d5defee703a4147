"""What stands in an office file beside its text: charts, diagrams, pictures and embedded files."""

import posixpath
import re
from collections import Counter
from collections.abc import Callable

from lxml import etree

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Part
from index.formats.limits import MAX_PART_BYTES, MAX_PARTS
from index.formats.naming import Names
from index.formats.office.charts import chart_rows, paragraphs
from index.formats.office.containers import Attachments, attribute, local, parse, related
from index.formats.office.drawing_text import write_out_drawing
from index.formats.office.ole_objects import unwrapped
from index.formats.office.pictures import MAX_PICTURE_BYTES, Pictures, counted
from index.formats.tables import written

_REFERENCE = re.compile(r"\{[^}]*/relationships\}")
EMBEDDED = frozenset({"package", "oleObject", "aFChunk"})
"""Types of relationships to embedded files."""
_HAS_OWN_PICTURE = frozenset({"object", "oleObj", "control"})
"""Elements of embedded files, which show a picture of the file."""
_PASSED_OVER = frozenset({"Fallback", "txbxContent", "svgBlip"})
"""Alternatives to what stands beside them, and text boxes, whose paragraphs are read as such."""
_NAMED_BY_PROGRAM = re.compile(r"(?i)\S*\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg)|\S{0,30}\s?\d*")
_BY_PROGRAM = "Description automatically generated"
_PAGE_NUMBER = re.compile(r"(?i)(?:page|seite|p\.)?\W*(?:of|von)?\W*")
_MEDIA = {"video": "video", "audio": "sound"}


class Objects:
    """Reads the objects of one file, each once, and says which were not read."""

    def __init__(
        self, content: bytes, members: dict[str, bytes], on_page: Callable[[], None], has_cells: bool = False
    ) -> None:
        """Begin with the first object.

        Args:
            content: The file's bytes.
            members: The unpacked members' bytes by name.
            on_page: Called before each picture, which may take seconds.
            has_cells: Whether the file has cells that its charts show, so that nothing is missing of a chart without
                values of its own.
        """
        self._has_cells = has_cells
        self._members = members
        self._attachments = Attachments(content)
        self._pictures = Pictures(on_page)
        self._related: dict[str, dict[str, tuple[str, str]]] = {}
        self._seen: set[str] = set()
        self._names = Names()
        self._unread: Counter[tuple[str, str]] = Counter()
        self.left_out: Counter[str] = Counter()
        """How many passages of drawings were left out, by what they are."""
        self.parts: list[Part] = []
        """Embedded files."""

    def add(self, text: Assembly, element: etree._Element, part: str) -> None:
        """Add the text of all objects that an element shows.

        Args:
            text: The text to add to.
            element: The element.
            part: Name of the part that it stands in.
        """
        self._add(text, element, part, shows_picture=True)

    def notes(self) -> tuple[str, ...]:
        """Return what was not read."""
        unread = (f"{counted(number, noun)}: {why}" for (noun, why), number in self._unread.items() if number)
        return (*unread, *self._pictures.notes())

    def remarks(self) -> tuple[str, ...]:
        """Return how what was read was read."""
        return tuple(self._pictures.remarks())

    def targets(self, part: str) -> dict[str, tuple[str, str]]:
        """Return the relationships of a part: type and target by id."""
        if part not in self._related:
            self._related[part] = related(self._members, part, self._attachments.names)
        return self._related[part]

    def add_drawing(self, text: Assembly, part: str) -> None:
        """Add the text boxes and objects of a sheet's drawing.

        Args:
            text: The text to add to.
            part: Name of the drawing's part.
        """
        root = self._root(part, "drawing")
        if root is None:
            return
        self.left_out.update(write_out_drawing(root))
        for anchor in root:
            for box in (each for each in anchor.iter() if local(each) == "txBody"):
                text.add("\n".join(paragraphs(box)))
            self.add(text, anchor, part)

    def add_picture(self, text: Assembly, target: str) -> None:
        """Add the text of a picture, once.

        Args:
            text: The text to add to.
            target: The picture's name in the document.
        """
        if target not in self._seen:
            self._seen.add(target)
            text.add(self._pictures.read(self._attachments.read(target, MAX_PICTURE_BYTES)))

    def describe(self, text: Assembly, words: str) -> None:
        """Add the description that somebody gave a picture, unless a program made it up.

        Args:
            text: The text to add to.
            words: The description.
        """
        words = " ".join(words.split()).removesuffix(_BY_PROGRAM).rstrip()
        if not _NAMED_BY_PROGRAM.fullmatch(words):
            text.add(f"Picture: {words}")

    def embed(self, target: str) -> None:
        """Add an embedded file to the parts, once.

        Args:
            target: Its name in the document.
        """
        if target in self._seen:
            return
        self._seen.add(target)
        if len(self.parts) >= MAX_PARTS:
            self.leave_out("embedded file", f"beyond the first {MAX_PARTS:,}")
            return
        embedded = self._members.get(target)
        embedded = self._attachments.read(target, MAX_PART_BYTES) if embedded is None else embedded
        if embedded is None:
            self.leave_out("embedded file", "damaged or too large")
        else:
            name, embedded = unwrapped(posixpath.basename(target), embedded)
            self.parts.append(Part(self._names.fresh(name), embedded))

    def leave_out(self, what: str, why: str) -> None:
        """Count an object that is not read.

        Args:
            what: What it is, in the singular: "chart".
            why: Why it is not read.
        """
        self._unread[what, why] += 1

    def _add(self, text: Assembly, element: etree._Element, part: str, shows_picture: bool) -> None:
        kind = local(element)
        if kind in _PASSED_OVER:
            return
        if kind in {"docPr", "cNvPr"}:
            self.describe(text, attribute(element, "descr"))
        for key, value in element.attrib.items():
            if _REFERENCE.match(key):
                self._add_object(text, part, value, shows_picture)
        for child in element:
            self._add(text, child, part, shows_picture and kind not in _HAS_OWN_PICTURE)

    def _add_object(self, text: Assembly, part: str, reference: str, shows_picture: bool) -> None:
        kind, target = self.targets(part).get(reference, ("", ""))
        if not target or target in self._seen or (kind == "image" and not shows_picture):
            return
        if kind == "image":
            self.add_picture(text, target)
        elif kind in {"chart", "chartEx"}:
            self._seen.add(target)
            self._add_chart(text, target)
        elif kind == "diagramData":
            self._seen.add(target)
            root = self._root(target, "diagram")
            text.add("\n".join(paragraphs(root)) if root is not None else "")
        elif kind in EMBEDDED:
            self.embed(target)
        elif kind in _MEDIA:
            self._seen.add(target)
            self.leave_out(_MEDIA[kind], "not read")

    def _add_chart(self, text: Assembly, target: str) -> None:
        root = self._root(target, "chart")
        if root is None:
            return
        title, rows = chart_rows(root)
        text.add(f"Chart: {title}" if title else "")
        has_header = bool(rows) and len(rows[0]) > 2  # noqa: PLR2004 (categories and values)
        text.add_table(written(enumerate(rows, 1), has_header), [title] if title else [])
        if not rows and not self._has_cells:
            workbooks = [path for kind, path in self.targets(target).values() if kind in EMBEDDED]
            for workbook in workbooks:
                self.embed(workbook)
            if not workbooks:
                self.leave_out("chart", "without data")

    def _root(self, name: str, what: str) -> etree._Element | None:
        """Parse the part of an object; None for one that is damaged, which counts as not read."""
        try:
            return parse(self._members[name])
        except (KeyError, UnreadableFileError):
            self.leave_out(what, "damaged")
            return None


def left_out(counts: Counter[str]) -> tuple[str, ...]:
    """Return remarks on passages that were left out, by what they are."""
    return tuple(f"left out: {counted(number, what)}" for what, number in counts.items() if number)


def is_page_number(words: str) -> bool:
    """Return whether nothing but "Page … of …" is left of a header or footer without its page numbers."""
    return _PAGE_NUMBER.fullmatch(words) is not None
