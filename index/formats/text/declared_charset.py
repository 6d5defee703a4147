"""Text in an encoding that the file itself declares."""

import codecs

import webencodings

from index.formats.text.decoding import decode

_FAMILIES = ("utf-", "ascii", "iso8859", "iso2022", "cp", "koi8", "mac", "gb", "big5", "euc_", "shift_jis", "hz", "tis")
"""Encodings of text; Python's others (punycode, unicode_escape) are none that a file may choose."""

_LEFT_TO_PYTHON = frozenset({"replacement", "utf-16be", "utf-16le", "x-user-defined"})
"""Encodings of the WHATWG standard that stand for others which Python reads, such as ISO-2022-KR, for what a
byte-order mark decides, and for bytes that are no text."""

_GB_18030 = "gb18030"
"""What the standard reads a page with that declares GBK: a superset."""

_MAX_SHARE_OF_DAMAGE = 0.01


def known_charset(declared: str) -> str:
    """The encoding that a declared name means.

    Browsers take many a name for an encoding that has more characters: ISO-8859-1 for windows-1252, say. Names come
    from the WHATWG encoding standard; those that it lacks, as mails and old files have them, from Python.

    Args:
        declared: As the file names it: "ISO-8859-1", say.

    Returns:
        Python's name for it; "" where there is no such encoding of text.
    """
    label = declared.strip().strip("'\"")
    try:
        name = _on_the_web(label) or codecs.lookup(label).name
    except (LookupError, ValueError):  # ValueError: a null character or half of a surrogate pair in the name
        return ""
    # Python knows more spellings than the standard: "latin-1".
    return (_on_the_web(name.replace("_", "-")) or name) if name.startswith(_FAMILIES) else ""


def _on_the_web(label: str) -> str:
    found = webencodings.lookup(label)
    if found is None or found.name in _LEFT_TO_PYTHON:
        return ""
    return _GB_18030 if found.name == "gbk" else str(found.codec_info.name)


def decode_declared(content: bytes, declared: str) -> str:
    """Text in the encoding that the file declares, or in the one it is found to have.

    Args:
        content: Bytes of the text.
        declared: The encoding by the file's own word; "" where it says nothing.

    Returns:
        The text. A few bytes that the declared encoding doesn't have become U+FFFD, as in every browser and mail
        program; when they are many, the declaration is taken to be wrong.

    Raises:
        UnreadableFileError: The declaration is missing or wrong, and the bytes are no text.
    """
    charset = known_charset(declared) if declared else ""
    if not charset:
        return decode(content)
    text = content.decode(charset, "replace").removeprefix("\ufeff")
    if text.count("\ufffd") <= max(3, _MAX_SHARE_OF_DAMAGE * len(text)):
        return text
    return decode(content)
