"""Headings of Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from index.formats.content import Place
from index.formats.limits import MAX_PLACES

HEADING_SEPARATOR = " › "  # noqa: RUF001 (meant: people read it)
MAX_HEADING_CHARS = 200
MARKDOWN_SUFFIXES = (".md", ".markdown")

# All patterns take linear time on any text: repetitions are possessive (`++`, `*+`) or can match at one place only.
# A fence is matched as a whole, so that lines in it are not taken for headings.
_FENCE = (
    r"^ {0,3}(?P<fence>(?P<tick>`{3,}+)(?=[^`\n]*+$)|~{3,}+)(?s:.*?)(?:^ {0,3}(?P=fence)(?(tick)`*+|~*+)[ \t]*+$|\Z)"
)
_MARKED = r"^ {0,3}(?P<level>#{1,6})[ \t]++(?P<marked>[^\n]++)$"
_UNDERLINED = r"^(?P<underlined>\S[^\n]*+)\n=++[ \t]*+$"
_FENCE_OR_HEADING = re.compile(f"{_FENCE}|{_MARKED}|{_UNDERLINED}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document.

    Attributes:
        start: Offset of its line.
        level: 1 (outermost) to 6.
        words: Its text, without the marks around it.
    """

    start: int
    level: int
    words: str


def is_markdown(name: str) -> bool:
    """Return whether a document's suffix is one of Markdown."""
    return name.lower().endswith(MARKDOWN_SUFFIXES)


def markdown_headings(text: str) -> Iterator[Heading]:
    """Yield the headings of a Markdown text in order, except in code; `===` underlines one of level 1.

    Args:
        text: The text.

    Yields:
        The headings that are not blank.
    """
    for match in _FENCE_OR_HEADING.finditer(_with_newlines(text)):
        marked, underlined = match["marked"], match["underlined"]
        words = _without_closing_marks(marked) if marked is not None else (underlined or "").strip()
        if words:
            yield Heading(match.start(), len(match["level"] or "#"), words)


def markdown_places(text: str) -> tuple[Place, ...]:
    """Return the places of a Markdown text.

    Args:
        text: The text.

    Returns:
        A place for each heading, at most `MAX_PLACES`: the path of headings, outermost first, joined by
        `HEADING_SEPARATOR`.
    """
    return tuple(Place(start, label) for start, label in islice(_paths(text), MAX_PLACES))


def _with_newlines(text: str) -> str:
    """End every line with a newline without changing the length, so that offsets stay valid."""
    return text.replace("\r\n", " \n").replace("\r", "\n") if "\r" in text else text


def _without_closing_marks(marked: str) -> str:
    """Strip a heading's closing marks: those of `Costs ##`, but not that of `C#`."""
    words = marked.strip()
    opened = words.rstrip("#")
    return words if opened and not opened[-1].isspace() else opened.rstrip()


def _paths(text: str) -> Iterator[tuple[int, str]]:
    """Yield each heading's offset and its path of headings."""
    path: dict[int, str] = {}
    for heading in markdown_headings(text):
        path = {level: words for level, words in path.items() if level < heading.level}
        path[heading.level] = _shortened(heading.words)
        yield heading.start, HEADING_SEPARATOR.join(path.values())


def _shortened(words: str) -> str:
    return words if len(words) <= MAX_HEADING_CHARS else words[:MAX_HEADING_CHARS].rstrip() + "…"
