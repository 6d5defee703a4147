"""Table questions: whether a question asks for the row with the most or least of something, a count, a sum, a mean."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Asked(StrEnum):
    """What is asked of a column's values."""

    MOST = "most"
    LEAST = "least"
    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """A question that a whole table may answer, and no single row of it says so.

    Attributes:
        asked: What is asked.
        word: The word or words that ask it, in lower case: "most", "longest", "in total"; "" for a mere count.
        before: The words before `word`.
        after: The words after it.
        is_of_time: Whether dates are compared ("first", "oldest") rather than numbers.
        columns: Words that the compared column's header may have, beside those in the question: "length" for "longest".
    """

    asked: Asked
    word: str
    before: str
    after: str
    is_of_time: bool = False
    columns: tuple[str, ...] = ()

    @property
    def is_superlative(self) -> bool:
        """Whether it asks for the row with the most or the least."""
        return self.asked in (Asked.MOST, Asked.LEAST)


_SIZE, _HEIGHT, _PRICE = ("area", "size"), ("height", "elevation", "altitude"), ("price", "cost", "fee")
_MADE = tuple("built founded established opened constructed".split())
_BORN = ("born", "birth", "birthday")
BEGINNINGS = (*_MADE, *_BORN, "launched", "started", "begun", "created", "published", "released")
"""Words of headers of columns that say when something began."""
_MOST: dict[str, tuple[str, ...]] = {
    "most": (),
    "highest": _HEIGHT,
    "largest": _SIZE,
    "biggest": _SIZE,
    "greatest": (),
    "maximum": (),
    "longest": ("length",),
    "tallest": _HEIGHT,
    "deepest": ("depth",),
    "heaviest": ("weight", "mass"),
    "widest": ("width",),
    "fastest": ("speed",),
    "dearest": _PRICE,
    "most expensive": _PRICE,
}
_LEAST: dict[str, tuple[str, ...]] = {
    "least": (),
    "fewest": (),
    "lowest": _HEIGHT,
    "smallest": _SIZE,
    "minimum": (),
    "shortest": ("length",),
    "shallowest": ("depth",),
    "lightest": ("weight", "mass"),
    "narrowest": ("width",),
    "slowest": ("speed",),
    "cheapest": _PRICE,
    "least expensive": _PRICE,
}
_LATEST: dict[str, tuple[str, ...]] = {
    "last": (),
    "latest": (),
    "most recently": (),
    "most recent": (),
    "newest": (*_MADE, "joined", "started"),
    "youngest": _BORN,
}
_EARLIEST: dict[str, tuple[str, ...]] = {"first": (), "earliest": (), "oldest": (*_MADE, *_BORN)}
_SUPERLATIVES = _MOST | _LEAST | _LATEST | _EARLIEST
_SUPERLATIVE = re.compile(rf"\b(?:{'|'.join(sorted(_SUPERLATIVES, key=len, reverse=True))})\b", re.IGNORECASE)
_TOTAL = re.compile(r"\b(?:in\s+total|in\s+all|all\s+together|altogether|total|sum)\b", re.IGNORECASE)
_AVERAGE = re.compile(r"\b(?:average|mean)\b", re.IGNORECASE)
_COUNT = re.compile(r"\s*(?:how\s+many|what\s+(?:is|was)\s+the\s+(?:total\s+)?number\s+of)\b", re.IGNORECASE)
_IN_TOTAL = re.compile(r"\b(?:in\s+total|in\s+all|all\s+together|altogether)\b", re.IGNORECASE)
_ASKS = re.compile(r"\s*(?:in\s+)?(?:which|what|who|when|how\s+\w+)\b", re.IGNORECASE)
_DOUBTFUL = re.compile(
    r"\b(?:not|no|never|none|nobody|without|except|excluding|other|others|else|besides|unless|but|or|if|why"
    r"|more|less|fewer|than|over|under|above|below|between|before|after|since|until|till|during|per|each|every|by"
    r"|second|third|fourth|fifth|two|three|four|five|six|ten|both|different|distinct|various|unique|at\s+(?:least|most)"
    r"|change[ds]?|difference|percentage|share|proportion|median|and|almost|nearly|about|roughly|still)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
"""Words by which a question asks for something else than what is worked out here, or may do so."""


def table_question(question: str) -> TableQuestion | None:
    """Return what a question asks of a whole table; None if it asks nothing of the kind, or words leave a doubt."""
    if not _ASKS.match(question) or _DOUBTFUL.search(question):
        return None
    superlatives = list(_SUPERLATIVE.finditer(question))
    count = _COUNT.match(question)
    if count is not None and not superlatives:
        after = question[count.end() :]
        total = _IN_TOTAL.search(after)
        rest = after if total is None else after[: total.start()] + after[total.end() :]
        if _TOTAL.search(rest) or _AVERAGE.search(rest):
            return None
        return TableQuestion(Asked.COUNT, "" if total is None else total[0].lower(), "", rest)
    sums = list(_TOTAL.finditer(question))
    found = [*superlatives, *sums, *_AVERAGE.finditer(question)]
    if len(found) != 1:
        return None
    word = " ".join(found[0][0].lower().split())
    before, after = question[: found[0].start()], question[found[0].end() :]
    if superlatives:
        asked = Asked.MOST if word in _MOST | _LATEST else Asked.LEAST
        return TableQuestion(asked, word, before, after, word in _LATEST | _EARLIEST, _SUPERLATIVES[word])
    return TableQuestion(Asked.SUM if sums else Asked.AVERAGE, word, before, after)


def names_superlative(question: str) -> str:
    """Return the superlative in a question, in lower case; "" if there is none that compares the rows of a table."""
    text = re.sub(r"\bat\s+(?:least|most|first|last)\b", "", question, flags=re.IGNORECASE)
    match = re.search(rf"\bthe\s+({_SUPERLATIVE.pattern[2:-2]})\b", text, re.IGNORECASE)
    return "" if match is None else match[1].lower()
