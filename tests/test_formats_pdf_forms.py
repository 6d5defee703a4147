"""What was put onto the pages of a PDF: form values beside their labels, comments, embedded files; running lines."""

import io
from pathlib import Path

import pypdfium2
import pytest

from index.formats.content import Content
from index.formats.pdf import annotations
from index.formats.pdf.extraction import load_pdf
from pdfs import field, fill_in, make_pdf, print_lines, print_paragraph
from test_formats_pdf import assert_sound

LABELS = print_lines([(72, 704, "Name of applicant:"), (72, 674, "Membership:"), (72, 644, "Rowed before:")])
FIELDS = [
    field("Tx", "a", "(Wilhelmina Ostrander)", (220, 700, 480, 718)),
    field("Ch", "b", "(fam)", (220, 670, 480, 688), "/Ff 131072 /Opt [[(one) (Single)] [(fam) (Family)]]"),
    field("Btn", "c", "/Yes", (220, 640, 236, 656), "/AS /Yes /AP << /N << /Yes 100 0 R /Off 100 0 R >> >>"),
]


def load(content: bytes) -> Content:
    loaded = load_pdf(content)
    assert_sound(loaded)
    return loaded


def test_values_stand_beside_their_labels():
    content = load(fill_in([LABELS], FIELDS))
    assert content.text == "Name of applicant: Wilhelmina Ostrander\nMembership: Family\nRowed before: ☒ Yes"
    box = content.boxes.rectangles[content.text.index("Ostrander")]
    assert box.tolist() == [220, 842 - 718, 480, 842 - 700]


def test_a_box_stands_before_the_label_to_its_right():
    words = print_lines([(72, 704, "Class:"), (142, 704, "Single"), (212, 704, "Family")])
    choices = [
        field("Btn", "x", "/Off", (126, 702, 138, 714), "/AS /Off /AP << /N << /Yes 100 0 R /Off 100 0 R >> >>"),
        field("Btn", "y", "/Yes", (196, 702, 208, 714), "/AS /Yes /AP << /N << /Yes 100 0 R /Off 100 0 R >> >>"),
    ]
    assert load(fill_in([words], choices)).text == "Class: ☐ Single ☒ Family"


def test_a_label_above_and_a_value_in_the_middle_of_a_line():
    words = print_lines(
        [(72, 720, "Family name"), (272, 720, "Given name"), (72, 650, "I, ______________, have paid.")]
    )
    fields = [
        field("Tx", "g", "(Ann)", (272, 696, 400, 714)),
        field("Tx", "f", "(Lee)", (72, 696, 200, 714)),
        field("Tx", "n", "(Ann Lee)", (84, 648, 160, 662)),
    ]
    text = load(fill_in([words], fields)).text
    assert text.split() == "Family name Lee Given name Ann I, Ann Lee ______________, have paid.".split()


def test_a_value_without_a_printed_label_is_named_as_the_file_names_it():
    fields = [field("Tx", "form.page.tax_number", "(77-104)", (72, 600, 200, 618)),
              field("Tx", "f1_09[0]", "(Hull)", (72, 300, 200, 318), "/TU (Town of birth)")]  # fmt: skip
    assert load(fill_in([""], fields)).text.split("\n\n") == ["tax number: 77-104", "Town of birth: Hull"]


def test_what_nobody_sees_is_left_out_and_counted():
    hidden = field("Tx", "h", "(secret)", (72, 600, 200, 618)).replace("/F 4", "/F 2")
    secret = field("Tx", "p", "(hunter2)", (72, 500, 200, 518), "/Ff 8192")
    content = load(fill_in([LABELS], [hidden, secret, *FIELDS]))
    assert "secret" not in content.text
    assert "hunter2" not in content.text
    assert content.remarks == ("left out, since they are hidden: 1 form values or comments",)


def test_typed_in_text_is_text_and_comments_are_comments():
    typed = "<< /Type /Annot /Subtype /FreeText /Contents (Wilhelmina) /Rect [220 700 480 718] /F 4 >>"
    said = "<< /Type /Annot /Subtype /Text /Contents (Ask her\\rfor a photo.) /T (Ann Lee) /Rect [500 700 520 720] >>"
    bare = "<< /Type /Annot /Subtype /Highlight /Contents (Paid?) /Rect [72 640 150 656] >>"
    content = load(fill_in([LABELS], [typed, said, bare]))
    assert content.text.startswith("Name of applicant: Wilhelmina\nMembership:")
    assert content.text.endswith("\n\nComment by Ann Lee: Ask her for a photo.\n\nComment: Paid?")


def test_annotations_are_bounded(monkeypatch):
    monkeypatch.setattr(annotations, "MAX_ANNOTATIONS", 2)
    content = load(fill_in([LABELS], FIELDS))
    assert "Family" in content.text
    assert "☒" not in content.text
    assert content.notes[0].startswith("1 annotations beyond")


@pytest.mark.parametrize("value", ["null", "[1 2]", "99 0 R", "<< >>", "(" + "x" * 100_000 + ")"])
def test_broken_and_huge_values(value):
    assert "Membership:" in load(fill_in([LABELS], [field("Tx", "a", value, (220, 700, 480, 718))])).text


def embedded(name: str, content: bytes) -> bytes:
    document = pypdfium2.PdfDocument(make_pdf([print_lines([(72, 700, "See the enclosed list.")])]))
    document.new_attachment(name).set_data(content)
    packed = io.BytesIO()
    document.save(packed)
    document.close()
    return packed.getvalue()


def test_embedded_files_are_parts():
    (part,) = load(embedded("../Liste: Müller.csv", b"a,b\n1,2\n")).parts
    assert (part.name, part.content) == ("Liste: Müller.csv", b"a,b\n1,2\n")


# Running lines ----------------------------------------------------------------------------------------------------

FULL = ["The harbour was dredged by the town and the", "county after they had found in it some"]


def page(number: int, lines: list[str]) -> str:
    header = print_lines([(72, 800, "Annals of the harbour"), (500, 40, f"Page {number} of 2")])
    return f"{header}\n{print_paragraph(lines)}"


def test_a_sentence_goes_on_past_footer_and_header_and_both_are_kept():
    content = load(
        make_pdf(
            [
                page(1, FULL),
                page(2, ["very old anchors.", "", "They lie in the museum today,", "and everybody may see them."]),
            ]
        )
    )
    assert "county after they had found in it some very old anchors.\n\n" in content.text
    assert content.text.count("Annals of the harbour") == 2
    assert "Page 1 of 2" in content.text
    assert content.text.endswith("and everybody may see them.\n\nPage 2 of 2")


def test_a_footer_that_the_file_has_first_stands_at_the_end_of_the_page():
    pages = [
        f"{print_lines([(500, 40, f'Page {number} of 3')])}\n{print_paragraph([f'Chapter {number} is about ships.'])}"
        for number in (1, 2, 3)
    ]
    assert load(make_pdf(pages)).text.startswith("Chapter 1 is about ships.\n\nPage 1 of 3\n\nChapter 2")


def test_lines_that_only_look_alike_are_no_running_lines():
    pages = [print_lines([(72, 800, first), (72, 400, "Body.")]) for first in ("Of ships", "Of men", "Of storms")]
    assert load(make_pdf(pages)).text.split("\n\n")[::2] == ["Of ships", "Of men", "Of storms"]


# Scripts from right to left ---------------------------------------------------------------------------------------


def test_lam_and_alef_of_one_glyph_are_the_right_way_round():
    codes = "<41> <06330644> <42> <06440627> <43> <0645>".split()  # a ligature of two letters, lam-alef, meem
    pairs = "\n".join(f"{code} {letters}" for code, letters in zip(codes[::2], codes[1::2], strict=True))
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange 3 beginbfchar\n{pairs}\nendbfchar endcmap end end"
    )
    base = make_pdf(
        ["BT /F1 12 Tf 100 700 Td (C) Tj 12 0 Td (B) Tj ET"],
        more=(f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream",),
    )
    content = base.replace(b"/Encoding /WinAnsiEncoding >>", b"/ToUnicode 6 0 R       >>")
    assert load(content).text.replace(" ", "") == "\u0644\u0627\u0645"


def test_a_form_by_libreoffice():
    documents = Path(__file__).parent / "data" / "documents"
    assert "First Name Alice Last Name\n" in load((documents / "libreoffice-form.pdf").read_bytes()).text
