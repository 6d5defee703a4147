"""Pictures in office files, read by OCR."""

from collections import Counter
from collections.abc import Callable

from index.errors import UnreadableFileError
from index.formats.pdf.extraction import NoTextError
from index.formats.picture import load_picture

MAX_PICTURES = 200
"""Pictures of a file that are read."""
MAX_PICTURE_BYTES = 32 * 1024 * 1024
_NEEDS = "OCR needs"
"""Beginning of what is said where tesseract is not installed."""
_WMF = b"\xd7\xcd\xc6\x9a"
_EMF = (slice(40, 44), b" EMF")


class Pictures:
    """Reads the pictures of one file, each once, and says which were not read."""

    def __init__(self, on_page: Callable[[], None]) -> None:
        """Begin with the first picture.

        Args:
            on_page: Called before each picture, which may take seconds.
        """
        self._on_page = on_page
        self._missing = ""
        self._unread: Counter[str] = Counter()
        self._n_read = self._n_empty = 0

    def read(self, picture: bytes | None) -> str:
        """Read a picture.

        Args:
            picture: The picture's bytes; None if the file does not hold them, or they are too large.

        Returns:
            The text in it; "" if there is none, or it could not be read.
        """
        if picture is None or self._n_read + self._n_empty + self._unread.total() >= MAX_PICTURES:
            self._unread["too large" if picture is None else f"beyond the first {MAX_PICTURES}"] += 1
            return ""
        if self._missing:
            self._unread["no OCR"] += 1
            return ""
        text = ""
        try:
            text = load_picture(picture, self._on_page).text
        except NoTextError as error:
            _, needs, program = str(error).partition(_NEEDS)
            if needs:
                self._missing = needs + program
                self._unread["no OCR"] += 1
                return ""
        except UnreadableFileError as error:
            is_drawn = picture.startswith(_WMF) or picture[_EMF[0]].startswith(_EMF[1])
            self._unread["drawn by lines, which OCR cannot read" if is_drawn else str(error).partition(":")[0]] += 1
            return ""
        self._n_read += bool(text)
        self._n_empty += not text
        return text

    def notes(self) -> list[str]:
        """Return how many pictures were not read, and why."""
        notes = [f"{counted(number, 'picture')}: {reason}" for reason, number in self._unread.items()]
        return [f"{note}; {self._missing}" if note.endswith(": no OCR") else note for note in notes]

    def remarks(self) -> list[str]:
        """Return how many pictures were read."""
        empty = f"{counted(self._n_empty, 'picture')} without text that OCR finds" if self._n_empty else ""
        read = f"read by OCR: {counted(self._n_read, 'picture')}" if self._n_read else ""
        return list(filter(None, (read, empty)))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 picture", "2 pictures"."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
