"""Judging answers on the page, correcting them with words of a document, and the settings, in a real browser."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import fake_answerer
from pages import ask, expect, served
from pdfs import make_pdf, print_paragraph
from qa.answerer import QuestionAnswerer

pytestmark = pytest.mark.browser

BRIDGE = (
    "👩‍👧 e\u0301, a line.\r\nAn old one.\rThe Sarn bridge was designed by MARLOWE of Brannick.\r\n\r\n"
    "It was 👩‍👧 painted\r\nby Garrity\rand sons, e\u0301.\r\n"
)

LONG = f"👩‍👧{'x' * 500} " * 430
"""More than the page shows of a document at a time, in few words."""


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestionAnswerer]:
    documents = {
        "bridge.txt": BRIDGE,
        "long.txt": LONG + "The museum was founded by HALDANE.",
        "plan.pdf": make_pdf([print_paragraph(["The tower was planned by OAKES."])]),
    }
    with fake_answerer(tmp_path_factory.mktemp("feedback"), documents, threshold=0.5) as made:
        yield made


@pytest.fixture(scope="module")
def url(answerer: QuestionAnswerer) -> Iterator[str]:
    with served(answerer) as address:
        yield address


def select(page: Any, words: str) -> None:
    """Selects words in the document as a mouse would, by the browser's own positions."""
    page.evaluate(
        """words => {
            const text = document.querySelector("#panel .text");
            let from = text.textContent.indexOf(words), to = from + words.length;
            const nodes = document.createTreeWalker(text, NodeFilter.SHOW_TEXT), ends = [];
            for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
                if (from >= 0 && from < node.length) ends.push(node, from);
                if (to > 0 && to <= node.length) ends.push(node, to);
                from -= node.length;
                to -= node.length;
            }
            getSelection().setBaseAndExtent(...ends);
        }""",
        words,
    )


def own(page: Any) -> list[dict[str, Any]]:
    return page.evaluate("verbatim.feedback.all()")


def pressed(turn: Any) -> list[str]:
    return turn.locator('.verdict[aria-pressed="true"]').all_text_contents()


def test_an_answer_is_judged_by_mouse_and_by_keyboard_and_it_stays(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    turn = ask(page, "Who designed the Sarn bridge?")
    assert pressed(turn) == []
    turn.locator(".verdict", has_text="Right").click()
    expect(turn.locator('.verdict[aria-pressed="true"]')).to_have_text("Right")
    again = ask(page, "Who designed the Sarn bridge?")  # the log is written anew, with both
    expect(again.locator('.verdict[aria-pressed="true"]')).to_have_text("Right")
    assert [said["verdict"] for said in own(page)] == ["right"]
    page.reload()
    expect(page.locator("#log .answered")).to_have_count(2)
    again = ask(page, "Who designed the Sarn bridge?")
    expect(again.locator('.verdict[aria-pressed="true"]')).to_have_text("Right")
    again.locator(".verdict", has_text="Right").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(again.locator('.verdict[aria-pressed="true"]')).to_have_text("Wrong")
    expect(page.locator("#correcting")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("painted BY garrity")
    page.keyboard.press("Enter")
    expect(page.locator("#correcting .chosen")).to_have_text("painted\r\nby Garrity", use_inner_text=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "These are right"
    page.keyboard.press("Enter")
    expect(page.locator("#correcting")).to_have_count(0)
    expect(again.locator(".judged")).to_contain_text("by Garrity”, in bridge.txt.")
    assert page.evaluate("document.activeElement.dataset.verdict") == "wrong"
    (said,) = own(page)
    assert (said["verdict"], said["correction"]["text"]) == ("wrong", "painted\r\nby Garrity")
    page.keyboard.press("Enter")  # pressed again, it is taken back
    expect(again.locator('.verdict[aria-pressed="true"]')).to_have_count(0)
    assert own(page) == []


def test_the_right_words_are_selected_in_the_document(
    visit: Callable[..., Any], url: str, answerer: QuestionAnswerer
) -> None:
    page = visit(url)
    turn = ask(page, "Who designed the Sarn bridge?")
    for words in ("by Garrity\rand", "👩‍👧 painted\r\nby", "MARLOWE of", "sons, e\u0301."):
        turn.locator(".verdict", has_text="Wrong").click()
        expect(page.locator("#correcting .confirm")).to_be_disabled()
        select(page, words)
        expect(page.locator("#correcting .chosen q")).to_have_count(1)
        page.click("#correcting .confirm")
        expect(turn.locator(".judged")).to_contain_text("You said: “")
        (said,) = own(page)
        found = said["correction"]
        assert answerer.text("bridge.txt")[found["start"] : found["end"]] == found["text"] == words
        page.click("[data-drawer=settings]")
        with page.expect_download() as downloading:
            page.click("text=Download as JSON Lines")
        assert downloading.value.suggested_filename == "verbatim-feedback.jsonl"
        exported = json.loads(downloading.value.path().read_text(encoding="utf-8"))
        (answer,) = exported["answers"]
        assert exported["context"][answer["start"] :].startswith(words)
        page.keyboard.press("Escape")
        turn.locator(".verdict", has_text="Wrong").click()  # takes it back
        expect(turn.locator('.verdict[aria-pressed="true"]')).to_have_count(0)


def test_what_is_not_answered_may_be_in_a_long_document_all_the_same(
    visit: Callable[..., Any], url: str, answerer: QuestionAnswerer
) -> None:
    page = visit(url)
    turn = ask(page, "Which colour do xylophones have?")
    turn.locator(".verdict", has_text="The answer is in the documents").click()
    assert page.locator("#correcting .absent").count() == 0
    ask(page, "Who founded the museum?")  # opens the long document at its end, of which the last stretch is shown
    expect(page.locator("#panel mark")).to_have_text("HALDANE")
    assert page.evaluate("Number(document.querySelector('#panel .text').dataset.first)") > 0
    select(page, "founded by HALDANE")
    page.click("#correcting .confirm")
    expect(turn.locator(".judged")).to_have_text("You said: “founded by HALDANE”, in long.txt.")
    (said,) = own(page)
    found = said["correction"]
    assert answerer.text("long.txt")[found["start"] : found["end"]] == "founded by HALDANE"
    assert said["answer"] is None


def test_of_a_document_shown_as_pages_the_words_are_selected_in_its_text(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    turn = ask(page, "Who planned the tower?")
    page.wait_for_selector("#panel .pages")
    turn.locator(".verdict", has_text="Wrong").click()
    page.click("#correcting .as-text")
    expect(page.locator("#correcting .chosen")).to_have_text("Select them in the document: this one, or another.")
    select(page, "tower was planned")
    page.click("#correcting .confirm")
    expect(turn.locator(".judged")).to_have_text("You said: “tower was planned”, in plan.pdf.")


def test_an_answer_may_be_nowhere_and_leaving_keeps_the_verdict(visit: Callable[..., Any], url: str) -> None:
    page = visit(url, 360, 740, has_touch=True, is_mobile=True)
    turn = ask(page, "Who designed the Sarn bridge?")
    turn.locator(".verdict", has_text="Wrong").tap()
    expect(page.locator("#panel .text")).to_be_visible()
    expect(page.locator("#correcting")).to_be_in_viewport()
    page.locator("#correcting .leave").tap()
    expect(page.locator("#correcting")).to_have_count(0)
    expect(page.locator("#panel .text")).not_to_be_visible()
    assert [(said["verdict"], said["is_absent"]) for said in own(page)] == [("wrong", False)]
    turn.locator(".verdict", has_text="Wrong").tap()  # takes it back
    expect(turn.locator('.verdict[aria-pressed="true"]')).to_have_count(0)
    turn.locator(".verdict", has_text="Wrong").tap()
    page.locator("#correcting .absent").tap()
    expect(turn.locator(".judged")).to_have_text("You said: it is not in the documents.")
    page.locator(".verdict", has_text="Right").first.tap()
    expect(turn.locator(".judged")).to_have_text("")
    assert [(said["verdict"], said["is_absent"]) for said in own(page)] == [("right", False)]


def test_what_the_server_refuses_is_a_line_below_the_answer(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "bridge.txt").write_text("The Sarn bridge was designed by MARLOWE.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    with served(answerer) as address:
        page = visit(address)
        turn = ask(page, "Who designed the Sarn bridge?")
        turn.locator(".verdict", has_text="Wrong").click()
        expect(page.locator("#correcting")).to_be_focused()
        (folder / "bridge.txt").write_text("The Sarn bridge was designed by ANOTHER.", encoding="utf-8")
        answerer.sync()
        select(page, "The Sarn bridge")
        page.click("#correcting .confirm")
        expect(page.locator("#correcting .chosen")).to_contain_text("has changed since it was shown")
        page.reload()
        page.wait_for_selector("#log .answered")
        assert [said["standing"] for said in own(page)] == ["changed"]


def test_settings_say_what_being_surer_costs_and_are_kept(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    page.click("[data-drawer=settings]")
    said = page.locator("#max-wrong-said")
    expect(said).to_contain_text("As it comes, about")
    before = page.get_attribute(".setting .now", "cx")
    page.focus("#max-wrong")
    page.keyboard.press("Home")
    least = page.evaluate("verbatim.options.max_wrong")
    assert 0 < least < 0.2
    expect(said).to_contain_text(f"At most {round(100 * least)} % wrong: it declines what it is less than")
    assert float(page.get_attribute(".setting .now", "cx")) < float(before)  # fewer are answered
    assert "At most" in page.text_content(".setting svg desc")
    page.check("input[name=reader][value=accurate]")
    assert page.evaluate("verbatim.options.reader") == "accurate"
    page.keyboard.press("Escape")
    expect(page.locator("#asked-with")).to_contain_text("accurate reader")
    page.reload()
    page.wait_for_selector("#log .welcome")
    expect(page.locator("#asked-with")).to_contain_text("accurate reader")
    page.click("#asked-with button")
    page.click("text=Everything as it came")
    assert page.evaluate("[verbatim.options.max_wrong, verbatim.options.reader]") == [None, None]
    expect(page.locator("#asked-with")).to_have_count(0)
    expect(said).to_contain_text("As it comes")


def test_the_plot_shows_how_sure_it_must_be_where_it_was_not_measured_how_many_are_answered(
    visit: Callable[..., Any], url: str
) -> None:
    page = visit(url)
    page.click("[data-drawer=settings]")
    assert "Questions answered" in page.text_content(".setting svg")
    page.keyboard.press("Escape")

    def without_coverage(route: Any) -> None:
        readers = route.fetch().json()
        for reader in readers:
            for row in reader["risk"]:
                row.update(dict.fromkeys(("answered", "traps", "strangers")))
        route.fulfill(json=readers)

    page.route("**/api/settings", without_coverage)
    page.reload()
    page.click("[data-drawer=settings]")
    page.focus("#max-wrong")
    before = float(page.get_attribute(".setting .now", "cx"))
    page.keyboard.press("Home")
    expect(page.locator("#max-wrong-said")).not_to_contain_text("traps")
    assert float(page.get_attribute(".setting .now", "cx")) > before
    assert "How sure it must be" in page.text_content(".setting svg")


def test_the_theme_that_was_chosen_stays(visit: Callable[..., Any], url: str) -> None:
    page = visit(url, media={"color_scheme": "light"})
    page.click("[data-drawer=settings]")
    page.check("input[value=dark]")
    assert page.evaluate("document.body.matches('.dark')")
    page.reload()
    page.wait_for_selector("#log .welcome")
    assert page.evaluate("document.body.matches('.dark')")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 23)"
    page.click("[data-drawer=settings]")
    page.check("input[value=system]")
    assert not page.evaluate("document.body.matches('.dark')")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.body.matches('.dark')")
