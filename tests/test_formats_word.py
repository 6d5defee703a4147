"""Word documents whole: what they show by other means than running text."""

import shutil
import struct

import pytest

from contents import checked, place_of
from index.formats.content import Content
from index.formats.office.numerals import number_text
from index.formats.office.ole_objects import unwrapped
from index.formats.office.symbols import lowered, raised
from index.formats.office.word.docx import load_docx
from open_xml import RELATIONSHIPS, STRICT_RELATIONSHIPS, W, chart, package, picture_of, word_file

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def word(body: str, **parts: tuple[str, str | bytes]) -> Content:
    content = checked(load_docx, word_file(body, **parts))
    assert content is not None
    return content


def run(words: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{words}</w:t></w:r>'


def paragraph(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(each if '<' in each else run(each) for each in runs)}</w:p>"


# Automatic numbers ---------------------------------------------------------------------------------------------------


def level(depth: int, form: str, text: str, more: str = "", start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(levels: str, more: str = "") -> tuple[str, str]:
    return "numbering", (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="5">{levels}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num>{more}</w:numbering>'
    )


def item(words: str, depth: int = 0, number: int = 1) -> str:
    return paragraph(words, properties=f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')


CLAUSES = (
    level(0, "upperRoman", "Article %1.") + level(1, "decimal", "%1.%2", "<w:isLgl/>") + level(2, "lowerLetter", "(%3)")
)


def test_numbers_of_levels_begin_again_below_the_next_one_above():
    items = [item("Use"), item("Boats.", 1), item("Rowing", 2), item("Sailing", 2), item("No engines.", 1)]
    items += [item("Canoes", 2), item("Fees"), item("Yearly.", 1)]
    assert word("".join(items), numbering=numbering(CLAUSES)).text.splitlines() == [
        "Article I. Use", "1.1 Boats.", "(a) Rowing", "(b) Sailing", "1.2 No engines.", "(a) Canoes",
        "Article II. Fees", "2.1 Yearly.",
    ]  # fmt: skip


def test_lists_of_one_definition_count_on_unless_they_restart():
    again = (
        '<w:num w:numId="2"><w:abstractNumId w:val="5"/></w:num><w:num w:numId="3"><w:abstractNumId w:val="5"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>'
    )
    body = item("a") + item("b", number=2) + item("c", number=3) + item("d", number=3) + item("e")
    given = numbering(level(0, "decimal", "%1)"), again)
    assert word(body, numbering=given).text.splitlines() == ["1) a", "2) b", "7) c", "8) d", "9) e"]


def test_numbers_that_a_style_gives():
    styles = (
        f'<w:styles {W}><w:style w:styleId="Head"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        '<w:outlineLvl w:val="0"/></w:pPr></w:style><w:style w:styleId="Sub"><w:basedOn w:val="Head"/>'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="1"/></w:pPr></w:style></w:styles>'
    )
    levels = level(0, "decimal", "%1", '<w:pStyle w:val="Head"/>') + level(
        1, "decimal", "%1.%2", '<w:pStyle w:val="Sub"/>'
    )
    head, sub = ('<w:pStyle w:val="Head"/>', '<w:pStyle w:val="Sub"/>')
    body = paragraph("Use", properties=head) + paragraph("Boats", properties=sub) + paragraph("Fees", properties=head)
    body += paragraph("Preface", properties=f'{head}<w:numPr><w:numId w:val="0"/></w:numPr>')
    content = word(body, styles=("styles", styles), numbering=numbering(levels))
    assert content.text.split("\n\n") == ["1 Use", "1.1 Boats", "2 Fees", "Preface"]
    assert [place.label for place in content.places] == ["1 Use", "1 Use › 1.1 Boats", "2 Fees", "Preface"]


def test_bullets_are_no_numbers_and_empty_items_count():
    levels = level(0, "bullet", "\uf0b7") + level(1, "decimal", "%1.%2.", start=4)
    body = item("Ropes") + item("", 1) + item("Anchors", 1)
    assert word(body, numbering=numbering(levels)).text.splitlines() == ["Ropes", "5. Anchors".replace("5.", ".5.")]


def test_cells_that_hold_nothing_but_a_number():
    row = "<w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>".format
    body = f"<w:tbl>{row(item(''), paragraph('Rope'))}{row(item(''), paragraph('Anchor'))}</w:tbl>"
    assert word(body, numbering=numbering(level(0, "decimal", "%1."))).text == "1.: Rope\n2.: Anchor"


@pytest.mark.parametrize(
    ("number", "form", "said"),
    [
        (4, "lowerRoman", "iv"), (1994, "upperRoman", "MCMXCIV"), (28, "lowerLetter", "bb"), (26, "upperLetter", "Z"),
        (7, "decimalZero", "07"), (22, "ordinal", "22nd"), (112, "ordinal", "112th"), (2, "cardinalText", "Two"),
        (99, "ordinalText", "99"), (3, "none", ""), (0, "lowerRoman", "0"), (3, "aiueo", "3"),
    ],
)  # fmt: skip
def test_forms_of_numbers(number, form, said):
    assert number_text(number, form) == said


def test_numbering_that_refers_to_itself_ends():
    given = (
        f'<w:numbering {W}><w:abstractNum w:abstractNumId="5"><w:numStyleLink w:val="L"/></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num></w:numbering>'
    )
    styles = (
        f'<w:styles {W}><w:style w:styleId="L"><w:basedOn w:val="L"/>'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>'
    )
    body = item("Boats") + paragraph("Ropes", properties='<w:pStyle w:val="L"/>')
    assert word(body, numbering=("numbering", given), styles=("styles", styles)).text == "Boats\n\nRopes"


# Characters ----------------------------------------------------------------------------------------------------------

UP, DOWN = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'


@pytest.mark.parametrize(
    ("before", "words", "said"),
    [
        ("4.2 × 10", "6", "⁶"), ("10", "−3", "⁻³"), ("850 m", "2", "²"), ("12 kg m", "-3", "⁻³"), ("x", "n+1", "ⁿ⁺¹"),
        ("(a + b)", "2", "²"), ("2", "8", "⁸"), ("10", "2.5", "^(2.5)"), ("e", "αx", "^(αx)"),
        ("in 1931", "4", " [4]"), ("the parish", "12", " [12]"), ("the town,", "3", " [3]"),
        ("the boats", "1, 2", " [1, 2]"), ("parish", " ", " "),
        ("costs 3.50", "1", " [1]"), ("on the 1", "st", "st"), ("", "6", "6"), ("the N", "o", "o"),
    ],
)  # fmt: skip
def test_raised_characters(before, words, said):
    assert raised(words, before) == said


@pytest.mark.parametrize(
    ("before", "words", "said"),
    [
        ("CO", "2", "2"), ("Ca(OH)", "2", "2"), ("log", "10", "10"), ("101", "2", "₂"), ("F", "max", "ₘₐₓ"),
        ("F", "crit", "_(crit)"),
    ],
)  # fmt: skip
def test_lowered_characters(before, words, said):
    assert lowered(words, before) == said


def test_raised_runs_are_read_together_and_styles_count():
    styles = f'<w:styles {W}><w:style w:styleId="Up"><w:rPr>{UP}</w:rPr></w:style></w:styles>'
    body = paragraph(
        "It holds 10", run("-", UP), run("12", '<w:rStyle w:val="Up"/>'), " litres of CO", run("2", DOWN), "."
    )
    assert word(body, styles=("styles", styles)).text == "It holds 10⁻¹² litres of CO2."


def test_formulas():
    def letter(words: str) -> str:
        return f"<m:r><m:t>{words}</m:t></m:r>"

    power = f"<m:sSup><m:e>{letter('c')}</m:e><m:sup>{letter('2')}</m:sup></m:sSup>"
    half = f"<m:f><m:num>{letter('1')}</m:num><m:den>{letter('2')}</m:den></m:f>"
    root = f"<m:rad><m:deg/><m:e>{letter('x')}</m:e></m:rad>"
    assert (
        word(paragraph("Energy: ", f"<m:oMath>{letter('E=m')}{power}{half}{root}</m:oMath>")).text
        == "Energy: E=mc²1/2√x"
    )


def test_symbols():
    symbol = '<w:r><w:sym w:font="{}" w:char="{}"/></w:r>'.format
    body = paragraph(
        symbol("Wingdings", "F0FE"), " paid ", symbol("Wingdings", "F0A8"), " open, 5 ", symbol("Symbol", "F0A3")
    )
    body += paragraph(
        run("\uf061", '<w:rFonts w:ascii="Symbol"/>'), " ray", symbol("Webdings", "F0FF"), symbol("Symbol", "D800")
    )
    content = word(body)
    assert content.text == "☑ paid ☐ open, 5 ≤\n\nα ray"
    assert content.remarks == ("left out: 1 unknown symbol",)


def test_form_fields():
    begin = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{}</w:ffData></w:fldChar></w:r>'.format
    box = begin("<w:checkBox>{}</w:checkBox>").format
    choice = (
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="Oslo"/>'
        '<w:listEntry w:val="Bergen"/></w:ddList></w:ffData></w:fldChar></w:r>'
    )
    assert word(paragraph(box("<w:checked/>"), "paid ", box('<w:default w:val="0"/>'), "open, in ", choice)).text == (
        "☒ paid ☐ open, in Bergen"
    )


def test_struck_words_and_deletions_are_left_out_with_a_remark():
    deleted = "<w:del><w:r><w:delText>never </w:delText></w:r></w:del>"
    body = paragraph(
        "The fee is ", run("20", "<w:strike/>"), run("0 ", "<w:dstrike/>"), deleted, run("275", '<w:strike w:val="0"/>')
    )
    row = "<w:tr><w:trPr>{}</w:trPr><w:tc>{}</w:tc></w:tr>".format
    rows = row("<w:del/>", paragraph("Old")) + row("", paragraph("New"))
    content = word(f"{body}<w:tbl>{rows}</w:tbl>")
    assert content.text == "The fee is 275\n\nNew"
    assert content.remarks == ("left out: 2 tracked deletions", "left out: 1 struck-through passage")
    assert content.notes == ()


# Beside the text -----------------------------------------------------------------------------------------------------


def test_notes_stand_below_their_paragraph_under_a_mark_of_their_own():
    def note(kind: str, number: int, more: str = "") -> str:
        return f'<w:r><w:rPr>{UP}</w:rPr><w:{kind}Reference w:id="{number}" {more}/></w:r>'

    own = note("footnote", 4, 'w:customMarkFollows="1"').replace("</w:r>", "<w:t>*</w:t></w:r>")
    body = paragraph("Built in 1931", note("footnote", 2), " by the parish.", note("endnote", 7)) + paragraph(
        "Sold", own, "."
    )
    foot = '<w:footnote w:id="{}">{}</w:footnote>'.format
    feet = f"<w:footnotes {W}>{foot(2, paragraph('Or 1932.'))}{foot(4, paragraph('Twice.'))}</w:footnotes>"
    ends = f'<w:endnotes {W}><w:endnote w:id="7">{paragraph("Archive.")}</w:endnote></w:endnotes>'
    content = word(body, feet=("footnotes", feet), ends=("endnotes", ends))
    assert content.text.split("\n\n") == [
        "Built in 1931 [1] by the parish. [i]", "[1] Or 1932.", "[i] Archive.", "Sold [*].", "[*] Twice.",
    ]  # fmt: skip


def test_comments_are_told_from_the_text():
    comments = (
        f'<w:comments {W}><w:comment w:id="0" w:author="Ann Lee">{paragraph("Is that so?")}</w:comment></w:comments>'
    )
    body = paragraph("It was dug in 1811.", '<w:r><w:commentReference w:id="0"/></w:r>') + paragraph("It is deep.")
    assert word(body, comments=("comments", comments)).text == (
        "It was dug in 1811.\n\nComment by Ann Lee: Is that so?\n\nIt is deep."
    )


def test_headers_and_footers_are_read_once_and_without_page_numbers():
    def section(more: str = "", **margins: str) -> str:
        listed = "".join(
            f'<w:{kind.split("_")[0]}Reference w:type="{kind.split("_")[1]}" r:id="{part}"/>'
            for kind, part in margins.items()
        )
        return f"<w:sectPr>{listed}{more}</w:sectPr>"

    def header(*runs: str) -> tuple[str, str]:
        return "header", f"<w:hdr {W}>{paragraph(*runs)}</w:hdr>"

    def footer(*runs: str) -> tuple[str, str]:
        return "footer", f"<w:ftr {W}>{paragraph(*runs)}</w:ftr>"

    page = '<w:fldSimple w:instr=" PAGE \\* MERGEFORMAT "><w:r><w:t>17</w:t></w:r></w:fldSimple>'
    step = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    code = "<w:r><w:instrText> NUMPAGES </w:instrText></w:r>"
    field = f"{step('begin')}{code}{step('separate')}{run('42')}{step('end')}"
    first = section(header_default="h1", footer_default="f1", header_first="h3", header_even="h4")
    last = section("<w:titlePg/>", header_default="h2", footer_default="f2", header_first="h5")
    content = word(
        paragraph("Hard hats are worn.", properties=first) + paragraph("Always.") + last,
        h1=header("Kestrel Marine, 14 Quay Street"), h2=header("Kestrel Marine, 14 Quay Street"),
        h3=header("Not shown"), h4=header("Not shown either"), h5=header("Draft"),
        f1=footer("Number KM-2207"), f2=footer("Page ", page, " of ", field),
    )  # fmt: skip
    assert content.text.split("\n\n") == [
        "Hard hats are worn.", "Always.", "Kestrel Marine, 14 Quay Street", "Draft", "Number KM-2207",
    ]  # fmt: skip
    assert place_of(content, "Quay Street") == place_of(content, "Draft") == "page header"
    assert place_of(content, "KM-2207") == "page footer"


def drawing(reference: str, words: str = "") -> str:
    return f'<w:r><w:drawing><wp:docPr descr="{words}"/>{reference}</w:drawing></w:r>'


def test_charts_and_diagrams():
    step = "<dgm:pt><dgm:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></dgm:t></dgm:pt>".format
    data = f"<dgm:dataModel {W}>{step('Order')}{step('Ship')}</dgm:dataModel>"
    body = paragraph("Boats.", drawing('<c:chart r:id="sales"/>'), drawing('<dgm:relIds r:dm="steps" r:lo="none"/>'))
    body += paragraph("End.", drawing('<c:chart r:id="bare"/>'))
    sales = chart("Boats sold", ["2022", "2023"], North=[1433, 322], South=[12, 8])
    content = word(body, sales=("chart", sales), steps=("diagramData", data), bare=("chart", chart("Nothing", [])))
    assert content.text.split("\n\n") == [
        "Boats.", "Chart: Boats sold", "2022; North: 1,433; South: 12\n2023; North: 322; South: 8", "Order\nShip",
        "End.", "Chart: Nothing",
    ]  # fmt: skip
    assert content.notes == ("1 chart: without data",)


def test_a_damaged_chart_is_named_and_the_rest_read():
    content = word(paragraph("Boats.", drawing('<c:chart r:id="sales"/>')), sales=("chart", "<c:chart"))
    assert (content.text, content.notes) == ("Boats.", ("1 chart: damaged",))


def test_damaged_parts_are_named_and_the_rest_read():
    body = paragraph("Boats.", '<w:r><w:commentReference w:id="0"/></w:r>') + item("Ropes.")
    content = word(body, comments=("comments", "<w:comments"), numbering=("numbering", "<x>\0</x>"))
    assert content.text == "Boats.\n\nRopes."
    assert content.notes == ("1 part (comments): damaged", "1 part (numbering): damaged")


@needs_tesseract
def test_pictures_are_read_by_ocr_once():
    shown = drawing('<a:blip r:embed="p1.png"/>', "A notice on a gate by the quay")
    pages = []
    packed = word_file(
        paragraph("See:", shown, shown)
        + paragraph("End.", drawing('<a:blip r:embed="p2.png"/>'), drawing('<a:blip r:embed="p3.emf"/>')),
        **{
            "p1.png": ("image", picture_of("Closed on Mondays")),
            "p2.png": ("image", picture_of("", size=(8, 8))),
            "p3.emf": ("image", b"\x01\0\0\0" + bytes(36) + b" EMF"),
        },
    )
    content = load_docx(packed, on_page=lambda: pages.append(1))
    notice = "Picture: A notice on a gate by the quay"
    assert content.text.split("\n\n") == ["See:", notice, "Closed on Mondays", notice, "End."]
    assert content.remarks == ("read by OCR: 1 picture", "1 picture without text that OCR finds")
    assert content.notes == ("1 picture: drawn by lines, which OCR cannot read",)
    assert len(pages) == 1


def test_pictures_without_ocr_are_counted(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    shown = "".join(drawing(f'<a:blip r:embed="p{number}.png"/>') for number in range(2))
    content = word(
        paragraph("See:", shown), **{f"p{number}.png": ("image", picture_of("Closed")) for number in range(2)}
    )
    assert content.text == "See:"
    assert content.notes[0].startswith("2 pictures: no OCR; OCR needs tesseract, which is not installed: apt-get")


def test_huge_pictures_are_not_unpacked_or_decoded(monkeypatch):
    monkeypatch.setattr("index.formats.office.objects.MAX_PICTURE_BYTES", 1000)
    monkeypatch.setattr("index.formats.picture.MAX_PIXELS", 5)
    small = picture_of("")
    shown = drawing('<a:blip r:embed="p1.png"/>') + drawing('<a:blip r:embed="p2.png"/>')
    assert len(small) < 1000
    content = word(paragraph("See:", shown), **{"p1.png": ("image", bytes(5_000_000)), "p2.png": ("image", small)})
    assert content.notes == ("2 pictures: too large",)


def test_embedded_files_are_parts():
    preview = '<v:imagedata r:id="preview.png"/>'
    body = paragraph("See:", f'<w:r><w:object>{preview}<w:OLEObject r:id="costs.xlsx"/></w:object></w:r>')
    body += '<w:altChunk r:id="chunk.htm"/>'
    parts = {"costs.xlsx": ("package", b"PK..."), "chunk.htm": ("aFChunk", b"<p>Hello.</p>")}
    content = word(body, **parts, **{"preview.png": ("image", b"never read")})
    assert [(part.name, part.content) for part in content.parts] == [
        ("costs.xlsx", b"PK..."),
        ("chunk.htm", b"<p>Hello.</p>"),
    ]
    assert (content.text, content.notes) == ("See:", ())


def native_object(label: bytes, file: bytes, n_bytes: int = 0) -> bytes:
    """The stream of a file that was embedded as it is."""
    path = b"C:\\temp\\" + label + b"\0"
    size = (n_bytes or len(file)).to_bytes(4, "little")
    return b"\0\0\0\0\2\0" + label + b"\0" + path + bytes(4) + len(path).to_bytes(4, "little") + path + size + file


@pytest.mark.parametrize(
    ("stream", "content", "name", "inside"),
    [
        ("\x01Ole10Native", native_object(b"rates.csv", b"Boat,Fee"), "rates.csv", b"Boat,Fee"),
        ("\x01Ole10Native", native_object(b"rates.csv", b"Boat,Fee", 9_000), "object.bin", None),
        ("Package", b"PK".ljust(4096), "object", b"PK".ljust(4096)),
        ("Workbook", b"...", "object.xls", None),
        ("CONTENTS", b"...", "object.bin", None),
    ],
)
def test_files_in_ole_objects_are_taken_out(stream, content, name, inside):
    wrapped = ole_file(stream, content)
    assert unwrapped("object.bin", wrapped) == (name, wrapped if inside is None else inside)
    assert unwrapped("object.bin", wrapped[:700]) == ("object.bin", wrapped[:700])


def ole_file(stream: str, content: bytes) -> bytes:
    """A compound file of one stream of 4096 bytes: a header, a table of sectors, a folder and the stream."""
    n_sectors = 8
    end, unused, table = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 0, end, 0, end, 0, 0) + struct.pack("<I", unused) * 108
    sectors = [table, end, *(number + 3 for number in range(n_sectors - 1)), end]
    allocated = b"".join(struct.pack("<I", number) for number in [*sectors, *[unused] * (128 - len(sectors))])

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        named = (name + "\0").encode("utf-16-le")
        links = struct.pack("<HBBIII", len(named) if name else 0, kind, 1, unused, unused, child)
        return named.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)

    folder = (
        entry("Root Entry", 5, 1, end, 0)
        + entry(stream, 2, unused, 2, n_sectors * 512)
        + entry("", 0, unused, 0, 0) * 2
    )
    return header + allocated + folder + content.ljust(n_sectors * 512, b"\0")


def test_what_is_anchored_in_a_table_is_read_below_it():
    pict = "<w:r><w:pict><v:shape>{}</v:shape></w:pict></w:r>".format
    box = pict(f"<v:textbox><w:txbxContent>{paragraph('Boxed.')}</w:txbxContent></v:textbox>")
    mark = pict('<v:textpath string="DRAFT"/>')
    content = word(f"<w:tbl><w:tr><w:tc>{paragraph('Cell.', box, mark)}</w:tc></w:tr></w:tbl>")
    assert content.text == "Cell.\n\nBoxed.\n\nDRAFT"


def test_strict_open_xml():
    space = W.replace(
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
    )
    space = space.replace(RELATIONSHIPS, STRICT_RELATIONSHIPS)
    assert space.count("purl.oclc.org") == 2
    parts = {
        "word/document.xml": f"<w:document {space}><w:body>{item('Strictly.')}</w:body></w:document>",
        "word/numbering.xml": numbering(level(0, "decimal", "%1."))[1].replace(W, space),
    }
    strict = package("word/document.xml", parts, {"word/document.xml": {"n": ("numbering", "/word/numbering.xml")}})
    assert load_docx(strict).text == "1. Strictly."
