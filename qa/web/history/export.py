"""Export of conversations: Markdown to read, CSV for a spreadsheet, JSON with everything."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum

from qa.records.answer import Answer
from qa.records.turn import Kind, Turn
from qa.web.history.store import Conversation, KeptTurn
from qa.web.percentage import percent


class Format(StrEnum):
    """Format of an export."""

    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        """Media type of the format."""
        return "application/json" if self is Format.JSON else f"text/{self}; charset=utf-8"

    @property
    def extension(self) -> str:
        """Extension of file names."""
        return "md" if self is Format.MARKDOWN else self.value


Exported = tuple[Conversation, Sequence[KeptTurn]]
"""A conversation with its turns."""

_COLUMNS = (
    "conversation", "time", "question", "understood", "kind", "said",
    "answer", "document", "place", "start", "end", "sha256", "confidence",
)  # fmt: skip
_MARKUP = re.compile(r"[\\`*_\[\]<>&~|$!#{}]|^[-+=]|^\d+[.)]|:(?=//)|www\.", re.IGNORECASE)
"""Characters to escape in Markdown, those of addresses included, which some renderers turn into links."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MAX_NAME_CHARS = 60


def export(conversations: Sequence[Exported], form: Format) -> str:
    """Export conversations as the text of a file."""
    writers = {Format.MARKDOWN: _markdown, Format.JSON: _json, Format.CSV: _csv}
    return writers[form](conversations)


def file_name(title: str, form: Format) -> str:
    """Return a file name that is valid on every system.

    Args:
        title: Title of the export.
        form: The format.

    Returns:
        ASCII letters, digits and hyphens, and the extension.
    """
    words = re.sub(r"[^a-z0-9]+", "-", title.lower())[:_MAX_NAME_CHARS].strip("-")
    return f"verbatim-{words or 'conversation'}.{form.extension}"


# Markdown


def _markdown(conversations: Sequence[Exported]) -> str:
    return "\n".join("\n".join(_markdown_lines(*each)) for each in conversations)


def _markdown_lines(conversation: Conversation, turns: Sequence[KeptTurn]) -> Iterator[str]:
    yield f"# {literal(conversation.title)}"
    yield ""
    for kept in turns:
        if kept.said is None:
            yield "*A turn stored by another version of Verbatim is left out.*"
            yield ""
            continue
        turn = kept.said.turn
        yield f"## {literal(turn.asked)}"
        yield ""
        if turn.understood is not None and turn.understood != turn.asked:
            yield f"Understood as: {literal(turn.understood)}"
            yield ""
        yield from _markdown_said(turn)


def _markdown_said(turn: Turn) -> Iterator[str]:
    answers = given(turn)
    if turn.evidence is not None:
        yield from _quoted(turn.evidence.text, f"{literal(turn.evidence.document)}: evidence, and no verdict")
    elif not answers:
        yield literal(turn.text)
        yield ""
    elif turn.kind is Kind.DISAGREEMENT:
        yield "The documents disagree:"
        yield ""
    for document in turn.found.documents if turn.found is not None else ():
        for place in document.places:
            source = ", ".join(literal(part) for part in (document.title, document.document, place.place) if part)
            yield from _quoted(place.snippet, source)
    for answer in answers:
        source = ", ".join(literal(part) for part in (answer.title, answer.document, answer.place) if part)
        yield from _quoted(answer.text, f"{source} ({percent(answer.confidence)} sure)")


def _quoted(words: str, source: str) -> Iterator[str]:
    yield "> " + "\\\n> ".join(literal(line) for line in words.splitlines() if line.strip())
    yield ">"
    yield f"> — {source}"
    yield ""


def literal(text: str) -> str:
    """Escape a text for Markdown, on one line: characters of markup get a backslash in front."""
    return _MARKUP.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", " ".join(text.split()))


# JSON


def _json(conversations: Sequence[Exported]) -> str:
    exported = [
        {
            "id": conversation.id,
            "title": conversation.title,
            "created": _time(conversation.created),
            "updated": _time(conversation.updated),
            "turns": [
                {"time": _time(kept.asked), **({} if kept.said is None else asdict(kept.said.turn))} for kept in turns
            ],
        }
        for conversation, turns in conversations
    ]
    return json.dumps({"conversations": exported}, ensure_ascii=False, indent=2) + "\n"


# CSV


def _csv(conversations: Sequence[Exported]) -> str:
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(_COLUMNS)
    for conversation, turns in conversations:
        for kept in turns:
            if kept.said is not None:
                rows.writerows(_csv_rows(conversation, kept, kept.said.turn))
    return "\ufeff" + written.getvalue()  # without a byte order mark, spreadsheets assume another encoding


def _csv_rows(conversation: Conversation, kept: KeptTurn, turn: Turn) -> Iterator[list[object]]:
    first = [conversation.title, _time(kept.asked), turn.asked, turn.understood or "", turn.kind.value, turn.text]
    if turn.evidence is not None:
        found: Iterable[list[object]] = [
            [turn.evidence.text, turn.evidence.document, "", turn.evidence.start, turn.evidence.end, "", ""]
        ]
    elif turn.found is not None:
        found = [
            [place.text, each.document, place.place, place.start, place.end, each.document_sha256, ""]
            for each in turn.found.documents
            for place in each.places
        ]
    else:
        found = [
            [each.text, each.document, each.place, each.start, each.end, each.document_sha256, each.confidence]
            for each in given(turn)
        ]
    for cells in list(found) or [[""] * 7]:
        yield [_cell(cell) for cell in (*first, *cells)]


def _cell(value: object) -> object:
    """Prefix a value that a spreadsheet would take for a formula with an apostrophe."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else value


def given(turn: Turn) -> Sequence[Answer]:
    """Return the answers that a turn gives.

    Args:
        turn: The turn.

    Returns:
        All of a list or a disagreement, the single one of another answer; empty if declined or small talk.
    """
    if turn.answers:
        return turn.answers
    is_given = turn.answer is not None and turn.answer.answered and turn.kind is Kind.ANSWER
    return (turn.answer,) if turn.answer is not None and is_given else ()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
