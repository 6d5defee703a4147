"""Titles for texts that have none: the first heading, or the beginning of the first line."""

import re

from index.formats.text.markdown import markdown_headings

MAX_TITLE_CHARS = 80
_MAX_TITLE_LEVEL = 2
_DATELINE_END = re.compile(r"\s[-–—]{1,2}\s")  # noqa: RUF001 (dashes as newspapers print them)
_TITLE_REACH = 1000
"""Characters of the first line that are searched."""
_WORD = re.compile(r"\S")


def title_of_text(text: str) -> str:
    """Return the first line that is not blank, cut at a news report's dateline or at `MAX_TITLE_CHARS`."""
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
    """Return the first heading of level one or two, else the title as for plain text."""
    headings = (heading.words for heading in markdown_headings(text) if heading.level <= _MAX_TITLE_LEVEL)
    return title_of_text(next(headings, text))
