"""Shallow parsing of English by rules: names, noun phrases, numbers, the parts of a question.

Rules, not a trained tagger: packaged taggers come with a pipeline larger than our reader, and follow-up questions are
decided by the reader's confidence anyway.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.retrieval.lexical import STOP_WORDS

BE = frozenset("is are was were be been".split())
DO = frozenset("do does did".split())
MODALS = frozenset("can could will would shall should may might must".split())
AUXILIARIES = BE | DO | MODALS | frozenset("has have had".split())
PREPOSITIONS = frozenset(
    "about above across after against along among around at before behind below beside besides between beyond by during"
    " except for from in inside into near of off on onto out outside over since through till to toward towards under"
    " until up upon via with within without".split()
)
QUESTION_WORDS = frozenset("who whom whose what when where which why how".split())
PARTICIPLES = frozenset(
    "born bought broken brought built caught chosen cut done drawn driven eaten fought found given heard held hit hung"
    " kept known laid led left lent lost made met paid put read run said sold seen sent set shot shown sung spent"
    " spoken stolen struck sung taken taught thought thrown told torn won worn written".split()
)
"""Participles that do not end in -ed."""

_PAST = {
    "began": "begun", "broke": "broken", "chose": "chosen", "did": "done", "drew": "drawn", "drove": "driven",
    "ate": "eaten", "gave": "given", "grew": "grown", "knew": "known", "saw": "seen", "sang": "sung",
    "spoke": "spoken", "stole": "stolen", "took": "taken", "threw": "thrown", "tore": "torn", "wore": "worn",
    "wrote": "written", "ran": "run",
}  # fmt: skip
_DETERMINERS = frozenset("the a an this that these those several some all each every both its his her their".split())
_PRONOUNS = frozenset(
    "i you he she it we they me him her us them this that these those there one ones who whom".split()
)
_ENDS_A_PHRASE = (
    STOP_WORDS | AUXILIARIES | PREPOSITIONS | QUESTION_WORDS | PARTICIPLES | _PRONOUNS | _DETERMINERS | _PAST.keys()
)
_WORD = re.compile(r"[^\W_][\w\u2019'.&-]*[^\W_]|[^\W_]")
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w&-]*(?:[\u2019'](?!s\b)\w+)*"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_LINK = r"(?:of|of the|de|del|der|van|von|la|le|bin|ibn|my|al|the)"
_NAME = re.compile(rf"{_CAPITAL}(?:[ ]+(?:{_CAPITAL}|{_NUMBER})|[ ]+{_LINK}[ ]+{_CAPITAL})*")
_TEN = 10
_MAX_NOUNS = 5
_SHORTEST_PARTICIPLE = 5

NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen twenty".split()
    )
} | {word: 10 * number for number, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase in a text.

    Attributes:
        start: Offset of its first character.
        end: Offset after its last.
        text: Its words.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a question: "How long | has | the bridge been closed".

    Attributes:
        asked: The question words, with a preposition before them.
        auxiliary: The auxiliary after them; "" if the question words are the subject ("Who built it?").
        rest: What follows, without the question mark.
    """

    asked: str
    auxiliary: str
    rest: str


def words_with_places(text: str) -> list[Phrase]:
    """Split a text into words with their offsets."""
    return [Phrase(*match.span(), match[0]) for match in _WORD.finditer(text)]


def names_in(text: str) -> list[Phrase]:
    """Find names: consecutive capitalized words. A common word at the start of a sentence is not part of a name.

    Args:
        text: The text.

    Returns:
        The names, in order.
    """
    return [name for match in _NAME.finditer(text) for name in _without_first_word(text, match)]


def _without_first_word(text: str, match: re.Match[str]) -> Iterator[Phrase]:
    start = match.start()
    while True:
        word = re.match(r"[\w\u2019'&-]+", text[start : match.end()])
        if word is None:
            return
        if word[0].lower() not in _ENDS_A_PHRASE | {"name", "list", "and", "but", "according"}:
            yield Phrase(start, match.end(), text[start : match.end()])
            return
        start += word.end()
        start += len(text[start : match.end()]) - len(text[start : match.end()].lstrip())


def noun_phrases_in(text: str) -> list[Phrase]:
    """Find noun phrases that begin with a determiner, such as "the leader of the cell"; names are left out.

    Args:
        text: A question or a sentence.

    Returns:
        The phrases, in order.
    """
    words = words_with_places(text)
    found: list[Phrase] = []
    position = 0
    while position < len(words):
        end = _phrase_end(text, words, position) if words[position].text.lower() in _DETERMINERS else position
        end = _without_verb(words, position, end)
        if end > position + 1:
            found.append(_joined(text, words[position:end]))
        position = max(end, position + 1)
    return found


def _joined(text: str, words: list[Phrase]) -> Phrase:
    return Phrase(words[0].start, words[-1].end, text[words[0].start : words[-1].end])


def _phrase_end(text: str, words: list[Phrase], start: int) -> int:
    """Return the position after the last word of the phrase that begins with this determiner."""
    end = _nouns_end(text, words, start + 1)
    while end > start + 1 and end < len(words) and _goes_on(text, words, end):
        after = end + 1 + (words[end + 1].text.lower() in _DETERMINERS)
        longer = _nouns_end(text, words, after)
        if longer == after:
            break
        end = longer
    return end


def _goes_on(text: str, words: list[Phrase], end: int) -> bool:
    """Return whether a preposition and its object continue the phrase: "of the cell", "in Corran"."""
    if end + 1 >= len(words) or "," in text[words[end - 1].end : words[end].start]:
        return False
    preposition, following = words[end].text.lower(), words[end + 1].text
    return preposition == "of" or (preposition in {"in", "on", "at", "for"} and following[0].isupper())


def _nouns_end(text: str, words: list[Phrase], start: int) -> int:
    end = start
    while end < len(words) and end - start < _MAX_NOUNS and not _ends_phrase(words[end].text):
        if end > start and text[words[end - 1].end : words[end].start].strip(" "):
            break
        end += 1
    return end


def _ends_phrase(word: str) -> bool:
    return word.lower() in _ENDS_A_PHRASE or is_participle(word)


def _without_verb(words: list[Phrase], start: int, end: int) -> int:
    """Cut off the verb that follows a subject after "do", "can" and the like, and which looks like another noun."""
    if start == 0 or words[start - 1].text.lower() not in DO | MODALS:
        return end
    for position in range(start + 2, end):  # "does the Chart Room hold"
        if words[position].text.islower() and words[position - 1].text[0].isupper():
            return position
    return end - 1 if end - start > 1 + 1 and words[end - 1].text.islower() else end


def is_participle(word: str) -> bool:
    """Return whether a word looks like a past participle: "banned", "sold"."""
    lower = word.lower()
    return lower in PARTICIPLES or (
        word.islower() and len(word) >= _SHORTEST_PARTICIPLE and lower.endswith("ed") and not lower.endswith("eed")
    )


def participle_of(verb: str) -> str | None:
    """Return the participle of a verb in the past tense ("written" for "wrote"); None if it isn't in the past tense."""
    lower = verb.lower()
    return lower if is_participle(lower) else _PAST.get(lower)


def parts_of(question: str) -> Parts | None:
    """Split a question into its parts.

    Args:
        question: A question that can be understood on its own.

    Returns:
        Its parts; None if it does not begin with a question word.
    """
    text = question.strip().rstrip(" ?.!")
    words = words_with_places(text)
    lower = [word.text.lower() for word in words]
    first = 1 if lower and lower[0] in PREPOSITIONS else 0
    if len(words) <= first or lower[first] not in QUESTION_WORDS:
        return None
    for position in range(first + 1, len(words)):
        if lower[position] in AUXILIARIES:
            word = words[position]
            return Parts(text[: word.start].strip(), word.text, text[word.end :].strip())
    cut = _asking_end(lower, first)
    return Parts(text[: words[cut - 1].end], "", text[words[cut - 1].end :].strip())


def _asking_end(lower: list[str], first: int) -> int:
    """Return the position after the question words where they are the subject: "Which agency | approved"."""
    if lower[first] in {"who", "whom", "when", "where", "why"} or len(lower) <= first + 1:
        return first + 1
    end = first + 1
    while end < len(lower) - 1 and participle_of(lower[end]) is None:
        end += 1
    return end if participle_of(lower[end]) is not None else first + 1


def number_in(text: str) -> float | None:
    """Return the only number in a text, written in digits or words.

    Args:
        text: Such as "1,500 kroner" or "twelve thousand".

    Returns:
        The number; None if there is none, or more than one.
    """
    numbers = numbers_in(text)
    return numbers[0] if len(numbers) == 1 else None


_DIGITS = re.compile(r"\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


def numbers_in(text: str) -> list[float]:
    """Return all numbers in a text; "3 million" and "twenty-eight" are one each."""
    found: list[float] = []
    following = 0
    running: float | None = None
    for match in re.finditer(rf"{_DIGITS.pattern}|[A-Za-z]+", text):
        apart = text[following : match.start()].strip(" -\u00a0\u202f")
        following = match.end()
        if running is not None and apart:
            found.append(running)
            running = None
        value = _value(match[0])
        scale = SCALES.get(match[0].lower())
        if (
            value is not None
            and running is not None
            and running % _TEN == 0
            and value < _TEN
            and not match[0][0].isdigit()
        ):
            running += value
        elif scale is not None:
            running = (1.0 if running is None else running) * scale
        else:
            found += [] if running is None else [running]
            running = value
    return found if running is None else [*found, running]


def _value(word: str) -> float | None:
    if word[0].isdigit():
        return float(re.sub(r"[,\u00a0\u202f ]", "", word))
    number = NUMBER_WORDS.get(word.lower())
    return None if number is None else float(number)


def states_a_number(text: str) -> bool:
    """Return whether a text states a number, in digits or words, or that there is none."""
    return any(char.isdigit() for char in text) or any(
        word.text.lower() in NUMBER_WORDS.keys() | SCALES.keys() | {"no", "none", "both", "dozen", "dozens", "half"}
        for word in words_with_places(text)
        for word in words_with_places(word.text.replace("-", " "))
    )


_PLURALS = frozenset("people men women children feet teeth mice geese police countries".split())


def is_plural(noun: str) -> bool:
    """Return whether a noun looks plural."""
    lower = noun.lower()
    return lower in _PLURALS or (
        lower.endswith("s") and not lower.endswith(("ss", "us", "is", "\u2019s", "'s", "news", "lens"))
    )
