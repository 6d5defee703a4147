"""Proximity: how close together the words of a question are in a passage, which BM25 ignores."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

import Stemmer

from index.records import Proximity

WINDOW_WORDS = 12

_WORD = re.compile(r"\w[\w\u0300-\u036f]*")  # with combining accents, as FTS5's tokenizer has them


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORD.findall(text.lower())


def measure(question: str, terms: Sequence[str], texts: Sequence[Sequence[str]]) -> list[Proximity]:
    """Measure how close together each passage has the words of a question.

    The two figures are the ordered and the unordered window of the sequential dependence model (Metzler and Croft 2005,
    "A Markov random field model for term dependencies"), the latter over all terms at once. Words are compared by their
    Porter stems and weighted by inverse document frequency, as in BM25, among the passages compared.

    Args:
        question: The question.
        terms: Its content words, in lower case.
        texts: The passages, each with its title and headings; of a passage of several units, such as rows of a table,
            each by itself, for the figures of the best.

    Returns:
        The figures of each passage; 0 if the question has no terms, or fewer than two words.
    """
    stem = Stemmer.Stemmer("porter").stemWords
    asked = stem(words_of(question))
    stems = frozenset(stem(list(terms)))
    passages = [[stem(words_of(unit)) for unit in units] for units in texts]
    weights = _rarity(frozenset(asked) | stems, [list(chain.from_iterable(units)) for units in passages])
    pairs = {pair: weights[pair[0]] + weights[pair[1]] for pair in pairwise(asked)}
    all_terms, all_pairs = sum(weights[term] for term in stems), sum(pairs.values())
    return [
        Proximity(
            window=max(_densest(words, stems, weights) for words in units) / all_terms if stems else 0.0,
            phrases=max(_held(words, pairs) for words in units) / all_pairs if pairs else 0.0,
        )
        for units in passages
    ]


def _rarity(words: frozenset[str], passages: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the inverse document frequency of each word, as in BM25; always above 0."""
    holding = Counter(word for passage in passages for word in words.intersection(passage))
    return {word: math.log(1 + (len(passages) - holding[word] + 0.5) / (holding[word] + 0.5)) for word in words}


def _held(words: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> float:
    """Return the total weight of the pairs that are neighbours in a text."""
    return sum(pairs[pair] for pair in pairs.keys() & set(pairwise(words)))


def _densest(words: Sequence[str], stems: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return the largest total weight of distinct terms within a window."""
    places = [(place, word) for place, word in enumerate(words) if word in stems]
    inside: Counter[str] = Counter()
    best = weight = 0.0
    first = 0
    for place, word in places:
        if not inside[word]:
            weight += weights[word]
        inside[word] += 1
        while places[first][0] < place - WINDOW_WORDS:
            gone = places[first][1]
            inside[gone] -= 1
            if not inside[gone]:
                weight -= weights[gone]
            first += 1
        best = max(best, weight)
    return best
