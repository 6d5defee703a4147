"""Contradiction check: do two answers disagree, or say the same in other words?"""

import re
from collections.abc import Sequence

from index.records import Passage
from index.retrieval.lexical import STOP_WORDS, terms
from index.retrieval.proximity import words_of
from qa.records.answer import Answer
from qa.text.normalization import normalize
from qa.text.shallow_parsing import NUMBER_WORDS, is_plural, names_in, numbers_in

_STEM_CHARS = 5
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = "|".join([*_MONTHS, *(month[:3] for month in _MONTHS), "sept"])
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<name>{_MONTH})\b\.?,?(?:\s+(?P<year>\d{{4}}))?", re.I
    ),
    re.compile(
        rf"\b(?P<name>{_MONTH})\b\.?(?:\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d|:))?,?(?:\s+(?P<year>\d{{4}}))?",
        re.I,
    ),
    re.compile(r"\b(?P<year>1[0-9]\d\d|20\d\d)\b"),
)
_CLOCK = re.compile(
    r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s*(?P<half>[ap]\.?m\.?)|\b(?P<h24>\d{1,2}):(?P<m24>\d\d)\b", re.I
)
_ABOUT = re.compile(
    r"\b(?:about|around|approximately|roughly|nearly|almost|some|over|more than|less than|under|up to|circa|ca)\W*$",
    re.I,
)
_ROUNDED = 0.05
_OVERLAP = 0.5
_HALF = 0.5
_WORDS = "words"
_SHARE_OF_TERMS = 0.75
_DATELINE_CHARS = 400
_CODE = re.compile(r"(?<!\w)\w*\d\w*(?:[-./:,]\w+)*")
_PLAIN_NUMBER = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)(?:st|nd|rd|th|s)?")
_WRITTEN_DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}\s+(?:{_MONTH})\.?\s+\d{{4}}|(?:{_MONTH})\.?\s+\d{{1,2}},?\s+\d{{4}})\b",
    re.I,
)


def disagree(first: Answer, second: Answer) -> bool:
    """Return whether two answers to the same question contradict each other, judging by their words.

    Args:
        first: An answer.
        second: An answer from another document.

    Returns:
        Whether they cannot both be right. False if they say the same in other words, or are of different kinds, such
        as a number and a name. Answers that are neither dates, numbers nor names may both answer a loose question
        ("who uses it?"): they contradict only if the sentence of each holds most of the question's terms.
    """
    a, b = first.text, second.text
    if same_in_other_words(a, b) or a in second.sentence or b in first.sentence:
        return False
    kinds = [_kind(text) for text in (a, b)]
    if kinds[0] != kinds[1] or _approximate(first, second):
        return False
    if kinds[0] == _WORDS and min(_share_in_sentence(answer) for answer in (first, second)) <= _HALF:
        return False
    return not of_different_years(first, second)


def same_in_other_words(a: str, b: str) -> bool:
    """Return whether two answers say the same: dates, times and numbers by value, others by words.

    Args:
        a: An answer.
        b: Another.

    Returns:
        Whether one includes the other, is its initials, or shares most words with it.
    """
    for read in (_date, _clock):
        left, right = read(a), read(b)
        if left is not None and right is not None:
            return _agree(left, right)
    left_numbers, right_numbers = numbers_in(a), numbers_in(b)
    if left_numbers and right_numbers:
        return set(left_numbers) <= set(right_numbers) or set(right_numbers) <= set(left_numbers)
    left_words, right_words = _words(a), _words(b)
    if not left_words or not right_words:
        return normalize(a) == normalize(b)
    common = len(left_words & right_words)
    is_part = common == min(len(left_words), len(right_words))
    return is_part or common / len(left_words | right_words) > _OVERLAP or _initials(a, b) or _initials(b, a)


def _agree(left: Sequence[int | None], right: Sequence[int | None]) -> bool:
    return all(a is None or b is None or a == b for a, b in zip(left, right, strict=True))


def _words(text: str) -> set[str]:
    return {word[:_STEM_CHARS] for word in words_of(text) if word not in STOP_WORDS}


def _initials(short: str, long: str) -> bool:
    """Return whether letters are the initials of words: "EMA", "European Medicines Agency"."""
    letters = re.sub(r"[^A-Za-z]", "", short).upper()
    words = [word for word in re.findall(r"[A-Za-z]+", long) if word[0].isupper()]
    return len(letters) > 1 and letters == "".join(word[0] for word in words)


def _date(text: str) -> tuple[int | None, int | None, int | None] | None:
    """Return year, month and day of the first date in a text, None for missing parts."""
    for pattern in _DATES:
        match = pattern.search(text)
        if match is not None:
            found = {name: value for name, value in match.groupdict().items() if value is not None}
            name = found.get("name", "").lower()[:3]
            month = next((i for i, known in enumerate(_MONTHS, 1) if name and known.startswith(name)), None)
            numbers = {part: int(found[part]) for part in ("year", "month", "day") if part in found}
            return numbers.get("year"), numbers.get("month", month), numbers.get("day")
    return None


def _clock(text: str) -> tuple[int, int] | None:
    match = _CLOCK.search(text)
    if match is None:
        return None
    if match["h24"] is not None:
        return int(match["h24"]), int(match["m24"])
    hour = int(match["hour"]) % 12 + (12 if match["half"].lower().startswith("p") else 0)
    return hour, int(match["minute"] or 0)


def _kind(text: str) -> str:
    if _date(text) is not None:
        return "date"
    if numbers_in(text) or any(word in NUMBER_WORDS for word in words_of(text)):
        return "number"
    return "name" if names_in(text) else _WORDS


def _share_in_sentence(answer: Answer) -> float:
    asked, words = terms(answer.question), words_of(answer.sentence)
    return sum(_begins(words, _stem(term)) for term in asked) / max(1, len(asked))


def _approximate(first: Answer, second: Answer) -> bool:
    """Return whether one number is said to be rounded and is close to the other: "about 5,000" and "4,987"."""
    left, right = numbers_in(first.text), numbers_in(second.text)
    if len(left) != 1 or len(right) != 1:
        return False
    is_rounded = any(_ABOUT.search(_before(answer)) or _ABOUT.match(answer.text) for answer in (first, second))
    return is_rounded and abs(left[0] - right[0]) <= _ROUNDED * max(left[0], right[0])


def _before(answer: Answer) -> str:
    return answer.sentence[: (answer.start or 0) - (answer.sentence_start or 0)]


def of_different_years(first: Answer, second: Answer) -> bool:
    """Return whether the sentences around two answers are about different years, so that both may be right.

    Args:
        first: An answer.
        second: Another.

    Returns:
        Whether each sentence has a year outside its answer, and they have none in common.
    """
    years = []
    for answer in (first, second):
        around = answer.sentence.replace(answer.text, " ")
        years.append(set(re.findall(r"\b(?:1[0-9]\d\d|20\d\d)\b", around)))
    return bool(years[0]) and bool(years[1]) and not years[0] & years[1]


def bears_on(question: str, passage: Passage, title: str) -> bool:
    """Return whether a passage is about a question's subject: it has all its names and numbers, and most terms.

    Args:
        question: The question.
        passage: A passage.
        title: The title of its document.

    Returns:
        Whether it may hold an answer to this question.
    """
    text = f"{title} {passage.heading} {passage.text}".lower()
    words, asked = words_of(text), terms(question)
    named = [word for name in names_in(question) for word in words_of(name.text) if word not in STOP_WORDS]
    if not asked or not all(_begins(words, word) for word in named):
        return False
    if not all(_is_written(code, text) for code in _CODE.findall(question.lower())):
        return False
    others = [term for term in asked if not _CODE.match(term)]
    return sum(_begins(words, _stem(term)) for term in others) >= _SHARE_OF_TERMS * len(others)


def _begins(words: Sequence[str], beginning: str) -> bool:
    return any(word.startswith(beginning) for word in words)


def _is_written(code: str, text: str) -> bool:
    """Return whether a text has a code or number as a whole ("32-1", not "132-1"), or a number in words."""
    if re.search(rf"(?<!\w)(?<!\w[-./:]){re.escape(code)}(?![-./:]?\w)", text):
        return True
    number = _PLAIN_NUMBER.fullmatch(code)
    return number is not None and set(numbers_in(number[1])) <= set(numbers_in(text))


def _stem(term: str) -> str:
    return term[:-1] if is_plural(term) and len(term) <= _STEM_CHARS else term[:_STEM_CHARS]


def date_of(text: str, name: str) -> str | None:
    """Return the date of a document, from its first lines or else its name.

    Args:
        text: The document's stored text.
        name: The document's name.

    Returns:
        The date as written there; None if there is none.
    """
    for where in (text[:_DATELINE_CHARS].partition("\n\n")[0], text[:_DATELINE_CHARS], name):
        match = _WRITTEN_DATE.search(where)
        if match is not None:
            return match[0]
    return None
