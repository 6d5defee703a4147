"""Data augmentation: variants of questions and texts, some used in training and all in evaluation."""

import random
import re
from collections.abc import Callable, Mapping

Vary = Callable[[str, random.Random], str]
"""Rewrites a question or a text; the random generator makes any choices."""

_WORD_OF_QUESTION = re.compile(r"[\w'\u2019.-]+")
_DROPPED_FROM_KEYWORDS = frozenset("the a an is are was were did do does of to in for by what which how it".split())
_SHORTEST_MISTYPED = 5

_FIRST_WORD = re.compile(r"\w+")
_ASKED_FIRST = ("who", "what", "when", "where")
_NO_NAMES = frozenset(
    "who whom whose what when where why which how is are was were did do does has have had can could will would"
    " in on at to from of by for with during after before since the a an".split()
)
"""Words at the start of a question that are not names and lose their capital when a prefix is added."""

_POLITE = ("could you tell me", "can you please tell me", "I would like to know")
_PLACES = ("KABUL", "GENEVA", "NAIROBI", "LIMA", "OTTAWA")
_MONTHS = ("Jan.", "Feb.", "April", "July", "Oct.", "Nov.")
_WRITERS = ("Anna Keller", "David Osei", "Maria Santos", "James Whitfield")
_HEADINGS = ("Overview", "Background", "Summary", "Details")


def lower(question: str, _: random.Random) -> str:
    """Return the question in lower case."""
    return question.lower()


def upper(question: str, _: random.Random) -> str:
    """Return the question in upper case."""
    return question.upper()


def unmarked(question: str, _: random.Random) -> str:
    """Remove the question mark."""
    return question.rstrip(" ?") or question


def keywords(question: str, _: random.Random) -> str:
    """Reduce the question to its content words; unchanged if fewer than two are left."""
    words = [word for word in _WORD_OF_QUESTION.findall(question) if word.lower() not in _DROPPED_FROM_KEYWORDS]
    return " ".join(words) if len(words) > 1 else question


def mistyped(question: str, rng: random.Random, n_words: int = 1) -> str:
    """Swap two letters or drop one, in some words of at least five letters.

    Args:
        question: The question.
        rng: Chooses words and letters.
        n_words: Number of words to change, if there are that many.

    Returns:
        The question; unchanged if no word is long enough.
    """
    words = question.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= _SHORTEST_MISTYPED and word.isalpha()]
    for position in rng.sample(long, min(n_words, len(long))):
        words[position] = _mistype(words[position], rng)
    return " ".join(words)


def _mistype(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 2)
    first, second = word[at], word[at + 1]
    exchanged = rng.random() < 0.5 and first != second  # noqa: PLR2004
    return word[:at] + (second + first if exchanged else second) + word[at + 2 :]


def mistyped_once_or_twice(question: str, rng: random.Random) -> str:
    """Put a typing mistake into one or two words."""
    return mistyped(question, rng, rng.choice((1, 2)))


def corrected(question: str, rng: random.Random) -> str:
    """Begin with another question word, corrected in mid-sentence: "where, no, when was it?"."""
    first = _FIRST_WORD.search(question)
    wrong = rng.choice([word for word in _ASKED_FIRST if first is None or word != first[0].lower()])
    return _put_before(f"{wrong}, no,", question)


def polite(question: str, rng: random.Random) -> str:
    """Put a polite request in front of the question."""
    return _put_before(rng.choice(_POLITE), question)


def _put_before(words: str, question: str) -> str:
    """Put words in front of a question, moving its initial capital to them unless that belongs to a name."""
    question = question.strip()
    first = _FIRST_WORD.match(question)
    if first is None or first[0].lower() not in _NO_NAMES:
        return f"{words} {question}"
    if question[0].isupper():
        words = words[0].upper() + words[1:]
    return f"{words} {question[0].lower()}{question[1:]}"


def byline(text: str, rng: random.Random) -> str:
    """Put a writer's name above the text, as a distractor."""
    return f"By {rng.choice(_WRITERS)}, Staff Writer\n\n{text}"


def dateline(text: str, rng: random.Random) -> str:
    """Put a report's place, date and agency in front of the text, as distractors."""
    return f"{rng.choice(_PLACES)}, {rng.choice(_MONTHS)} {rng.randint(1, 28)} (Agency) \u2014 {text}"


def headed(text: str, rng: random.Random) -> str:
    """Put a heading above the text."""
    return f"## {rng.choice(_HEADINGS)}\n\n{text}"


def bulleted(text: str, _: random.Random) -> str:
    """Turn the text into a list of its sentences."""
    from nupunkt import sent_spans  # loads its model on first use

    return "\n".join(f"- {' '.join(text[start:end].split())}" for start, end in sent_spans(text))


QUESTION_VARIANTS: Mapping[str, Vary] = {
    "lower-case": lower,
    "upper-case": upper,
    "no-mark": unmarked,
    "keywords": keywords,
    "mistyped": mistyped_once_or_twice,
    "corrected": corrected,
    "polite": polite,
}
"""Rewritings of a question, by name."""

TEXT_VARIANTS: Mapping[str, Vary] = {
    "byline": byline,
    "dateline": dateline,
    "heading": headed,
    "bulleted": bulleted,
}
"""Rewritings of a text, by name; they move the answers in it."""
