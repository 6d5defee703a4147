"""Text in an encoding that the file itself declares."""

import codecs

from index.formats.text.decoding import decode

_FAMILIES = ("utf-", "ascii", "iso8859", "iso2022", "cp", "koi8", "mac", "gb", "big5", "euc_", "shift_jis", "hz", "tis")
"""Encodings of text; Python's others (punycode, unicode_escape) are none that a file may choose."""

_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""What programs mean by what they declare, as the WHATWG encoding standard has it: supersets all."""

_MAX_SHARE_OF_DAMAGE = 0.01


def known_charset(declared: str) -> str:
    """The encoding that a declared name means.

    Args:
        declared: As the file names it: "ISO-8859-1", say.

    Returns:
        Python's name for it; "" where there is no such encoding of text.
    """
    try:
        name = codecs.lookup(declared.strip().strip("'\"")).name
    except (LookupError, ValueError):  # ValueError: a null character in the name
        return ""
    return _MEANT.get(name, name) if name.startswith(_FAMILIES) else ""


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
