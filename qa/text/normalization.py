"""Answer normalization, exact match and F1 as defined by SQuAD (Rajpurkar et al. 2016)."""

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(answer: str) -> str:
    """Lower-case an answer and remove punctuation, articles and extra space, as SQuAD's scorer does."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, gold: Sequence[str]) -> bool:
    """Return whether an answer matches a human one; "" is right if there is none."""
    return normalize(answer) in {normalize(g) for g in gold} if gold else not answer


def f1(answer: str, gold: Sequence[str]) -> float:
    """Return the F1 of an answer's words (harmonic mean of precision and recall), best over human answers (SQuAD).

    Args:
        answer: The answer; "" if declined.
        gold: Human answers; empty if the question has no answer.

    Returns:
        0 to 1.
    """
    return max((_f1(normalize(answer).split(), normalize(g).split()) for g in gold), default=float(not answer))


def _f1(answer: list[str], gold: list[str]) -> float:
    if not answer or not gold:
        return float(answer == gold)
    common = sum((Counter(answer) & Counter(gold)).values())
    return 2 * common / (len(answer) + len(gold))
