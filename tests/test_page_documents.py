"""Documents in a real browser: the words marked where they stand, adding, taking out, choosing, quoting, linking."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import Image

from containers import make_zip
from fakes import fake_answerer
from pages import ask, expect, served
from pdfs import make_pdf, print_paragraph
from qa.answerer import QuestionAnswerer

HOSTILE = '<img src=x onerror="window.pwned = 1">.txt'
HOSTILE_TITLE = "<script>window.pwned = 1</script> **Title** of an \u202eodd one"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestionAnswerer]:
    """Documents of several formats; what a test adds has a name and words of its own."""
    page = ["The bridge was built by the county of Brannick,", "and its engineer was the famous MARLOWE of Harlow."]
    documents = {
        "bridge.pdf": make_pdf([print_paragraph(["Nothing here."])] * 30 + [print_paragraph(page)]),
        "notes.md": "# Notes\n\nwords\n\n## Repairs\n\nThe repairer was GARRITY.\n",
        "costs.csv": "item,paid\nbolts,TWELVE\nnuts,NINE\n",
        "emoji.txt": "👩‍👧 𝒳 e\u0301\rold line\r\nThe zookeeper 👩‍👧 is called OTTO 𝒳.\n",
        "long.txt": "On it went. " * 30_000 + "The dog REX barks. " + "On. " * 50_000,
        HOSTILE: f"{HOSTILE_TITLE}\n\nThe hostile animal is a ZEBRA.\n",
        "tool.exe": b"MZ\0\0",
        "letters.zip": make_zip({"plan.pdf": make_pdf([print_paragraph(["The planner was HASTINGS."])])}),
    }
    with fake_answerer(tmp_path_factory.mktemp("shelf"), documents) as answerer:
        yield answerer


@pytest.fixture(scope="module")
def url(shelf: QuestionAnswerer) -> Iterator[str]:
    with served(shelf) as address:
        yield address


def drawer(page: Any) -> Any:
    """The Documents drawer, opened."""
    page.click("[data-drawer=documents]")
    expect(page.locator("#drawer-documents .files > li").first).to_be_visible()
    return page.locator("#drawer-documents")


def add(page: Any, *files: tuple[str, bytes]) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#drawer-documents .add-files").click()
    chooser.value.set_files([{"name": name, "mimeType": "", "buffer": content} for name, content in files])


# The words where they stand


def test_words_of_a_pdf_are_boxed_where_they_are_printed(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/pages/" in request.url else None)
    ask(page, "Who was the engineer of the bridge of Brannick?")
    box = page.locator("#panel .page[data-number='31'] .box")
    expect(box).to_have_count(1)
    expect(box).to_be_in_viewport()
    assert page.locator("#panel .page[data-number='31'] .unseen").text_content() == "Page 31, the words: MARLOWE"
    page.wait_for_selector("#panel .page[data-number='31'] img")
    page.eval_on_selector("#panel .page[data-number='31'] img", "picture => picture.decode()")
    # The picture without the box: dark under it, blank below.
    place, sheet = box.bounding_box(), page.locator("#panel .page[data-number='31']").bounding_box()
    page.add_style_tag(content=".box { display: none }")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("L")
    left, top = place["x"], place["y"]
    words = shot.crop((int(left), int(top), int(left + place["width"]), int(top + place["height"])))
    assert words.getextrema()[0] < 120
    below = shot.crop((int(sheet["x"]) + 5, int(top + place["height"]) + 3, int(sheet["x"] + sheet["width"]) - 5, 765))
    assert below.getextrema()[0] > 240
    assert all(int(address.split("/pages/")[1].split("?")[0]) > 25 for address in fetched)  # only pages near the view
    page.evaluate("document.querySelector('#panel .pages').scrollTop = 0")
    expect(page.locator("#panel .page[data-number='1'] img")).to_have_count(1)
    expect(page.locator("#panel .page[data-number='31'] img")).to_have_count(0)

    page.click("#panel .views button:has-text('Text')")
    expect(page.locator("#panel mark")).to_have_text("MARLOWE")
    expect(page.locator("#panel mark")).to_be_in_viewport()
    assert page.evaluate("document.activeElement.textContent") == "Text"
    assert page.locator("#panel .at[data-label='page 31']").count() == 1
    assert "page 31" not in page.locator("#panel .text").text_content()


def test_words_are_marked_whatever_stands_before_them(visit: Callable[..., Any], shelf: Any, url: str) -> None:
    page = visit(url)
    ask(page, "What is the zookeeper called?")
    expect(page.locator("#panel mark")).to_have_text("OTTO")
    assert page.locator("#panel .text").text_content() == shelf.text("emoji.txt")
    assert page.locator("#panel .text br").count() == 1
    ask(page, "How much was paid for the item bolts?")
    expect(page.locator("#panel mark")).to_have_text("TWELVE")
    assert page.locator("#panel tr:has(mark) > th").get_attribute("data-label") == "2"
    assert page.locator("#panel .text").text_content() == shelf.text("costs.csv")
    ask(page, "Who was the planner of the plan?")
    expect(page.locator("#panel .page .box")).to_be_in_viewport()
    page.wait_for_function("document.querySelector('#panel .page img')?.naturalWidth > 0")  # out of the archive


def test_a_long_document_is_shown_a_stretch_at_a_time(visit: Callable[..., Any], shelf: Any, url: str) -> None:
    page = visit(url)
    text = shelf.text("long.txt")
    start = text.index("REX")
    ask(page, "Which dog barks?")
    expect(page.locator("#panel mark")).to_be_in_viewport()
    stretch = page.locator("#panel .stretch")
    expect(stretch).to_contain_text(f"Characters {start + 1 - 99_999:,} to {start + 1 + 100_000:,} of {len(text):,}")
    stretch.get_by_text("Later").click()
    expect(stretch).to_contain_text(f"to {len(text):,} of")
    assert page.locator("#panel mark").count() == 0
    assert page.locator("#panel .text").text_content() == text[start + 1 + 100_000 :]
    stretch.get_by_text("Earlier").click()
    expect(page.locator("#panel mark")).to_have_text("REX")


def test_markup_in_names_and_titles_is_text(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    shown = drawer(page).locator("li", has_text="onerror")
    assert shown.locator("button.title").text_content() == HOSTILE_TITLE
    assert shown.locator(".file").text_content() == HOSTILE
    shown.locator("input").check()
    page.keyboard.press("Escape")
    expect(page.locator("#asking span")).to_have_text(f"Asking only {HOSTILE}")
    ask(page, "Which animal is hostile?")
    expect(page.locator("#panel mark")).to_have_text("ZEBRA")
    assert page.locator("#panel h2").text_content() == HOSTILE_TITLE
    assert page.locator("main.contain :is(img, script, strong)").count() == 0
    assert page.evaluate("window.pwned") is None


# What is done with an answer


def test_an_answer_is_copied_as_a_quotation_and_as_a_link_to_its_place(
    visit: Callable[..., Any], shelf: Any, url: str
) -> None:
    page = visit(url, permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, "Who was the repairer of the repairs?")
    turn.locator(".copy-quote").first.click()
    expect(page.locator("#said")).to_have_text("Copied")
    start = shelf.text("notes.md").index("The repairer")
    assert page.evaluate("navigator.clipboard.readText()") == (
        f"“The repairer was GARRITY.” — Notes, Notes › Repairs (notes.md, characters {start + 1}–{start + 25})"
    )
    turn.locator(".copy-link").first.click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('http'))")
    link = page.evaluate("navigator.clipboard.readText()")
    linked = visit(link)
    expect(linked.locator("#panel mark")).to_have_text("GARRITY")
    expect(linked.locator("#panel mark")).to_be_in_viewport()
    assert linked.url == link
    linked.goto(link.replace("sha256=", "sha256=0"))
    expect(linked.locator("#panel")).to_contain_text("The document has changed since this answer")
    linked.goto(f"{url}/?{urlencode({'document': '../secret.txt', 'start': 'x'})}")
    expect(linked.locator("#panel")).to_contain_text("there is no document '../secret.txt'")


def test_the_pages_of_a_file_that_changed_give_way_to_the_text_that_was_indexed(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "a.pdf").write_bytes(make_pdf([print_paragraph(["The animal is a ZEBRA."])]))
    answerer = make_answerer()
    answerer.sync()
    (folder / "a.pdf").write_bytes(make_pdf([print_paragraph(["Painted over."])]))
    with served(answerer) as address:
        page = visit(address)
        ask(page, "Which animal is it?")
        expect(page.locator("#panel .note")).to_contain_text("the file has changed since it was indexed")
        expect(page.locator("#panel mark")).to_have_text("ZEBRA")


# The drawer


def test_files_are_added_with_a_line_for_each_and_can_be_asked_about_at_once(
    visit: Callable[..., Any], url: str
) -> None:
    page = visit(url)
    before = int(page.text_content("#masthead p").split()[0])
    opened = drawer(page)
    expect(opened.locator("li.left-out", has_text="tool.exe")).to_contain_text("Unsupported file type")
    add(page, ("cat.txt", b"The cat on the mat is called MOG."), ("bad.exe", b"MZ"), ("void.txt", b""))
    added = opened.locator(".uploads li")
    expect(added.nth(0)).to_contain_text("Added")
    expect(added.nth(1)).to_contain_text("Not added: unsupported file type '.exe'")
    expect(added.nth(2)).to_contain_text("Not added: empty")
    expect(opened.locator(".uploads .summary")).to_have_text("1 file added, 2 not")
    expect(page.locator("#masthead p")).to_contain_text(f"{before + 1} documents in")
    expect(opened.locator("> .body > .files")).to_contain_text("cat.txt")

    page.reload()  # what became of them is still told
    expect(drawer(page).locator(".uploads li").nth(0)).to_contain_text("Added")
    page.locator("#drawer-documents .uploads").get_by_text("Ask about it").click()
    expect(page.locator("#drawer-documents")).to_have_count(0)
    expect(page.locator("#asking span")).to_have_text("Asking only cat.txt")
    assert page.evaluate("document.activeElement.matches('#question textarea')")
    expect(ask(page, "What is the cat on the mat called?").locator("mark")).to_have_text("MOG")
    expect(page.locator("#panel mark")).to_have_text("MOG")


def test_files_dropped_anywhere_are_added(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    drop = """kind => {
        const data = new DataTransfer();
        data.items.add(new File(["The owl is called ULULA."], "owl.txt"));
        document.querySelector("#question textarea").dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, "dragover")
    expect(page.locator(".drop")).to_be_visible()
    page.evaluate(drop, "drop")
    expect(page.locator(".drop")).not_to_be_visible()
    expect(page.locator("#drawer-documents .uploads li")).to_contain_text("Added")


def test_a_document_is_taken_out_after_it_was_said_what_that_means(
    visit: Callable[..., Any], shelf: QuestionAnswerer, url: str
) -> None:
    (shelf.folder / "fox.txt").write_text("The fox is called RENARD.", encoding="utf-8")
    shelf.sync()
    page = visit(url)
    item = drawer(page).locator("li", has_text="fox.txt")
    item.locator("input").check()
    item.get_by_text("Take out").click()
    expect(item.locator(".confirm")).to_contain_text("The file stays in the folder")
    item.get_by_text("Keep it").click()
    expect(item.locator(".confirm")).to_have_count(0)
    item.get_by_text("Take out").click()
    item.get_by_text("Take it out").click()
    expect(item).to_contain_text("Taken out; add it again to ask it")
    assert "fox.txt" not in [record.name for record in shelf.documents()]
    assert (shelf.folder / "fox.txt").exists()
    assert page.evaluate("verbatim.options.within") is None  # what is gone is chosen no more


def test_some_documents_are_chosen_to_be_asked_and_the_page_says_so(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    opened = drawer(page)
    opened.locator("li", has_text="notes.md").locator("input").check()
    opened.locator("li", has_text="costs.csv").locator("input").check()
    assert page.evaluate("verbatim.options.within") == ["notes.md", "costs.csv"]
    opened.locator("input[type=search]").fill("repairs or what")
    expect(opened.locator("> .body > .files > li")).to_have_count(0)
    opened.locator("input[type=search]").fill("NOTES")
    expect(opened.locator("> .body > .files > li")).to_have_count(1)
    assert opened.locator("li input").is_checked()
    page.reload()
    expect(page.locator("#asking")).to_contain_text("Asking 2 of ")
    page.evaluate("verbatim.setOption('within', ['notes.md', 'gone.txt'])")
    page.reload()
    expect(page.locator("#asking span")).to_have_text("Asking only notes.md")
    page.click("#asking .ask-all")
    expect(page.locator("#asking")).not_to_be_visible()
    assert page.evaluate("verbatim.options.within") is None


def test_everything_fits_on_a_phone_and_is_reached_by_keyboard(visit: Callable[..., Any], url: str) -> None:
    from test_page import overflows_sideways

    page = visit(url, 360, 740, has_touch=True, is_mobile=True)
    ask(page, "Who was the engineer of the bridge of Brannick?")
    page.locator("#log .citation").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel .box")).to_be_in_viewport()
    assert not overflows_sideways(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel .pages")).not_to_be_visible()
    assert page.evaluate("document.activeElement.matches('.citation')")
    opened = drawer(page)
    assert not overflows_sideways(page)
    opened.locator("li", has_text="notes.md").locator("button.title").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text("Notes")
    expect(page.locator("#panel .text")).to_be_visible()


def test_with_no_documents_the_first_file_makes_the_page_ready(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer]
) -> None:
    with served(make_answerer()) as address:
        page = visit(address)
        with page.expect_file_chooser() as chooser:
            page.click("#log .add-files")
        chooser.value.set_files([{"name": "a.txt", "mimeType": "", "buffer": b"The animal is a ZEBRA."}])
        expect(page.locator("#drawer-documents .uploads li")).to_contain_text("Added")
        page.keyboard.press("Escape")
        expect(page.locator("#log h2")).to_have_text("Ask, and read it where it stands.")
        expect(page.locator("#masthead p")).to_have_text("1 document in documents")
        expect(page.locator("#panel .text")).to_have_text("The animal is a ZEBRA.")


def test_who_comes_for_the_first_time_is_shown_around_once(
    visit: Callable[..., Any], url: str, shelf: QuestionAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.web.chat.page.default_folder", lambda: shelf.folder)
    monkeypatch.setattr(
        "qa.web.chat.page.SEED_EXAMPLES", ("Who was the repairer of the repairs?", "Who is the president?")
    )
    with served(shelf) as address:
        page = visit(address)
        tour = page.locator(".tour")
        expect(tour).to_contain_text("1 of 3")
        tour.get_by_text("Ask it").click()
        expect(page.locator("#log .answered mark").first).to_have_text("GARRITY")
        tour.get_by_text("Show me the words").press("Enter")
        expect(page.locator("#panel mark")).to_be_in_viewport()
        expect(tour).to_contain_text("3 of 3")
        tour.get_by_text("Ask it").press("Escape")
        expect(tour).to_have_count(0)
        page.goto(address)  # not reloaded: the page may take the conversation up again
        page.wait_for_selector("#log .start-tour")
        expect(tour).to_have_count(0)
        page.click("#log .start-tour")
        expect(tour).to_contain_text("1 of 3")
        assert page.evaluate("document.activeElement.matches('.tour .next')")
