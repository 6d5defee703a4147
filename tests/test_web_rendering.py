"""Answers and documents as HTML: the very characters, nothing interpreted."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from index.records import Concordance, DocumentOccurrences, DocumentRecord, Occurrence, Passage
from qa.records.answer import Answer, Reason
from qa.records.turn import Kind, Turn
from qa.records.worked_out import WorkedOut
from qa.web.chat import rendering
from qa.web.chat.transcript import shown_said
from qa.web.history.store import Said
from qa.web.templates import Templates

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> **bold** $x$ </mark> &amp; ${value} {{value}} @children"
)

any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from("\r\n\0<>&\"'\ud800\u202e\u0301ﬁ\xa0👩‍👧"))


class Parsed(HTMLParser):
    """What a browser would show of HTML, and the elements that it is made of."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        assert "\r" not in markup  # a browser would make a newline of it
        assert "\0" not in markup  # a browser would drop it
        self.open: list[tuple[str, str]] = []
        self.tags: set[str] = set()
        self.texts: dict[tuple[str, str], str] = {}
        self.attributes: list[dict[str, str | None]] = []
        self.feed(str(markup))  # Markup would escape what is added to it
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.append(dict(attrs))
        if tag not in {"br", "input"}:
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            self.texts[element] = self.texts.get(element, "") + data


def shown(text: str) -> str:
    """The text with the characters that HTML has no way to write replaced as `Templates.render` says."""
    return "".join("␀" if c == "\0" else "\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def record(name: str = "notes.txt", title: str = "Notes") -> DocumentRecord:
    return DocumentRecord(name, title, "0" * 64, 1, 1)


def answer(sentence: str = "It was banned in May 2012.", words: str = "May 2012", **given: object) -> Answer:
    start = sentence.index(words)
    made = Answer(
        question="when?",
        answered=True,
        text=words,
        confidence=0.87,
        document="notes.txt",
        title="Notes",
        start=100 + start,
        end=100 + start + len(words),
        sentence=sentence,
        sentence_start=100,
        passage=Passage("notes.txt", 90, 200, "The passage."),
    )
    return replace(made, **given)  # type: ignore[arg-type]


def bubble(told: Answer, *records: DocumentRecord) -> str:
    """What the page shows of a question, asked as it was typed."""
    reason = told.reason.explanation if told.reason else ""
    kind = Kind.ANSWER if told.answered else Kind.UNKNOWN
    text = told.text if told.answered else f"I don't know. {reason}"
    return shown_said(Said(Turn(told.question, text, kind, told.question, told), records), "7").html


@given(any_text, any_text, any_text)
def test_a_bubble_marks_the_answers_characters_in_their_sentence(before: str, words: str, after: str) -> None:
    markup = bubble(answer(before + words + after, words, start=100 + len(before)))
    parsed = Parsed(markup)
    assert parsed.texts.get(("mark", ""), "") == shown(words)
    assert parsed.texts.get(("blockquote", "quote"), "") == shown(before + words + after)


def found_in(text: str) -> Concordance:
    place = Occurrence(7, 7 + len(text), text, text, f"{text}{text} {text}", 7 - len(text), ((7, 7 + len(text)),))
    return Concordance(text, 1, 2, 1, (DocumentOccurrences(text, text, text, 2, (place,)),))


@given(any_text)
def test_a_place_where_words_stand_is_marked_in_its_snippet(text: str) -> None:
    parsed = Parsed(shown_said(Said(Turn("which?", "", Kind.PLACES, found=found_in(text))), "7").html)
    assert parsed.texts.get(("mark", ""), "") == shown(text)
    assert parsed.texts[("span", "excerpt")] == shown(f"{text}{text} {text}")
    (opener,) = [each for each in parsed.attributes if "opener" in (each.get("class") or "")]
    assert (opener["data-start"], opener["data-end"]) == ("7", str(7 + len(text)))


def turns_of(text: str) -> list[Turn]:
    """A turn of every kind that shows documents, with a text in every place that something from outside can have."""
    asked, understood, other = text, text + "?", text + "!"
    passage = Passage(text, 0, len(text), text, text)
    alternative = answer(text, text, document=text, title=text, confidence=0.5)
    answered = answer(
        f"{text} {text} {text}", text, question=text, document=text, title=text, place=other, document_sha256=text,
        start=100 + len(f"{text} "), evidence=(passage,), alternatives=(alternative,), hurried=True,
    )  # fmt: skip
    declined = Answer(text, answered=False, nearest=(passage, passage), reason=Reason.TOO_UNSURE, hurried=True)
    two = (answered, alternative)
    worked_out = WorkedOut(text, text, "sum", False, text, text, text, text, 0, 9, 2, (passage,))
    return [
        Turn(asked, text, Kind.ANSWER, understood, answered),
        Turn(asked, text, Kind.LIST, understood, answered, answers=two),
        Turn(asked, text, Kind.DISAGREEMENT, understood, answered, answers=two, dates=(other, None)),
        Turn(asked, text, Kind.EVIDENCE, understood, answered, evidence=passage),
        Turn(asked, text, Kind.PLACES, documents=(text,), found=found_in(text)),
        Turn(asked, f"I don't know. {text}", Kind.UNKNOWN, understood, declined, suggestions=(text,)),
        Turn(asked, text, Kind.WORKED_OUT, understood, declined, worked_out=worked_out),
    ]


def tags_of(said: Turn, *records: DocumentRecord) -> set[str]:
    return Parsed(shown_said(Said(said, records), "7").html).tags


@given(any_text)
@example(HOSTILE)
@example("\"'><script>")
def test_nothing_from_outside_becomes_an_element(text: str) -> None:
    for ours, theirs in zip(turns_of("harmless"), turns_of(text), strict=True):
        for records in ((), (record(text, text),)):
            assert tags_of(theirs, *records) <= tags_of(ours), theirs.kind
    assert tags_of(Turn(text, text, Kind.TALK)) <= {"article", "p", "span", "button", "div"}
    assert Parsed(rendering.pending(text, text)).tags <= {"article", "p", "span", "div"}
    stopped = rendering.stopped(text, text, "page-7", [text])
    assert Parsed(stopped).tags <= {"article", "p", "span", "button", "div"}
    assert Parsed(rendering.notice(text, text)).tags <= {"article", "p", "span", "div"}
    assert Parsed(rendering.masthead(text, 1)).tags == {"header", "h1", "p", "bdi", "button", "nav"}
    for n_documents in (0, 1):
        tags = Parsed(rendering.welcome(n_documents, text, [text])).tags
        assert tags <= {"div", "h2", "p", "ul", "li", "button", "bdi", "template"}
    assert Parsed(rendering.conversation(text, [])).tags == {"span"}


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    (tmp_path / "list.html").write_text(
        "<ul>\n  {% for each in listed %}\n    <li>{{ each }}</li>\n"
        "    {% if aside %}{{ aside }}{% endif %}\n  {% endfor %}\n</ul>\n"
        '<input\n  value="{{ value }}">\n'
    )
    return Templates(tmp_path)


def test_line_breaks_between_the_tags_of_a_template_are_no_spaces_on_the_page(templates: Templates) -> None:
    html = templates.render("list.html", listed=["a\n", "b"], aside=Markup("<i>!</i>"), value="\r\0\ud800'")
    assert html == '<ul><li>a\n</li><i>!</i><li>b</li><i>!</i></ul><input\n  value="&#13;␀\ufffd&#39;">'


def test_a_name_that_a_template_is_not_given_is_an_error_in_its_line(templates: Templates) -> None:
    with pytest.raises(UndefinedError, match="'aside' is undefined") as told:
        templates.render("list.html", listed=[1], value="")
    lines = [entry.lineno + 1 for entry in told.traceback if entry.path.name == "list.html"]
    assert lines == [4]


def test_a_name_with_quotes_stays_in_its_attribute() -> None:
    name = "\"><script>'x'.txt"
    parsed = Parsed(bubble(answer(document=name)))
    assert {a["data-document"] for a in parsed.attributes if "data-document" in a} == {name}
    assert "script" not in parsed.tags


def test_an_endless_sentence_is_cut_around_the_words() -> None:
    parsed = Parsed(bubble(answer("word " * 500 + "MAY 2012" + " word" * 500, "MAY 2012")))
    quote = parsed.texts["blockquote", "quote"]
    assert parsed.texts["mark", ""] == "MAY 2012"
    assert len(quote) < 700
    assert quote.startswith("…word")
    assert quote.endswith("word…")


@pytest.mark.parametrize(
    ("confidence", "said"),
    [
        (1.0, "Very sure · 99\xa0%"),
        (0.9, "Very sure · 90\xa0%"),
        (0.87, "Quite sure · 87\xa0%"),
        (0.5, "Fairly sure · 50\xa0%"),
        (0.42, "Not very sure · 42\xa0%"),
        (0.0, "Unsure · 1\xa0%"),
    ],
)
def test_certainty_is_a_word_and_a_number(confidence: float, said: str) -> None:
    assert rendering.certainty(confidence) == said


def test_an_answer_shows_where_it_is_from_and_how_sure_it_is() -> None:
    parsed = Parsed(bubble(answer(place="History › Bans")))
    assert parsed.texts["span", "title"] == "Notes"
    assert parsed.texts["bdi", "file"] == "notes.txt"
    assert parsed.texts["span", "place"] == "History › Bans"
    assert parsed.texts["span", "certainty"] == "Quite sure · 87\xa0%"


def test_further_evidence_leaves_out_the_answers_own_passage_and_unlikely_answers() -> None:
    own, further = Passage("notes.txt", 90, 200, "The passage."), Passage("other.txt", 5, 9, "More.")
    others = (answer(confidence=0.3), answer(confidence=0.01))
    parsed = Parsed(bubble(answer(evidence=(own, further), alternatives=others), record("other.txt")))
    assert "Also found in 1 passage" in parsed.texts["summary", ""]
    assert "1 other answer" in parsed.texts["summary", ""]
    opened = [a for a in parsed.attributes if a.get("data-document") == "other.txt"]
    assert [(a["data-start"], a["data-end"], a["data-passage"]) for a in opened] == [("5", "9", "1")]


@pytest.mark.parametrize("reason", list(Reason))
def test_a_declined_question_says_why(reason: Reason) -> None:
    parsed = Parsed(bubble(Answer("who?", answered=False, reason=reason)))
    assert parsed.texts["p", "unknown"] == "I don’t know."
    assert parsed.texts["p", "reason"] == reason.explanation


@pytest.mark.parametrize("kind", [Kind.ANSWER, Kind.UNKNOWN])
def test_a_question_read_in_a_hurry_says_so_and_can_be_read_again_in_its_place(kind: Kind) -> None:
    said = Turn("when, no, who?", "May 2012", kind, "who?", replace(answer(), hurried=True))
    html = rendering.spoken(said, {}, "7")
    again = next(a for a in Parsed(html).attributes if a.get("class") == "again")["data-asked"]
    asked = {"question": "when, no, who?", "understood": "who?", "in_place_of": ["7"], "is_patient": True}
    assert json.loads(again or "") == asked
    assert "only the fast reader has read this" in html
    assert "fast reader" not in rendering.spoken(replace(said, answer=answer()), {}, "7")


def test_a_declined_question_has_no_place() -> None:
    with pytest.raises(ValueError, match="no place"):
        rendering.answer_place(Answer("who?", answered=False))


def test_a_long_question_is_shown_shortened() -> None:
    assert len(rendering.notice("x" * 100_000, "too long")) < 2_000


def test_what_can_be_opened_says_which_state_of_the_document_its_offsets_refer_to() -> None:
    own, further = Passage("notes.txt", 90, 200, "The passage."), Passage("other.txt", 5, 9, "More.")
    other = DocumentRecord("other.txt", "Other", "b" * 64, 1, 1)
    given = answer(
        document_sha256="a" * 64, evidence=(own, further), alternatives=(answer(document_sha256="c" * 64),)
    )  # fmt: skip
    opened = Parsed(bubble(given, other)).attributes
    assert [a["data-sha256"] for a in opened if "opener" in a.get("class", "")] == ["a" * 64, "b" * 64, "c" * 64]
    declined = Answer("who?", answered=False, nearest=(further,), reason=Reason.TOO_UNSURE)
    opened = Parsed(bubble(declined, other)).attributes
    assert [a["data-sha256"] for a in opened if "opener" in a.get("class", "")] == ["b" * 64]


def test_without_documents_the_page_says_what_to_do() -> None:
    assert "/home/me/reports" in rendering.welcome(0, "/home/me/reports", ["a question?"])
    now, _, later = rendering.welcome(0, "/home/me/reports", ["a question?"]).partition("<template>")
    assert "a question?" not in now
    assert "a question?" in later
