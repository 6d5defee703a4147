"""Characters that are shown by other means than their code: raised and lowered ones, and those of symbol fonts."""
# ruff: noqa: RUF001 (they are meant)

import re

_RAISED = str.maketrans("0123456789+-−=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
_LOWERED = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_ORDINAL = re.compile(r"(?i)st|nd|rd|th|er|ère|re|e|è|ème|o|os|a|as|tm|sm")
"""What is raised for its looks alone: 1st, N°, the sign of a trade mark."""
_UNIT = re.compile(r"(?:^|[^A-Za-zµμΩ])(?:[kcdmnµμ]?m|ft|in|yd|mi|[kmµμ]?s|min|h|[kmµμ]?[glLWNVAJ]|[A-Za-zα-ωΑ-ΩΩ])$")
"""A unit, or a variable of a single letter, at the end: a figure raised after it is its exponent."""
_BASE = re.compile(r"(?:(?:^|[^\d.,])(?:10|[2-9])|[)\]])$")
"""A number or bracket at the end that a raised figure is more likely a power of than a note on."""
_MARK = re.compile(r"\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*")
_WORD = re.compile(r"[^\W_]$|[.,;:!?%’”\"']$")


def raised(words: str, before: str) -> str:
    """Write out raised characters.

    Args:
        words: The characters.
        before: The text right before them.

    Returns:
        `⁶` after `10`; ` [4]`, a note's mark, after a word or a year; `^(2.5)` where Unicode has no raised characters.
    """
    inner = words.strip()
    if not inner or _ORDINAL.fullmatch(inner) or not before.strip():
        return words
    if _MARK.fullmatch(inner) and _WORD.search(before) and not (_UNIT.search(before) or _BASE.search(before)):
        return mark(inner, before) + words[len(words.rstrip()) :]
    return _written(words, _RAISED, "^")


def lowered(words: str, before: str) -> str:
    """Write out lowered characters.

    Args:
        words: The characters.
        before: The text right before them.

    Returns:
        `2` after a letter or bracket, as in CO2, which people search for; else `₂`, or `_(max)`.
    """
    inner = words.strip()
    if not inner or not before.strip() or (inner.isdecimal() and re.search(r"[A-Za-z)\]]$", before)):
        return words
    return _written(words, _LOWERED, "_")


def _written(words: str, table: dict[int, int], sign: str) -> str:
    inner = words.strip()
    shown = inner.translate(table)
    if any(ord(character) not in table for character in inner):
        shown = f"{sign}({inner})"
    return words.replace(inner, shown)


def mark(number: str, before: str) -> str:
    """Return the mark of a note, in brackets, so that it is no part of a word or figure: ` [4]`.

    Args:
        number: Its number or sign.
        before: The text right before it.

    Returns:
        The mark, with a blank in front where it would touch a word.
    """
    return f"{' ' if before and not before[-1].isspace() else ''}[{number.strip()}]"


# Codes of the fonts Symbol (Adobe's encoding), Wingdings and Webdings, as far as Unicode has what they show.
_SYMBOL = {
    0x20 + place: character
    for place, character in enumerate(
        " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
    )
} | {
    0xA1 + place: character
    for place, character in enumerate(
        "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…│─↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪€〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
    )
}
_WINGDINGS = {
    0x20: " ", 0x22: "✂", 0x28: "☎", 0x29: "✆", 0x2A: "✉", 0x4A: "☺", 0x4B: "😐", 0x4C: "☹", 0x4E: "☠", 0x51: "✈",
    0x52: "☀", 0x54: "❄", 0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x70: "☐", 0x71: "☐", 0x72: "☐", 0x74: "◆", 0x75: "◆",
    0x76: "❖", 0x77: "◆", 0x78: "☒", 0x9E: "·", 0x9F: "•", 0xA0: "▪", 0xA1: "○", 0xA7: "▪", 0xA8: "☐", 0xAB: "★",
    0xD8: "➢", 0xDC: "➲", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE7: "⇐", 0xE8: "⇒", 0xE9: "⇑", 0xEA: "⇓",
    0xEF: "⇦", 0xF0: "⇨", 0xF1: "⇧", 0xF2: "⇩", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
    **{0x81 + place: character for place, character in enumerate("①②③④⑤⑥⑦⑧⑨⑩")},
    **{0x8C + place: character for place, character in enumerate("❶❷❸❹❺❻❼❽❾❿")},
}  # fmt: skip
_WINGDINGS_2 = {0x20: " ", 0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x97: "●", 0xA3: "☐"}
_WEBDINGS = {0x20: " ", 0x34: "▶", 0x61: "✓", 0x63: "☐", 0x67: "■", 0x72: "✗"}
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2, "webdings": _WEBDINGS}
_PRIVATE = 0xF000
"""Where Office puts the codes of symbol fonts in Unicode."""


def is_symbol_font(font: str) -> bool:
    """Return whether a font shows other characters than its codes say."""
    return font.strip().lower() in _FONTS


def symbols(words: str, font: str) -> str:
    """Return what a symbol font shows.

    Args:
        words: Characters, by their codes in the font or 0xF000 above those.
        font: The font's name.

    Returns:
        The characters shown; those that are not known, or of another font, unchanged.
    """
    table = _FONTS.get(font.strip().lower(), {})
    return "".join(table.get(ord(c) - _PRIVATE if _PRIVATE <= ord(c) <= _PRIVATE + 0xFF else ord(c), c) for c in words)
