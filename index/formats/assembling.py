"""A text put together piece by piece, with the places that its pieces stand at."""

from collections.abc import Iterable

from index.formats.content import Content, Place
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.text.markdown import HEADING_SEPARATOR, MAX_HEADING_CHARS

PARAGRAPH = "\n\n"
LINE = "\n"


class Assembly:
    """The text so far and its places."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pieces: list[str] = []
        self._places: list[Place] = []
        self._waiting: str | None = None
        self.length = 0
        self.is_cut = False

    def stand(self, label: str) -> None:
        """Say where the next piece stands, and all that follow until something else is said.

        Args:
            label: The place's label.
        """
        self._waiting = label

    def stand_at(self, places: Iterable[Place]) -> None:
        """Say where pieces stand that were added already.

        Args:
            places: Their places, after all those before.
        """
        self._places += places

    def add(self, piece: str, separator: str = PARAGRAPH) -> int:
        """Append a piece; white space around it is dropped, and a piece of nothing else is none.

        Args:
            piece: Its text.
            separator: What stands between it and the one before.

        Returns:
            Where it begins.
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

    def content(self, title: str, metadata: dict[str, str], notes: tuple[str, ...] = ()) -> Content:
        """What was put together.

        Args:
            title: What the file calls itself.
            metadata: What it says of itself; blank values are left out.
            notes: What people must be told of how it was read.

        Returns:
            The content.
        """
        said = {name: value for name, value in metadata.items() if value}
        if self.is_cut:
            notes = (*notes, f"only the first {self.length:,} characters were read: there is too much text")
        places = tuple(place for place in self._places if place.start < self.length)
        return Content("".join(self._pieces), title, places, said, notes)

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self.length += len(text)


class HeadingPath:
    """The headings above what comes next."""

    def __init__(self) -> None:
        """Begin below none."""
        self._path: dict[int, str] = {}

    def go_to(self, level: int, words: str) -> str:
        """Go on below a heading.

        Args:
            level: Its level, the smaller the further out.
            words: Its words.

        Returns:
            The headings, outermost first, joined by `HEADING_SEPARATOR`.
        """
        words = " ".join(words.split())
        short = words if len(words) <= MAX_HEADING_CHARS else words[:MAX_HEADING_CHARS].rstrip() + "…"
        self._path = {above: its for above, its in self._path.items() if above < level}
        self._path[level] = short
        return HEADING_SEPARATOR.join(self._path.values())
