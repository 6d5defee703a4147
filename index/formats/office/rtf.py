"""RTF: text extracted by striprtf."""

import re
from itertools import groupby

from striprtf.striprtf import rtf_to_text

from index.errors import UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.office.containers import refusing_damage
from index.formats.tables import written

_HEADER = b"{\\rtf"
_CELL_END = "|"
"""striprtf's mark at the end of a table cell."""
_ASIDE = {
    "footnotes": re.compile(r"\{(?:\\\*)?\\footnote\b"),
    "text boxes": re.compile(r"\{\\shptxt\b"),
    "headers and footers": re.compile(r"\{\\(?:header|footer)[lrf]?\b(?!\\pard\\plain\})"),
    "comments": re.compile(r"\{\\\*\\annotation\b"),
    "pictures": re.compile(r"(?<!\\nonshppict)(?<!\\listpicture)\{\\pict\b"),
}
"""Elements that striprtf skips."""
_SAID = re.compile(r"\{\\(?P<name>title|author|subject)\s(?P<value>(?:[^{}\\]|\\'[0-9a-fA-F]{2}|\\u-?\d+\??)*)\}")


def load_rtf(content: bytes) -> Content:
    """Read a Rich Text Format file.

    Args:
        content: The file's bytes.

    Returns:
        Its text.

    Raises:
        UnreadableFileError: The file is not RTF, or is damaged.
    """
    if not content.lstrip()[: len(_HEADER)] == _HEADER:
        raise UnreadableFileError("not an RTF file: it does not begin with {\\rtf")
    source = content.decode("latin-1")
    with refusing_damage():
        plain = _plain(source)
        said = {match["name"]: _plain("{\\rtf1 " + match["value"] + "}") for match in _SAID.finditer(source)}
    text = Assembly()
    for is_table, lines in groupby(plain.splitlines(), lambda line: line.endswith(_CELL_END)):
        if is_table:
            rows = (line.split(_CELL_END)[:-1] for line in lines)
            text.add_table(written(enumerate(rows, 1)))
        else:
            for line in lines:
                text.add(line)
    title = said.pop("title", "").strip()
    counts = {what: len(mark.findall(source)) for what, mark in _ASIDE.items()}
    notes = (f"its {what} are not read ({count:,}); save it as DOCX or ODT" for what, count in counts.items() if count)
    return text.content(title, said, tuple(notes))


def _plain(source: str) -> str:
    plain = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    # RTF writes characters beyond U+FFFF as surrogate pairs.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
