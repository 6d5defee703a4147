"""Matching words and phrases in a text, exactly where they stand: case and accents are ignored, nothing else."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import Stemmer

from index.errors import ParameterError
from index.records import check_unicode
from index.retrieval.lexical import STOP_WORDS

NEAR_CHARS = 300
"""Most characters in which several words count as standing together."""
MAX_WORDS_CHARS = 1_000
MAX_TERMS = 20

_TERM = re.compile(r'["“”„]([^"“”„]*)(?:["“”„]|$)|([^\s"“”„]+)')
_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f])*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
"""Characters of scripts written without spaces: Thai, Lao, Burmese, Khmer, Chinese, Japanese."""
_LAST_FOLDED = 0x2000
"""Letters with accents, of alphabets that have capitals, are below this code point."""
Span = tuple[int, int]
"""Offsets of the first character and after the last, in code points."""

_AFTER = r"(?![^\W_])"
_SIGMAS = "\u03c3\u03c2"
_REST = r"(?:[^\W_]|[\u0300-\u036f])*"


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase to look for.

    Attributes:
        text: As typed, without quotation marks.
        any_form: Whether each of its words may stand in any form of its stem.
    """

    text: str
    any_form: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Words, in lower case, that a text holds in some form of their stem if it holds the term."""
        if self.strings:
            return ()
        words = [word.lower() for word in _WORD.findall(self.text)]
        return tuple([word for word in words if word not in STOP_WORDS] or words)

    @property
    def strings(self) -> tuple[str, ...]:
        """Strings that a text holds if it holds the term: signs, and words of scripts without spaces."""
        unspaced = _UNSPACED.findall(self.text)
        return tuple(unspaced if unspaced or _WORD.search(self.text) else self.text.split())

    def occurrences(self, text: str, *, is_folded: bool) -> Iterator[Span]:
        """Yield each place of a text where the term stands, in order.

        Args:
            text: The text.
            is_folded: Whether it is in lower case, which is searched several times as fast.

        Yields:
            Its start and end.
        """
        pattern, stems = _compiled(self.text, self.any_form, text.isascii(), is_folded)
        begins_word = bool(stems) or _is_edge(self.text[0])
        stem_of = Stemmer.Stemmer("porter").stemWord
        at = 0
        while (found := pattern.search(text, at)) is not None:
            start, at = found.span()
            # Looked at here: behind an assertion, the pattern would be tried at every character.
            if begins_word and start and _goes_on(text[start - 1]):
                at = start + 1
            elif not stems or all(
                stem_of(_plain(word)) == stem for word, stem in zip(found.groups(), stems, strict=True)
            ):
                yield found.span()


def terms_of(words: str, *, any_form: bool = False) -> tuple[Term, ...]:
    """Split what was typed into words, and phrases in quotation marks.

    Args:
        words: What was typed.
        any_form: Whether each word may stand in any form of its stem.

    Returns:
        The different terms, at least one.

    Raises:
        ParameterError: There are none, or too many, or they are not valid Unicode.
    """
    check_unicode("words", words)
    if len(words) > MAX_WORDS_CHARS:
        raise ParameterError(f"words has {len(words):,} characters, at most {MAX_WORDS_CHARS:,}; look for fewer words")
    typed = (" ".join((phrase or word).split()) for phrase, word in _TERM.findall(words))
    terms = tuple(dict.fromkeys(Term(text, any_form) for text in typed if text and text.isprintable()))
    if not terms:
        raise ParameterError(f"words={words[:20]!r} holds nothing to look for; type words, or a phrase in quotes")
    if len(terms) > MAX_TERMS:
        raise ParameterError(f"words has {len(terms)} words and phrases, at most {MAX_TERMS}; look for fewer")
    return terms


def matched(text: str, terms: Sequence[Term]) -> tuple[list[Span], list[Span]]:
    """Find where terms stand in a text.

    Args:
        text: The text.
        terms: The words and phrases.

    Returns:
        The places in order, and all words and phrases with theirs. A place is a stretch of at most `NEAR_CHARS`
        with all terms; if the text holds them all, but never so close, each word or phrase that is no stop word. Both
        are empty unless the text holds all terms.
    """
    lower = text.lower()
    is_folded = len(lower) == len(text)  # some letters of other alphabets become two
    standing: list[tuple[int, int, int]] = []
    for number, term in enumerate(terms):
        found = [
            (start, end, number) for start, end in term.occurrences(lower if is_folded else text, is_folded=is_folded)
        ]
        if not found:
            return [], []
        standing += found
    standing.sort()
    places = list(_together(standing, len(terms)))
    if not places:
        telling = {number for number, term in enumerate(terms) if term.text.lower() not in STOP_WORDS}
        places = [(start, end) for start, end, number in standing if number in telling or not telling]
    return places, [(start, end) for start, end, _ in standing]


def _together(standing: Sequence[tuple[int, int, int]], n_terms: int) -> Iterator[Span]:
    """Yield the short stretches with all terms; none overlaps another."""
    last: dict[int, tuple[int, int]] = {}
    for start, end, number in standing:
        last[number] = (start, end)
        if len(last) == n_terms:
            first, after = min(each[0] for each in last.values()), max(each[1] for each in last.values())
            if after - first <= NEAR_CHARS or n_terms == 1:
                yield first, after
                last.clear()


@cache
def _variants() -> dict[str, str]:
    """Return the letters that are a letter with accents, by that letter, both in lower case."""
    found: dict[str, str] = {}
    for code in range(0x80, _LAST_FOLDED):
        char = chr(code)
        base = unicodedata.normalize("NFD", char)[0]
        if char.isalpha() and base != char:
            found[base.lower()] = found.get(base.lower(), "") + char
    return found


def _plain(word: str) -> str:
    """Return a word in lower case, without accents."""
    return "".join(char for char in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(char))


@lru_cache(512)
def _letter(char: str, *, is_ascii: bool) -> str:
    """Return a pattern for a character, whatever its accents."""
    if not char.isalpha():
        return re.escape(char)
    base = unicodedata.normalize("NFD", char)[0].lower()
    if is_ascii:
        return re.escape(base)
    if base in _SIGMAS:
        return f"[{_SIGMAS}]"
    return f"[{re.escape(base)}{_variants().get(base, '')}][\u0300-\u036f]*"


@lru_cache(64)
def _compiled(term: str, any_form: bool, is_ascii: bool, is_folded: bool) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return the pattern of a term, and the stems that its groups must have; none if the form matters.

    Args:
        term: The term.
        any_form: Whether its words may stand in any form of their stems.
        is_ascii: Whether it is for texts in ASCII, where there are no accents.
        is_folded: Whether it is for texts in lower case.

    Returns:
        The pattern, with a group for each word whose form does not matter.
    """
    flags = (re.NOFLAG if is_folded else re.IGNORECASE) | (re.ASCII if is_ascii else re.NOFLAG)
    words = [_WORD.findall(part) for part in term.split()]
    if any_form and all(len(found) == 1 and not _UNSPACED.search(found[0]) for found in words):
        stems = tuple(Stemmer.Stemmer("porter").stemWords([_plain(found[0]) for found in words]))
        # Other forms of a stem share all but its last letter: "flies" and "fly" have the stem "fli".
        parts = [f"({_letters(stem[:-1] or stem, is_ascii=is_ascii)}{_REST})" for stem in stems]
        return re.compile(r"[\W_]+".join(parts) + _AFTER, flags), stems
    bare = unicodedata.normalize("NFC", term)
    pattern = r"\s+".join(_letters(part, is_ascii=is_ascii) for part in bare.split())
    return re.compile(pattern + (_AFTER if _is_edge(bare[-1]) else ""), flags), ()


def _letters(text: str, *, is_ascii: bool) -> str:
    return "".join(_letter(char, is_ascii=is_ascii) for char in text if not unicodedata.combining(char))


def _goes_on(char: str) -> bool:
    """Whether a word goes on from this character to the next."""
    return char.isalnum() or bool(unicodedata.combining(char))


def _is_edge(char: str) -> bool:
    """Whether a word ends beside this character only where no letter or digit follows."""
    return char.isalnum() and not _UNSPACED.match(char)
