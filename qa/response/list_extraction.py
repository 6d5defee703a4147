"""List extraction: the items of "A, B and C", of bullets, or of a table's column, around an answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.text.sentences import sentence_around
from qa.text.shallow_parsing import (
    AUXILIARIES,
    PREPOSITIONS,
    QUESTION_WORDS,
    Phrase,
    is_participle,
    is_plural,
    words_with_places,
)

MAX_ITEMS = 50
_MAX_ITEM_WORDS = 12
_MAX_NEIGHBOUR_WORDS = 6
_LONGEST_MARK = 6
"""Characters of a list marker: the reader may have found the number of an item only."""
_REACH = 4000
"""Characters on each side of the answer that are searched for bullets."""

_BULLET = re.compile(r"[ \t]*(?:[-*•‣◦\u2013]|\(?\d{1,3}[.)]|\(?[a-z][.)])[ \t]+(?=\S)")
_SEPARATOR = re.compile(r"\s*(?:[,;]\s*(?:(?:and|or|as well as)\b\s*)?|\s(?:and|or|as well as)\s+)")
_LAST_SEPARATOR = re.compile(r"\b(?:and|or|as well as)\s")
_ASIDE = re.compile(r"\s*\([^()]*\)$")
_AFTER_ASIDE = re.compile(r"\s*\([^()]*\)")
_LINE_END = re.compile(r"[ \t]*(?:[,;]?\s+(?:and|or)|[,;.])?[ \t]*$")
_HEAD_ENDS = re.compile(r"\s*(?::|\s[-\u2013\u2014]\s|\s\(|,\s)")
_INTRODUCES = frozenset("include includes included including namely like as called named comprise comprises".split())
_FINITE = AUXILIARIES | QUESTION_WORDS | frozenset("that he she it they we i you this these those".split())


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document.

    Attributes:
        start: Offset of the first character.
        end: Offset after the last.
    """

    start: int
    end: int


def items_around(text: str, start: int, end: int, *, all_of_them: bool) -> list[Place]:
    """Return the items of the list that an answer is, or is an item of.

    Args:
        text: The document's text.
        start: Offset of the answer.
        end: Offset after the answer.
        all_of_them: Whether the question asks for a list: then the answer may also be the line above the bullets,
            or hold several items that are not names.

    Returns:
        At least two items in text order, without list markers; empty if there is no list.
    """
    for find in (_bullets, _column):
        places = find(text, start, end, all_of_them)
        if len(places) > 1:
            return places[:MAX_ITEMS]
    places = _coordinated(text, start, end, all_of_them)
    return places[:MAX_ITEMS] if len(places) > 1 else []


# Bullets


def _bullets(text: str, start: int, end: int, all_of_them: bool) -> list[Place]:
    blocks = _bullet_blocks(text, max(0, start - _REACH), min(len(text), end + _REACH))
    for items in blocks:
        touched = [item for item in items if item.start < end and start < item.end]
        on_mark = all_of_them and not touched and items[0].start - _LONGEST_MARK <= start and end <= items[-1].end
        leads = all_of_them and _leads_to(text, end, items[0].start)
        if touched or leads or on_mark:
            return _heads(text, items, start, end) if len(touched) == 1 else [_trimmed(text, item) for item in items]
    return []


def _leads_to(text: str, end: int, first: int) -> bool:
    """Return whether a span is in the line, ending with a colon, directly above a list's first item."""
    between = text[end:first]
    return end <= first and re.fullmatch(r"[^\n]*:\s*\n\s*\S{0,5}\s*", between.rstrip("\r") + "") is not None


def _bullet_blocks(text: str, low: int, high: int) -> list[list[Place]]:
    """Return lists with their items: lines that begin with a marker, and the indented lines below each."""
    blocks: list[list[Place]] = []
    is_open = False
    for start, end in _lines(text, low, high):
        line = text[start:end]
        mark = _BULLET.match(line)
        if mark:
            if not is_open:
                blocks.append([])
            blocks[-1].append(Place(start + mark.end(), end))
            is_open = True
        elif is_open and line.strip() and line[0] in " \t":
            blocks[-1][-1] = Place(blocks[-1][-1].start, end)
        elif line.strip():
            is_open = False
    return [block for block in blocks if len(block) > 1]


def _lines(text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    start = text.rfind("\n", 0, low) + 1
    while start < high:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end - (text[start:end].endswith("\r"))
        start = end + 1


def _heads(text: str, items: Sequence[Place], start: int, end: int) -> list[Place]:
    """Return the items, cut as the found one is: "amd64" of "amd64: this covers …"."""
    own = next(item for item in items if item.start < end and start < item.end)
    separator = _HEAD_ENDS.match(text, end, own.end)
    if start > own.start or separator is None or end >= _trimmed(text, own).end:
        return [_trimmed(text, item) for item in items]
    mark = separator[0].strip()[:1]
    heads = []
    for item in items:
        cut = re.search(r"\s*" + re.escape(mark), text[item.start : item.end])
        heads.append(_trimmed(text, Place(item.start, item.start + cut.start()) if cut else item))
    return heads


def _trimmed(text: str, place: Place) -> Place:
    """Trim white space and the connection to the next item: ", and"."""
    start, end = place.start, place.end
    end = start + _LINE_END.search(text[start:end].rstrip()).start()  # type: ignore[union-attr]  # always matches
    start += len(text[start:end]) - len(text[start:end].lstrip())
    return Place(start, end)


# A table's column


def _column(text: str, start: int, end: int, all_of_them: bool) -> list[Place]:  # noqa: ARG001 (as the others)
    """Return the cells of the answer's column in a Markdown table, without the heading."""
    rows = [(a, b) for a, b in _lines(text, max(0, start - _REACH), min(len(text), end + _REACH))]
    own = next((i for i, (a, b) in enumerate(rows) if a <= start and end <= b), None)
    if own is None or not text[rows[own][0] : rows[own][1]].lstrip().startswith("|"):
        return []
    column = text.count("|", rows[own][0], start)
    first = last = own
    while first > 0 and text[rows[first - 1][0] : rows[first - 1][1]].lstrip().startswith("|"):
        first -= 1
    while last + 1 < len(rows) and text[rows[last + 1][0] : rows[last + 1][1]].lstrip().startswith("|"):
        last += 1
    rules = [i for i in range(first, last + 1) if not text[rows[i][0] : rows[i][1]].strip("|:- \t")]
    body = range(rules[0] + 1, last + 1) if rules else range(first, last + 1)
    return [cell for i in body for cell in _cell(text, rows[i], column)]


def _cell(text: str, row: tuple[int, int], column: int) -> Iterator[Place]:
    bars = [match.start() + row[0] for match in re.finditer(r"\|", text[row[0] : row[1]])]
    if 0 < column < len(bars):
        start, end = bars[column - 1] + 1, bars[column]
        words = text[start:end]
        if words.strip():
            lead = len(words) - len(words.lstrip())
            yield Place(start + lead, start + len(words.rstrip()))


# One sentence


def _coordinated(text: str, start: int, end: int, all_of_them: bool) -> list[Place]:
    first, last = sentence_around(text, start, end)
    inside = _split(text, start, end)
    is_name = any(char.isupper() for char in text[start:end])
    left = _to_the_left(text, first, inside[0].start, is_name)
    right = _to_the_right(text, inside[-1].end, last, is_name)
    places = [*left, *inside, *right]
    if len(places) == 1 or not _LAST_SEPARATOR.search(text[places[0].start : places[-1].end]):
        return []
    between = text[places[-2].end : places[-1].start]
    if not _LAST_SEPARATOR.search(f"{between} "):
        return []
    places = [_without_aside(text, place) for place in places]
    words = [text[place.start : place.end] for place in places]
    if any(not each or (each[0].isdigit() and not all_of_them) for each in words):
        return []
    is_enumeration = all_of_them or len(places) > 1 + 1 or all(any(char.isupper() for char in each) for each in words)
    return places if is_enumeration else []


def _split(text: str, start: int, end: int) -> list[Place]:
    """Split the answer at its separators; return it whole if a part is a clause or too long."""
    places = []
    at = start
    for separator in [*_SEPARATOR.finditer(text, start, end), None]:
        stop = end if separator is None else separator.start()
        if stop > at and text[at:stop].count("(") == text[at:stop].count(")"):
            places.append(Place(at, stop))
            at = end if separator is None else separator.end()
    whole = [Place(start, end)]
    if not places or places[-1].end != end:
        return whole
    return whole if any(not _is_item(text[place.start : place.end], _MAX_ITEM_WORDS) for place in places) else places


def _is_item(words: str, max_words: int) -> bool:
    lower = [word.text.lower() for word in words_with_places(words)]
    return 0 < len(lower) <= max_words and not _FINITE.intersection(lower)


def _to_the_right(text: str, at: int, last: int, is_name: bool) -> list[Place]:
    """Return the items to the right of the answer, as far as separators follow each other."""
    places: list[Place] = []
    while True:
        aside = _AFTER_ASIDE.match(text, at, last)
        separator = _SEPARATOR.match(text, aside.end() if aside else at, last)
        if separator is None:
            return places
        following = _SEPARATOR.search(text, separator.end(), last)
        stop = following.start() if following else last
        cut = _phrase_end(text, separator.end(), stop)
        if not _fits(text[separator.end() : cut], is_name):
            return places
        places.append(Place(separator.end(), cut))
        if cut < stop and not _AFTER_ASIDE.fullmatch(text, cut, stop):
            return places
        at = cut


def _phrase_end(text: str, start: int, stop: int) -> int:
    """Return the latest end of an item: before a bracket, a verb, most prepositions, or the sentence's end."""
    bracket = text.find(" (", start, stop)
    stop = stop if bracket < 0 else bracket
    for word in words_with_places(text[start:stop])[1:]:
        lower = word.text.lower()
        if lower in _FINITE or (lower in PREPOSITIONS and lower != "of") or is_participle(word.text):
            return start + len(text[start : start + word.start].rstrip(" (\t\r\n"))
    return start + len(text[start:stop].rstrip(" (.!?:\t\r\n"))


def _to_the_left(text: str, first: int, at: int, is_name: bool) -> list[Place]:
    places: list[Place] = []
    while True:
        separators = [match for match in _SEPARATOR.finditer(text, first, at) if match.end() == at]
        if not separators:
            return places
        stop = separators[0].start()
        before = [match.end() for match in _SEPARATOR.finditer(text, first, stop) if match.end() < stop]
        begin = before[-1] if before else first
        cut = _phrase_start(text, begin, stop)
        if not _fits(_ASIDE.sub("", text[cut:stop]), is_name):
            return places
        places.insert(0, Place(cut, stop))
        if cut > begin:
            return places
        at = cut


def _phrase_start(text: str, begin: int, stop: int) -> int:
    """Return the earliest start of an item: after the last verb, preposition other than "of", or colon."""
    colon = text.rfind(":", begin, stop)
    begin = begin if colon < 0 else colon + 1
    words = words_with_places(_ASIDE.sub("", text[begin:stop]))
    for i in range(len(words) - 1, -1, -1):
        if _ends_before(words, i):
            begin += words[i].end
            break
    return begin + len(text[begin:stop]) - len(text[begin:stop].lstrip())


def _ends_before(words: list[Phrase], i: int) -> bool:
    """Return whether a list's first item starts after a word: "include", or before a name "islands of", "brothers"."""
    lower = words[i].text.lower()
    if lower in _FINITE | _INTRODUCES or is_participle(words[i].text) or (lower in PREPOSITIONS and lower != "of"):
        return True
    names_follow = i + 1 < len(words) and words[i + 1].text[0].isupper()
    kind = words[i - 1].text if lower == "of" and i > 0 else words[i].text
    return names_follow and kind.islower() and is_plural(kind)


def _fits(words: str, is_name: bool) -> bool:
    """Return whether words can be a neighbouring item: short, not a clause, and a name beside names."""
    return _is_item(words, _MAX_NEIGHBOUR_WORDS) and (not is_name or any(char.isupper() for char in words))


def _without_aside(text: str, place: Place) -> Place:
    """Remove quotation marks around an item and brackets after it: "Niamh Kelly" of "Niamh Kelly (fiddle)"."""
    aside = _ASIDE.search(text[place.start : place.end])
    end = place.start + aside.start() if aside else place.end
    inner = text[place.start : end]
    stripped = inner.strip(" \"'\u201c\u201d\u2018\u2019,;")
    lead = inner.find(stripped) if stripped else 0
    return Place(place.start + lead, place.start + lead + len(stripped))
