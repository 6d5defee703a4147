"""What is searched for by words: stop words, the terms of a question, and its query in FTS5's syntax."""

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
"""English words that say nothing of what a question is about; left out of the lexical search."""


def terms(question: str) -> list[str]:
    """The words of a question that tell what it is about: lower case, stop words dropped, each once."""
    return [word for word in dict.fromkeys(words_of(question)) if word not in STOP_WORDS]


def lexical_query(question: str) -> str:
    """A question in FTS5's syntax: its terms, quoted, any of which may match."""
    return " OR ".join(f'"{term}"' for term in terms(question))
