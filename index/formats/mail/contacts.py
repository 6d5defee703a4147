"""Contacts (vCard): a paragraph each."""

import re
from collections.abc import Iterator

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.assembling import Assembly
from index.formats.content import Content
from index.formats.mail.content_lines import Component, Line, components
from index.formats.metadata import one_line

_LABELS = {
    "NICKNAME": "Nickname",
    "ORG": "Organization",
    "TITLE": "Job title",
    "ROLE": "Role",
    "TEL": "Phone",
    "EMAIL": "Email",
    "ADR": "Address",
    "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary",
    "URL": "Website",
    "IMPP": "Messenger",
    "RELATED": "Related",
    "CATEGORIES": "Categories",
    "NOTE": "Note",
}
_KINDS = frozenset("home work cell fax pager".split())
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:T.*)?")
_SCHEME = re.compile(r"(?:tel|mailto|xmpp|sip):", re.IGNORECASE)


def load_contacts(content: bytes) -> Content:
    """Read contacts.

    Args:
        content: The file's bytes.

    Returns:
        A paragraph for each, with a line for each of its fields: "Phone (cell): +49 170 1". Its place is the name.

    Raises:
        EmptyFileError: It holds no contact with text.
        UnreadableFileError: The file holds no contacts.
    """
    cards = [card for card in components(content) if card.name == "VCARD"]
    if not cards:
        raise UnreadableFileError("damaged, or no contacts: it does not begin with BEGIN:VCARD")
    text = Assembly()
    for card in cards:
        name = _name(card)
        text.stand(one_line(name))
        text.add("\n".join(filter(None, [f"Name: {name}" if name else "", *_fields(card)])))
    if not text.length:
        raise EmptyFileError("empty: its contacts say nothing")
    return text.content(one_line(_name(cards[0])) if len(cards) == 1 else "", {})


def _name(card: Component) -> str:
    if full := card.said("FN"):
        return full
    line = card.first("N")
    family, given, further, before, after = ([*line.fields(), *[""] * 5] if line else [""] * 5)[:5]
    return " ".join(filter(None, [before, given, further, family, after]))


def _fields(card: Component) -> Iterator[str]:
    for line in card.lines:
        if line.name in _LABELS and (words := _words(line)):
            kinds = [kind for kind in re.split("[,;]", line.parameters.get("TYPE", "").lower()) if kind in _KINDS]
            beside = f" ({', '.join(kinds)})" if kinds else ""
            yield f"{_LABELS[line.name]}{beside}: {words}"


def _words(line: Line) -> str:
    if line.name in {"ADR", "ORG"}:
        return ", ".join(filter(None, (" ".join(part.split()) for part in line.fields())))
    if line.name in {"BDAY", "ANNIVERSARY"} and (day := _DAY.fullmatch(line.value.strip())):
        return "-".join(day.groups())
    return _SCHEME.sub("", line.words.strip(), count=1)
