"""Lexical search terms: stop words, a question's terms, and its FTS5 query."""

from itertools import pairwise

from index.retrieval.proximity import words_of

STOP_WORDS = frozenset(
    (
        "a about after all also am an and any are as at be been before being between both but by can could "
        "did do does doing for from had has have having he her hers him his how i if in into is it its many "
        "me more most much my no not of on or other our out over s she should so some such t than that the "
        "their them then there these they this those through to too under until up us was we were what when "
        "where which while who whom whose why will with would you your"
    ).split()
)
"""English words that say nothing about a question's topic; left out of the lexical search."""


_NEAR_WORDS = 4
"""Most words between two neighbours: a header may stand between first and last name."""


def terms(question: str) -> list[str]:
    """Return the distinct content words of a question, in lower case and without stop words."""
    return [word for word in dict.fromkeys(words_of(question)) if word not in STOP_WORDS]


def near_query(question: str) -> str:
    """Return the question as an FTS5 query for neighbouring terms within a few words of each other; "" without any.

    Next to each other they count twice: of people with both names, those without another between them come first.
    """
    words = words_of(question)
    pairs = [(a, b) for a, b in pairwise(words) if not STOP_WORDS.intersection((a, b)) and a != b]
    return " OR ".join(f'"{a} {b}" OR NEAR("{a}" "{b}", {_NEAR_WORDS})' for a, b in dict.fromkeys(pairs))


def lexical_query(question: str) -> str:
    """Return the question as an FTS5 query that matches any of its terms."""
    return " OR ".join(f'"{term}"' for term in terms(question))
