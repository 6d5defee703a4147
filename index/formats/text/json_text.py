"""JSON: the file's own text if it is readable, else formatted with one value per line."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from index.errors import EmptyFileError
from index.formats.content import Content, Place
from index.formats.limits import MAX_PLACES, MAX_TEXT_CHARS
from index.formats.numbering import line_places
from index.formats.text.decoding import decode
from index.formats.text.markdown import MAX_HEADING_CHARS

_READABLE_LINE_CHARS = 1000
"""Longest line that counts as readable."""
_MAX_PARSED_CHARS = 5_000_000
"""Largest text that is parsed; longer ones get lines as places, since parsing would take half a gigabyte."""
_MAX_DEPTH = 100
"""Deepest nesting that is parsed: indentation would make the text grow with the square of the depth."""

_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:(?P<string>"[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+")"""
    r"""|(?P<scalar>-?\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+|true|false|null|-?Infinity|NaN)|(?P<mark>[\[\]{},:]))"""
)
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_ESCAPED_LETTER = re.compile(r"\\u(?!00[01])[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True)
class _Token:
    """A token of JSON.

    Attributes:
        text: Its text in the file.
        start: Its offset in the file.
        depth: Number of brackets around it.
        path: Path of the value that it begins: "invoices[3].total"; None if it begins no value.
    """

    text: str
    start: int
    depth: int
    path: str | None


class _NoJsonError(Exception):
    """The text is not JSON, or is nested too deeply; the message says where."""


def load_json(content: bytes) -> Content:
    """Read a JSON file.

    Args:
        content: The file's bytes.

    Returns:
        Its own text with the paths of values as places, "invoices[3].total"; if it has very long lines or escaped
        letters, formatted with one value per line. A file that is not valid JSON is kept as it is, with a remark.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text.
    """
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    if len(text) > _MAX_PARSED_CHARS:
        return Content(text, places=line_places(text))
    try:
        tokens = list(_tokens(text))
    except _NoJsonError as error:
        return Content(text, places=line_places(text), remarks=(str(error),))
    if _is_readable(text):
        return Content(text, places=_places([(token.start, token) for token in tokens]) or line_places(text))
    rendered, starts = _rendered(tokens)
    if len(rendered) > MAX_TEXT_CHARS:
        return Content(text, places=line_places(text))
    return Content(rendered, places=_places(list(zip(starts, tokens, strict=True))) or line_places(rendered))


def load_jsonl(content: bytes) -> Content:
    """Read a file with one JSON value per line.

    Args:
        content: The file's bytes.

    Returns:
        Its own text, with a place "line 12" for each value.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text.
    """
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    return Content(text, places=line_places(text))


def _is_readable(text: str) -> bool:
    return _ESCAPED_LETTER.search(text) is None and max(map(len, text.splitlines())) <= _READABLE_LINE_CHARS


@dataclass(slots=True)
class _Open:
    """An open bracket, of an object or an array."""

    path: str
    is_object: bool
    n_items: int = 0
    key: str = ""


def _tokens(text: str) -> Iterator[_Token]:
    """Split a JSON document into tokens, without recursion.

    Args:
        text: The document.

    Yields:
        Its tokens, in order.

    Raises:
        _NoJsonError: The document is not JSON, or is nested too deeply.
    """
    around: list[_Open] = []
    expected = "value"  # or "key", "colon", "end" (a comma or closing bracket)
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        start = match.start(match.lastgroup or 0)
        token = text[start:at]
        kind = token if match["mark"] else "string" if match["string"] else "scalar"
        path = None
        closes = kind in {"]", "}"} and _may_close(kind, around, expected)
        if closes:
            around.pop()
            expected = "end"
        elif expected == "value" and kind in {"string", "scalar", "[", "{"}:
            path = _next_path(around)
            expected = "end"
        elif expected == "key" and kind == "string":
            around[-1].key = _member_path(around[-1].path, token)
            path = around[-1].key
            expected = "colon"
        elif expected == "colon" and kind == ":":
            expected = "value"
        elif expected == "end" and kind == "," and around:
            expected = "key" if around[-1].is_object else "value"
            around[-1].n_items += 1
        else:
            at = start
            break
        yield _Token(token, start, len(around), path)
        if path is not None and kind in {"[", "{"}:
            if len(around) >= _MAX_DEPTH:
                raise _NoJsonError(f"nested more than {_MAX_DEPTH} deep: shown line by line")
            around.append(_Open(path, kind == "{"))
            expected = "key" if kind == "{" else "value"
    if around or expected != "end" or text[at:].strip():
        raise _NoJsonError(f"not valid JSON from line {text.count(chr(10), 0, at) + 1} on: shown line by line")


def _may_close(kind: str, around: list[_Open], expected: str) -> bool:
    if not around or around[-1].is_object != (kind == "}"):
        return False
    is_empty = expected in {"key", "value"} and around[-1].n_items == 0 and not around[-1].key
    return expected == "end" or is_empty


def _next_path(around: list[_Open]) -> str:
    if not around:
        return ""
    inside = around[-1]
    return inside.key if inside.is_object else _shortened(f"{inside.path}[{inside.n_items}]")


def _member_path(path: str, key: str) -> str:
    name = key[1:-1]
    if not _PLAIN_NAME.fullmatch(name):
        return _shortened(f"{path}[{key[:MAX_HEADING_CHARS]}]")
    return _shortened(f"{path}.{name}" if path else name)


def _shortened(path: str) -> str:
    return path if len(path) <= MAX_HEADING_CHARS else path[:MAX_HEADING_CHARS].rstrip("…") + "…"


def _places(tokens: list[tuple[int, _Token]]) -> tuple[Place, ...]:
    """Return a place for each value; if there are more than `MAX_PLACES`, only for the less deeply nested ones."""
    at_depth = Counter(token.depth for _, token in tokens if token.path)
    deepest, count = -1, at_depth[0]
    while deepest < _MAX_DEPTH and count <= MAX_PLACES:
        deepest += 1
        count += at_depth[deepest + 1]
    places: list[Place] = []
    for start, token in tokens:
        if token.path and token.depth <= deepest and (not places or places[-1].label != token.path):
            places.append(Place(start, token.path or ""))
    return tuple(places)


def _rendered(tokens: list[_Token]) -> tuple[str, list[int]]:
    """Format the document with one value per line and letters unescaped; also return each token's offset."""
    pieces: list[str] = []
    starts: list[int] = []
    at = 0
    previous = ""
    for token in tokens:
        before = _space(previous, token)
        words = _with_letters(token.text)
        starts.append(at + len(before))
        pieces += (before, words)
        at += len(before) + len(words)
        previous = token.text
    return "".join(pieces), starts


def _space(previous: str, token: _Token) -> str:
    if token.text in {"]", "}"}:
        return "" if previous in {"[", "{"} else "\n" + "  " * token.depth
    if previous in {"[", "{", ","}:
        return "\n" + "  " * token.depth
    return " " if previous == ":" else ""


def _with_letters(token: str) -> str:
    if "\\u" not in token:
        return token
    try:
        words = json.dumps(json.loads(token, strict=False), ensure_ascii=False)
        words.encode("utf-8")  # fails for unpaired surrogates, which stay escaped
    except ValueError:
        return token
    return words
