"""Conversations on the page: how a question is asked, stopped, changed and kept, in a real browser."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fakes import WordReader, fake_answerer
from pages import ask, expect, last_change, served
from qa.answerer import QuestionAnswerer
from qa.records.span import Span

pytestmark = pytest.mark.browser

BRIDGE = "Who designed the Sarn bridge?"
MUSEUM = "Who founded the museum of Brannick?"


class PatientReader(WordReader):
    """Reads when it may, and remembers what it was asked."""

    def __init__(self) -> None:
        self.may_read = threading.Event()
        self.may_read.set()
        self.asked: list[str] = []

    def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
        self.asked.append(question)
        assert self.may_read.wait(60)
        return super().read(question, passages)


@pytest.fixture(scope="module")
def reader() -> PatientReader:
    return PatientReader()


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory, reader: PatientReader) -> Iterator[QuestionAnswerer]:
    documents = {
        "bridge.txt": "The Sarn bridge was designed by MARLOWE.",
        "museum.txt": "The museum of Brannick was founded by GARRITY.",
    }
    with fake_answerer(tmp_path_factory.mktemp("history"), documents, reader=reader) as made:
        yield made


@pytest.fixture(scope="module")
def url(answerer: QuestionAnswerer) -> Iterator[str]:
    with served(answerer) as address:
        yield address


@pytest.fixture
def held(reader: PatientReader) -> Iterator[threading.Event]:
    """Nothing is read until it is set."""
    reader.may_read.clear()
    yield reader.may_read
    reader.may_read.set()


def begin(page: Any, question: str) -> Any:
    """Types a question and asks it; what says how far it is."""
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    return page.locator("#log .pending .step")


def conversation_of(page: Any) -> str:
    page.wait_for_url("**conversation=*")
    return parse_qs(urlsplit(page.url).query)["conversation"][0]


def questions(page: Any) -> list[str]:
    return [each.removeprefix("You asked: ") for each in page.locator("#log .question").all_text_contents()]


def test_a_question_says_how_far_it_is_and_nothing_is_computed_for_a_page_that_is_gone(
    visit: Callable[..., Any], url: str, reader: PatientReader, held: threading.Event
) -> None:
    pages = [visit(url)]
    pages += [pages[0].context.new_page() for _ in range(2)]
    for page in pages[1:]:
        page.goto(url)
        page.wait_for_selector("#log .welcome")
    expect(begin(pages[0], f"{BRIDGE} 0")).to_have_text("Reading the passages that fit best…")
    expect(begin(pages[1], f"{BRIDGE} 1")).to_have_text("Waiting for 1 question before this one…")
    last = begin(pages[2], f"{BRIDGE} 2")
    expect(last).to_have_text("Waiting for 2 questions before this one…")
    pages[1].close()
    expect(last).to_have_text("Waiting for 1 question before this one…")
    assert pages[0].get_attribute("#log .pending .step", "aria-live") == "off"
    held.set()
    expect(pages[2].locator("#log .answered")).to_have_count(1)
    assert f"{BRIDGE} 1" not in reader.asked


def test_a_question_can_be_stopped_and_asked_again(
    visit: Callable[..., Any], url: str, reader: PatientReader, held: threading.Event
) -> None:
    page = visit(f"{url}/?theme=kept")
    begin(page, MUSEUM).wait_for()
    page.press("#question textarea", "Enter")  # once more, which asks nothing
    page.fill("#question textarea", "typed meanwhile")
    page.click("#stop")
    stopped = page.locator("#log .stopped")
    expect(stopped.locator("p").last).to_have_text("Stopped.")
    assert questions(page) == [MUSEUM]
    assert page.input_value("#question textarea") == "typed meanwhile"
    assert "conversation" not in page.url
    page.fill("#question textarea", "")
    stopped.locator(".again").click()
    page.locator("#log .pending").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator("#log .stopped")).to_have_count(1)
    held.set()
    page.click("#log .again")
    expect(page.locator("#log .answered mark")).to_have_text("GARRITY")
    assert questions(page) == [MUSEUM]
    expect(page.locator("#question textarea")).to_be_focused()
    page.press("#question textarea", "ArrowUp")
    assert page.input_value("#question textarea") == MUSEUM
    page.press("#question textarea", "Shift+Enter")
    assert page.input_value("#question textarea") == f"{MUSEUM}\n"
    assert "theme=kept&conversation=" in page.url


def test_a_question_is_changed_in_its_place_and_what_came_after_goes(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    for question in (BRIDGE, "thanks", MUSEUM):
        ask(page, question)
    second = page.locator("#log .turn").nth(1)
    second.locator(".edit").focus()
    page.keyboard.press("Enter")
    expect(second.locator(".editing textarea")).to_have_value("thanks")
    assert "the question after it goes" in second.locator(".editing").text_content()
    page.keyboard.press("Escape")
    expect(second.locator(".editing")).to_have_count(0)
    expect(second.locator(".edit")).to_be_focused()
    page.keyboard.press("Enter")
    second.locator(".editing textarea").fill("When was it opened?")
    page.keyboard.press("Enter")
    expect(second.locator(".understood input")).to_have_value("When was the Sarn bridge opened?")
    assert questions(page) == [BRIDGE, "When was it opened?"]
    page.reload()
    expect(page.locator("#log .answered")).to_have_count(2)
    assert questions(page) == [BRIDGE, "When was it opened?"]
    expect(page.locator("#panel mark")).to_have_text("MARLOWE")


def test_who_has_the_link_reads_the_conversation_and_goes_on_with_a_copy(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    ask(page, BRIDGE)
    original = conversation_of(page)
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.locator("#log .answered")).to_have_count(1)
    ask(tab, "thanks")
    assert conversation_of(tab) == original
    ask(page, MUSEUM)  # the other tab's turn is not lost to it
    assert questions(page) == [BRIDGE, "thanks", MUSEUM]

    other = visit(page.url, await_welcome=False)
    expect(other.locator("#log .answered")).to_have_count(2)
    assert "somebody else's conversation" in other.text_content("#log .notice >> nth=0")
    begin(other, "When was it founded?")
    expect(other.locator("#log .answered")).to_have_count(3)
    assert conversation_of(other) != original
    assert questions(other) == [BRIDGE, "thanks", MUSEUM, "When was it founded?"]
    assert "museum of Brannick" in other.input_value("#log .understood input")
    other.reload()
    expect(other.locator("#log .answered")).to_have_count(3)
    assert page.request.get(f"{url}/api/conversations/{original}").json()["n_turns"] == 3


def test_the_drawer_finds_renames_exports_and_deletes(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    ask(page, BRIDGE)
    page.click("[data-drawer=history]")
    page.click(".history .begin")
    page.wait_for_selector("#log .welcome")
    assert "conversation" not in page.url
    ask(page, MUSEUM)
    page.click("[data-drawer=history]")
    rows = page.locator(".history li")
    expect(rows).to_have_count(2)
    assert page.locator(".history h3").all_text_contents() == ["Today"]
    rows.nth(0).locator("text=Rename").click()
    page.fill(".renaming input", "<b>A museum</b>")
    page.keyboard.press("Enter")
    expect(rows.nth(0).locator(".name")).to_have_text("<b>A museum</b>")
    rows.nth(0).locator("summary").click()
    with page.expect_download() as download:
        rows.nth(0).locator("text=Markdown").click()
    assert download.value.suggested_filename == "verbatim-b-a-museum-b.md"
    assert "> GARRITY" in Path(download.value.path()).read_text(encoding="utf-8")
    page.fill(".history [type=search]", "marlowe")
    expect(rows).to_have_count(1)
    rows.locator(".open").click()
    expect(page.locator("#log mark")).to_have_text("MARLOWE")
    page.click("[data-drawer=history]")
    rows.nth(1).locator("text=Delete").click()
    assert "cannot be undone" in rows.nth(1).text_content()
    page.keyboard.press("Enter")  # which keeps it
    rows.nth(1).locator("text=Delete").click()
    rows.nth(1).locator("text=Erase >> nth=-1").click()
    expect(rows).to_have_count(1)
    page.click(".history .all >> text=Delete all")
    page.click(".history .all .erase")
    expect(page.locator(".history .status")).to_contain_text("What you ask is kept here")
    page.keyboard.press("Escape")
    page.wait_for_selector("#log .welcome")
    assert "conversation" not in page.url


def test_a_server_that_is_away_is_a_line_and_when_it_is_back_the_conversation_goes_on(
    visit: Callable[..., Any], answerer: QuestionAnswerer, reader: PatientReader
) -> None:
    first, second = ExitStack(), ExitStack()
    with first, second:
        address = first.enter_context(served(answerer))
        port = urlsplit(address).port or 0
        page = visit(address)
        ask(page, BRIDGE)
        first.close()
        page.fill("#question textarea", "When was it opened?")
        page.press("#question textarea", "Enter")
        expect(page.locator("#line")).to_contain_text("The server does not answer.")
        assert page.input_value("#question textarea") == "When was it opened?"
        second.enter_context(served(answerer, port=port))
        page.press("#question textarea", "Enter")
        expect(page.locator("#log .understood input")).to_have_value("When was the Sarn bridge opened?")
        assert questions(page) == [BRIDGE, "When was it opened?"]
        reader.may_read.clear()
        begin(page, MUSEUM).wait_for()
        second.close()
        expect(page.locator("#line")).to_contain_text("goes on by itself")
        reader.may_read.set()
        assert page.locator(".toast-body").count() == 0 or not page.is_visible(".toast-body")
        with served(answerer, port=port):
            expect(page.locator("#line")).to_contain_text("back in the field")
            expect(page.locator("#question textarea")).to_have_value(MUSEUM)
            expect(page.locator("#log .answered")).to_have_count(2)


def test_questions_are_asked_as_chosen_in_the_browser(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    page.evaluate("verbatim.setOption('within', ['museum.txt', 'gone.txt'])")
    turn = ask(page, BRIDGE)
    assert turn.locator("mark").text_content() == "GARRITY"
    assert "no longer there: gone.txt" in page.locator("#log .notice").text_content()
    page.evaluate("verbatim.setOption('within', ['gone.txt'])")
    assert "none of the chosen documents" in ask(page, "again?").text_content()
    page.evaluate("verbatim.setOption('within', null)")
    page.evaluate("verbatim.setOption('reader', '/etc')")
    assert "reader='/etc': input should be 'fast', 'accurate' or 'cascade'" in ask(page, BRIDGE).text_content()
    page.evaluate("verbatim.setOption('reader', null)")
    page.evaluate("verbatim.setOption('max_wrong', 7)")
    assert "max_wrong='7'" in ask(page, "and?").text_content()


def test_without_a_history_a_conversation_lives_in_its_page(
    visit: Callable[..., Any], answerer: QuestionAnswerer
) -> None:
    with served(answerer, keep_history=False) as address:
        page = visit(address)
        ask(page, BRIDGE)
        turn = ask(page, "When was it opened?")
        assert turn.locator(".understood input").input_value() == "When was the Sarn bridge opened?"
        turn.locator(".edit").click(force=True)
        page.fill(".editing textarea", MUSEUM)
        page.keyboard.press("Enter")
        expect(page.locator("#log .answered mark").nth(1)).to_have_text("GARRITY")
        assert questions(page) == [BRIDGE, MUSEUM]
        assert "conversation" not in page.url
        assert page.context.cookies() == []
        page.click("[data-drawer=history]")
        expect(page.locator(".history .status")).to_contain_text("keeps no history")


def test_a_document_that_is_deleted_while_it_is_asked_is_a_line(
    make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    from qa.web.chat.page import _Chat

    (folder / "bridge.txt").write_text("The Sarn bridge was designed by MARLOWE.", encoding="utf-8")

    class Deleting(WordReader):
        def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
            other.remove(["bridge.txt"]) if other.documents() else None
            return super().read(question, passages)

    answerer, other = make_answerer(reader=Deleting()), make_answerer()
    answerer.sync()

    last = last_change(_Chat(answerer), BRIDGE)
    assert "A document was deleted while it was asked; ask again." in last["log"]
    assert [each.text for each in last_change(_Chat(answerer), BRIDGE)["told"].turns] == [
        "I don't know. There is no passage to look in."
    ]
