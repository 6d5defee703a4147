"""Coreference: finds the pronoun or ellipsis by which a question refers to what was said before.

It works without a model, and must not take a stand-alone question for a follow-up: a pronoun counts only if nothing
before it in its own question can be its antecedent.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from qa.text.shallow_parsing import (
    AUXILIARIES,
    BE,
    DO,
    NUMBER_WORDS,
    PREPOSITIONS,
    QUESTION_WORDS,
    Phrase,
    is_participle,
    names_in,
    participle_of,
    words_with_places,
)


class Back(Enum):
    """How a question refers back."""

    PERSON = auto()
    THING = auto()
    GROUP = auto()
    PLACE = auto()
    ASKED_ANEW = auto()
    ABOUT = auto()
    MORE = auto()
    OTHERS = auto()


@dataclass(frozen=True, slots=True)
class Pointer:
    """The words of a question that refer back.

    Attributes:
        back: How they refer back.
        words: The words and their offsets: a pronoun, with the noun after "this" or "that"; the words that ask again
            ("by whom"); the topic of a "what about".
        possessive: Whether they are possessive.
    """

    back: Back
    words: Phrase
    possessive: bool = False


_PRONOUNS = {
    **dict.fromkeys("he him his she her".split(), Back.PERSON),
    **dict.fromkeys("it its this that".split(), Back.THING),
    **dict.fromkeys("they them their these those".split(), Back.GROUP),
    "there": Back.PLACE,
}
_POSSESSIVES = frozenset("his her its their".split())
_DEMONSTRATIVES = frozenset("this that these those".split())
_SUBORDINATORS = frozenset(
    "when while after before because since although though if unless until that which who whose where as than whether"
    " and or but so".split()
)
_REPORTS_OR_CAUSES = frozenset(
    "believe believed think thought say says said feel felt argue argued make makes made cause causes caused let lets"
    " allow allows allowed help helps helped enable enables enabled require requires required".split()
)
"""Verbs with a dependent clause that may contain the antecedent: "what made people believe it?"."""

_WITHIN = frozenset("in on around within behind inside with under near over between among to".split())
"""Prepositions after which a pronoun may refer to its own clause: "a city with a river in it"."""

_SAY_LITTLE = frozenset(
    "name names title year date day month time place kind type sort part number amount percentage percent age reason"
    " purpose result effect cause role job profession nationality occupation size colour color many much long old far"
    " often first last next new main exactly also still ever later now then".split()
)
"""Words that are never the antecedent of a later pronoun: "what is the name of its capital?"."""

_LEADS = frozenset("and but so or ok okay then well yes no also oh".split())
_LEAD = r"(?:(?:and|but|so|or|ok|okay|then|well|yes|no|also|oh)\b[\s,]*)*"
_PREPOSITION = rf"(?:(?:{'|'.join(sorted(PREPOSITIONS))})\s+)?"
_MEASURES = r"long|many|much|old|far|often|big|tall|large|deep|high|fast|soon|wide|heavy|late|early"
_ASKED_ANEW = re.compile(
    rf"{_LEAD}(?P<words>{_PREPOSITION}(?:(?:who|whom|what|when|where|why|how)(?:\s+(?:exactly|precisely|not|come))?"
    rf"|how\s+(?:{_MEASURES})(?:\s+\w+)?|(?:which|what|whose)\s+\w+))\W*",
    re.IGNORECASE,
)
_MORE = re.compile(
    rf"{_LEAD}(?:(?:who|whom|what|where|when|which(?:\s+\w+)?|any(?:one|body|thing|where)?|some(?:one|body|thing))\s+"
    r"(?:else|more|others?)|(?:are|were|is|was)\s+there\s+(?:any\s+)?(?:more|others)|more|others)\W*",
    re.IGNORECASE,
)
_ABOUT = re.compile(rf"{_LEAD}(?:what|how)\s+about\s+(?P<words>.+?)\W*|(?:and|but)\s+(?P<bare>.+?)\W*", re.IGNORECASE)
_MOST_WORDS_ABOUT = 7
_OTHERS = re.compile(
    rf"\bthe\s+(?:others|(?:other|remaining)(?:\s+(?:{'|'.join(NUMBER_WORDS)}|\d+))?(?:\s+ones?|\s+(?!ones?\b)\w+)?)\W*$",
    re.IGNORECASE,
)
_EMPTY_IT = re.compile(
    r"\b(?:is|was|does|did|will|would|can|it)\s+(?:it\s+)?(?:take|mean|cost|possible|important|necessary|true|likely|difficult"
    r"|hard|easy|better|best|common|legal|illegal|safe|called)\s+(?:\w+\s+){0,5}?(?:to|for|that|when|if)\b"
    r"|\b(?:is|was)\s+it\s+\w+(?:\s+up)?\s+(?:that|to|the|whether|or)\b|\bit\s+is\b|\bis\s+it\s+(?:that|when)\b|\btime\s+is\s+it\b",
    re.IGNORECASE,
)


def pointer_of(question: str) -> Pointer | None:
    """Find the words in a question that refer back.

    Args:
        question: The question as typed.

    Returns:
        The first words that refer back; None for a stand-alone question.
    """
    return _left_out(question) or _others(question) or _pronoun(question)


def _left_out(question: str) -> Pointer | None:
    text = question.strip()
    if _MORE.fullmatch(text):
        return Pointer(Back.MORE, Phrase(0, len(text), text))
    about = _ABOUT.fullmatch(text)
    if about:
        group = "words" if about["words"] is not None else "bare"
        if _names_something(about[group]):
            return Pointer(Back.ABOUT, Phrase(*about.span(group), about[group]))
    anew = _ASKED_ANEW.fullmatch(text)
    if anew:
        last = words_with_places(anew["words"])[-1].text.lower()
        is_verb = participle_of(last) is not None or last in AUXILIARIES or last in _PRONOUNS or last.endswith("ed")
        return None if is_verb else Pointer(Back.ASKED_ANEW, Phrase(*anew.span("words"), anew["words"]))
    return None


def _names_something(words: str) -> bool:
    """Return whether the words are a phrase, not a question: "the scientist", "in 2011"."""
    lower = [word.text.lower() for word in words_with_places(words)]
    is_short = 0 < len(lower) <= _MOST_WORDS_ABOUT
    return is_short and not (AUXILIARIES | QUESTION_WORDS | _PRONOUNS.keys() - {"this", "that"}).intersection(lower)


def _others(question: str) -> Pointer | None:
    match = _OTHERS.search(question)
    if match is None or names_in(question):
        return None
    return Pointer(Back.OTHERS, Phrase(match.start(), len(question.rstrip(" ?!.")), match[0].rstrip(" ?!.")))


def _pronoun(question: str) -> Pointer | None:
    words = words_with_places(question)
    lower = [word.text.lower() for word in words]
    names = names_in(question)
    for position, word in enumerate(words):
        back = _PRONOUNS.get(lower[position])
        is_name = any(name.start <= word.start < name.end for name in names)
        if back is None or is_name or (position > 0 and word.text[0].isupper()) or _clause_first(lower, position):
            continue
        if lower[position] in _DEMONSTRATIVES:
            found = _demonstrative(question, words, lower, position)
        elif lower[position] == "there":
            found = position > 0 and position == len(words) - 1 and lower[position - 1] not in BE
        else:
            found = _refers_back(question, words, lower, position)
        if found:
            return _pointer(question, words, lower, position)
    return None


def _pointer(question: str, words: list[Phrase], lower: list[str], position: int) -> Pointer:
    word = words[position]
    is_possessive = lower[position] in _POSSESSIVES and (
        lower[position] != "her" or _is_noun_after(question, words, lower, position)
    )
    end = word.end
    if lower[position] in _DEMONSTRATIVES and _is_noun_after(question, words, lower, position):
        end = words[position + 1].end
    return Pointer(_PRONOUNS[lower[position]], Phrase(word.start, end, question[word.start : end]), is_possessive)


def _is_noun_after(question: str, words: list[Phrase], lower: list[str], position: int) -> bool:
    if position + 1 >= len(words) or question[words[position].end : words[position + 1].start].strip():
        return False
    following = lower[position + 1]
    functional = PREPOSITIONS | AUXILIARIES | QUESTION_WORDS | _PRONOUNS.keys() | _SUBORDINATORS
    return (
        following not in functional | {"the", "a", "an"}
        and not following.endswith("ly")
        and not is_participle(following)
    )


def _clause_first(lower: list[str], position: int) -> bool:
    """Return whether a clause or phrase precedes the question itself: then it has the antecedent of a pronoun."""
    asks = next((i for i, word in enumerate(lower) if word in QUESTION_WORDS - {"when", "where"}), 0)
    asks = min(asks, 0 if lower[0] in {"when", "where"} and lower[1:2] and lower[1] in AUXILIARIES else asks)
    leads = [i for i in range(asks) if _may_be_noun(lower, i) and lower[i] not in _LEADS]
    return position < asks or bool(leads)


def _demonstrative(question: str, words: list[Phrase], lower: list[str], position: int) -> bool:
    """Return whether "this" or "that" refers to something, and does not introduce a clause."""
    if position == 0:
        return False
    follows = lower[position - 1] in AUXILIARIES | PREPOSITIONS or is_participle(lower[position - 1])
    if position == len(words) - 1:
        return True
    if lower[position + 1] in _SAY_LITTLE:
        return False  # "at this time", "this type of car": refers to nothing, or to the question itself
    if lower[position] == "this":
        return follows or _is_noun_after(question, words, lower, position)
    return (
        lower[position - 1] in BE | PREPOSITIONS
        and _is_noun_after(question, words, lower, position)
        and not (lower[position] == "those" and lower[position + 1] in _SUBORDINATORS)
    )


def _refers_back(question: str, words: list[Phrase], lower: list[str], position: int) -> bool:
    """Return whether a personal pronoun has no antecedent before it in its own question."""
    if lower[position] == "it" and _EMPTY_IT.search(question):
        return False
    before = _may_be_meant(question, words, lower, position)
    follows_auxiliary = position > 0 and lower[position - 1] in AUXILIARIES
    if follows_auxiliary and not _SUBORDINATORS.intersection(lower[1 : position - 1]):
        is_own = lower[position] in _POSSESSIVES and lower[position - 1] in {"has", "have", "had"}
        return not (is_own and before)
    if not before:
        return True
    is_object = lower[position] not in _POSSESSIVES and lower[position] not in {"he", "she", "they"}
    in_main_clause = not (_SUBORDINATORS | _REPORTS_OR_CAUSES | {"to"}).intersection(lower[1:position])
    has_owner = any(word.endswith(("'s", "\u2019s")) for word in lower[:position])
    return is_object and in_main_clause and not has_owner and lower[position - 1] not in _WITHIN


def _may_be_meant(question: str, words: list[Phrase], lower: list[str], position: int) -> bool:
    """Return whether something before a pronoun may be its antecedent."""
    is_own = lower[position] in _POSSESSIVES and lower[position - 1] not in AUXILIARIES
    is_subject = lower[0] in {"who", "whose"} or (lower[0] == "what" and not AUXILIARIES.intersection(lower[:position]))
    if is_own and is_subject:
        return True  # "who lost his life?", "what gave its name to the lake?"
    begin = _subject_begins(lower, position)
    nouns = [words[i] for i in range(begin, position) if _may_be_noun(lower, i)]
    if begin > 0 and _PRONOUNS[lower[position]] is Back.PERSON and any(char.isupper() for char in question[1:]):
        return any(noun.text[0].isupper() for noun in nouns)
    return bool(nouns)


def _subject_begins(lower: list[str], position: int) -> int:
    """Start of the antecedent search: after the auxiliary, since a pronoun never refers to what is asked for."""
    auxiliary = next((i for i in range(position) if lower[i] in AUXILIARIES), None)
    owns = lower[position] in _POSSESSIVES and lower[position - 1] not in BE | DO
    return 0 if auxiliary is None or owns else auxiliary + 1


def _may_be_noun(lower: list[str], i: int) -> bool:
    functional = PREPOSITIONS | AUXILIARIES | QUESTION_WORDS | _SUBORDINATORS | _PRONOUNS.keys() | _SAY_LITTLE
    is_verb = participle_of(lower[i]) is not None or (i == 1 and lower[0] == "who") or lower[i] == "else"
    return lower[i] not in functional and not is_verb and lower[i] not in {"the", "a", "an"}
