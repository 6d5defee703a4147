"""Writes out what slides and drawings show by other means than text: numbers of lists, raised figures, symbols."""

from collections import Counter

from lxml import etree

from index.formats.office.containers import attribute, local
from index.formats.office.numerals import number_text
from index.formats.office.symbols import lowered, raised, symbols

_FORMS = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}
_AROUND = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})", "Plain": "{}", "Minus": "-{}-"}
_STRUCK = frozenset({"sngStrike", "dblStrike"})


def write_out_drawing(root: etree._Element) -> Counter[str]:
    """Change the text of a slide or drawing in place, so that it reads as people see it.

    Args:
        root: The slide's root, or any element.

    Returns:
        How many passages were left out, by what they are.
    """
    left_out: Counter[str] = Counter()
    numbers: dict[tuple[etree._Element, int], tuple[str, int]] = {}
    for paragraph in [element for element in root.iter() if local(element) == "p"]:
        _write_runs(paragraph, left_out)
        _write_number(paragraph, numbers)
    return left_out


def _write_runs(paragraph: etree._Element, left_out: Counter[str]) -> None:
    before = ""
    for run in paragraph:
        text, properties = run.find("{*}t"), run.find("{*}rPr")
        if text is None or properties is None:
            before += "" if text is None else text.text or ""
            continue
        font = properties.find("{*}sym")
        font = properties.find("{*}latin") if font is None else font
        words = symbols(text.text or "", attribute(font, "typeface")) if font is not None else text.text or ""
        height = attribute(properties, "baseline").removesuffix("%")
        if attribute(properties, "strike") in _STRUCK:
            left_out["struck-through passage"] += bool(words.strip())
            words = ""
        elif height.strip("-0"):
            words = lowered(words, before) if height.startswith("-") else raised(words, before)
        text.text = words
        before += words


def _write_number(paragraph: etree._Element, numbers: dict[tuple[etree._Element, int], tuple[str, int]]) -> None:
    """Put the number of a list's item in front of it; items count on until another paragraph of their level."""
    text = next((element for element in paragraph.iter() if local(element) == "t"), None)
    properties = paragraph.find("{*}pPr")
    depth = attribute(properties, "lvl") if properties is not None else ""
    level = int(depth) if depth.isdecimal() else 0
    parent = paragraph.getparent()
    for deeper in [key for key in numbers if key[0] is parent and key[1] > level]:
        del numbers[deeper]
    bullet = properties.find("{*}buAutoNum") if properties is not None else None
    if bullet is None or text is None:
        numbers.pop((parent, level), None)
        return
    form, start = attribute(bullet, "type"), attribute(bullet, "startAt")
    last_form, last = numbers.get((parent, level), ("", 0))
    number = last + 1 if form == last_form else int(start) if start.isdecimal() else 1
    numbers[parent, level] = (form, number)
    kind = next((kind for kind in _FORMS if form.startswith(kind)), "")
    around = _AROUND.get(form.removeprefix(kind), "")
    if kind and around:
        text.text = f"{around.format(number_text(number, _FORMS[kind]))} {text.text or ''}"
