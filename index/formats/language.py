"""Detects the language of a text."""

from functools import cache
from typing import Any

_MIN_CHARS = 12
"""Number of letters below which the language cannot be told."""
_SAMPLE_CHARS = 5_000
"""Characters that are classified: a page from the middle is enough and takes 2 ms."""
_SURE = 0.5
"""Smallest probability at which a language is reported: tables, code and lists of names lie below."""


def language_of(text: str) -> str:
    """Detect the language of a text.

    Args:
        text: The text.

    Returns:
        Its code in ISO 639-1; "" if the text is too short, or no language is more probable than all others together.
    """
    from_middle = max(0, (len(text) - _SAMPLE_CHARS) // 2)
    sample = text[from_middle : from_middle + _SAMPLE_CHARS]
    if sum(char.isalpha() for char in sample) < _MIN_CHARS:
        return ""
    code, likelihood = _identifier().classify(sample)
    return str(code) if likelihood >= _SURE else ""


@cache
def _identifier() -> Any:  # noqa: ANN401 (the library has no types)
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
