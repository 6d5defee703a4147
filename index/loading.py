"""A file becomes a Document: one small function per format, and what all of them share."""

import codecs
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from charset_normalizer import from_bytes

from index.documents import Document
from index.errors import EmptyFileError, UnreadableFileError
from index.headings import markdown_headings

LOADERS_VERSION = 1
"""Raised when a loader comes to give another text for the same file: older indexes are then rebuilt."""

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_TITLE_CHARS = 80
_MAX_TITLE_LEVEL = 2
CANNOT_OPEN = "cannot be opened"
"""How the reason begins where permissions, not the file, are at fault."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ODD_CONTROLS = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_SHARE_OF_CONTROLS = 0.01
_SAMPLE = 1024 * 1024


def load(path: Path, name: str) -> Document:
    """Read a file into a document.

    Args:
        path: The file.
        name: Name for the document, relative to its folder.

    Returns:
        The document.

    Raises:
        EmptyFileError: It holds nothing but white space.
        UnreadableFileError: It cannot be opened, is of an unsupported kind, is too large, binary, or
            cut off in the middle of a character.
    """
    find_title = LOADERS.get(path.suffix.lower())
    if find_title is None:
        raise UnreadableFileError(f"unsupported file type {path.suffix!r}; supported: {', '.join(sorted(LOADERS))}")
    content = read_bytes(path)
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    return Document(name=name, text=text, title=find_title(text), sha256=hashlib.sha256(content).hexdigest())


def is_supported(path: Path) -> bool:
    """Whether files with this file's suffix can be loaded."""
    return path.suffix.lower() in LOADERS


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Args:
        path: The file.

    Returns:
        All its bytes.

    Raises:
        UnreadableFileError: It cannot be opened, or is larger than `MAX_FILE_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UnreadableFileError(f"too large: {size:,} bytes, at most {MAX_FILE_BYTES:,}; split it into parts")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{CANNOT_OPEN}: {error.strerror or error}") from error


def decode(content: bytes) -> str:
    """Text of a file in whatever encoding it came; newlines are kept, a byte-order mark is dropped.

    A byte-order mark decides; without one, zeros in every second place mean UTF-16, and what is valid
    UTF-8 is UTF-8; the rest is left to charset-normalizer.

    Args:
        content: The file's bytes.

    Returns:
        The text, such that encoding it again the same way gives the bytes after the mark.

    Raises:
        UnreadableFileError: The bytes are no text, or end in the middle of a character.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _decode_strictly(content[len(mark) :], encoding)
    if (unmarked := _utf16_without_mark(content)) is not None:
        return _decode_strictly(content, unmarked)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if _is_cut_off(content, error):
            raise UnreadableFileError(_cut_off("utf-8", error)) from error
        if _holds_surrogates(content):
            raise UnreadableFileError(
                f"not text: byte {error.start:,} begins half a character; save it again as UTF-8"
            ) from error
        text = _decode_by_guess(content)
    return _refuse_binary(text)


def _decode_strictly(content: bytes, encoding: str) -> str:
    try:
        return _refuse_binary(content.decode(encoding))
    except UnicodeDecodeError as error:
        if error.end >= len(content):
            raise UnreadableFileError(_cut_off(encoding, error)) from error
        raise UnreadableFileError(f"not text: byte {error.start:,} is no valid {encoding}") from error


def _is_cut_off(content: bytes, error: UnicodeDecodeError) -> bool:
    # Valid up to a last character that lacks its end, and with other characters beyond ASCII before it:
    # a short cp1252 file whose last letter is an é looks the same but for that.
    return error.reason == "unexpected end of data" and not content[: error.start].isascii()


def _holds_surrogates(content: bytes) -> bool:
    # Some programs write half of a surrogate pair as if it were a character. Where nothing else keeps the bytes from
    # being UTF-8, any other encoding would make other characters than were meant of all that is not ASCII.
    try:
        content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _cut_off(encoding: str, error: UnicodeDecodeError) -> str:
    return f"cut off in the middle of a character at byte {error.start:,} ({encoding}); restore the whole file"


def _utf16_without_mark(content: bytes) -> str | None:
    """Which UTF-16 it is when nearly half of the bytes are zero and all of those on one side, as in Western text."""
    sample = content[:_SAMPLE]
    half = len(sample) // 2
    if len(content) % 2 or sample.count(0) < 0.4 * half:
        return None
    if sample[::2].count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if sample[1::2].count(0) == 0 else None


def _decode_by_guess(content: bytes) -> str:
    _refuse_binary(content[:_SAMPLE].decode("latin-1"))  # every byte a character, controls themselves
    encoding = _guess(content[:_SAMPLE])
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"not text: byte {error.start:,} is no valid {encoding}") from error


def _guess(sample: bytes) -> str:
    """The encoding that charset-normalizer finds; cp1252 where it knows no language or finds others no better."""
    matches = list(from_bytes(sample))
    if not matches or matches[0].coherence == 0:
        return "cp1252"
    best = [match for match in matches if match.coherence >= matches[0].coherence]
    return "cp1252" if any("cp1252" in match.could_be_from_charset for match in best) else matches[0].encoding


def _refuse_binary(text: str) -> str:
    odd = sum(1 for _ in _ODD_CONTROLS.finditer(text, 0, _SAMPLE))
    if odd > _MAX_SHARE_OF_CONTROLS * min(len(text), _SAMPLE):
        raise UnreadableFileError("not text: it holds binary data")
    return text


_DATELINE_END = re.compile(r"\s[-–—]{1,2}\s")  # noqa: RUF001 (dashes as newspapers print them)
_TITLE_REACH = 1000
"""Characters of the first line that are looked at."""
_WORD = re.compile(r"\S")


def title_of_text(text: str) -> str:
    """The first line with words, or as much of it as reads as a title: a news report's dateline, say."""
    begin = _WORD.search(text)
    if begin is None:
        return ""
    line = text[begin.start() : begin.start() + _TITLE_REACH].splitlines()[0]
    line = " ".join(line.split())
    if len(line) <= MAX_TITLE_CHARS:
        return line
    dateline = _DATELINE_END.search(line, 0, MAX_TITLE_CHARS)
    if dateline:
        return line[: dateline.start()]
    return line[:MAX_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def title_of_markdown(text: str) -> str:
    """The first heading of the first or second level, else as for plain text."""
    headings = (heading.words for heading in markdown_headings(text) if heading.level <= _MAX_TITLE_LEVEL)
    return title_of_text(next(headings, text))


LOADERS: dict[str, Callable[[str], str]] = {".txt": title_of_text, ".md": title_of_markdown}
"""What gives a text its title, by the file's suffix in lower case: the formats that can be loaded."""
