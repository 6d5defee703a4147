"""Acronyms: questions that ask what one stands for, and passages that spell it out, as most that use it don't."""

import re

_KIND = "(?:abbreviation|acronym|initials|letters)"
_NAMED = rf"(?:the )?(?:{_KIND} )?([\w&-]+)"
_ASKED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bwhat (?:do|does|did) {_NAMED} (?:stand for|abbreviate)\b",
        rf"\bwhat (?:do|does|did) (?:the )?{_KIND} ([\w&-]+) mean\b",
        rf"\bwhat (?:is|are|was) {_NAMED} (?:an? (?:abbreviation|acronym) (?:of|for)|short for)\b",
        rf"\b(?:full|long) (?:name|form) of {_NAMED}",
        r"\b([\w&-]+) stands for what\b",
    )
)
_SHORTEST, _LONGEST = 2, 10
_FEWEST_CAPITALS = 2
_REACH_CHARS = 120
"""How far from the abbreviation its words are searched."""
_WORD = re.compile(r"[^\W_]+")
_SMALL = frozenset("a an and de des du for in la le of on the to und von".split())
"""Words that are often skipped in abbreviations."""


def abbreviation_asked(question: str) -> str | None:
    """Return the abbreviation whose meaning a question asks for.

    Args:
        question: The question.

    Returns:
        The abbreviation as written there, 2 to 10 characters; None if the question asks something else.
    """
    for pattern in _ASKED:
        if (match := pattern.search(question)) and _SHORTEST <= len(match[1]) <= _LONGEST:
            return match[1]
    return None


def spells_out(text: str, abbreviation: str) -> bool:
    """Return whether a text spells out an abbreviation next to it.

    The words are consecutive, begin with the abbreviation's letters, and the first one has a capital; "of" and the like
    may be skipped. Before or in brackets, they need only contain the letters in order, the first one at the start of a
    word (Schwartz and Hearst 2003).

    Args:
        text: The text.
        abbreviation: The abbreviation, in any case; in the text it must have at least two capitals.

    Returns:
        Whether it does.
        Whether it has.
    """
    letters = "".join(_WORD.findall(abbreviation)).lower()
    if not letters:
        return False
    for match in re.finditer(rf"(?<!\w){re.escape(abbreviation)}(?!\w)", text, re.IGNORECASE):
        if sum(char.isupper() for char in match[0]) < _FEWEST_CAPITALS:
            continue
        before = text[max(0, match.start() - _REACH_CHARS) : match.start()]
        after = text[match.end() : match.end() + _REACH_CHARS]
        if _has_initials(before, letters) or _has_initials(after, letters):
            return True
        if before.endswith("(") and _holds_in_order(before[:-1], letters):
            return True
        if after.startswith(" (") and _holds_in_order(after[2:].split(")")[0], letters):
            return True
    return False


def _has_initials(text: str, letters: str) -> bool:
    """Return whether consecutive words begin with the letters."""
    words = _WORD.findall(text)
    lower = [word.lower() for word in words]
    return any(word[0].isupper() and _begin_with(lower[i:], letters) for i, word in enumerate(words))


def _begin_with(words: list[str], letters: str) -> bool:
    """Return whether the first words begin with the letters in turn; small words may be skipped."""
    accounted = {0}  # possible numbers of letters matched so far
    for word in words:
        standing = {n + 1 for n in accounted if word[0] == letters[n]}
        accounted = standing | accounted if word in _SMALL else standing
        if len(letters) in accounted:
            return True
    return False


def _holds_in_order(text: str, letters: str) -> bool:
    """Return whether the last words contain the letters in order, the first one at the start of a word."""
    words = text.split()[-min(len(letters) + 5, len(letters) * 2) :]
    held = " ".join(words).lower()
    at = len(held)
    for i, letter in reversed(list(enumerate(letters))):
        at = held.rfind(letter, 0, at)
        while i == 0 and at > 0 and held[at - 1].isalnum():
            at = held.rfind(letter, 0, at)
        if at < 0:
            return False
    return True
