"""Features of a candidate from which its confidence is computed."""

import math
import re

from index.formats.titles import words_of_name
from index.records import Hit
from qa.decision.grouping import Group
from qa.text.shallow_parsing import numbers_in

_TINY = 1e-6
_YEAR = re.compile(r"(?<![\w.,])(?:1\d|20)\d\d(?![\w'\u2019]|[.,]\d)")


def features(question: str, candidate: Group) -> dict[str, float]:
    """Compute the features of a candidate.

    Args:
        question: The question.
        candidate: The candidate's spans.

    Returns:
        margin: the best span's log-odds against the null answer, divided by 10; close: the lower of this and the
        log-odds in its sentence alone, divided by 10; share: log-odds of the group's probability; cosine: similarity
        of question and passage, -1 to 1; years: share of the question's years that neither the passage nor its titles
        state, 0 to 1.
    """
    share = min(max(candidate.share, _TINY), 1 - _TINY)
    return {
        "margin": candidate.best.score / 10,
        "close": min(candidate.best.score, candidate.best.close_score) / 10,
        "share": math.log(share / (1 - share)),
        "cosine": candidate.best.hit.cosine,
        "years": _share_of_years_missing(question, candidate.best.hit),
    }


def _share_of_years_missing(question: str, hit: Hit) -> float:
    """Return the share of a question's years that a passage, its heading and its document's title and name do not say.

    Other numbers are less reliable: "the 5th president" is also "the fifth", and "World War 2" is often "World War II".
    """
    asked = [float(year) for year in _YEAR.findall(question)]
    if not asked:
        return 0.0
    named = words_of_name(hit.passage.document, "")
    stated = set(numbers_in(f"{hit.title} {named} {hit.passage.heading} {hit.passage.text}"))
    return sum(number not in stated for number in asked) / len(asked)
