"""Answers as HTML: what the templates beside this module are filled in with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from index.ingest.sync import Progress
from index.records import DocumentRecord, Passage
from qa.pipeline import Stage
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn
from qa.web.percentage import percent
from qa.web.templates import Templates

_MAX_QUESTION_CHARS = 1_000
_SENTENCE_REACH = 280
_EXCERPT_CHARS = 180
_MAX_QUOTED_CHARS = 500
_MIN_ALTERNATIVE = 0.05
"""Other answers less likely than this are noise beside the one given."""

_CERTAINTY = ((0.9, "Very sure"), (0.7, "Quite sure"), (0.5, "Fairly sure"), (0.3, "Not very sure"), (0.0, "Unsure"))


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a document to open it at.

    Attributes:
        document: Name of the document.
        start: Offset of the first character, in code points.
        end: Offset after the last.
        whole_passage: Whether it is a passage to look through rather than an answer's words.
        sha256: Hash of the document's file that the offsets refer to; "" for the document as it is.
    """

    document: str
    start: int
    end: int
    whole_passage: bool = False
    sha256: str = ""

    @property
    def data(self) -> dict[str, object]:
        """What the page's script opens it by: names and values of data attributes."""
        return {
            "document": self.document,
            "start": self.start,
            "end": self.end,
            "passage": int(self.whole_passage),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """Words of a document that open it, and what stands beside them: the source, or how sure they are."""

    place: Place
    words: str
    aside: str


@dataclass(frozen=True, slots=True)
class _Quotation:
    """An answer as it is quoted.

    Attributes:
        place: Where its words are.
        title: Title of the document.
        before: Its sentence up to the words.
        words: The words.
        after: The sentence after them.
        certainty: How sure they are.
        lines: What else is said of where they are from.
        data: What the page's script needs to judge and copy it: names and values of data attributes.
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
    """How sure, in a word and a number.

    Args:
        confidence: Probability from 0 to 1.

    Returns:
        Such as "Quite sure · 87 %"; never 0 or 100 %, which no fitted probability means.
    """
    word = next(word for least, word in _CERTAINTY if confidence >= least)
    return f"{word} · {percent(confidence)}"


# The chat


def conversation(id_: str, turns: Sequence[Markup]) -> str:
    """What was said so far.

    Args:
        id_: Id of the conversation in the history, for the page's script; "" where it has none.
        turns: HTML of its turns.

    Returns:
        The HTML.
    """
    return str(_TEMPLATES.render("conversation.html", id=id_, turns=turns))


def pending(question: str, step: str) -> Markup:
    """A question that is being looked into.

    Args:
        question: The question.
        step: What is being done about it; the page's script keeps it up to date.

    Returns:
        The HTML. A screen reader says the step once, and not each one after it.
    """
    return _turn("pending", question, "pending", "", step=step)


def step(ahead: int, stage: Stage | None, *, is_further: bool) -> str:
    """What is being done about a question, in a line.

    Args:
        ahead: How many questions are before it.
        stage: What is being done; None before anything is.
        is_further: Whether it was asked before, and more is being looked for.

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
    """A question that was stopped, and can be asked again.

    Args:
        question: The question.
        understood: How it was meant, where it had been understood wrongly.
        key: What this line is called.
        in_place_of: Keys of the turns that it was to take the place of.

    Returns:
        The HTML.
    """
    again = json.dumps({"question": question, "understood": understood, "in_place_of": [key, *in_place_of]})
    return _turn("stopped", question, "notice stopped", "", asked=again)


def notice(question: str, message: str, key: str = "") -> Markup:
    """A question that could not be asked, with the line that says why.

    Args:
        question: The question; "" for a line that belongs to none.
        message: One line for people.
        key: What the turn is called when it is to be changed; "" where it cannot be.

    Returns:
        The HTML.
    """
    return _turn("notice", question, "notice", key, message=message)


def spoken(said: Turn, records: Mapping[str, DocumentRecord], key: str = "") -> Markup:
    """What was said in a conversation, with what the chat says to it.

    Args:
        said: The turn.
        records: The documents by name, as they were when it was said.
        key: What the turn is called when it is to be changed; "" where it cannot be.

    Returns:
        The HTML.
    """
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
    """The template that shows what the documents say, and what it is filled in with."""
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
        # A date that is the answer itself stands there already.
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


def _asked_patiently(said: Turn, key: str) -> str:
    """A question that only the fast reader has read, to be asked again and then wait its turn."""
    understood = said.understood if said.understood != said.asked else None
    replaced = [key] if key else []
    again = {"question": said.asked, "understood": understood, "in_place_of": replaced, "is_patient": True}
    return json.dumps(again)


def answer_place(answer: Answer) -> Place:
    """Where an answer's words are.

    Args:
        answer: An answer that was given.

    Returns:
        The place.

    Raises:
        ValueError: The answer was declined and has no place.
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
    """What a judgement says a question was declined with; the nearest passage is what it is said about."""
    data: dict[str, object] = {"question": answer.question, "confidence": answer.confidence}
    if answer.nearest and answer.nearest[0].document in records:
        nearest = answer.nearest[0]
        sha256 = records[nearest.document].sha256
        data |= {"document": nearest.document, "sha256": sha256, "start": nearest.start, "end": nearest.end}
    return data


def _quotable(answer: Answer) -> dict[str, object]:
    """What is quoted of an answer elsewhere: its sentence, or its words where that is endless."""
    if answer.sentence_start is None or len(answer.sentence) > _MAX_QUOTED_CHARS:
        return {"quote": answer.text, "quote-start": answer.start, "quote-end": answer.end}
    return {
        "quote": answer.sentence,
        "quote-start": answer.sentence_start,
        "quote-end": answer.sentence_start + len(answer.sentence),
    }


def _sentence_around(answer: Answer) -> tuple[str, str]:
    """The answer's sentence before and after its words, cut where it is endless."""
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
    """The page's head line.

    Args:
        folder: Name of the folder of documents.
        n_documents: How many there are.
        indexing: How far those are that are being indexed; None where none are.
        signs_out: Whether who reads it signed in.

    Returns:
        The HTML.
    """
    shown = {"folder": folder, "n_documents": n_documents, "indexing": indexing, "signs_out": signs_out}
    return str(_TEMPLATES.render("masthead.html", **shown))


def welcome(n_documents: int, folder: str, examples: Sequence[str]) -> str:
    """What an empty chat says.

    Args:
        n_documents: How many documents can be asked.
        folder: The folder of documents.
        examples: Questions that can be clicked.

    Returns:
        The HTML; where there are no documents, with what it will say once there are.
    """
    return str(_TEMPLATES.render("welcome.html", folder=folder, n_documents=n_documents, questions=examples))


def _shorten(text: str, max_chars: int) -> str:
    text = text.strip()
    return text if len(text) <= max_chars else text[:max_chars].rstrip() + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_TEMPLATES = Templates(Path(__file__).parent / "templates", counted=_count)
