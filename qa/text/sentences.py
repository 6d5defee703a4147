"""The sentence around some words."""

import re

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n|\r\n[^\S\n]*\r\n|\r\r|\f")
REACH = 2000
"""Characters on each side that are looked at: a "sentence" longer than that is no sentence."""


def sentence_around(text: str, start: int, end: int, *, offset: int = 0) -> tuple[int, int]:
    """The sentence that holds a span, or the sentences where it spreads over several.

    Args:
        text: The document's text, or a stretch of it that holds the span and `REACH` characters on each side,
            fewer where the document ends: more than that makes no difference.
        start: Offset in the document of the span's first character.
        end: Offset after its last.
        offset: Offset in the document where `text` begins.

    Returns:
        Start and end in the document of the sentence, without white space at its ends; it holds the span. Of a
        span longer than `REACH`, the span itself.
    """
    if end - start > REACH:
        return start, end
    first, last = _sentence(text, start - offset, end - offset)
    return first + offset, last + offset


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    from nupunkt import sent_spans  # its model is read when it is first used

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
    """The paragraph that holds a span.

    Args:
        text: The document's text.
        start: Offset of the span's first character.
        end: Offset after its last.

    Returns:
        Start and end of the paragraph, `REACH` characters beyond the span at most.
    """
    low, high = max(0, start - REACH), min(len(text), end + REACH)
    breaks = [match.span() for match in _PARAGRAPH_BREAK.finditer(text, low, high)]
    low = max([low, *(after for _, after in breaks if after <= start)])
    high = min([high, *(before for before, _ in breaks if before >= end)])
    return low, high


def _leading_space(text: str) -> int:
    return len(text) - len(text.lstrip())
