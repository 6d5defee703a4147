"""Pictures, read by OCR: PNG, JPEG, TIFF, WebP, HEIC and others, each frame as a page."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from index.errors import UnreadableFileError
from index.formats.content import Content, Place
from index.formats.metadata import iso_date
from index.formats.pdf.extraction import NoTextError
from index.formats.pdf.ocr import read_pdf

MAX_FRAMES = 500
MAX_PIXELS = 160_000_000
"""Largest picture: one more than the largest cameras take would need half a gigabyte."""
_MIN_PIXELS = 12
"""Width and height below which no letter can be read."""
_INCHES = 11.7
"""Height of a sheet of paper, which a picture is taken to show if its resolution is not known better."""
_MIN_DPI, _MAX_DPI = 100, 300
_QUALITY = 95
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "HEIF", "PPM")
_PAGED = frozenset({"TIFF", "HEIF"})
"""Formats whose frames are pages; those of others are an animation."""
_DATE_TAG, _DESCRIPTION_TAG = 0x0132, 0x010E
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError)


def load_picture(content: bytes, on_page: Callable[[], None] = lambda: None) -> Content:
    """Read a picture.

    Args:
        content: The file's bytes.
        on_page: Called before each frame that is read, which takes seconds.

    Returns:
        The text in it; frames of a TIFF or HEIC file are pages, and places if there are several.

    Raises:
        NoTextError: OCR found no text, or tesseract is not installed.
        UnreadableFileError: The file is no picture, is damaged, or too large.
    """
    with _opened(content) as picture:
        n_frames = getattr(picture, "n_frames", 1)
        if min(picture.size) < _MIN_PIXELS:
            raise NoTextError("empty: it is too small a picture to hold words")
        n_read = min(n_frames, MAX_FRAMES) if picture.format in _PAGED else 1
        pages = _as_pdf(picture, n_read)
        metadata = _metadata(picture)
    read = read_pdf(pages, on_page=on_page)
    places: tuple[Place, ...] = read.places if n_read > 1 else ()
    notes = read.notes
    if n_read < n_frames:
        notes = (*notes, f"only the first {n_read:,} of {n_frames:,} frames were read")
    return Content(read.text, "", places, metadata, notes, remarks=read.remarks)


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """Open a picture; everything that damage can cause becomes one error.

    Args:
        content: Its bytes.

    Yields:
        The picture.

    Raises:
        UnreadableFileError: The bytes are no picture, or are damaged, or it is too large.
    """
    from pi_heif import register_heif_opener

    Image.init()  # registers the other formats
    register_heif_opener()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                yield picture
    except Image.DecompressionBombError as error:
        raise UnreadableFileError(_too_large()) from error
    except UnidentifiedImageError as error:
        raise UnreadableFileError("damaged, or not a picture: restore the whole file") from error
    except _DAMAGE as error:
        raise UnreadableFileError(
            f"damaged: {type(error).__name__} while reading it; restore the whole file"
        ) from error


def _too_large() -> str:
    return f"too large: more than {MAX_PIXELS // 1_000_000} megapixels; save it with fewer"


def _as_pdf(picture: Image.Image, n_frames: int) -> bytes:
    """Turn the first frames into a PDF with a page for each: what reads scanned pages reads pictures, too.

    Args:
        picture: The picture.
        n_frames: How many of its frames to take.

    Returns:
        The PDF.

    Raises:
        UnreadableFileError: A frame has more than `MAX_PIXELS`.
    """
    document = pypdfium2.PdfDocument.new()
    try:
        for number in range(n_frames):
            picture.seek(number)
            if picture.width * picture.height > MAX_PIXELS:
                raise UnreadableFileError(_too_large())
            page = io.BytesIO()
            frame = _upright_gray(picture)
            dpi = min(max(max(frame.size) / _INCHES, _MIN_DPI), _MAX_DPI)
            frame.save(page, "PDF", resolution=dpi, quality=_QUALITY)
            with pypdfium2.PdfDocument(page.getvalue()) as single:
                document.import_pages(single)
        saved = io.BytesIO()
        document.save(saved)
        return saved.getvalue()
    finally:
        document.close()


def _upright_gray(picture: Image.Image) -> Image.Image:
    """Return the current frame as its camera saw it, in gray, on white where it is transparent."""
    frame = ImageOps.exif_transpose(picture)
    if frame.mode.startswith("I;16"):
        return frame.point(lambda value: value / 256).convert("L")
    if not frame.has_transparency_data:
        return frame.convert("L")
    white = Image.new("RGBA", frame.size, "white")
    return Image.alpha_composite(white, frame.convert("RGBA")).convert("L")


def _metadata(picture: Image.Image) -> dict[str, str]:
    exif = picture.getexif()
    day = iso_date(str(exif.get(_DATE_TAG, ""))[:10].replace(":", "-"))
    found = {"date": day, "description": str(exif.get(_DESCRIPTION_TAG, "")).strip("\0 ")}
    return {name: words for name, words in found.items() if words}
