"""Spelling correction: a word that neither English nor the documents have is replaced by one a single edit away."""

import re
from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import Stemmer

from index.retrieval.proximity import words_of

if TYPE_CHECKING:
    from spellchecker import SpellChecker

_WORD = re.compile(r"(?<![\w\u2019'.@/-])[A-Za-z]{4,}(?![\w@/-]|[\u2019'.]\w)")
_ALWAYS_MENDED, _MOST_STRANGE, _MOST_MENDED = 2, 0.5, 6
_EXCHANGED, _LEFT_OUT, _TOO_MANY, _ANOTHER = range(4)


class Held(Protocol):
    """Tells which words, in lower case, occur in the documents."""

    def __call__(self, words: Collection[str], *, as_written: bool = False) -> Collection[str]:
        """Select the words that occur.

        Args:
            words: Words.
            as_written: Match this form exactly; otherwise any word with the same stem.

        Returns:
            Those that occur.
        """


class Speller:
    """Corrects typing mistakes. Loads 160,000 English words for the first question: a quarter of a second."""

    @cached_property
    def _english(self) -> "SpellChecker":
        """English words with their frequencies."""
        from spellchecker import SpellChecker

        return SpellChecker(language="en", distance=1)

    def respelled(self, question: str, held: Held) -> str:
        """Correct typing mistakes in a question.

        A word that is neither English nor in the documents is replaced by one that is, at a distance of one
        transposition, missing letter, extra letter or wrong letter (Damerau 1964, "A technique for computer detection
        and correction of spelling errors"); words in the documents are preferred. In capitalized words only
        transpositions are corrected: who asked about Thomson should not be told about Thompson. A question with more
        than six unknown words, or mostly unknown ones, is in another language and is left unchanged.

        Args:
            question: The question as typed.
            held: Tells which words the documents have.

        Returns:
            The corrected question; unchanged if nothing looks mistyped.
        """
        words = _WORD.findall(question)
        unknown = {word for word in words if word.lower() not in self._english}
        known = held([word.lower() for word in unknown]) if unknown else ()
        strange = {word for word in unknown if word.lower() not in known}
        if len(strange) > min(_MOST_MENDED, max(_ALWAYS_MENDED, _MOST_STRANGE * len(words))):
            return question
        meant = {word: self._meant(word, held) for word in strange if word[1:].islower()}
        return _WORD.sub(lambda match: meant.get(match[0], match[0]), question)

    def _meant(self, word: str, held: Held) -> str:
        """Find the word that was meant.

        Args:
            word: A word that is neither English nor in the documents.
            held: Tells which words the documents have.

        Returns:
            The word meant; the same word if none is found.
        """
        typed, english = word.lower(), self._english
        others = {other for other in english.edit_distance_1(typed) if other.isalpha()}
        if word != typed:
            others = {other for other in others if _mistake(typed, other) == _EXCHANGED}
        words = english.known(others)
        present = {*held(words), *held(others - words, as_written=True)}
        best = min(present or words, key=lambda other: (_mistake(typed, other), -english[other], other), default=typed)
        return best.capitalize() if word[0].isupper() else best


def held_by(text: str) -> Held:
    """Return a function that tells which words a text outside the index has.

    Args:
        text: The text.

    Returns:
        The function.
    """
    written = set(words_of(text))
    stem = Stemmer.Stemmer("porter").stemWord
    stems = {stem(word) for word in written}

    def held(words: Collection[str], *, as_written: bool = False) -> Collection[str]:
        return [word for word in words if (word in written if as_written else stem(word) in stems)]

    return held


def _mistake(typed: str, meant: str) -> int:
    """Return the kind of typing mistake; lower is likelier."""
    if len(typed) != len(meant):
        return _LEFT_OUT if len(typed) < len(meant) else _TOO_MANY
    return _EXCHANGED if sorted(typed) == sorted(meant) else _ANOTHER
