"""Questions corrected in mid-sentence: "where, no, when was it?" asks when."""

import re

_ASKS = r"(?:who|whom|whose|what|which|when|where|why|how)\b"
_TAKES_BACK = r"(?:no|sorry|wait|rather|actually|i\s+mean)\b"
_MARKS = "[,;:.\u2026\u2013\u2014-]"
_BETWEEN = rf"(?:\s|{_MARKS})+"
_CORRECTED = re.compile(
    rf"\W*{_ASKS}(?:"
    rf"(?:{_BETWEEN}{_TAKES_BACK})+{_BETWEEN}(?={_ASKS})"
    # Between commas it takes back whatever follows: "where, no, in which year was it?"
    rf"|\s*{_MARKS}+\s*(?:{_TAKES_BACK}\s*{_MARKS}+\s*)+(?=\w))",
    re.IGNORECASE,
)


def as_corrected(question: str) -> str:
    """A question without the beginning that was taken back.

    Args:
        question: The question, as it was typed.

    Returns:
        What is asked in the end; the same where nothing was taken back.
    """
    taken_back = _CORRECTED.match(question)
    return question if taken_back is None else question[taken_back.end() :]
