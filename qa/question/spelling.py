"""Typing mistakes in questions: a word that stands nowhere is taken for one that does and is a letter away from it."""

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
    """Tells which of some words, in lower case, documents hold."""

    def __call__(self, words: Collection[str], *, as_written: bool = False) -> Collection[str]:
        """Choose those that are held.

        Args:
            words: Words.
            as_written: In this form; else in any form, with whatever ending.

        Returns:
            Those that are held.
        """


class Speller:
    """Mends typing mistakes. It loads 160,000 English words for the first question, in a quarter of a second."""

    @cached_property
    def _english(self) -> "SpellChecker":
        """English words with how often they are used."""
        from spellchecker import SpellChecker

        return SpellChecker(language="en", distance=1)

    def respelled(self, question: str, held: Held) -> str:
        """A question without typing mistakes, as far as they can be told.

        A word that is neither English nor in the documents is taken for the word that is and that differs from it by
        two neighbours exchanged, a letter left out, one too many, or another one (Damerau 1964, "A technique for
        computer detection and correction of spelling errors"); first for one that the documents hold. Of words with a
        capital no more than two neighbours are exchanged: nobody is to be told about Thompson who asked about Thomson.
        A question most of whose words are strange, or more than six, is in another language, and stays as it is.

        Args:
            question: The question, as it was typed.
            held: Tells which words the documents hold.

        Returns:
            The question as it is understood; the same where nothing looks mistyped.
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
        """The word that is meant.

        Args:
            word: A word that is neither English nor in the documents.
            held: Tells which words the documents hold.

        Returns:
            The word; the same where there is none.
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
    """Which words a text holds that is not in the index.

    Args:
        text: The text.

    Returns:
        What tells.
    """
    written = set(words_of(text))
    stem = Stemmer.Stemmer("porter").stemWord
    stems = {stem(word) for word in written}

    def held(words: Collection[str], *, as_written: bool = False) -> Collection[str]:
        return [word for word in words if (word in written if as_written else stem(word) in stems)]

    return held


def _mistake(typed: str, meant: str) -> int:
    """How a word was mistyped, the likelier the lower."""
    if len(typed) != len(meant):
        return _LEFT_OUT if len(typed) < len(meant) else _TOO_MANY
    return _EXCHANGED if sorted(typed) == sorted(meant) else _ANOTHER
