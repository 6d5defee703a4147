"""Files embedded in office files as OLE objects, taken out of their wrapping."""

import io
import posixpath

import olefile

_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGED, _NATIVE = "Package", "\x01Ole10Native"
_BEFORE_2007 = {"WordDocument": ".doc", "Workbook": ".xls", "Book": ".xls", "PowerPoint Document": ".ppt"}
_DAMAGE = (OSError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RecursionError, MemoryError)
_MAX_NAME_BYTES = 1000


def unwrapped(name: str, content: bytes) -> tuple[str, bytes]:
    """Take an embedded file out of its OLE object.

    Args:
        name: The object's name in the document: "oleObject1.bin".
        content: Its bytes.

    Returns:
        Name and bytes of the file; those given, if the object is no wrapping, or is damaged.
    """
    if not content.startswith(_MARK):
        return name, content
    stem = posixpath.splitext(name)[0]
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as wrapping:
            if wrapping.exists(_PACKAGED):
                return stem, wrapping.openstream(_PACKAGED).read()
            if wrapping.exists(_NATIVE):
                return _native(wrapping.openstream(_NATIVE).read()) or (name, content)
            suffix = next((suffix for stream, suffix in _BEFORE_2007.items() if wrapping.exists(stream)), "")
            return (f"{stem}{suffix}" if suffix else name), content
    except _DAMAGE:
        return name, content


def _native(stream: bytes) -> tuple[str, bytes] | None:
    """Return name and bytes of the file in a native stream; None if it holds none.

    The stream holds its size, two bytes, the file's label and path, eight bytes, a path again with its length, and the
    file with its size ([MS-OLEDS], 2.3.6, and what programs write into it).
    """
    label, at = _text(stream, 6)
    _, at = _text(stream, at)
    at += 4
    at += 4 + int.from_bytes(stream[at : at + 4], "little")
    size = int.from_bytes(stream[at : at + 4], "little")
    file = stream[at + 4 : at + 4 + size]
    return (posixpath.basename(label.replace("\\", "/")), file) if label and file and len(file) == size else None


def _text(stream: bytes, at: int) -> tuple[str, int]:
    end = stream.find(b"\0", at, at + _MAX_NAME_BYTES)
    return ("", at) if end < 0 else (stream[at:end].decode("cp1252", "replace"), end + 1)
