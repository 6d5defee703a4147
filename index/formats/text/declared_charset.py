"""Decodes text in the encoding that its file declares."""

import codecs

import webencodings

from index.formats.text.decoding import decode

_FAMILIES = ("utf-", "ascii", "iso8859", "iso2022", "cp", "koi8", "mac", "gb", "big5", "euc_", "shift_jis", "hz", "tis")
"""Encodings of text, by prefix; Python's others (punycode, unicode_escape) are not accepted from a file."""

_LEFT_TO_PYTHON = frozenset({"replacement", "utf-16be", "utf-16le", "x-user-defined"})
"""Names that the WHATWG standard maps to something else than Python, such as ISO-2022-KR, or to nothing; UTF-16 is left
to the byte-order mark."""

_GB_18030 = "gb18030"
"""The standard's encoding for pages that declare GBK: a superset."""

_MAX_SHARE_OF_DAMAGE = 0.01


def known_charset(declared: str) -> str:
    """Return the encoding that a declared name means.

    Browsers map many names to a larger encoding, ISO-8859-1 to windows-1252, say. Names are resolved by the WHATWG
    encoding standard; those that it lacks, as in mails and old files, by Python.

    Args:
        declared: The name in the file: "ISO-8859-1", say.

    Returns:
        Python's name for it; "" if there is no such text encoding.
    """
    label = declared.strip().strip("'\"")
    try:
        name = _on_the_web(label) or codecs.lookup(label).name
    except (LookupError, ValueError):  # ValueError: a null character or an unpaired surrogate in the name
        return ""
    # Python knows more spellings than the standard: "latin-1".
    return (_on_the_web(name.replace("_", "-")) or name) if name.startswith(_FAMILIES) else ""


def _on_the_web(label: str) -> str:
    found = webencodings.lookup(label)
    if found is None or found.name in _LEFT_TO_PYTHON:
        return ""
    return _GB_18030 if found.name == "gbk" else str(found.codec_info.name)


def decode_declared(content: bytes, declared: str) -> str:
    """Decode text in the encoding that the file declares, or else in the one detected.

    Args:
        content: Bytes of the text.
        declared: The declared encoding; "" if none is declared.

    Returns:
        The text. A few bytes that are invalid in the declared encoding become U+FFFD, as in every browser and mail
        program; if there are many, the declaration is taken to be wrong.

    Raises:
        UnreadableFileError: The declaration is missing or wrong, and the bytes are not text.
    """
    charset = known_charset(declared) if declared else ""
    if not charset:
        return decode(content)
    text = content.decode(charset, "replace").removeprefix("\ufeff")
    if text.count("\ufffd") <= max(3, _MAX_SHARE_OF_DAMAGE * len(text)):
        return text
    return decode(content)
