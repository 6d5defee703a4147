"""Answers and documents as HTML. Everything that comes from a document, a file name or a question is escaped."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.records import DocumentRecord, Passage
from qa.pipeline import Stage
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn

_MAX_QUESTION_CHARS = 1_000
_SENTENCE_REACH = 280
_EXCERPT_CHARS = 180
_MAX_QUOTED_CHARS = 500
_MIN_ALTERNATIVE = 0.05
"""Other answers less likely than this are noise beside the one given."""

DRAWERS = (("documents", "Documents"), ("history", "History"), ("settings", "Settings"))
"""Names and labels of what opens beside the chat; what is in them the page's script puts there."""

_SIGN_OUT = '<form method="post" action="/logout"><button>Sign out</button></form>'
_SURROGATES = re.compile("[\ud800-\udfff]")
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


def escape(text: str) -> str:
    """Text as HTML that shows, and gives back, those very characters.

    An HTML parser turns a carriage return into a newline unless it is written as a reference. Two kinds of
    character it cannot give back at all, and another stands for them one for one: ␀ for the null character,
    and the replacement character for half of a surrogate pair.

    Args:
        text: Any text.

    Returns:
        HTML for an element's content or a quoted attribute.
    """
    escaped = html.escape(text).replace("\r", "&#13;").replace("\0", "␀")
    return _SURROGATES.sub("\ufffd", escaped)


def certainty(confidence: float) -> str:
    """How sure, in a word and a number.

    Args:
        confidence: Probability from 0 to 1.

    Returns:
        Such as "Quite sure · 87 %"; never 0 or 100 %, which no fitted probability means.
    """
    word = next(word for least, word in _CERTAINTY if confidence >= least)
    return f"{word} · {percent(confidence)}"


def percent(confidence: float) -> str:
    """A probability as a percentage, 1 to 99.

    Args:
        confidence: Probability from 0 to 1.

    Returns:
        Such as "87 %", with a space that does not break.
    """
    return f"{min(99, max(1, round(100 * confidence)))}\u00a0%"


# The chat


def turn(question: str, body: str, state: str, understood: str = "", key: str = "") -> str:
    """A question with what was said to it.

    Args:
        question: The question, as it was typed.
        body: HTML of the reply.
        state: "answered", "declined", "notice", "stopped" or "pending".
        understood: HTML of how it was understood; "" where it is as it was typed.
        key: What the turn is called when it is to be changed; "" where it cannot be.

    Returns:
        The HTML.
    """
    asked = escape(_shorten(question, _MAX_QUESTION_CHARS))
    said = f'<span class="unseen">You asked: </span>{asked}'
    # A heading, so that people who cannot see the page go from question to question.
    bubble = f'<p class="question" role="heading" aria-level="2" dir="auto">{said}</p>' if asked else ""
    edit = '<button type="button" class="edit" aria-label="Edit this question">Edit</button>' if asked and key else ""
    named = f' data-key="{escape(key)}"' if key else ""
    return f'<article class="turn {state}"{named}>{bubble}{edit}{understood}<div class="reply">{body}</div></article>'


def conversation(id_: str, turns: Sequence[str]) -> str:
    """What was said so far.

    Args:
        id_: Id of the conversation in the history, for the page's script; "" where it has none.
        turns: HTML of its turns.

    Returns:
        The HTML.
    """
    return f'<span hidden data-conversation="{escape(id_)}"></span>{"".join(turns)}'


def pending(question: str, step: str) -> str:
    """A question that is being looked into.

    Args:
        question: The question.
        step: What is being done about it; the page's script keeps it up to date.

    Returns:
        The HTML. A screen reader says the step once, and not each one after it.
    """
    return turn(question, f'<p class="step" aria-live="off">{escape(step)}</p>', "pending")


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


def stopped(question: str, understood: str | None, key: str, in_place_of: Sequence[str]) -> str:
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
    button = f'<button type="button" class="again" data-asked="{escape(again)}">Ask again</button>'
    return turn(question, f"<p>Stopped.</p>{button}", "notice stopped")


def notice(question: str, message: str, key: str = "") -> str:
    """A question that could not be asked, with the line that says why.

    Args:
        question: The question; "" for a line that belongs to none.
        message: One line for people.
        key: What the turn is called when it is to be changed; "" where it cannot be.

    Returns:
        The HTML.
    """
    return turn(question, f"<p>{escape(message)}</p>", "notice", key=key)


def spoken(said: Turn, records: Mapping[str, DocumentRecord], key: str = "") -> str:
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
    understood = _understood(said) if said.understood != said.asked else ""
    hurried = _hurried(said, key) if said.answer.hurried else ""
    if said.kind is Kind.UNKNOWN:
        reason = said.text.removeprefix("I don't know. ")
        declined = _declined_actions(said.answer, records)
        body = hurried + _refusal(reason) + declined + _nearest(said.answer, records) + _instead(said.suggestions)
        return turn(said.asked, body, "declined", understood, key)
    return turn(said.asked, hurried + _told(said, records), "answered", understood, key)


def _told(said: Turn, records: Mapping[str, DocumentRecord]) -> str:
    if said.evidence is not None:
        about = "Evidence, and no verdict: what the document says to it"
        return f'<p class="label">{about}</p>{_evidence(said.evidence, records.get(said.evidence.document))}'
    if said.kind is Kind.LIST:
        items = "".join(f"<li>{_item(item)}</li>" for item in said.answers)
        return f'<p class="label">{len(said.answers)} found</p><ul class="items">{items}</ul>'
    if said.kind is Kind.DISAGREEMENT:
        dated = zip(said.answers, said.dates, strict=True)
        # A date that is the answer itself stands there already.
        quoted = "".join(
            f'<section class="side">{_quotation(each, None if date == each.text else date)}</section>'
            for each, date in dated
        )
        return f'<p class="label">The documents disagree</p>{quoted}'
    return "" if said.answer is None else _quotation(said.answer) + _further(said.answer, records)


def _understood(said: Turn) -> str:
    """The question as it was understood, which can be changed and asked again."""
    question = escape(said.understood or "")
    return (
        f'<div class="understood" data-asked="{escape(said.asked)}"><span>Understood as</span>'
        f'<input type="text" dir="auto" aria-label="The question as it was understood"'
        f' maxlength="{_MAX_QUESTION_CHARS}" value="{question}">'
        '<button type="button" class="rephrase">Ask this</button></div>'
    )


def _hurried(said: Turn, key: str) -> str:
    """That a question was read by the fast reader alone, which can be asked again, and then waits its turn."""
    understood = said.understood if said.understood != said.asked else None
    replaced = [key] if key else []
    again = {"question": said.asked, "understood": understood, "in_place_of": replaced, "is_patient": True}
    asked = json.dumps(again)
    button = f'<button type="button" class="again" data-asked="{escape(asked)}">Read it again</button>'
    return f'<p class="label hurried">Many were asking, so only the fast reader has read this. {button}</p>'


def _evidence(sentence: Passage, record: DocumentRecord | None) -> str:
    title, sha256 = (record.title, record.sha256) if record else ("", "")
    place = Place(sentence.document, sentence.start, sentence.end, sha256=sha256)
    opener = _opener(place, _title(title or sentence.document), "citation")
    return (
        f'<blockquote class="quote" dir="auto">{escape(sentence.text)}</blockquote>'
        f'<footer class="from">{opener}{_file(place.document)}</footer>'
    )


def _item(answer: Answer) -> str:
    words = f'<q dir="auto">{escape(_shorten(answer.text, _EXCERPT_CHARS))}</q>'
    source = f'<span class="aside">{escape(answer.title or answer.document or "")}</span>'
    return _opener(answer_place(answer), f"{words} {source}", "passage other")


def _instead(suggestions: Sequence[str]) -> str:
    if not suggestions:
        return ""
    buttons = "".join(f'<li><button type="button" class="example">{escape(each)}</button></li>' for each in suggestions)
    return f'<p class="label">What the documents do answer</p><ul class="examples">{buttons}</ul>'


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


def _quotation(answer: Answer, date: str | None = None) -> str:
    place = answer_place(answer)
    lines = (None if answer.place == answer.title else answer.place, date)
    where = "".join(f'<span class="place" dir="auto">{escape(line)}</span>' for line in lines if line)
    return (
        f'<blockquote class="quote" dir="auto">{_marked_sentence(answer)}</blockquote>'
        f'<footer class="from">{_opener(place, _title(answer.title or place.document), "citation")}'
        f'<span class="certainty">{certainty(answer.confidence)}</span>{where}{_file(place.document)}</footer>'
        f"{_actions(answer)}"
    )


def _actions(answer: Answer) -> str:
    """What can be done with an answer; its data are what the page's script needs for it."""
    place = answer_place(answer)
    data: dict[str, object] = {
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
    }
    buttons = (
        '<span class="copying"><button type="button" class="copy-quote">Copy as quote</button>'
        '<button type="button" class="copy-link">Copy link</button></span>'
    )
    return f'<div class="actions"{_data(data)}>{_verdicts("Right", "Wrong")}{buttons}</div>'


def _declined_actions(answer: Answer, records: Mapping[str, DocumentRecord]) -> str:
    """What can be said to a question's having been declined; the nearest passage is what it is said about."""
    data: dict[str, object] = {"question": answer.question, "confidence": answer.confidence}
    if answer.nearest and answer.nearest[0].document in records:
        nearest = answer.nearest[0]
        sha256 = records[nearest.document].sha256
        data |= {"document": nearest.document, "sha256": sha256, "start": nearest.start, "end": nearest.end}
    return f'<div class="actions"{_data(data)}>{_verdicts("Rightly so", "The answer is in the documents")}</div>'


def _data(values: Mapping[str, object]) -> str:
    return "".join(f' data-{name}="{escape(str(value))}"' for name, value in values.items())


def _verdicts(right: str, wrong: str) -> str:
    """Buttons that judge an answer; which one is pressed the page's script shows."""
    buttons = "".join(
        f'<button type="button" class="verdict" data-verdict="{verdict}" aria-pressed="false">{label}</button>'
        for verdict, label in (("right", right), ("wrong", wrong))
    )
    return f'<span class="verdicts" role="group" aria-label="Judge this answer">{buttons}</span>'


def _quotable(answer: Answer) -> dict[str, object]:
    """What is quoted of an answer elsewhere: its sentence, or its words where that is endless."""
    if answer.sentence_start is None or len(answer.sentence) > _MAX_QUOTED_CHARS:
        return {"quote": answer.text, "quote-start": answer.start, "quote-end": answer.end}
    return {
        "quote": answer.sentence,
        "quote-start": answer.sentence_start,
        "quote-end": answer.sentence_start + len(answer.sentence),
    }


def _marked_sentence(answer: Answer) -> str:
    first = (answer.start or 0) - (answer.sentence_start or 0)
    last = first + len(answer.text)
    before, after = answer.sentence[:first], answer.sentence[last:]
    if len(before) > _SENTENCE_REACH:
        before = "…" + before[-_SENTENCE_REACH:].partition(" ")[2]
    if len(after) > _SENTENCE_REACH:
        after = after[:_SENTENCE_REACH].rpartition(" ")[0] + "…"
    return f"{escape(before)}<mark>{escape(answer.text)}</mark>{escape(after)}"


def _further(answer: Answer, records: Mapping[str, DocumentRecord]) -> str:
    evidence = [passage for passage in answer.evidence if passage != answer.passage]
    others = [other for other in answer.alternatives if other.confidence >= _MIN_ALTERNATIVE]
    parts = []
    if evidence:
        parts.append(_fold(f"Also found in {_count(len(evidence), 'passage')}", _passages(evidence, records)))
    if others:
        listed = "".join(f"<li>{_alternative(other)}</li>" for other in others)
        parts.append(_fold(_count(len(others), "other answer"), f"<ul>{listed}</ul>"))
    return "".join(parts)


def _alternative(answer: Answer) -> str:
    place = answer_place(answer)
    words = f'<q dir="auto">{escape(_shorten(answer.text, _EXCERPT_CHARS))}</q>'
    aside = f'<span class="aside">{percent(answer.confidence)}</span>'
    return _opener(place, f"{words} {aside}", "passage other")


def _refusal(reason: str) -> str:
    return f'<p class="unknown">I don&rsquo;t know.</p><p class="reason">{escape(reason)}</p>'


def _nearest(answer: Answer, records: Mapping[str, DocumentRecord]) -> str:
    if not answer.nearest:
        return ""
    first, rest = answer.nearest[:1], answer.nearest[1:]
    closest = f'<p class="label">The passage that came closest</p>{_passages(first, records)}'
    return closest + (_fold(f"{len(rest)} more", _passages(rest, records)) if rest else "")


def _passages(passages: Sequence[Passage], records: Mapping[str, DocumentRecord]) -> str:
    return f"<ul>{''.join(f'<li>{_passage(each, records.get(each.document))}</li>' for each in passages)}</ul>"


def _passage(passage: Passage, record: DocumentRecord | None) -> str:
    title, sha256 = (record.title, record.sha256) if record else ("", "")
    excerpt = f'<span class="excerpt" dir="auto">{escape(_shorten(passage.text, _EXCERPT_CHARS))}</span>'
    source = f'<span class="aside">{escape(title or passage.document)}</span>'
    place = Place(passage.document, passage.start, passage.end, whole_passage=True, sha256=sha256)
    return _opener(place, f"{excerpt} {source}", "passage")


def _fold(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def _title(title: str) -> str:
    return f'<span class="title" dir="auto">{escape(title)}</span>'


def _file(name: str) -> str:
    return f'<bdi class="file">{escape(name)}</bdi>'


def _opener(place: Place, label: str, kind: str) -> str:
    """A button that opens the document panel; the page's script sends its data back when it is pressed."""
    return (
        f'<button type="button" class="opener {kind}" data-document="{escape(place.document)}"'
        f' data-start="{place.start}" data-end="{place.end}" data-passage="{int(place.whole_passage)}"'
        f' data-sha256="{escape(place.sha256)}">{label}</button>'
    )


# Before the first question


def masthead(folder: str, n_documents: int, *, signs_out: bool = False) -> str:
    """The page's head line.

    Args:
        folder: Name of the folder of documents.
        n_documents: How many there are.
        signs_out: Whether who reads it signed in.

    Returns:
        The HTML.
    """
    counted = _count(n_documents, "document")
    label = "Show the document" if n_documents == 1 else f"Show {counted}"
    button = f'<button type="button" class="show">{label}</button>' if n_documents else ""
    drawers = "".join(
        f'<button type="button" data-drawer="{name}" aria-haspopup="dialog">{label}</button>' for name, label in DRAWERS
    )
    return (
        f"<header><h1>Verbatim</h1><p>{counted} in <bdi>{escape(folder)}</bdi></p>{button}"
        f'<nav aria-label="Verbatim">{drawers}{_SIGN_OUT if signs_out else ""}</nav></header>'
    )


def welcome(n_documents: int, folder: str, examples: Sequence[str]) -> str:
    """What an empty chat says.

    Args:
        n_documents: How many documents can be asked.
        folder: The folder of documents.
        examples: Questions that can be clicked.

    Returns:
        The HTML; where there are no documents, with what it will say once there are.
    """
    if not n_documents:
        add = '<button type="button" class="add-files">Add files</button>'
        return (
            '<div class="welcome"><h2>There are no documents yet.</h2><p>Drop PDF, Word, text or other files anywhere '
            f'on this page, or put them into <bdi class="file">{escape(folder)}</bdi>.</p>{add}'
            f"<template>{welcome(1, folder, examples)}</template></div>"
        )
    buttons = "".join(f'<li><button type="button" class="example">{escape(each)}</button></li>' for each in examples)
    tour = '<button type="button" class="start-tour">Show me around</button>'
    listed = f'<p class="label">Try one of these</p><ul class="examples">{buttons}</ul>{tour}' if examples else ""
    return (
        '<div class="welcome"><h2>Ask, and read it where it stands.</h2>'
        "<p>Every answer is a stretch of a document, word for word, with the document open at it. "
        f"What the documents do not say is not answered.</p>{listed}</div>"
    )


def _shorten(text: str, max_chars: int) -> str:
    text = text.strip()
    return text if len(text) <= max_chars else text[:max_chars].rstrip() + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
