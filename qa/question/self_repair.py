"""Self-repair: questions corrected in mid-sentence, as "where, no, when was it?"."""

import re

_ASKS = r"(?:who|whom|whose|what|which|when|where|why|how)\b"
_TAKES_BACK = r"(?:no|sorry|wait|rather|actually|i\s+mean)\b"
_MARKS = "[,;:.\u2026\u2013\u2014-]"
_BETWEEN = rf"(?:\s|{_MARKS})+"
_CORRECTED = re.compile(
    rf"\W*{_ASKS}(?:"
    rf"(?:{_BETWEEN}{_TAKES_BACK})+{_BETWEEN}(?={_ASKS})"
    # Between commas, what is taken back may be followed by anything: "where, no, in which year was it?"
    rf"|\s*{_MARKS}+\s*(?:{_TAKES_BACK}\s*{_MARKS}+\s*)+(?=\w))",
    re.IGNORECASE,
)


def as_corrected(question: str) -> str:
    """Remove the part of a question that was taken back.

    Args:
        question: The question as typed.

    Returns:
        The question as corrected; unchanged if nothing was taken back.
    """
    taken_back = _CORRECTED.match(question)
    return question if taken_back is None else question[taken_back.end() :]
