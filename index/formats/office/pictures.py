"""Pictures in office files, read by OCR."""

import io
import warnings
from collections import Counter
from collections.abc import Callable

from PIL import Image

from index.errors import UnreadableFileError
from index.formats.pdf.extraction import NoTextError
from index.formats.pdf.ocr import OcrError, ocr_pdf

MAX_PICTURES = 200
"""Pictures of a file that are read."""
MAX_PICTURE_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 80_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_MIN_PIXELS = 12
"""Width and height below which no letter can be read."""
_SHARP_PIXELS = 1200
"""Width from which letters are as large as a scan's; smaller pictures, of screens mostly, are enlarged."""
_SHARP_DPI, _COARSE_DPI = 300, 150


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
        try:
            page = _as_pdf(picture)
            text = ocr_pdf(page, on_page=self._on_page).text if page else ""
        except OcrError as error:
            self._missing = str(error)
            self._unread["no OCR"] += 1
            return ""
        except NoTextError:
            text = ""
        except (UnreadableFileError, Image.DecompressionBombWarning, Image.DecompressionBombError):
            self._unread["too large, or OCR failed"] += 1
            return ""
        except (OSError, SyntaxError, ValueError):
            self._unread["damaged, or of a kind that OCR cannot read"] += 1
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


def _as_pdf(picture: bytes) -> bytes:
    """Turn a picture into a PDF of one page, which OCR reads.

    Args:
        picture: The picture's bytes.

    Returns:
        The PDF; b"" if the picture is too small to hold text.

    Raises:
        UnreadableFileError: It has more than `MAX_PIXELS`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
            width, height = image.size
            if min(width, height) < _MIN_PIXELS:
                return b""
            if width * height > MAX_PIXELS:
                raise UnreadableFileError("too large")
            shown = image.convert("RGBA") if image.has_transparency_data else image.convert("L")
    if shown.mode == "RGBA":  # letters on a transparent ground are meant for white paper
        white = Image.new("RGBA", shown.size, "white")
        shown = Image.alpha_composite(white, shown).convert("L")
    page = io.BytesIO()
    shown.save(page, "PDF", resolution=_SHARP_DPI if width >= _SHARP_PIXELS else _COARSE_DPI, quality=95)
    return page.getvalue()
