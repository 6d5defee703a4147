"""Guesses the encoding of a text that is not Unicode, by candidates of two detectors and by how plausible each reads.

chardetng (Firefox's detector) knows the encodings of the web and needs few words; charset-normalizer knows those of DOS
and the Mac too, and needs many. Neither tells Western encodings apart in a table of a few names.
"""

import re
from collections.abc import Iterator
from itertools import islice

_WESTERN = ("cp1252", "cp850", "mac_roman", "cp852")
"""Encodings that any detector may take for one another, the likeliest first."""
_ALIASES = {
    "windows-1252": "cp1252",
    "iso-8859-1": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
}
"""Detected names and the larger encodings that are used in their place."""
_WESTERN_LETTERS = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœÀÁÂÄÅÆÇÈÉÊÍÑÓÔÖØÚÜŒ")
_EASTERN_LETTERS = frozenset("ąćęłńśźżčďěňřšťůžőűğışțșăŁŚŻŽČŠŘİŞĞ")
_NEIGHBOURS_APART = frozenset("'’·-‐\u00ad.")  # noqa: RUF001 (as printed within words)
_CLINGING = frozenset("°²³ªº™®©%‰µ€£¥¢§½¼¾…“”‘’«»–—„‚¿¡¹¸´•·№")  # noqa: RUF001 (as printed beside words)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SAMPLED_CHARS = 2_000
_MARGIN = 0.2
"""How much more plausible a candidate must be to be preferred to the detector's."""
_FIRST_OF_CJK = 0x2E80


def guessed_encodings(sample: bytes) -> list[str]:
    """Return the encodings that a text may be in.

    Args:
        sample: The beginning of the text, which is not UTF-8.

    Returns:
        Python's names, the likeliest first; some of them, such as cp850, decode any bytes.
    """
    from chardetng_py import detect  # text in UTF-8 need not wait for them
    from charset_normalizer import from_bytes

    detected = _known(detect(sample))
    candidates = [detected, *_WESTERN, *(_known(match.encoding) for match in from_bytes(sample))]
    readings = {name: _plausibility(text) for name in candidates if (text := _decoded(sample, name)) is not None}
    order = {name: place for place, name in enumerate(dict.fromkeys(candidates))}
    best = max(readings, key=lambda name: (readings[name], -order[name]))
    if detected not in readings or readings[best] > readings[detected] + _MARGIN:
        detected = best
    others = sorted(readings, key=lambda name: (-readings[name], order[name]))
    return list(dict.fromkeys([detected, *others]))


def _known(name: str) -> str:
    return _ALIASES.get(name.lower(), name.lower())


def _decoded(sample: bytes, name: str) -> str | None:
    try:
        return sample.decode(name)
    except UnicodeDecodeError as error:  # the sample may end in the middle of a character
        return sample[: error.start].decode(name, "replace") if error.start > len(sample) - 4 > 0 else None
    except LookupError:
        return None


def _plausibility(text: str) -> float:
    """Return how plausible the characters beyond ASCII are where they stand, on average: -1 to 1."""
    scores = [_score(*around) for around in _beyond_ascii(text)]
    return sum(scores) / len(scores) if scores else 0.0


def _beyond_ascii(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the first characters beyond ASCII, each between its neighbours."""
    for match in islice(_BEYOND_ASCII.finditer(text), _SAMPLED_CHARS):
        place = match.start()
        yield text[place - 1 : place] or " ", match[0], text[place + 1 : place + 2] or " "


def _score(before: str, char: str, after: str) -> float:
    if ord(char) >= _FIRST_OF_CJK:
        return _score_of_cjk(before, char, after)
    if char.isalpha():
        return _score_of_letter(before, char, after)
    if not char.isprintable() and char != "\xa0":
        return -1.0
    if before.isalpha() and after.isalpha() and char not in _NEIGHBOURS_APART:
        return -1.0
    if char in "‚„" and before.isalpha():  # noqa: RUF001 (opening quotes)
        return -1.0
    return 0.5 if char in _CLINGING or char.isspace() else -0.5


def _score_of_cjk(before: str, char: str, after: str) -> float:
    if not char.isalpha():
        return 0.0
    return -0.5 if any(_is_ascii_letter(near) for near in (before, after)) else 1.0


def _score_of_letter(before: str, char: str, after: str) -> float:
    if char.isupper() and before.islower():
        return -1.0
    if char.isupper() and after.islower() and before.isupper():
        return -0.5
    is_latin = ord(char) < 0x250  # noqa: PLR2004 (the end of Latin Extended-B)
    if not is_latin:
        return -1.0 if any(_is_ascii_letter(near) for near in (before, after)) else 0.8
    if char in _WESTERN_LETTERS:
        return 1.0
    return 0.7 if char in _EASTERN_LETTERS else 0.0


def _is_ascii_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()
