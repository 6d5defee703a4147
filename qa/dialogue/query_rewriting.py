"""Query rewriting: candidate self-contained questions for a follow-up, by rule, from earlier questions and answers."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from qa.question.coreference import Back, Pointer
from qa.text.shallow_parsing import (
    BE,
    DO,
    PREPOSITIONS,
    Parts,
    Phrase,
    is_participle,
    is_plural,
    names_in,
    noun_phrases_in,
    participle_of,
    parts_of,
    words_with_places,
)

MAX_CANDIDATES = 10
_MAX_ANTECEDENT_WORDS = 8
_TURNS_FOR_ABOUT = 3

_LEADING = re.compile(r"^(?:and|but|so|ok|okay|then|well)\b[\s,]*", re.IGNORECASE)
_GROUPS = frozenset(
    "agency army association bank bureau church club college committee company cooperative corporation council court"
    " department directorate faction firm government group institute league ministry museum organisation organization"
    " parliament party police society state team tribunal trust union university".split()
)
_PEOPLE = frozenset(
    "architect artist attacker author bishop bomber boy captain chair chairman chairwoman chancellor composer cook"
    " councillor daughter director doctor emperor engineer farmer father founder general girl governor historian"
    " inventor judge king lawyer leader maiden man manager mayor minister mother musician nurse officer painter poet"
    " pope president prince princess queen scientist secretary singer sister soldier son teacher winner woman writer"
    " brother".split()
)
_HAVE_NAMES = _GROUPS | frozenset(
    "book building city country film island lake law man mountain movie person place province region river ship song"
    " state town treaty village war woman".split()
)
"""Nouns for things often called by name only, and later by "this" or "that" with the noun."""
_TITLES = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Sir|Lady|Lord|King|Queen|Captain|President|Mayor|Councillor|Pope|General)\b")
_MONTH = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)", re.IGNORECASE
)
_BY_ROLE = {"new": -0.5, "question": 0.0, "answer": 0.1, "part": 0.8, "where": 1.2, "sentence": 3.0}
"""Misfit of a phrase by where it stands; "new" is a phrase with "a" or "an", often a question's topic."""
_SEVERAL = 3.0

_MISFIT_RANGE = 3.5
"""Phrases whose misfit exceeds the lowest one by this much or more are dropped."""

_SUPERLATIVE = re.compile(
    r"^(?:first|last|premier|only|main|chief|major|best|worst|leading|\w+est|second|third)\s+", re.IGNORECASE
)
_COUNTED = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|\d+)\s+(?P<noun>(?:\w+\s+){0,3}?\w+s)\b")


@dataclass(frozen=True, slots=True)
class Said:
    """What a conversation remembers of a turn.

    Attributes:
        question: The question after rewriting.
        answers: The answers; empty if there were none.
        sentence: The sentence that holds the first answer; "" if there is none.
        meant: The phrase that replaced a pronoun in the question; "" if none did.
    """

    question: str
    answers: tuple[str, ...] = ()
    sentence: str = ""
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A self-contained version of a follow-up question.

    Attributes:
        question: The question.
        meant: The phrase that replaced a pronoun; "" if none did.
        misfit: How badly it fits the earlier turns; the likeliest rewriting has the lowest.
    """

    question: str
    meant: str = ""
    misfit: float = 0.0


def rewritings(question: str, pointer: Pointer, past: Sequence[Said]) -> list[Rewriting]:
    """Rewrite a follow-up question as candidate self-contained questions.

    Args:
        question: The follow-up as typed.
        pointer: The words in it that refer back.
        past: Earlier turns, latest first.

    Returns:
        Up to ten rewritings, likeliest first; empty if nothing earlier fits.
    """
    text = _LEADING.sub("", question.strip())
    moved = len(question) - len(question.lstrip()) + len(question.strip()) - len(text)
    words = pointer.words
    at = Phrase(words.start - moved, words.end - moved, words.text)
    made: Iterable[Rewriting]
    if pointer.back is Back.ASKED_ANEW:
        made = (Rewriting(new, said.meant) for said in past[:1] for new in _asked_anew(words.text, said))
    elif pointer.back is Back.MORE:
        made = (Rewriting(new, said.meant) for said in past if said.answers for new in _more(said))
    elif pointer.back is Back.ABOUT:
        recent = sorted(past[:_TURNS_FOR_ABOUT], key=lambda said: _fits_about(words.text, said))
        made = (Rewriting(new) for said in recent for new in _about(words.text, said))
    elif pointer.back is Back.OTHERS:
        made = (Rewriting(new) for said in past for new in _others(text, at, said))
    else:
        found = antecedents(pointer, past)
        made = (Rewriting(_replaced(text, at, meant, pointer), meant, misfit) for meant, misfit in found.items())
    once: dict[str, Rewriting] = {}
    for each in made:
        question = _as_question(each.question)
        once.setdefault(question, replace(each, question=question))
    return list(islice(once.values(), MAX_CANDIDATES))


def _as_question(words: str) -> str:
    text = " ".join(words.split()).rstrip(" ?.!")
    return f"{text[:1].upper()}{text[1:]}?"


def _replaced(text: str, at: Phrase, phrase: str, pointer: Pointer) -> str:
    """Replace the pronoun in a question by a phrase."""
    meant = phrase
    if pointer.possessive:
        meant += "\u2019" if phrase.endswith("s") else "\u2019s"
    elif pointer.back is Back.PLACE:
        before = text[: at.start].split()
        meant = phrase if before and before[-1].lower() in PREPOSITIONS else f"in {phrase}"
    return f"{text[: at.start]}{meant}{text[at.end :]}"


# Antecedents of a pronoun


def antecedents(pointer: Pointer, past: Sequence[Said]) -> dict[str, float]:
    """Return the phrases that a pronoun may refer to, likeliest first: by fit, and by age of the turn.

    Args:
        pointer: The pronoun.
        past: Earlier turns, latest first.

    Returns:
        The phrases without duplicates, each with its misfit.
    """
    known = {answer for said in past if _asks_who(said) for answer in said.answers if not _is_group(answer)}
    found = [
        (_misfit(pointer.back, phrase, role, known) + age, phrase)
        for age, said in enumerate(past)
        for role, phrase in _mentioned(said)
        if _can_be_meant(phrase)
    ]
    word, _, noun = pointer.words.text.lower().partition(" ")
    if noun:  # "this hymn" is one that was called so; "that country" may have been called by its name alone
        found = [pair for pair in found if noun in pair[1].lower() or (noun in _HAVE_NAMES and names_in(pair[1]))]
    elif word in {"this", "that"}:
        found += [(-1.0, f"that {statement}") for said in past[:1] if (statement := _statement(said))]
    if pointer.back is Back.GROUP:
        found += [(-1.0, pair) for said in past[:1] for pair in _pairs(said)]
    ordered = sorted(found, key=lambda pair: pair[0])
    once: dict[str, tuple[str, float]] = {}
    for misfit, phrase in ordered:
        if misfit < ordered[0][0] + _MISFIT_RANGE:
            once.setdefault(phrase.lower(), (phrase, misfit))
    return dict(once.values())


def _pairs(said: Said) -> Iterator[str]:
    """Yield "A and B" after a question that asks who someone is to somebody: "Jorinde and Joringel"."""
    names = names_in(said.question)
    if _asks_who(said) and names and said.answers and names_in(said.answers[0]):
        yield f"{names[0].text} and {said.answers[0]}"


def _mentioned(said: Said) -> Iterator[tuple[str, str]]:
    """Yield the phrases of a turn with their roles ("question", "answer", "sentence" …), the question's first."""
    # A phrase that replaced a pronoun counts as one, even if it holds several noun phrases.
    question = said.question.replace(said.meant, " ; ", 1) if said.meant else said.question
    names = names_in(question)
    phrases = noun_phrases_in(question)
    inside = {name.text for name in names for phrase in phrases if phrase.start <= name.start < phrase.end}
    mentions = sorted([*phrases, *(name for name in names if name.text not in inside)], key=lambda each: each.start)
    if said.meant:
        yield "question", said.meant
    where = "where" if said.question.lower().startswith("where") else "answer"
    whole = {_definite(each.text) for each in mentions}
    yield from (
        ("new" if re.match(r"an?\s", each.text) else "question", _of_what(_definite(each.text))) for each in mentions
    )
    yield from ((where, _definite(_bare(answer))) for answer in said.answers)
    yield from (("part", name.text) for answer in said.answers for name in names_in(answer) if name.text != answer)
    yield from (("part", name.text) for name in names if name.text in inside and f"the {name.text}" not in whole)
    yield from (("sentence", name.text) for name in names_in(said.sentence))


def _of_what(phrase: str) -> str:
    """Return the part after "the name of …" and the like."""
    return re.sub(r"^the\s+(?:name|title|number|kind|type|date|year|age)\s+of\s+", "", phrase)


def _can_be_meant(phrase: str) -> bool:
    words = [word.text.lower() for word in words_with_places(phrase)]
    is_short = 0 < len(words) <= _MAX_ANTECEDENT_WORDS
    return is_short and not {"its", "his", "her", "their"}.intersection(words) and not _is_time_or_number(phrase)


def _bare(answer: str) -> str:
    """Remove a leading preposition from an answer."""
    first, _, rest = answer.partition(" ")
    return rest if rest and first.lower() in PREPOSITIONS else answer


def _definite(phrase: str) -> str:
    return re.sub(r"^(?:a|an|A|An|The)\s+", "the ", phrase)


def _asks_who(said: Said) -> bool:
    return re.search(r"\bwhom?\b", said.question.lower()) is not None


def _is_group(phrase: str) -> bool:
    return any(word.text.lower() in _GROUPS for word in words_with_places(phrase))


def _is_person(phrase: str, known: set[str]) -> bool:
    if _is_group(phrase):
        return False
    own = re.split(r"[\u2019']s?\s+", phrase)[-1]
    head = re.split(r"\s+(?:of|in|on|at|for)\s+", own)[0].split()
    is_known = any(own in person or person in own for person in known)
    return is_known or head[-1].lower() in _PEOPLE or _TITLES.search(own) is not None


def _is_time_or_number(phrase: str) -> bool:
    words = [word.text for word in words_with_places(phrase)]
    return words[0][0].isdigit() or any(_MONTH.fullmatch(word) for word in words[:2])


def _misfit(back: Back, phrase: str, role: str, known: set[str]) -> float:
    """Return how badly a phrase fits a pronoun; 0 is a good fit. `antecedents` adds 1 for each turn of age."""
    part = _BY_ROLE[role]
    person = _is_person(phrase, known)
    if back is Back.PERSON:
        part += _SEVERAL if " and " in phrase else 0
        return part + (0 if person else 2 if names_in(phrase) and not _is_group(phrase) else 4)
    if back is Back.PLACE:
        return part + (4 if person else 0) - (2 if role == "where" else 0)
    if back is Back.GROUP:
        last, head = phrase.rsplit(maxsplit=1)[-1], re.split(r"\s+of\s+", phrase)[0]
        several = " and " in phrase or is_plural(last) or is_plural(head)
        return part + (0 if several else 0.7 if not person else 1.5)
    return part + (4 if person else 0)


def _statement(said: Said) -> str:
    """Return what a question presupposes, or states with its answer: "the bridge was closed"."""
    parts = parts_of(said.question)
    if parts is None:
        return ""
    if not parts.auxiliary:
        return f"{said.answers[0]} {parts.rest}" if said.answers else ""
    subject = _subject(parts.rest, before_verb=parts.auxiliary.lower() not in BE)
    if not subject or len(subject) == len(parts.rest):
        return ""
    auxiliary = "" if parts.auxiliary.lower() in DO else f" {parts.auxiliary}"
    return f"{subject}{auxiliary}{parts.rest[len(subject) :]}"


def _subject(rest: str, *, before_verb: bool = True) -> str:
    """Return the subject at the start of the words; the first word if none is recognized."""
    # After "did", a noun phrase does not extend over the verb that follows it.
    front = "did " if before_verb else "of "
    starts = [phrase for phrase in noun_phrases_in(front + rest) if phrase.start == len(front)]
    named = [phrase.text for phrase in starts] + [name.text for name in names_in(rest) if name.start == 0]
    if named:
        return max(named, key=len)
    owner = re.match(r"(?:\w+\s){0,6}?\w+[\u2019']s?\s\w+", rest)
    return owner[0] if owner else rest.partition(" ")[0]


# Ellipsis: words that are left out


def _asked_anew(asked: str, said: Said) -> Iterator[str]:
    """Yield the previous question with a new question word: "When was it founded?" after "Who founded it?"."""
    parts = parts_of(said.question)
    if parts is None:
        yield f"{asked} {said.question}"
        return
    asked = re.sub(r"\s+(?:exactly|precisely)$", "", asked, flags=re.IGNORECASE)
    if not parts.auxiliary:
        yield from _of_subject_question(asked, parts, said)
    elif parts.auxiliary.lower() in BE and re.match(r"(?:who|what|which)\b", parts.asked.lower()):
        yield from (f"{asked} {parts.auxiliary} {_article(answer)} {parts.rest}" for answer in said.answers[:1])
        yield f"{asked} {parts.auxiliary} {parts.rest}"
    else:
        yield from _with_object(asked, parts, said)
        yield f"{asked} {parts.auxiliary} {parts.rest}"


def _article(answer: str) -> str:
    return re.sub(r"^(The|A|An)\b", lambda match: match[0].lower(), answer)


def _of_subject_question(asked: str, parts: Parts, said: Said) -> Iterator[str]:
    verb, _, rest = parts.rest.partition(" ")
    participle = participle_of(verb)
    what = _subject(rest, before_verb=False) if rest else ""
    if participle is not None and what and what.split()[0].lower() not in PREPOSITIONS:
        be = "were" if is_plural(re.split(r"\s+(?:of|in)\s+", what)[0]) and not what[0].isupper() else "was"
        yield f"{asked} {be} {what} {participle}{rest[len(what) :]}"
    for answer in said.answers[:1]:
        yield f"{asked} had {_article(answer)} {participle or verb} {rest}"


def _with_object(asked: str, parts: Parts, said: Said) -> Iterator[str]:
    """Yield the question with the previous answer as object: "Why did they issue several videos?" after "What …?"."""
    if parts.auxiliary.lower() in BE or not re.match(r"(?:whom?|what|which|how many)\b", parts.asked.lower()):
        return
    subject = _subject(parts.rest)
    verb, _, after = parts.rest[len(subject) :].strip().partition(" ")
    if verb and said.answers:
        yield f"{asked} {parts.auxiliary} {subject} {verb} {_article(said.answers[0])} {after}"


def _more(said: Said) -> Iterator[str]:
    parts = parts_of(said.question)
    if parts is None:
        yield said.question
        return
    asked = parts.asked if "else" in parts.asked.lower().split() else f"{parts.asked} else"
    yield f"{asked} {parts.auxiliary} {parts.rest}"


def _fits_about(words: str, said: Said) -> bool:
    """Return False, which sorts first, for "who was" questions if a role follows: "and the scientist?"."""
    is_part = words.rsplit(maxsplit=1)[-1].lower() in _PEOPLE
    return not (is_part and re.match(r"who\s+(?:is|was|are|were)\b", said.question, re.IGNORECASE))


def _about(words: str, said: Said) -> Iterator[str]:
    """Yield the previous question with one of its phrases replaced by the new words."""
    new = words.strip()
    question = said.question.rstrip(" ?")
    places = [place for place in _replaceable(new, question) if place.text.lower() != new.lower()]
    yield from (f"{question[: place.start]}{new}{question[place.end :]}" for place in places)
    if not places:
        yield f"{question} {new}"


def _replaceable(new: str, question: str) -> list[Phrase]:
    """Return the phrases of a question that new words may replace, those of similar form first."""
    first = new.partition(" ")[0].lower()
    if first in PREPOSITIONS:
        return _governed(first, question)
    short = [_short(phrase) for phrase in noun_phrases_in(question)]
    names = names_in(question)
    bare = [
        word
        for word in words_with_places(question)[1:]
        if word.text.islower() and is_plural(word.text) and not is_participle(word.text)
    ]
    if any(char.isdigit() for char in new):
        return [word for word in words_with_places(question) if any(char.isdigit() for char in word.text)]
    if new[0].isupper():
        return [*names, *short]
    return [*short, *reversed(bare), *names] if first in {"the", "a", "an"} else [*reversed(bare), *short, *names]


def _governed(preposition: str, question: str) -> list[Phrase]:
    """Return the phrase after the same preposition, the preposition included."""
    match = re.search(rf"\b{preposition}\s+(?:the\s+)?[\w\u2019'.-]+(?:\s+(?:[A-Z]\w*|\d+))*", question)
    return [] if match is None else [Phrase(*match.span(), match[0])]


def _short(phrase: Phrase) -> Phrase:
    text = re.split(r"\s+(?:of|in|on|at|for)\s+", phrase.text)[0]
    return Phrase(phrase.start, phrase.start + len(text), text)


def _others(text: str, at: Phrase, said: Said) -> Iterator[str]:
    """Yield the question with "the others" made explicit: "the other two intelligence services of Pakistan"."""
    number = re.match(r"the\s+(?:others|other|remaining)(?:\s+(?P<count>\w+))?", at.text, re.IGNORECASE)
    known = said.answers[:1] or tuple(name.text for name in names_in(said.question)[:1])
    words = at.text.split()
    counted = number["count"] if number is not None else None
    if counted is not None and len(words) > _words_of_number(counted):
        besides = [*(name.text for name in names_in(said.question)), *known]
        yield from (f"{text[: at.start]}{at.text} besides {_article(each)}" for each in besides)
        return
    which = "the other" if counted in {None, "one", "ones"} else f"the other {counted}"
    for noun in _nouns_of_others(said):
        yield f"{text[: at.start]}{which} {noun}{text[at.end :]}"


def _words_of_number(counted: str) -> int:
    """Return how many words "the other" has with its number, if one follows, so that any more words are a noun."""
    return 3 if counted.isdigit() or counted.lower() in {"two", "three", "four", "five", "six", "one", "ones"} else 2


def _nouns_of_others(said: Said) -> Iterator[str]:
    for match in _COUNTED.finditer(said.sentence):
        yield said.sentence[match.start("noun") :].partition(",")[0].rstrip(".")
    for phrase in noun_phrases_in(said.question):
        noun = re.sub(r"^(?:the|a|an)\s+", "", phrase.text, flags=re.IGNORECASE)
        shorter = _SUPERLATIVE.sub("", noun)
        head, link, rest = shorter.partition(" of ")
        yield f"{head if is_plural(head) else head + 's'}{link}{rest}"
