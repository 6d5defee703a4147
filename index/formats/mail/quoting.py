"""Tells what a mail says itself from the older mails that it quotes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.formats.metadata import one_line

_MARK = re.compile(r"[ \t]*>")
_MARKS = re.compile(r"[ \t]*(?:>[ \t]?)+")
_WROTE = re.compile(
    r"(?:wrote|writes|schrieb|écrit|escribió|scritto|schreef|skrev|escreveu|napisał|napisała|napsal|kirjoitti|írta|пишет|"
    r"написал|yazd\u0131|geschreven|a écrit)\b[^:,]{0,60}:$",
    re.IGNORECASE,
)
_DATE_OR_ADDRESS = re.compile(r"\d{1,4}[./-]\d|\b\d{4}\b|\d{1,2}:\d\d|@")
_FROM_THEN_COLON = re.compile(r"\d{1,2}:\d\d.{0,20}\b(?:von|from|de|par|da|van|av|af|od)\b .*@.*:$", re.IGNORECASE)
"""As Tutanota and others write it: "6. Okt. 2020, 11:51 AM von ann@example.org:"."""
_SEPARATOR = re.compile(
    r"[-_=*\s]{2,}(?:(?:original|forwarded|begin forwarded) message|(?:ursprüngliche|weitergeleitete) nachricht|"
    r"message d'origine|message transféré|mensaje original|messaggio originale|oorspronkelijk bericht)[-_=*\s:]*",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\W{0,3}(?:from|von|de|da|van|från|fra|sent|gesendet|envoyé|enviado|inviato|verzonden|skickat|sendt|date|datum|to|an|à|"
    r"para|a|aan|till|til|subject|betreff|objet|asunto|oggetto|onderwerp|ämne|emne|cc)\b[ \t]*\W?:[ \t]*\S.*",
    re.IGNORECASE,
)
_MIN_HEADERS = 3
_MAX_ATTRIBUTION_LINES = 3
_MAX_LINE_CHARS = 500
_MAX_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a mail's text.

    Attributes:
        text: Its text, without the marks ">" of quoted lines.
        is_older: Whether it is of an older mail.
        attribution: What introduces the older mail: "On 4 May 2026 Ann Lee wrote"; "" if nothing does.
    """

    text: str
    is_older: bool
    attribution: str = ""


def segments(text: str) -> list[Segment]:
    """Divide a mail's text into what is new and what is quoted.

    Args:
        text: The text.

    Returns:
        The stretches in order, none of them blank. Marked lines are quoted; so is all that follows an introduction such
        as "On 4 May Ann wrote:" or Outlook's "From: … Sent: …", unless its lines are marked, too.
    """
    found: list[Segment] = []
    for lines, is_older, attribution in _runs(text.split("\n")):
        piece = "\n".join(_MARKS.sub("", line, count=1) if is_older else line for line in lines).strip()
        if piece:
            found.append(Segment(piece, is_older, attribution))
    return found


def _runs(lines: list[str]) -> Iterator[tuple[list[str], bool, str]]:
    """Yield runs of lines, whether they are quoted, and what introduces them."""
    new: list[str] = []
    at = 0
    while at < len(lines):
        if _MARK.match(lines[at]):
            n_introducing = _introducing(new)
            attribution = one_line(" ".join(new[len(new) - n_introducing :])).rstrip(":")[:_MAX_SHOWN_CHARS]
            yield new, False, ""
            new = []
            end = _end_of_marked(lines, at)
            yield lines[at:end], True, attribution
            at = end
        elif (n_opening := _opening(lines, at)) and not _is_marked_below(lines, at + n_opening):
            yield new, False, ""
            is_said = _SEPARATOR.fullmatch(lines[at]) is None
            words = one_line(" ".join(lines[at : at + n_opening])).rstrip(":")[:_MAX_SHOWN_CHARS]
            yield lines[at:], True, words if is_said else ""
            return
        else:
            new.append(lines[at])
            at += 1
    yield new, False, ""


def _end_of_marked(lines: list[str], at: int) -> int:
    """Return the line after a run of marked lines; blank lines between them belong to it."""
    end = at
    while at < len(lines) and (_MARK.match(lines[at]) or not lines[at].strip()):
        at += 1
        end = at if _MARK.match(lines[at - 1]) else end
    return end


def _is_marked_below(lines: list[str], at: int) -> bool:
    return next((bool(_MARK.match(line)) for line in lines[at : at + 5] if line.strip()), False)


def _introducing(lines: list[str]) -> int:
    """Return how many of the last lines introduce what follows them."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    for count in range(1, min(_MAX_ATTRIBUTION_LINES, end) + 1):
        if _is_attribution(lines[end - count : end]):
            return len(lines) - end + count
    return 0


def _opening(lines: list[str], at: int) -> int:
    """Return the number of lines that introduce an older mail here; 0 if none do."""
    if not lines[at].strip() or len(lines[at]) > _MAX_LINE_CHARS:
        return 0
    if _SEPARATOR.fullmatch(lines[at]):
        return 1
    if _HEADER.fullmatch(lines[at]):
        headers = 0
        while at + headers < len(lines) and _HEADER.fullmatch(lines[at + headers][:_MAX_LINE_CHARS]):
            headers += 1
        return headers if headers >= _MIN_HEADERS else 0
    for count in range(1, _MAX_ATTRIBUTION_LINES + 1):
        if _is_attribution(lines[at : at + count]):
            return count
    return 0


def _is_attribution(lines: list[str]) -> bool:
    words = " ".join(lines).strip()
    if len(words) > _MAX_LINE_CHARS or not words.endswith(":") or not all(line.strip() for line in lines):
        return False
    return bool((_WROTE.search(words) and _DATE_OR_ADDRESS.search(words)) or _FROM_THEN_COLON.search(words))
