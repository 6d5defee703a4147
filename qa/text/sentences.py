"""Sentence and paragraph boundaries around a span."""

import re

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n|\r\n[^\S\n]*\r\n|\r\r|\f")
REACH = 2000
"""Characters searched on each side of a span: anything longer is not a sentence."""


def sentence_around(text: str, start: int, end: int, *, offset: int = 0) -> tuple[int, int]:
    """Find the sentence that holds a span, or the sentences if it extends over several.

    Args:
        text: The document's text, or a part of it with at least `REACH` characters on each side of the span, or up to
            the document's ends.
        start: Offset of the span's first character in the document.
        end: Offset after its last.
        offset: Offset of `text` in the document.

    Returns:
        Start and end of the sentence in the document, without surrounding white space; it holds the span. For a span
        longer than `REACH`, the span itself.
    """
    if end - start > REACH:
        return start, end
    first, last = _sentence(text, start - offset, end - offset)
    return first + offset, last + offset


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    from nupunkt import sent_spans  # loads its model on first use

    low, high = paragraph_around(text, start, end)
    first, last = start, end
    for left, right in sent_spans(text[low:high]):
        if left <= start - low < right:
            first = low + left
        if left < end - low <= right:
            last = low + right
    first += _leading_space(text[first:start])
    return first, max(end, first + len(text[first:last].rstrip()))


def paragraph_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Find the paragraph that holds a span.

    Args:
        text: The document's text.
        start: Offset of the span's first character.
        end: Offset after its last.

    Returns:
        Start and end of the paragraph, at most `REACH` characters beyond the span.
    """
    low, high = max(0, start - REACH), min(len(text), end + REACH)
    breaks = [match.span() for match in _PARAGRAPH_BREAK.finditer(text, low, high)]
    low = max([low, *(after for _, after in breaks if after <= start)])
    high = min([high, *(before for before, _ in breaks if before >= end)])
    return low, high


def _leading_space(text: str) -> int:
    return len(text) - len(text.lstrip())
