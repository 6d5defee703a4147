"""Question types: whether a question asks for yes or no, a reason, a count, or a list."""

import re

from qa.text.shallow_parsing import AUXILIARIES, PREPOSITIONS, is_plural, participle_of, words_with_places

_YES_OR_NO = re.compile(
    r"(?:and\s+|but\s+|so\s+)?(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must|isn['\u2019]t"
    r"|aren['\u2019]t|wasn['\u2019]t|weren['\u2019]t|don['\u2019]t|doesn['\u2019]t|didn['\u2019]t)\s+(?!you\b)\w",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\bor\b(?!\s+not\b)", re.IGNORECASE)
_WHY = re.compile(
    r"(?:and\s+|but\s+|so\s+)?(?:why|for\s+what\s+reason|what\s+(?:is|was|are|were)\s+the\s+reasons?)\b", re.I
)
_COUNT = re.compile(r"(?:and\s+|but\s+|so\s+)?(?:how\s+many|what\s+(?:is|was)\s+the\s+number\s+of|count\s+)\b", re.I)
_ASKS_FOR_ALL = re.compile(
    r"(?:please\s+|can\s+you\s+|could\s+you\s+)?(?:list|name|enumerate|give(?:\s+me)?|tell\s+me)\s+(?:me\s+)?"
    r"(?:all|every|both|the|some|three|two|four|five|any)\b",
    re.IGNORECASE,
)
_ASKS_FOR_SEVERAL = re.compile(
    r"(?:[a-z]+\s+)?(?:which|what)\s+(?:are|were|(?P<noun>(?:[\w-]+[\u2019']?s?\s+){0,6}?[\w-]+)\s+"
    r"(?:are|were|do|did|does|have|has|had|can|could|will|must|should)\b)|who\s+(?:are|were|all)\b",
    re.IGNORECASE,
)
_MAY_HAVE_SEVERAL = re.compile(r"(?:\w+\s+)?(?:who|whom|which|what|where)\b|list\b|name\b", re.IGNORECASE)
_ASKS_FOR_ONE = re.compile(r"(?:\w+\s+)?(?:which|what)\s+([\w-]+)(?<!s)\s", re.IGNORECASE)


def is_yes_or_no(question: str) -> bool:
    """Return whether a question asks for yes or no; "is it A or B?" does not."""
    return _YES_OR_NO.match(question.strip()) is not None and not _CHOICE.search(question)


def asks_why(question: str) -> bool:
    """Return whether a question asks for a reason."""
    return _WHY.match(question.strip()) is not None


def asks_how_many(question: str) -> bool:
    """Return whether a question asks for a count."""
    return _COUNT.match(question.strip()) is not None


def asks_for_several(question: str) -> bool:
    """Return whether a question asks for a list: "list the …", "which countries …", "who are …"."""
    text = question.strip()
    if _ASKS_FOR_ALL.match(text):
        return True
    match = _ASKS_FOR_SEVERAL.match(text)
    return match is not None and (match["noun"] is None or _names_several(match["noun"]))


def _names_several(noun: str) -> bool:
    """Return whether the noun after "which" or "what" is plural: "countries", "ports to the kernel"."""
    words = [word.text.lower() for word in words_with_places(noun)]
    head = next((i for i, word in enumerate(words) if word in PREPOSITIONS), len(words))
    return any(is_plural(word.rstrip("\u2019'")) for word in words[max(0, head - 2) : head])


def may_have_several(question: str) -> bool:
    """Return whether several spans may be right: not for when, why and how much, nor for "which city"."""
    text = question.strip()
    one = _ASKS_FOR_ONE.match(text)
    names_one = one is not None and one[1].lower() not in AUXILIARIES and participle_of(one[1]) is None
    return asks_for_several(text) or (_MAY_HAVE_SEVERAL.match(text) is not None and not names_one)
