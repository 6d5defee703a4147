"""Builds a document's text piece by piece, with its places."""

from collections.abc import Iterable, Sequence

from index.formats.content import Content, Place
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.tables import Line as TableLine
from index.formats.tables import TableRecorder
from index.formats.text.markdown import HEADING_SEPARATOR, MAX_HEADING_CHARS

PARAGRAPH = "\n\n"
LINE = "\n"


class Assembly:
    """The text so far, with its places."""

    def __init__(self) -> None:
        """Start with an empty text."""
        self._pieces: list[str] = []
        self._places: list[Place] = []
        self._tables = TableRecorder()
        self._waiting: str | None = None
        self.length = 0
        self.is_cut = False

    def stand(self, label: str | None) -> None:
        """Set the place of the pieces added from now on; None leaves it as it is."""
        self._waiting = label

    def stand_at(self, places: Iterable[Place]) -> None:
        """Append places of pieces that were already added; they must follow all earlier places."""
        self._places += places

    def add(self, piece: str, separator: str = PARAGRAPH) -> int:
        """Append a piece without its surrounding white space; blank pieces are ignored.

        Args:
            piece: Its text.
            separator: What to put between it and the piece before.

        Returns:
            The offset at which it begins.
        """
        piece = piece.strip()
        if not piece or self.is_cut:
            return self.length
        if self.length + len(piece) > MAX_TEXT_CHARS:
            self.is_cut = True
            return self.length
        if self._pieces:
            self._append(separator)
        last = self._places[-1].label if self._places else ""
        if self._waiting is not None and self._waiting != last:
            self._places.append(Place(self.length, self._waiting))
        self._waiting = None
        self._append(piece)
        return self.length - len(piece)

    def add_table(self, lines: Iterable[TableLine], about: Sequence[str] = ()) -> list[tuple[int, int]]:
        """Append the rows of tables, one line each.

        Args:
            lines: The rows, as `index.formats.tables.written` yields them.
            about: What the tables are about, outermost first: sheet and caption, say.

        Returns:
            Offset and number of each row, for its place.
        """
        starts: list[tuple[int, int]] = []
        for line in lines:
            start = self.add(line.text, LINE if starts else PARAGRAPH)
            if self.is_cut:
                break
            self._tables.add(line, start, about)
            starts.append((start, line.number))
        return starts

    def content(self, title: str, metadata: dict[str, str], notes: tuple[str, ...] = ()) -> Content:
        """Return the assembled content.

        Args:
            title: The file's own title.
            metadata: The file's own metadata; blank values are left out.
            notes: Notes for users on how the file was read.

        Returns:
            The content, with a note if the text was cut off at `MAX_TEXT_CHARS`.
        """
        said = {name: value for name, value in metadata.items() if value}
        if self.is_cut:
            notes = (*notes, f"only the first {self.length:,} characters were read: the text is too long")
        places = tuple(place for place in self._places if place.start < self.length)
        return Content("".join(self._pieces), title, places, said, notes, tables=self._tables.tables(self.length))

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self.length += len(text)


class HeadingPath:
    """The path of headings above the current position."""

    def __init__(self) -> None:
        """Start above the first heading."""
        self._path: dict[int, str] = {}

    def go_to(self, level: int, words: str) -> str:
        """Enter a heading.

        Args:
            level: Its level; smaller is further out.
            words: Its text.

        Returns:
            The headings, outermost first, joined by `HEADING_SEPARATOR`.
        """
        words = " ".join(words.split())
        short = words if len(words) <= MAX_HEADING_CHARS else words[:MAX_HEADING_CHARS].rstrip() + "…"
        self._path = {above: its for above, its in self._path.items() if above < level}
        self._path[level] = short
        return HEADING_SEPARATOR.join(self._path.values())
