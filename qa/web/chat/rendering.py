"""Rendering of answers as HTML, with the templates beside this module."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from index.ingest.sync import Progress
from index.records import Concordance, DocumentOccurrences, DocumentRecord, Occurrence, Passage
from qa.pipeline import Stage
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn
from qa.web.percentage import percent
from qa.web.templates import Templates

_MAX_QUESTION_CHARS = 1_000
_SENTENCE_REACH = 280
_EXCERPT_CHARS = 180
_MAX_QUOTED_CHARS = 500
_MAX_ROWS = 50
_MIN_ALTERNATIVE = 0.05
"""Alternatives with a lower confidence than this are not shown."""

_CERTAINTY = ((0.9, "Very sure"), (0.7, "Quite sure"), (0.5, "Fairly sure"), (0.3, "Not very sure"), (0.0, "Unsure"))


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document at which to open it.

    Attributes:
        document: Name of the document.
        start: Offset of the first character, in code points.
        end: Offset after the last.
        whole_passage: Whether it is a passage to look through rather than an answer.
        sha256: Hash of the document's file that the offsets refer to; "" for its current version.
    """

    document: str
    start: int
    end: int
    whole_passage: bool = False
    sha256: str = ""

    @property
    def data(self) -> dict[str, object]:
        """Return the data attributes by which the page's script opens it: name to value."""
        return {
            "document": self.document,
            "start": self.start,
            "end": self.end,
            "passage": int(self.whole_passage),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """Words of a document that open it, with their source or certainty."""

    place: Place
    words: str
    aside: str


@dataclass(frozen=True, slots=True)
class _Quotation:
    """An answer as a quotation.

    Attributes:
        place: Place of the answer.
        title: Title of the document.
        before: The sentence up to the answer.
        words: The answer.
        after: The sentence after the answer.
        certainty: Its confidence in words.
        lines: Further lines about its source.
        data: Data attributes by which the page's script judges and copies it: name to value.
    """

    place: Place
    title: str
    before: str
    words: str
    after: str
    certainty: str
    lines: Sequence[str]
    data: Mapping[str, object]


def certainty(confidence: float) -> str:
    """Describe a confidence by a word and a number.

    Args:
        confidence: Probability from 0 to 1.

    Returns:
        Such as "Quite sure · 87 %"; never 0 or 100 %, which a fitted probability cannot be.
    """
    word = next(word for least, word in _CERTAINTY if confidence >= least)
    return f"{word} · {percent(confidence)}"


# The chat


def conversation(id_: str, turns: Sequence[Markup]) -> str:
    """Render a conversation.

    Args:
        id_: Id of the conversation in the history, for the page's script; "" if it has none.
        turns: HTML of its turns.

    Returns:
        The HTML.
    """
    return str(_TEMPLATES.render("conversation.html", id=id_, turns=turns))


def pending(question: str, step: str) -> Markup:
    """Render a question that is being answered.

    Args:
        question: The question.
        step: Description of its progress; the page's script updates it.

    Returns:
        The HTML. A screen reader announces the first step only.
    """
    return _turn("pending", question, "pending", "", step=step)


def step(ahead: int, stage: Stage | None, *, is_further: bool) -> str:
    """Describe the progress of a question in a line.

    Args:
        ahead: Number of questions before it.
        stage: Current stage; None before the first.
        is_further: Whether a first answer is there, and more is searched for.

    Returns:
        The line.
    """
    if ahead:
        return f"Waiting for {_count(ahead, 'question')} before this one…"
    if is_further:
        return "Looking for more that bears on it…"
    if stage is Stage.READING:
        return "Reading the passages that fit best…"
    return "Deciding…" if stage is Stage.DECIDING else "Searching…"


def stopped(question: str, understood: str | None, key: str, in_place_of: Sequence[str]) -> Markup:
    """Render a stopped question, which can be asked again.

    Args:
        question: The question.
        understood: The user's rewording, if the question had been misunderstood.
        key: Key of this line.
        in_place_of: Keys of the turns that it was to replace.

    Returns:
        The HTML.
    """
    again = json.dumps({"question": question, "understood": understood, "in_place_of": [key, *in_place_of]})
    return _turn("stopped", question, "notice stopped", "", asked=again)


def notice(question: str, message: str, key: str = "") -> Markup:
    """Render a refused question with the reason.

    Args:
        question: The question; "" for a line without one.
        message: The reason, in one line for people.
        key: Key of the turn if it may be changed later; "" otherwise.

    Returns:
        The HTML.
    """
    return _turn("notice", question, "notice", key, message=message)


def spoken(said: Turn, records: Mapping[str, DocumentRecord], key: str = "") -> Markup:
    """Render a turn of a conversation.

    Args:
        said: The turn.
        records: The documents by name, as they were at the time of the turn.
        key: Key of the turn if it may be changed later; "" otherwise.

    Returns:
        The HTML.
    """
    if said.found is not None and said.found.n_places:
        return _turn("places", said.asked, "answered", key, **_places(said.found))
    if said.answer is None:
        return notice(said.asked, said.text, key)
    name, values = _reply(said, said.answer, records)
    return _turn(
        name,
        said.asked,
        "declined" if said.kind is Kind.UNKNOWN else "answered",
        key,
        asked=said.asked,
        understood=None if said.understood == said.asked else said.understood or "",
        hurried=_asked_patiently(said, key) if said.answer.hurried else "",
        max_question_chars=_MAX_QUESTION_CHARS,
        **values,
    )


def _turn(name: str, question: str, state: str, key: str, **values: object) -> Markup:
    shown = _shorten(question, _MAX_QUESTION_CHARS)
    return _TEMPLATES.render(f"{name}.html", question=shown, state=state, key=key, **values)


def _reply(said: Turn, answer: Answer, records: Mapping[str, DocumentRecord]) -> tuple[str, dict[str, object]]:
    """Return the template for an answer from the documents, with its values."""
    if said.worked_out is not None:
        shown = said.worked_out.rows[:_MAX_ROWS]
        return "worked_out", {
            "text": said.text,
            "rows": [_row(row, said.worked_out.document_sha256) for row in shown],
            "n_more": said.worked_out.n_rows - len(shown),
        }
    if said.kind is Kind.UNKNOWN:
        return "declined", {
            "reason": said.text.removeprefix("I don't know. "),
            "judged": _declined_data(answer, records),
            "nearest": [_passage(each, records) for each in answer.nearest],
            "suggestions": said.suggestions,
        }
    if said.evidence is not None:
        title, sha256 = _title_and_hash(said.evidence.document, records)
        place = Place(said.evidence.document, said.evidence.start, said.evidence.end, sha256=sha256)
        return "evidence", {"sentence": said.evidence.text, "place": place, "title": title}
    if said.kind is Kind.LIST:
        return "list", {"items": [_excerpt(each, each.title or each.document or "") for each in said.answers]}
    if said.kind is Kind.DISAGREEMENT:
        # A date is left out if it is the answer itself.
        dated = zip(said.answers, said.dates, strict=True)
        return "disagreement", {
            "quoted": [_quotation(each, None if date == each.text else date) for each, date in dated]
        }
    return "answer", {
        "quoted": _quotation(answer),
        "evidence": [_passage(each, records) for each in answer.evidence if each != answer.passage],
        "others": [
            _excerpt(each, percent(each.confidence))
            for each in answer.alternatives
            if each.confidence >= _MIN_ALTERNATIVE
        ],
    }


def _row(row: Passage, sha256: str) -> _Excerpt:
    """Return a row of a table that opens its place in the document."""
    words = " ".join(row.text.split())
    return _Excerpt(Place(row.document, row.start, row.end, sha256=sha256), _shorten(words, _EXCERPT_CHARS), "")


def _places(found: Concordance) -> dict[str, object]:
    """Return the values of the template for the places where words stand."""
    return {
        "words": found.words,
        "count": f"{_count(found.n_places, 'place')} in {_count(found.n_documents, 'document')}",
        "unread": found.n_unread,
        "documents": [
            {
                "name": each.document,
                "title": each.title or each.document,
                "count": _count(each.n_places, "place"),
                "places": [_mention(each, place) for place in each.places],
            }
            for each in found.documents
        ],
    }


def _mention(document: DocumentOccurrences, found: Occurrence) -> dict[str, object]:
    """Return a place where words stand, with its snippet in parts, those that are the words marked."""
    parts, last = [], 0
    for start, end in found.marks:
        first, after = max(last, start - found.snippet_start), end - found.snippet_start
        parts += [(found.snippet[last:first], False), (found.snippet[first:after], True)]
        last = after
    place = Place(document.document, found.start, found.end, sha256=document.document_sha256)
    return {"place": place, "parts": [*parts, (found.snippet[last:], False)], "aside": found.place or ""}


def _asked_patiently(said: Turn, key: str) -> str:
    """Return the data to ask a question again with the full cascade, if only the fast reader has read it."""
    understood = said.understood if said.understood != said.asked else None
    replaced = [key] if key else []
    again = {"question": said.asked, "understood": understood, "in_place_of": replaced, "is_patient": True}
    return json.dumps(again)


def answer_place(answer: Answer) -> Place:
    """Return the place of an answer.

    Args:
        answer: A given answer.

    Returns:
        The place.

    Raises:
        ValueError: The answer was declined.
    """
    if answer.document is None or answer.start is None or answer.end is None:
        raise ValueError("a declined question has no place in a document")
    return Place(answer.document, answer.start, answer.end, sha256=answer.document_sha256 or "")


def _quotation(answer: Answer, date: str | None = None) -> _Quotation:
    place = answer_place(answer)
    before, after = _sentence_around(answer)
    lines = (None if answer.place == answer.title else answer.place, date)
    return _Quotation(
        place,
        answer.title or place.document,
        before,
        answer.text,
        after,
        certainty(answer.confidence),
        [line for line in lines if line],
        {
            "question": answer.question,
            "text": answer.text,
            "document": place.document,
            "sha256": place.sha256,
            "start": place.start,
            "end": place.end,
            "place": answer.place or "",
            "title": answer.title or "",
            "confidence": answer.confidence,
            **_quotable(answer),
        },
    )


def _declined_data(answer: Answer, records: Mapping[str, DocumentRecord]) -> dict[str, object]:
    """Return the data for judging a declined question; it includes the nearest passage."""
    data: dict[str, object] = {"question": answer.question, "confidence": answer.confidence}
    if answer.nearest and answer.nearest[0].document in records:
        nearest = answer.nearest[0]
        sha256 = records[nearest.document].sha256
        data |= {"document": nearest.document, "sha256": sha256, "start": nearest.start, "end": nearest.end}
    return data


def _quotable(answer: Answer) -> dict[str, object]:
    """Return the text to quote elsewhere: the answer's sentence, or only its words if that is too long."""
    if answer.sentence_start is None or len(answer.sentence) > _MAX_QUOTED_CHARS:
        return {"quote": answer.text, "quote-start": answer.start, "quote-end": answer.end}
    return {
        "quote": answer.sentence,
        "quote-start": answer.sentence_start,
        "quote-end": answer.sentence_start + len(answer.sentence),
    }


def _sentence_around(answer: Answer) -> tuple[str, str]:
    """Return the sentence before and after the answer, cut if it is too long."""
    first = (answer.start or 0) - (answer.sentence_start or 0)
    before, after = answer.sentence[:first], answer.sentence[first + len(answer.text) :]
    if len(before) > _SENTENCE_REACH:
        before = "…" + before[-_SENTENCE_REACH:].partition(" ")[2]
    if len(after) > _SENTENCE_REACH:
        after = after[:_SENTENCE_REACH].rpartition(" ")[0] + "…"
    return before, after


def _excerpt(answer: Answer, aside: str) -> _Excerpt:
    return _Excerpt(answer_place(answer), _shorten(answer.text, _EXCERPT_CHARS), aside)


def _passage(passage: Passage, records: Mapping[str, DocumentRecord]) -> _Excerpt:
    title, sha256 = _title_and_hash(passage.document, records)
    place = Place(passage.document, passage.start, passage.end, whole_passage=True, sha256=sha256)
    return _Excerpt(place, _shorten(passage.text, _EXCERPT_CHARS), title)


def _title_and_hash(name: str, records: Mapping[str, DocumentRecord]) -> tuple[str, str]:
    record = records.get(name)
    return (name, "") if record is None else (record.title or name, record.sha256)


# Before the first question


def masthead(folder: str, n_documents: int, indexing: Progress | None = None, *, signs_out: bool = False) -> str:
    """Render the page's head line.

    Args:
        folder: Name of the folder of documents.
        n_documents: Number of documents.
        indexing: Progress of indexing; None when nothing is being indexed.
        signs_out: Whether the user has signed in.

    Returns:
        The HTML.
    """
    shown = {"folder": folder, "n_documents": n_documents, "indexing": indexing, "signs_out": signs_out}
    return str(_TEMPLATES.render("masthead.html", **shown))


def welcome(n_documents: int, folder: str, examples: Sequence[str]) -> str:
    """Render the empty chat.

    Args:
        n_documents: Number of documents that can be asked.
        folder: The folder of documents.
        examples: Questions that can be clicked.

    Returns:
        The HTML; without documents, it includes what to show once there are some.
    """
    return str(_TEMPLATES.render("welcome.html", folder=folder, n_documents=n_documents, questions=examples))


def _shorten(text: str, max_chars: int) -> str:
    text = text.strip()
    return text if len(text) <= max_chars else text[:max_chars].rstrip() + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_TEMPLATES = Templates(Path(__file__).parent / "templates", counted=_count)
