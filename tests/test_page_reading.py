"""Reading documents on the page: laid out as people know them, with the offsets of the stored text; words found."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openpyxl
import pytest

from containers import make_zip
from fakes import fake_answerer
from pages import ask, expect, served
from pdfs import make_pdf, print_paragraph
from qa.answerer import QuestionAnswerer
from test_page import overflows_sideways
from test_page_accessibility import problems

pytestmark = pytest.mark.browser

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MARKDOWN = """# Harlow Bridge 🌉

The engineer of Harlow was **Edith MARLOWE**, says the [Earl](http://example.org/TREASURY).

- granite
- oak <img src=x onerror="window.pwned = 1">

| Year | Mason |
|------|-------|
| 1947 | the mason GARRITY |
"""


def docx() -> bytes:
    def paragraph(words: str, level: int | None = None) -> str:
        style = "" if level is None else f'<w:pPr><w:outlineLvl w:val="{level}"/></w:pPr>'
        return f"<w:p>{style}<w:r><w:t>{words}</w:t></w:r></w:p>"

    rows = (("Part", "Painter"), ("Roof", "HALDANE"), ("Doors", "nobody"))
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    table = "".join(f"<w:tr>{row}</w:tr>" for row in cells)
    body = (
        paragraph("The toll house", 0) + paragraph("It has a roof.") + paragraph("Paint", 1) + f"<w:tbl>{table}</w:tbl>"
    )
    return make_zip(
        {
            "[Content_Types].xml": b"<Types/>",
            "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'.encode(),
        }
    )


def xlsx() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Item", "Supplier", "Paid", *(f"Note {number}" for number in range(20))])
    for number in range(2, 80):
        clerk = "KOWALSKI" if number == 60 else "someone"
        sheet.append([f"lot {number}", f"the supplier {clerk} of lot {number}", number, *(["a note"] * 20)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestionAnswerer]:
    documents = {
        "bridge.md": MARKDOWN,
        "house.docx": docx(),
        "lots.xlsx": xlsx(),
        "survey.pdf": make_pdf([print_paragraph([f"The bridge has a page {n}."]) for n in range(1, 7)]),
    }
    with fake_answerer(tmp_path_factory.mktemp("reading"), documents) as made:
        yield made


@pytest.fixture(scope="module")
def url(answerer: QuestionAnswerer) -> Iterator[str]:
    with served(answerer) as address:
        yield address


def shows(page: Any, answerer: QuestionAnswerer, name: str, words: str) -> None:
    """The document is open with the words marked and seen, and holds the stored text, markup included."""
    text = page.locator("#panel .text")
    expect(text).to_have_attribute("data-document", name)
    expect(page.locator("#panel mark")).to_have_text(words)
    expect(page.locator("#panel mark")).to_be_in_viewport()
    assert text.text_content() == answerer.text(name)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")], ids=["dark", "phone"])
def test_documents_are_laid_out_with_the_words_marked(
    visit: Callable[..., Any], answerer: QuestionAnswerer, url: str, width: int, scheme: str
) -> None:
    page = visit(url, width, 800, color_scheme=scheme)

    @contextmanager
    def asked(question: str, name: str, words: str) -> Iterator[None]:
        turn = ask(page, question)
        if width < 800:
            turn.locator(".opener").first.click()
        shows(page, answerer, name, words)
        assert problems(page) == []
        assert not overflows_sideways(page)
        yield
        if width < 800:
            page.click("#panel .close")

    with asked("Who was the engineer of Harlow?", "bridge.md", "MARLOWE"):
        assert page.locator("#panel h3").inner_text() == "Harlow Bridge 🌉"
        assert page.locator("#panel strong").inner_text() == "Edith MARLOWE"
        assert page.locator("#panel li").all_inner_texts() == ["granite", 'oak <img src=x onerror="window.pwned = 1">']
        assert page.locator("#panel table th").all_inner_texts() == ["Year", "Mason"]
        assert page.locator("#panel :is(img, a, script)").count() == 0
    with asked("Who painted the roof, the painter of the part?", "house.docx", "HALDANE"):
        assert page.locator("#panel :is(h3, h4)").all_inner_texts() == ["The toll house", "Paint"]
        assert page.locator("#panel td.marked").inner_text() == "HALDANE"
    with asked("Who was the supplier of lot 60?", "lots.xlsx", "the supplier KOWALSKI of lot 60"):
        cell = page.locator("#panel td.marked")
        assert cell.inner_text() == "the supplier KOWALSKI of lot 60"
        assert cell.evaluate("cell => cell.parentElement.firstElementChild.dataset.label") == "60"
        header = "cell => cell.closest('table').tHead.rows[0].cells[cell.cellIndex].dataset.label"
        assert cell.evaluate(header) == "Supplier"
    assert page.evaluate("window.pwned") is None


def test_the_plain_text_is_a_switch_away_and_stays_chosen(
    visit: Callable[..., Any], answerer: QuestionAnswerer, url: str
) -> None:
    page = visit(url)
    ask(page, "Who was the engineer of Harlow?")
    page.click("#panel .views button:has-text('Plain text')")
    expect(page.locator("#panel mark")).to_have_text("MARLOWE")
    assert page.locator("#panel .text").inner_text() == answerer.text("bridge.md")
    ask(page, "Who was the supplier of lot 60?")
    expect(page.locator("#panel mark")).to_have_text("the supplier KOWALSKI of lot 60")
    assert page.locator("#panel table").count() == 0
    page.click("#panel .views button:has-text('Grid')")
    expect(page.locator("#panel td.marked")).to_be_in_viewport()


def test_words_are_found_in_the_open_document_and_those_in_markup_are_shown(
    visit: Callable[..., Any], url: str
) -> None:
    page = visit(url)
    ask(page, "Who was the engineer of Harlow?")
    finder = page.locator("#panel .find-here")
    for words, counts in (
        ("harlow", ["1 of 2", "2 of 2", "1 of 2"]),
        ("treasury", ["1 of 1"]),
        ("zebra", ["Not found"]),
    ):
        finder.locator("input").fill(words)
        for count in counts:
            page.press("#panel .find-here input", "Enter")
            expect(finder.locator(".count")).to_have_text(count)
        if words != "zebra":
            expect(page.locator("#panel mark:visible")).to_have_text(
                [words.title() if words == "harlow" else "TREASURY"]
            )
            assert page.evaluate("document.activeElement.matches('.find-here input')")


def test_pages_are_gone_to_and_zoomed(visit: Callable[..., Any], url: str) -> None:
    page = visit(f"{url}?document=survey.pdf", await_welcome=True)
    expect(page.locator("#panel .page")).to_have_count(6)
    page.fill("#panel .go input", "5")
    page.press("#panel .go input", "Enter")
    expect(page.locator("#panel .page[data-number='5']")).to_be_in_viewport(ratio=0.5)
    page.click("#panel .tools button:has-text('Thumbnails')")
    page.locator("#panel .thumbnails button").nth(1).click()
    expect(page.locator("#panel .page[data-number='2']")).to_be_in_viewport(ratio=0.5)
    width = "document.querySelector('#panel .page').clientWidth"
    before = page.evaluate(width)
    page.click("#panel .zooming button:has-text('+')")
    assert page.evaluate(width) == pytest.approx(1.25 * before, abs=2)
    assert problems(page) == []


def test_every_place_of_words_is_listed_and_opens_the_document(visit: Callable[..., Any], url: str) -> None:
    page = visit(url)
    page.click("[data-drawer=search]")
    page.fill("#drawer-search input[type=search]", '"the bridge"')
    drawer = page.locator("#drawer-search")
    expect(drawer.locator(".summary")).to_have_text("6 places in 1 document")
    assert problems(page) == []
    drawer.get_by_text("More places").click()
    expect(drawer.locator("li")).to_have_count(6)
    drawer.locator("li button").nth(5).click()
    expect(page.locator("#panel .page[data-number='6'] .box")).to_be_in_viewport()
    turn = ask(page, "Which documents mention Harlow?")
    assert turn.locator("mark").all_inner_texts() == ["Harlow", "Harlow"]
    expect(page.locator("#panel mark")).to_have_text("Harlow")
    assert problems(page) == []
    turn.locator(".find-words").click()
    expect(drawer.locator("li")).to_have_count(2)
