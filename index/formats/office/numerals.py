"""Numbers of lists and notes, as office programs write them."""

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_CARDINALS = "One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve".split()
_ORDINALS = "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh Twelfth".split()
MAX_NUMBER = 32_767
"""Largest number of a list."""


def number_text(number: int, form: str) -> str:
    """Write a number as Word does.

    Args:
        number: The number.
        form: Word's name of the number format: "upperRoman".

    Returns:
        "IV"; decimal figures for formats of languages other than English; "" for "none" and "bullet".
    """
    if form in {"none", "bullet"}:
        return ""
    if form in {"lowerRoman", "upperRoman"} and number > 0:
        roman, left = "", min(number, MAX_NUMBER)
        for value, sign in _ROMAN:
            roman += sign * (left // value)
            left %= value
        return roman if form == "lowerRoman" else roman.upper()
    if form in {"lowerLetter", "upperLetter"} and number > 0:
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters[:MAX_NUMBER] if form == "lowerLetter" else letters[:MAX_NUMBER].upper()
    if form == "decimalZero":
        return f"{number:02}"
    if form == "ordinal":
        teen = number % 100 in {11, 12, 13}
        return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    words = {"cardinalText": _CARDINALS, "ordinalText": _ORDINALS}.get(form, [])
    return words[number - 1] if 0 < number <= len(words) else str(number)
