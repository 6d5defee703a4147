"""PDF: text as people read it, with the page and the box of every character."""

import math
import random
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.pdf import extraction
from index.formats.pdf.extraction import NoTextError, load_pdf
from pdfs import make_pdf, print_lines, print_paragraph, refusal

DOCUMENTS = Path(__file__).parent / "data" / "documents"
WITH_TEXT = ["002-trivial-libre-office-writer", "google-doc-document", "multicolumn", "pdflatex-4-pages", "report"]


def load(name: str, *passwords: str) -> Content:
    return load_pdf((DOCUMENTS / f"{name}.pdf").read_bytes(), passwords)


def assert_sound(content: Content) -> None:
    """What holds of the content of any file with pages."""
    boxes = content.boxes
    assert len(boxes.pages) == len(boxes.rectangles) == len(content.text)
    printed = boxes.pages >= 0
    assert np.array_equal(printed, ~np.isnan(boxes.rectangles).any(axis=1))
    assert boxes.pages.max() < len(boxes.sizes)
    left, top, right, bottom = boxes.rectangles[printed].T
    width, height = boxes.sizes[boxes.pages[printed]].T
    assert (left >= -0.01).all()
    assert (top >= -0.01).all()
    assert (right <= width + 0.01).all()
    assert (bottom <= height + 0.01).all()
    assert (left <= right).all()
    assert (top <= bottom).all()
    shown = printed.copy()
    for table in content.tables:  # the words of its headers are printed above, once
        for row, (start, end, _) in enumerate(table.rows):
            shown[start:end] = True
            for _, _, first, last in table.cells[table.cells[:, 0] == row]:
                shown[first:last] = printed[first:last]
    assert all(shown[place] for place, character in enumerate(content.text) if not character.isspace())
    starts = [place.start for place in content.places]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(content.text) for start in starts)
    for place, end in zip(content.places, [*starts[1:], len(content.text)], strict=True):
        pages = set(boxes.pages[place.start : end].tolist()) - {-1}
        assert {f"page {page + 1}" for page in pages} == {place.label}


@pytest.mark.parametrize("name", WITH_TEXT)
def test_every_character_has_its_page_and_its_box(name):
    assert_sound(load(name))


def test_columns_are_read_one_after_the_other():
    text = load("multicolumn").text
    end_of_left, begin_of_right = (
        "Vivamus viverra fermentum felis. Donec nonummy",
        "pellentesque ante. Phasellus adipiscing",
    )
    assert f"{end_of_left} {begin_of_right}" in text
    assert (
        "Two-Column Document with Lorem Ipsum\n\nYour Name\n\nJanuary 3, 2024\n\nAbstract\n\nThis is a sample" in text
    )


def test_words_cut_at_a_line_end_are_made_whole():
    text = load("multicolumn").text
    assert "consectetuer adipiscing elit. Ut purus elit" in text
    assert "nonummy eget, consectetuer id" in text
    assert not any(character in text for character in "\x02\ufffe\xad")
    assert "-\n" not in text


def test_ligatures_are_written_out_and_share_their_box():
    content = load("multicolumn")
    assert not any("\ufb00" <= character <= "\ufb06" for character in content.text)
    filled = content.text.index("filled")
    ligature = content.boxes.rectangles[filled : filled + 2]  # fi
    assert (ligature == ligature[0]).all()
    assert not (content.boxes.rectangles[filled + 2] == ligature[0]).all()


def test_paragraphs_are_apart_and_tables_have_their_rows():
    text = load("multicolumn").text
    assert "with Lorem Ipsum text.\n\nLorem ipsum dolor" in text
    row = (
        "Country: Belgium; Population (millions): 11.5; Area (km2): 30,689; Capital: Brussels; Official Language: Dutch"
    )
    assert f"\n{row}, French, German\n" in text


def test_lines_that_end_early_stay_lines():
    assert "Explicit is better than implicit.\nSimple is better than complex.\n" in load("google-doc-document").text


def test_a_footnote_mark_is_no_digit_of_the_number_before_it():
    text = load("google-doc-document").text
    assert "Germany: 83,190,556 2; Austria: 8,935,112 3; France: 67,413,000" in text


def test_a_sentence_goes_on_over_the_page_but_not_through_a_page_number():
    content = load("pdflatex-4-pages")
    assert "you will get no information. Really?" in content.text  # over the page number 1
    assert content.text.endswith("match the language.\n\n1\n\n2\n\n3\n\n4")
    assert [place.label for place in content.places] == 2 * ["page 1", "page 2", "page 3", "page 4"]
    first = make_pdf([print_paragraph(["The harbour was dredged by the town and the", "county after they had found"]),
                      print_paragraph(["an old anchor in it."])])  # fmt: skip
    assert (
        load_pdf(first).text
        == "The harbour was dredged by the town and the county after they had found\n\nan old anchor in it."
    )
    lines = ["The harbour was dredged by the town and the", "county after they had found in it some"]
    full = make_pdf([print_paragraph(lines), print_paragraph(["very old anchors."])])
    assert "found in it some very old anchors." in load_pdf(full).text


def test_what_the_file_says_of_itself():
    content = load("report")
    assert content.title == "Report on the harbour"
    assert content.metadata["author"] == "Ann Lee"
    assert load("multicolumn").metadata == {"date": "2024-01-03"}


def test_the_same_text_as_in_another_format():
    from index.formats.office.opendocument.odf import load_odf

    other = load_odf((DOCUMENTS / "source.odt").read_bytes()).text
    assert load("002-trivial-libre-office-writer").text == other


def test_a_password_opens_what_is_encrypted():
    plain = load("002-trivial-libre-office-writer").text
    assert load("libreoffice-writer-password", "wrong", "openpassword").text == plain
    with pytest.raises(UnreadableFileError, match=r"needs a password.*setting passwords"):
        load("libreoffice-writer-password")
    with pytest.raises(UnreadableFileError, match=r"none of 2 passwords fits.*VERBATIM_PASSWORDS"):
        load("libreoffice-writer-password", "wrong", "")


def test_a_scan_is_reported_as_one():
    with pytest.raises(EmptyFileError, match="no text on 1 page, only images; OCR is needed"):
        load("grayscale-image")


LEFT = [
    "The left column tells of",
    "the harbour, which was",
    "dredged by divers who",
    "came from Bregenz and",
    "stayed for nine days.",
]
RIGHT = [
    "The right column tells",
    "of an anchor that they",
    "found in the mud, and",
    "that lies today in the",
    "museum of the town.",
]


def test_columns_whose_lines_take_turns_in_the_file_are_told_apart():
    rows = [(72.0, 700.0, "A title that runs across both of the columns of the page")]
    for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        rows += [(72, 680 - 12 * number, left), (230, 680 - 12 * number, right)]
    text = load_pdf(make_pdf([print_lines(rows)])).text
    assert " ".join(text.split()) == " ".join([rows[0][2], *LEFT, *RIGHT])


def test_a_table_is_read_by_rows():
    cells = [
        ["Item", "Cost"],
        ["Travel", "120"],
        ["Diving", "4200"],
        ["Ship", "900"],
        ["Anchor", "10"],
        ["Museum", "3"],
    ]
    rows = [
        (72 + 200 * column, 700 - 12 * row, cell) for row, its in enumerate(cells) for column, cell in enumerate(its)
    ]
    told = [f"Item: {item}; Cost: {cost}" for item, cost in cells[1:]]
    assert load_pdf(make_pdf([print_lines(rows)])).text == "\n".join(told)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["They asked for more infor-", "mation about the harbour"], "more information about"),
        (["The place was a self-", "governing town for long"], "a self-governing town"),
        (
            ["a long-term plan is a plan and so a long-", "term plan is kept by everybody here"],
            "so a long-term plan is kept",
        ),
        (["the Anglo-", "American harbour and its divers"], "the Anglo-American harbour"),
        (["both pre-", "and post-war ships lay there"], "both pre- and post-war ships"),
        (["the years 1914-", "1918 were hard for the town"], "the years 1914-1918"),
        (["a state-of-the-", "art harbour was built there"], "a state-of-the-art harbour"),
        (["a set of read-", "only files: one can read it, only so far"], "a set of read-only files"),
    ],
)
def test_hyphens_at_a_line_end(lines, said):
    assert said in load_pdf(make_pdf([print_paragraph(lines)])).text


def test_the_letters_of_a_repaired_word_keep_their_boxes():
    content = load_pdf(make_pdf([print_paragraph(["They asked for more infor-", "mation about the harbour"])]))
    assert_sound(content)
    place = content.text.index("information")
    tops = content.boxes.rectangles[place : place + len("information"), 1]
    assert (tops[:5] == tops[0]).all()
    assert (tops[5:] == tops[5]).all()
    assert math.isclose(tops[5] - tops[0], 12, abs_tol=0.1)


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (72, 142)), (90, (700, 72)), (180, (523, 700)), (270, (142, 523))]
)
def test_boxes_are_those_of_the_page_as_it_is_shown(rotation, corner):
    content = load_pdf(make_pdf([print_lines([(72, 700, "Harbour")])], extra=f"/Rotate {rotation}"))
    assert_sound(content)
    size = (842, 595) if rotation in {90, 270} else (595, 842)
    assert tuple(content.boxes.sizes[0]) == size
    left, top, right, bottom = content.boxes.rectangles[0]
    assert left - 12 <= corner[0] <= right + 12
    assert top - 12 <= corner[1] <= bottom + 12


def test_what_is_outside_of_the_page_is_left_out():
    page = print_lines([(72, 700, "On the page."), (72, 2000, "Above it."), (-500, 680, "Left of it.")])
    assert load_pdf(make_pdf([page])).text == "On the page."


def test_pages_without_text_are_counted():
    content = load_pdf(make_pdf([print_lines([(72, 700, "Words.")]), "", "0 0 100 100 re f"]))
    assert content.notes == ("2 of 3 pages hold no text",)
    assert [place.label for place in content.places] == ["page 1"]


def test_too_many_pages_are_cut_off_and_said_to_be(monkeypatch):
    monkeypatch.setattr(extraction, "MAX_PAGES", 2)
    content = load_pdf(make_pdf([print_lines([(72, 700, f"Page number {number}.")]) for number in range(5)]))
    assert content.notes == ("only the first 2 of 5 pages were read",)
    assert "number 2" not in content.text


def test_two_thousand_pages():
    content = load_pdf(make_pdf([print_lines([(72, 700, f"Page number {number}.")]) for number in range(2000)]))
    assert content.places[-1].label == "page 2000"
    assert content.text.endswith("Page number 1999.")


# Hostile and broken files -----------------------------------------------------------------------------------------


def test_a_page_of_a_million_points_is_read():
    content = load_pdf(make_pdf([print_lines([(999_000, 999_000, "Far away.")])], size=(1_000_000, 1_000_000)))
    assert content.text == "Far away."
    assert_sound(content)


@pytest.mark.parametrize(
    "tree",
    [
        "<< /Type /Pages /Kids [2 0 R] /Count 1 >>",
        "<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] /Count 1000000000 >>",
        "<< /Type /Pages /Kids [1 0 R] /Count 5 /Parent 2 0 R >>",
        "<< /Type /Pages /Kids [] /Count 0 >>",
        "<< /Type /Pages /Kids [4 0 R] /Count -3 >>",
    ],
)
def test_page_trees_that_loop_or_lie(tree):
    content = make_pdf([print_lines([(72, 700, "Words.")])], tree=tree)
    assert refusal(load_pdf, content).startswith(("damaged PDF", "no text")) or load_pdf(content).text == "Words."


def test_a_deep_page_tree():
    depth = 20_000
    nested = "".join(f"{n} 0 obj << /Type /Pages /Kids [{n + 1} 0 R] /Count 1 >> endobj\n" for n in range(2, depth))
    content = f"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n{nested}trailer << /Root 1 0 R >>\n%%EOF"
    with pytest.raises(UnreadableFileError):
        load_pdf(content.encode())


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes_or_refused():
    whole = (DOCUMENTS / "multicolumn.pdf").read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        part = whole[: int(share * len(whole))]
        if not refusal(load_pdf, part).startswith(("damaged PDF", "no text")):
            content = load_pdf(part)
            assert_sound(content)
            assert any("the end of the file is missing" in note for note in content.notes)


def test_a_file_that_only_lacks_its_end_says_so():
    content = load_pdf(make_pdf([print_lines([(72, 700, "Words.")])])[:-10])
    assert content.text == "Words."
    assert content.notes == ("the end of the file is missing: text may be missing too",)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7", b"%PDF-1.7\n%%EOF", random.Random(1).randbytes(10_000), b"PK\x03\x04"]
)
def test_what_is_no_pdf_is_refused(content):
    with pytest.raises(UnreadableFileError, match=r"not a PDF file|damaged PDF"):
        load_pdf(content)


def test_bytes_changed_at_random_never_end_in_anything_but_an_answer():
    chance = random.Random(4)
    whole = (DOCUMENTS / "002-trivial-libre-office-writer.pdf").read_bytes()
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(40):
            content[chance.randrange(len(content))] = chance.randrange(256)
        if not refusal(load_pdf, bytes(content)):
            assert_sound(load_pdf(bytes(content)))


def test_every_document_is_closed(monkeypatch):
    closed = []
    close = pypdfium2.PdfDocument.close
    monkeypatch.setattr(pypdfium2.PdfDocument, "close", lambda self: (closed.append(1), close(self)))
    load("report")
    with pytest.raises(NoTextError):
        load("grayscale-image")
    assert len(closed) == 2
