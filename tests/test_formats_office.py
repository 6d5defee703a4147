"""Office documents: what LibreOffice wrote, and what nobody should have written."""

import io
import random
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest

from index.errors import UnreadableFileError
from index.formats import assembling
from index.formats.content import Content
from index.formats.office import containers
from index.formats.office.excel.xlsx import load_xlsx, shown
from index.formats.office.opendocument.odf import MAX_COLUMNS, load_odf
from index.formats.office.pptx import load_pptx
from index.formats.office.rtf import load_rtf
from index.formats.office.word.docx import load_docx
from index.formats.tables import written
from pdfs import refusal

DOCUMENTS = Path(__file__).parent / "data" / "documents"
FILES = {
    "report.docx": load_docx,
    "report.odt": load_odf,
    "report.rtf": load_rtf,
    "budget.xlsx": load_xlsx,
    "budget.ods": load_odf,
    "talk.pptx": load_pptx,
    "talk.odp": load_odf,
}
ARCHIVES = [name for name in FILES if not name.endswith(".rtf")]
MAIN = {
    "report.docx": "word/document.xml",
    "report.odt": "content.xml",
    "budget.xlsx": "xl/workbook.xml",
    "budget.ods": "content.xml",
    "talk.pptx": "ppt/presentation.xml",
    "talk.odp": "content.xml",
}


def load(name: str) -> Content:
    return FILES[name]((DOCUMENTS / name).read_bytes())


def changed(name: str, **members: bytes | None) -> bytes:
    """A file with other members; "main" stands for that of its text, None for one that is taken out."""
    given = {MAIN[name] if key == "main" else key: value for key, value in members.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(DOCUMENTS / name) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        contents = {member: source.read(member) for member in source.namelist()} | given
        for member, content in contents.items():
            if content is not None:
                target.writestr(member, content)
    return packed.getvalue()


def placed(content: Content) -> list[tuple[str, str]]:
    """Each place with the text that stands there."""
    starts = [place.start for place in content.places]
    assert starts == sorted(set(starts))
    ends = [*starts[1:], len(content.text)]
    return [
        (place.label, content.text[place.start : end].strip()) for place, end in zip(content.places, ends, strict=True)
    ]


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_says_of_itself(name):
    content = load(name)
    assert content.title.endswith("the harbour")
    assert content.metadata["author"] == "Ann Lee"
    if name in {"report.docx", "report.odt"}:
        assert content.metadata["date"] == "2025-05-04"
        assert content.metadata["subject"] == "Dredging"


@pytest.mark.parametrize("name", ["report.docx", "report.odt"])
def test_a_text_document(name):
    content = load(name)
    assert content.text.startswith("The harbour of Lindau was dredged in 2024.\n\nCosts\n\nAll costs were borne by ")
    assert content.notes == ()
    assert placed(content) == [
        (
            "Costs",
            "Costs\n\nAll costs were borne by the town [1], which had saved for it.\n\n"
            "[1] The county paid for the survey.",
        ),
        (
            "Costs › Travel",
            "Travel\n\nThe divers came from Bregenz by ship.\nThey stayed for nine days.\n\n"
            "Item: Diving; Cost: 4,200 EUR; Year: 2024\nItem: Ship; Year: 2023",
        ),
        (
            "Findings",
            "Findings\n\nAn anchor of 1880.\nForty bottles.\n\nThe anchor lies in the museum.\n\n"
            "Boxed: the museum opens at ten.",
        ),
    ]  # fmt: skip


def test_rtf():
    content = load("report.rtf")
    assert "All costs were borne by the town, which had saved for it." in content.text
    assert "\n\nItem: Diving; Cost: 4,200 EUR; Year: 2024\nItem: Ship; Year: 2023\n\nFindings" in content.text
    assert content.notes == (
        "its footnotes are not read (1); save it as DOCX or ODT",
        "its text boxes are not read (1); save it as DOCX or ODT",
    )


def test_rtf_names_all_that_is_not_read():
    shown = rb"{\*\shppict{\pict 00}}{\nonshppict{\pict 00}}{\*\listpicture{\pict 00}}"
    beside = rb"{\header Kestrel}{\footerl KM-2207}{\*\annotation Is that so?}{\footer\pard\plain}"
    content = load_rtf(rb"{\rtf1 A ship." + beside + shown + rb"\par}")
    assert [note.partition(" (")[0] for note in content.notes] == [
        "its headers and footers are not read", "its comments are not read", "its pictures are not read",
    ]  # fmt: skip
    assert content.notes[0] == "its headers and footers are not read (2); save it as DOCX or ODT"
    assert content.notes[2] == "its pictures are not read (1); save it as DOCX or ODT"


def test_rtf_characters_beyond_the_first_plane():
    assert (
        load_rtf(rb"{\rtf1 A ship: \u55357?\u56994?, half of one: \u55357?.}").text
        == "A ship: 🚢, half of one: \ufffd."
    )


@pytest.mark.parametrize("piece", [b"{", rb"{\pict ", rb"{\title a", rb"{\*\x ", b"\\'", rb"\u1 ", b"|\n"])
def test_rtf_is_read_in_one_go_whatever_it_holds(piece):
    refusal(load_rtf, rb"{\rtf1 " + piece * (300_000 // len(piece)))


@pytest.mark.parametrize(("name", "day"), [("budget.xlsx", "2025-05-04"), ("budget.ods", "04.05.2025")])
def test_a_spreadsheet(name, day):
    assert placed(load(name)) == [
        ("Costs, row 1", "Costs of the harbour"),
        ("Costs, row 4", f"Item: Travel; Cost: 1,234.50 EUR; Share: 12.5%; Paid on: {day}"),
        ("Costs, row 11", "Item: Diving; Cost: 8,641.50 EUR; Share: 87.5%"),
        ("People, row 1", "Diver: Karl Maier"),
        ("People, row 2", "Captain: Eva Huber"),
    ]


@pytest.mark.parametrize("name", ["talk.pptx", "talk.odp"])
def test_a_presentation(name):
    places = dict(placed(load(name)))
    assert list(places) == ["slide 1", "slide 1, notes", "slide 2"]
    assert {"It was dug in 1811.", "It holds 200 boats.", "The old harbour"} == set(places["slide 1"].split("\n")) - {
        ""
    }
    assert places["slide 1, notes"] == "Say that the lighthouse is of 1856."
    assert places["slide 2"] == "Ships\n\nShip: Hohentwiel; Built: 1913"


def odf(body: str) -> Content:
    names = {"o": "office", "t": "table", "x": "text", "d": "drawing", "p": "presentation"}
    spaces = " ".join(f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for key, name in names.items())
    xml = f"<o:document-content {spaces}><o:body>{body}</o:body></o:document-content>"
    return load_odf(changed("talk.odp", main=xml.encode()))


def test_a_slide_begins_with_its_title():
    frame = "<d:frame{}><d:text-box><x:p>{}</x:p></d:text-box></d:frame>".format
    frames = frame("", "It was dug in 1811.") + frame(' p:class="title"', "The old harbour")
    content = odf(f"<o:presentation><d:page>{frames}</d:page></o:presentation>")
    assert content.text == "The old harbour\n\nIt was dug in 1811."
    with zipfile.ZipFile(DOCUMENTS / "talk.pptx") as source:
        before, nothing, after = source.read("ppt/slides/slide1.xml").decode().rpartition("<p:nvPr/>")
    assert nothing
    slide = f'{before}<p:nvPr><p:ph type="title"/></p:nvPr>{after}'
    content = load_pptx(changed("talk.pptx", **{"ppt/slides/slide1.xml": slide.encode()}))
    assert content.text.startswith("The old harbour\n\nIt was dug in 1811.")


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(body: str) -> Content:
    return load_docx(changed("report.docx", main=f"<w:document {W}><w:body>{body}</w:body></w:document>".encode()))


def test_word_content_controls_and_tracked_changes():
    paragraph = "<w:p>{}</w:p>".format
    run = "<w:r><w:t>{}</w:t></w:r>".format
    assert docx(f"<w:sdt><w:sdtContent>{paragraph(run('Controlled.'))}</w:sdtContent></w:sdt>").text == "Controlled."
    changes = (
        f"{run('It ')}<w:ins>{run('was dug')}</w:ins><w:del><w:r><w:delText>is</w:delText></w:r></w:del>{run('.')}"
    )
    assert docx(paragraph(changes)).text == "It was dug."
    assert docx(paragraph(f"<w:hyperlink>{run('Linked.')}</w:hyperlink>")).text == "Linked."


def test_a_word_cell_that_spans_rows_stands_in_each():
    cell = "<w:tc><w:tcPr>{}</w:tcPr><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>".format
    rows = [
        cell("", "Region") + cell("", "Town") + cell("", "Boats"),
        cell('<w:vMerge w:val="restart"/>', "North") + cell("", "Lindau") + cell("", "200"),
        cell("<w:vMerge/>", "") + cell("", "Bregenz") + cell("", "90"),
    ]
    content = docx("<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>")
    assert content.text == "Region: North; Town: Lindau; Boats: 200\nRegion: North; Town: Bregenz; Boats: 90"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["Item", "Cost"], ["Travel", "120"]], ["Item: Travel; Cost: 120"]),
        ([["Name", "Ann Lee"], ["Born", "in Lindau"]], ["Name: Ann Lee", "Born: in Lindau"]),
        ([["1", "2"], ["3", "4"]], ["1: 2", "3: 4"]),
        ([["a", "b", "c"]], ["a; b; c"]),
        ([["a", "a", "b"], ["x", "y", "z"]], ["a; a; b", "x; y; z"]),
        ([["", "Lindau", "Bregenz"], ["Boats", "200", "90"]], ["Boats; Lindau: 200; Bregenz: 90"]),
        ([["A list"], [], ["One", "Two", "Three"], ["x", "", "z", "more"]], ["A list", "One: x; Three: z; more"]),
        ([], []),
        ([["", " "], []], []),
    ],
)
def test_rows_in_words(rows, lines):
    assert [line.text for line in written(enumerate(rows, 1))] == lines


@pytest.mark.parametrize(
    ("value", "number_format", "said"),
    [
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (12, "General", "12"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, '#,##0.00" EUR"', "1,234.50 EUR"),
        (1234.5, "#,##0.00\\ [$€-407]", "1,234.50 €"),
        (0.125, "0.0%", "12.5%"),
        (-5, "0.00;(0.00)", "(5.00)"),
        (-5, "0.00", "-5.00"),
        (2.5, "0.##", "2.5"),
        (3.0, "0.##", "3"),
        (7, '"No. "0', "No. 7"),
        (1234.5, "0.00E+00", "1234.5"),
        (True, "General", "TRUE"),
        (datetime(2025, 5, 4), "mm-dd-yy", "2025-05-04"),
        (datetime(2025, 5, 4, 13, 30), "mm-dd-yy", "2025-05-04 13:30"),
        (date(2025, 5, 4), "mm-dd-yy", "2025-05-04"),
        (time(13, 30), "h:mm", "13:30"),
        ("text", "@", "text"),
    ],
)
def test_values_are_those_that_are_shown(value, number_format, said):
    assert shown(value, number_format) == said


def test_formulas_without_values_are_told_of():
    cells = '<c r="A1"><f>1+1</f></c><c r="B1" t="inlineStr"><is><t>Sum</t></is></c>'
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{space}"><sheetData><row r="1">{cells}</row></sheetData></worksheet>'
    content = load_xlsx(changed("budget.xlsx", **{"xl/worksheets/sheet1.xml": sheet.encode()}))
    assert content.text.startswith("Sum")
    assert content.notes[0].startswith("formulas without a saved value are missing (1)")


# Hostile and broken files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_zip_bomb_is_refused(name, monkeypatch):
    monkeypatch.setattr(containers, "MAX_UNPACKED_BYTES", 8 * 1024 * 1024)
    bomb = changed(name, main=b"<a>" + b" " * 50_000_000 + b"</a>")
    assert len(bomb) < 200_000
    with pytest.raises(UnreadableFileError, match="unpacks to more than 8,388,608 bytes"):
        FILES[name](bomb)


def test_a_zip_bomb_that_lies_of_its_size_is_refused():
    honest = changed("report.docx", main=b" " * 50_000_000)
    lying = honest.replace((50_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(UnreadableFileError, match="damaged"):
        load_docx(lying)


def test_pictures_are_not_unpacked(monkeypatch):
    monkeypatch.setattr(containers, "MAX_UNPACKED_BYTES", 1024 * 1024)
    content = load_docx(changed("report.docx", **{"word/media/image1.png": b" " * 50_000_000}))
    assert content.text.startswith("The harbour")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ARCHIVES)
def test_an_xml_bomb_is_refused(name, encoding):
    xml = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l11;</a>'
    with pytest.raises(UnreadableFileError, match=r"refused: its XML declares a document type|damaged"):
        FILES[name](changed(name, main=xml.encode(encoding)))


@pytest.mark.parametrize("name", ["report.docx", "talk.odp"])
def test_an_entity_cannot_bring_in_another_file(name, tmp_path):
    (tmp_path / "secret").write_text("secret")
    xml = f'<!DOCTYPE a [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]><a>&s;</a>'
    with pytest.raises(UnreadableFileError, match="refused"):
        FILES[name](changed(name, main=xml.encode()))


@pytest.mark.parametrize("name", ARCHIVES)
def test_deep_xml_is_refused(name):
    with pytest.raises(UnreadableFileError, match="damaged"):
        FILES[name](changed(name, main=b"<a>" * 100_000 + b"</a>" * 100_000))


def test_a_table_within_tables_ends_somewhere():
    depth = 60
    content = docx(
        "<w:tbl><w:tr><w:tc>" * depth + "<w:p><w:r><w:t>Deep.</w:t></w:r></w:p>" + "</w:tc></w:tr></w:tbl>" * depth
    )
    assert content.text == "Deep."


def test_repeated_cells_and_rows_are_bounded():
    cell = '<t:table-cell t:number-columns-repeated="2000000000"><x:p>again</x:p></t:table-cell>'
    row = f'<t:table-row t:number-rows-repeated="2000000000">{cell}</t:table-row>'
    content = odf(f'<o:spreadsheet><t:table t:name="Bomb">{row}</t:table></o:spreadsheet>')
    assert content.text.count("again") == MAX_COLUMNS


def test_what_is_named_twice_is_read_once():
    slide = '<p:sldId id="256" r:id="rId4"/>'
    with zipfile.ZipFile(DOCUMENTS / "talk.pptx") as source:
        xml = source.read("ppt/presentation.xml").decode()
    assert slide in xml
    content = load_pptx(changed("talk.pptx", main=xml.replace(slide, slide * 10_000).encode()))
    assert content.text == load("talk.pptx").text


@pytest.mark.parametrize("name", ARCHIVES)
def test_too_much_text_is_cut_off_and_said_to_be(name, monkeypatch):
    monkeypatch.setattr(assembling, "MAX_TEXT_CHARS", 60)
    content = load(name)
    assert 0 < len(content.text) <= 60
    assert content.notes == (f"only the first {len(content.text)} characters were read: the text is too long",)
    placed(content)


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_missing_member_is_damage(name):
    with pytest.raises(UnreadableFileError, match="damaged"):
        FILES[name](changed(name, main=None))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_is_refused(name):
    content = (DOCUMENTS / name).read_bytes()
    for size in (0, 1, 10, len(content) // 2):
        with pytest.raises(UnreadableFileError):
            FILES[name](content[:size] if not name.endswith(".rtf") or size < 6 else b"")


@pytest.mark.parametrize("name", FILES)
def test_bytes_changed_at_random_never_end_in_anything_but_an_answer(name):
    chance = random.Random(4)
    whole = (DOCUMENTS / name).read_bytes()
    assert isinstance(load(name), Content)
    for _ in range(40):
        content = bytearray(whole)
        for _ in range(20):
            content[chance.randrange(len(content))] = chance.randrange(256)
        assert "\n" not in refusal(FILES[name], bytes(content))


@pytest.mark.parametrize("name", ARCHIVES)
def test_damaged_xml_never_ends_in_anything_but_an_answer(name):
    chance = random.Random(5)
    with zipfile.ZipFile(DOCUMENTS / name) as source:
        xml = source.read(MAIN[name])
    pieces = xml.split(b"<")
    for _ in range(20):
        shuffled = pieces.copy()
        for _ in range(3):
            shuffled.pop(chance.randrange(len(shuffled)))
        assert "\n" not in refusal(FILES[name], changed(name, main=b"<".join(shuffled)))


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_parser_that_says_several_lines_is_quoted_on_one(name):
    said = refusal(FILES[name], changed(name, main=b"<a>\n\0</a>"))
    assert said.startswith("damaged: ")
    assert "\n" not in said


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize("name", ARCHIVES)
def test_encrypted_and_old_files_are_told_apart(name):
    with pytest.raises(UnreadableFileError, match="encrypted: it needs a password"):
        FILES[name](OLE + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(1000))
    with pytest.raises(UnreadableFileError, match="older than 2007"):
        FILES[name](OLE + bytes(1000) + "WordDocument".encode("utf-16-le"))


def test_an_encrypted_opendocument_file_is_reported():
    manifest = b"<manifest><file-entry><encryption-data/></file-entry></manifest>"
    with pytest.raises(UnreadableFileError, match="encrypted: it needs a password"):
        load_odf(changed("report.odt", **{"META-INF/manifest.xml": manifest}, main=b"\x00random"))
