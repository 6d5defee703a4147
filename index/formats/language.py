"""Which language a text is in."""

from functools import cache
from typing import Any

_MIN_CHARS = 12
"""Letters below which any language may be meant."""
_SAMPLE_CHARS = 5_000
"""Characters that are looked at: a page in the middle says it, in 2 ms; more would only count against repetitions."""
_SURE = 0.5
"""Likelihood from which on the language is said: below are tables, code and lists of names."""


def language_of(text: str) -> str:
    """The language that a text is written in.

    Args:
        text: The text.

    Returns:
        Its code in ISO 639-1; "" where the text is too short to say, or no language is likelier than all others.
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
