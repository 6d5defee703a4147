"""Decodes bytes to text in any encoding."""

import codecs
import re

from index.errors import UnreadableFileError
from index.formats.text.encoding_guess import guessed_encodings

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is a prefix of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ODD_CONTROLS = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_SHARE_OF_CONTROLS = 0.01
_SAMPLE = 1024 * 1024


def decode(content: bytes) -> str:
    """Decode a file's bytes in whatever encoding they are; newlines are kept, a byte-order mark is dropped.

    A byte-order mark decides; without one, a zero in nearly every second byte means UTF-16, and valid UTF-8 is UTF-8;
    otherwise it is guessed.

    Args:
        content: The file's bytes.

    Returns:
        The text, such that encoding it in the same encoding gives the bytes after the mark.

    Raises:
        UnreadableFileError: The bytes are not text, or end in the middle of a character.
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
                f"not text: byte {error.start:,} begins a surrogate (half a character); save it again as UTF-8"
            ) from error
        text = _decode_by_guess(content)
    return _refuse_binary(text)


def looks_like_text(head: bytes) -> bool:
    """Return whether a file with these first bytes may be text; `decode` may still refuse the whole."""
    if head.startswith(tuple(mark for mark, _ in _BYTE_ORDER_MARKS)) or _utf16_without_mark(head[: len(head) // 2 * 2]):
        return True
    odd = sum(1 for _ in _ODD_CONTROLS.finditer(head.decode("latin-1")))
    return odd <= _MAX_SHARE_OF_CONTROLS * len(head)


def _decode_strictly(content: bytes, encoding: str) -> str:
    try:
        return _refuse_binary(content.decode(encoding))
    except UnicodeDecodeError as error:
        if error.end >= len(content):
            raise UnreadableFileError(_cut_off(encoding, error)) from error
        raise UnreadableFileError(f"not text: byte {error.start:,} is not valid {encoding}") from error


def _is_cut_off(content: bytes, error: UnicodeDecodeError) -> bool:
    # Valid UTF-8 except for an incomplete last character, with other non-ASCII characters before it; a short cp1252
    # file that ends in é has none.
    return error.reason == "unexpected end of data" and not content[: error.start].isascii()


def _holds_surrogates(content: bytes) -> bool:
    # Some programs write unpaired surrogates as if they were characters. If these alone make the bytes invalid UTF-8,
    # decoding by any other encoding would garble all non-ASCII characters.
    try:
        content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _cut_off(encoding: str, error: UnicodeDecodeError) -> str:
    return f"cut off in the middle of a character at byte {error.start:,} ({encoding}); restore the whole file"


def _utf16_without_mark(content: bytes) -> str | None:
    """Detect UTF-16 by nearly half of the bytes being zero, all at odd or all at even places, as in Western text."""
    sample = content[:_SAMPLE]
    half = len(sample) // 2
    if len(content) % 2 or sample.count(0) < 0.4 * half:
        return None
    if sample[::2].count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if sample[1::2].count(0) == 0 else None


def _decode_by_guess(content: bytes) -> str:
    _refuse_binary(content[:_SAMPLE].decode("latin-1"))  # maps each byte to one character, control codes to themselves
    readings = (_decoded(content, encoding) for encoding in guessed_encodings(content[:_SAMPLE]))
    return next(text for text in readings if text is not None)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _refuse_binary(text: str) -> str:
    odd = sum(1 for _ in _ODD_CONTROLS.finditer(text, 0, _SAMPLE))
    if odd > _MAX_SHARE_OF_CONTROLS * min(len(text), _SAMPLE):
        raise UnreadableFileError("not text: it holds binary data")
    return text
