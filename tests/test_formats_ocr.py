"""OCR: pages that are pictures become text with boxes."""

import io
import os
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from index.formats.content import Content
from index.formats.pdf import ocr
from index.formats.pdf.extraction import NoTextError, load_pdf
from index.formats.pdf.lines import Page, make_line
from index.formats.pdf.ocr import OcrError, Tesseract, read_pdf
from index.formats.pdf.scanned_page import Word, scanned_page
from index.formats.pdf.scans import agree, is_better
from pdfs import make_pdf, print_lines
from test_formats_pdf import assert_sound

DOCUMENTS = Path(__file__).parent / "data" / "documents"
SCAN = (DOCUMENTS / "scan.pdf").read_bytes()


@pytest.fixture(scope="module")
def tesseract() -> str:
    """The program. Without it these tests are skipped, never on CI."""
    program = shutil.which("tesseract")
    if program is None:
        assert not os.environ.get("CI"), "CI tests OCR: apt-get install tesseract-ocr"
        pytest.skip("NO TESSERACT, OCR IS NOT TESTED; install it with: apt-get install tesseract-ocr")
    return program


@pytest.fixture(scope="module")
def scanned(tesseract: str) -> Content:
    """What is read of the scan, once for all tests."""
    return read_pdf(SCAN)


def test_a_scan_is_read_with_boxes_and_pages(scanned):
    with pytest.raises(NoTextError):
        load_pdf(SCAN)
    content = scanned
    assert_sound(content)
    assert "The harbour of Lindau was dredged in 2024.\n\n" in content.text
    assert [place.label for place in content.places] == ["page 1"]
    assert content.notes == ()
    assert len(content.remarks) == 1
    assert content.remarks[0].startswith("read by OCR (tesseract ")
    assert content.remarks[0].endswith("): 1 page")


def test_boxes_are_where_the_words_are_printed(scanned):
    content, printed = scanned, load_pdf((DOCUMENTS / "report.pdf").read_bytes())
    for word in ("Lindau", "Bregenz", "Diving"):
        found, true = (its.boxes.rectangles[its.text.index(word)] for its in (content, printed))
        assert found[0] == pytest.approx(true[0], abs=2)
        assert true[1] - 2 <= found[1]
        assert found[3] <= true[3] + 2


@pytest.mark.usefixtures("tesseract")
def test_a_picture_without_words_is_reported():
    with pytest.raises(NoTextError, match=r"OCR \(tesseract .*\) found none"):
        read_pdf((DOCUMENTS / "grayscale-image.pdf").read_bytes())


@pytest.mark.usefixtures("tesseract")
def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(OcrError, match=r"not have the language 'xyz', only .*eng"):
        Tesseract("xyz")
    with pytest.raises(NoTextError, match="not have the language '--help'"):
        read_pdf(SCAN, language="--help")


@pytest.mark.usefixtures("tesseract")
def test_a_huge_page_is_read_in_a_lower_resolution():
    page = print_lines([(200_000, 400_000, "Harbour of Lindau")], points=15_000)
    content = read_pdf(make_pdf([page], size=(1_000_000, 1_000_000)))
    assert content.text == "Harbour of Lindau"
    assert_sound(content)


@pytest.mark.usefixtures("tesseract")
def test_a_page_that_takes_too_long_is_left_out_and_counted(monkeypatch, mixed):
    run = subprocess.run

    def slow(command, **given):
        if "tsv" in command:
            raise subprocess.TimeoutExpired(command, given["timeout"])
        return run(command, **given)

    monkeypatch.setattr(ocr.subprocess, "run", slow)
    content = read_pdf(mixed)
    assert [place.label for place in content.places] == ["page 1"]
    assert content.notes == ("1 of 2 pages holds no text", "1 of 2 pages took longer than 120 s or could not be shown")


def test_without_tesseract_people_are_told_how_to_install_it(monkeypatch):
    monkeypatch.setattr(ocr.shutil, "which", lambda program: None)
    with pytest.raises(OcrError, match="apt-get install tesseract-ocr"):
        Tesseract("eng")


@pytest.fixture(scope="module")
def mixed() -> bytes:
    """A page of text, and one that is the picture of it."""
    both = pypdfium2.PdfDocument.new()
    for name in ("report.pdf", "scan.pdf"):
        page = pypdfium2.PdfDocument(DOCUMENTS / name)
        both.import_pages(page)
        page.close()
    packed = io.BytesIO()
    both.save(packed)
    both.close()
    return packed.getvalue()


@pytest.mark.usefixtures("tesseract")
def test_pages_that_are_pictures_are_read_among_others(mixed):
    pages = []
    content = read_pdf(mixed, on_page=lambda: pages.append(1))
    assert_sound(content)
    assert [place.label for place in content.places] == ["page 1", "page 2"]
    assert content.text.count("The harbour of Lindau was dredged in 2024.") == 2
    assert (content.notes, len(content.remarks), len(pages)) == ((), 1, 1)
    assert content.remarks[0].endswith("): 1 page")


def test_without_tesseract_what_pages_hold_is_read_and_the_others_are_named(mixed, monkeypatch):
    monkeypatch.setattr(ocr.shutil, "which", lambda program: None)
    content = read_pdf(mixed)
    assert [place.label for place in content.places] == ["page 1"]
    assert content.notes == ("1 of 2 pages holds no text",)
    assert "apt-get install tesseract-ocr" in content.remarks[0]
    with pytest.raises(NoTextError, match=r"only images; .*apt-get install tesseract-ocr"):
        read_pdf(SCAN)


@pytest.mark.usefixtures("tesseract")
def test_only_so_many_pages_are_read(monkeypatch, mixed):
    monkeypatch.setattr(ocr, "MAX_OCR_PAGES", 0)
    content = read_pdf(mixed)
    assert content.notes == (
        "1 of 2 pages holds no text",
        "only the first 0 pages that need OCR were read, 1 were not",
    )


def turned(degrees: int) -> bytes:
    """The scan, shown turned clockwise."""
    document = pypdfium2.PdfDocument(SCAN)
    document[0].set_rotation(degrees)
    packed = io.BytesIO()
    document.save(packed)
    document.close()
    return packed.getvalue()


@pytest.mark.usefixtures("tesseract")
def test_a_turned_scan_is_read_with_boxes_where_its_words_are_shown(scanned):
    content = read_pdf(turned(180))
    assert_sound(content)
    assert "The harbour of Lindau was dredged in 2024." in content.text
    assert content.remarks[0].endswith("1 page, of which 1 turned upright")
    left, top, right, bottom = scanned.boxes.rectangles[scanned.text.index("Lindau")]
    width, height = scanned.boxes.sizes[0]
    shown = (width - right, height - bottom, width - left, height - top)
    assert content.boxes.rectangles[content.text.index("Lindau")] == pytest.approx(shown, abs=2)


@pytest.mark.parametrize(("turn", "box"), [(90, (20, 40, 30, 90)), (270, (170, 10, 180, 60))])
def test_boxes_are_turned_back(turn, box):
    word = Word("Lindau", 95.0, ("1", "1", "1"), (10, 20, 60, 30))
    assert scanned_page([word], (200, 100), 1.0, turn).lines[0].box == box


def test_without_the_data_for_orientation_each_turn_is_tried():
    engine = Tesseract("eng")
    engine._tells_orientation = False
    assert sorted(engine._likely_turns(Image.new("L", (9, 9)), 70)) == [90, 180, 270]


@pytest.fixture(scope="module")
def stamped_scan() -> bytes:
    """The scan with a number printed on it, as text."""
    stamp = pypdfium2.PdfDocument(make_pdf([print_lines([(72, 30, "HB-000417")])]))
    document = pypdfium2.PdfDocument(SCAN)
    page = document[0]
    page.insert_obj(stamp.page_as_xobject(0, document).as_pageobject())
    page.gen_content()
    packed = io.BytesIO()
    document.save(packed)
    document.close()
    return packed.getvalue()


@pytest.mark.usefixtures("tesseract")
def test_a_scan_behind_a_stamp_is_read_and_the_stamp_is_not_read_twice(stamped_scan):
    content = read_pdf(stamped_scan)
    assert_sound(content)
    assert "The harbour of Lindau was dredged in 2024." in content.text
    assert content.text.count("HB-000417") == 1
    assert content.notes == ()
    assert content.remarks[0].startswith("read by OCR (")


def test_a_scan_behind_a_stamp_that_is_not_read_is_named(stamped_scan):
    content = load_pdf(stamped_scan)
    assert content.text == "HB-000417"
    assert content.notes == ("1 of 1 page shows a picture that only OCR can read",)


def letters(text: str, confidence: float = 100.0) -> Page:
    """A page with one line."""
    line = make_line(
        (character, (20.0 + 5 * place, 20.0, 25.0 + 5 * place, 30.0)) for place, character in enumerate(text)
    )
    return Page((595, 842), (line,), ("\n\n",), confidence)


def test_a_page_without_letters_is_believed_to_ocr_only_where_that_is_sure():
    garbled = letters("7KH KDUERXU ZDV GUHGJHG")
    read = letters("The harbour was dredged", 95)
    assert not agree(garbled, read)
    assert is_better(read, garbled)
    assert not is_better(letters("The harbour was dredged", 60), garbled)
    assert not is_better(letters("Th", 95), garbled)
    assert agree(letters("0.0 0.5 1.0 Sales of the harbour"), letters("0.0 1.0 Sales of the harbour"))


@pytest.mark.usefixtures("tesseract")
def test_letters_that_fonts_say_nothing_of_are_read_by_ocr():
    codes = "/Encoding << /Type /Encoding /Differences [65 /g1 /g2 /g3 /g4 /g5 /g6 /g7 /g8] >>"
    shapes = "BT /F1 30 Tf 80 700 Td (The harbour) Tj ET"
    garbled = make_pdf([shapes]).replace(b"/Encoding /WinAnsiEncoding", codes.encode())
    assert "harbour" in read_pdf(garbled).text


def test_a_chart_by_matplotlib_is_not_called_garbled():
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, -2, 3])
    axes.set_title("Ships in the harbour")
    drawn = io.BytesIO()
    FigureCanvasPdf(figure).print_pdf(drawn)
    content = load_pdf(drawn.getvalue())
    assert "Ships in the harbour" in content.text
    assert content.notes == ()
