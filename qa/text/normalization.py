"""When two answers are the same: SQuAD's own measures (Rajpurkar et al. 2016)."""

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(answer: str) -> str:
    """An answer in lower case without punctuation, articles and extra space, as SQuAD's own scorer does."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, gold: Sequence[str]) -> bool:
    """Whether an answer is one of the human ones; "" is right where there is none."""
    return normalize(answer) in {normalize(g) for g in gold} if gold else not answer


def f1(answer: str, gold: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of words, against the human answer where it is highest (SQuAD).

    Args:
        answer: The answer; "" is declining.
        gold: Human answers; none when the question has no answer.

    Returns:
        0 to 1.
    """
    return max((_f1(normalize(answer).split(), normalize(g).split()) for g in gold), default=float(not answer))


def _f1(answer: list[str], gold: list[str]) -> float:
    if not answer or not gold:
        return float(answer == gold)
    common = sum((Counter(answer) & Counter(gold)).values())
    return 2 * common / (len(answer) + len(gold))
