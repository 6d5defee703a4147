"""Excel workbooks whole: what stands beside the cells, and what cells show."""

import io
import random
import shutil
import struct
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.styles import Font

from contents import checked, place_of
from index.formats.content import Content
from index.formats.kinds import XLSB, kind_of
from index.formats.office.excel.number_formats import shown, shown_number
from index.formats.office.excel.xlsb import load_xlsb
from index.formats.office.excel.xlsx import load_xlsx
from open_xml import RELATIONSHIPS, chart, picture_of, relationships

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def book() -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.active.title = "Costs"
    made.active.append(["Item", "Cost"])
    made.active.append(["Rope", 12])
    return made


def saved(made: openpyxl.Workbook, changes: dict[str, tuple[str, ...]] | None = None, **members: str | bytes) -> bytes:
    """The workbook's bytes, with words in its members replaced, and further members by their names in xl/."""
    packed, changed = io.BytesIO(), io.BytesIO()
    made.save(packed)
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(changed, "w") as target:
        contents = {name: source.read(name) for name in source.namelist()}
        for name, words in (changes or {}).items():
            for old, new in zip(words[::2], words[1::2], strict=True):
                assert old.encode() in contents[name]
                contents[name] = contents[name].replace(old.encode(), new.encode())
        for name, content in (contents | {f"xl/{name}": content for name, content in members.items()}).items():
            target.writestr(name, content)
    return changed.getvalue()


def read(content: bytes) -> Content:
    loaded = checked(load_xlsx, content)
    assert loaded is not None
    return loaded


CELLS = "Item: Rope; Cost: 12"


def test_hidden_sheets_are_read_and_said_to_be_hidden():
    made = book()
    made.create_sheet("Rates").append(["Secret rate", 7])
    made.create_sheet("Old").append(["Old rate", 6])
    made["Rates"].sheet_state, made["Old"].sheet_state = "hidden", "veryHidden"
    made["Costs"].row_dimensions[2].hidden = made["Costs"].column_dimensions["B"].hidden = True
    content = read(saved(made))
    assert content.text == f"{CELLS}\n\nSecret rate: 7\n\nOld rate: 6"
    assert place_of(content, "Secret") == "Rates (hidden sheet), row 1"
    assert place_of(content, "Rope") == "Costs, row 2"
    assert content.remarks == ("read, though hidden: 2 sheets (Rates, Old)",)


def test_comments_headers_and_charts():
    made = book()
    sheet = made.active
    sheet["B2"].comment = Comment("Bob:\nToo dear?", "Bob")
    sheet.oddHeader.left.text, sheet.oddHeader.right.text = "Kestrel && Co", "Page &P of &N"
    sheet.oddFooter.center.text = sheet.evenFooter.center.text = '&"Arial,Bold"&14KM-2207'
    drawn = BarChart()
    drawn.title = "All costs"
    drawn.add_data(Reference(sheet, min_col=2, min_row=2, max_row=2))
    sheet.add_chart(drawn, "D4")
    content = read(saved(made))
    assert content.text.split("\n\n") == [
        CELLS, "Chart: All costs", "Comment by Bob at B2: Too dear?", "Kestrel & Co", "KM-2207",
    ]  # fmt: skip
    assert place_of(content, "All costs") == "Costs, drawing"
    assert place_of(content, "Too dear") == "Costs, comment at B2"
    assert place_of(content, "Kestrel") == "Costs, page header"
    assert place_of(content, "KM-2207") == "Costs, page footer"
    assert content.notes == ()  # what the chart shows is in the cells


def test_threaded_comments_stand_for_what_is_left_for_older_programs():
    made = book()
    made.active["B2"].comment = Comment("[Threaded comment] Your version of Excel allows you to read this.", "tc={1}")
    end = "</Relationships>"
    relation = f'<Relationship Id="{{0}}" Type="{RELATIONSHIPS}/{{0}}" Target="/xl/{{0}}.xml"/>{end}'
    changes = {
        "xl/worksheets/_rels/sheet1.xml.rels": (end, relation.format("threadedComment")),
        "xl/_rels/workbook.xml.rels": (end, relation.format("person")),
    }
    threads = '<c><threadedComment ref="B2" personId="{1}"><text>Too dear?</text></threadedComment></c>'
    people = '<personList><person id="{1}" displayName="Ann Lee"/></personList>'
    content = read(saved(made, changes, **{"threadedComment.xml": threads, "person.xml": people}))
    assert content.text == f"{CELLS}\n\nComment by Ann Lee at B2: Too dear?"


def drawing(inside: str) -> str:
    spaces = " ".join(
        f'xmlns:{short}="http://schemas.openxmlformats.org/drawingml/2006/{name}"'
        for short, name in {"x": "spreadsheetDrawing", "a": "main", "c": "chart"}.items()
    )
    return f'<x:wsDr {spaces} xmlns:r="{RELATIONSHIPS}"><x:twoCellAnchor>{inside}</x:twoCellAnchor></x:wsDr>'


def test_text_boxes_charts_and_embedded_files():
    inside = (
        "<x:grpSp><x:sp><x:txBody><a:p><a:r><a:t>Boxed.</a:t></a:r></a:p></x:txBody></x:sp></x:grpSp>"
        '<x:graphicFrame><c:chart r:id="c"/></x:graphicFrame>'
    )
    sheet = {"d": ("drawing", "/xl/drawing.xml"), "p": ("package", "/xl/embeddings/terms.docx")}
    content = read(
        saved(
            book(),
            **{
                "worksheets/_rels/sheet1.xml.rels": relationships(sheet),
                "drawing.xml": drawing(inside),
                "_rels/drawing.xml.rels": relationships({"c": ("chart", "/xl/chart.xml")}),
                "chart.xml": chart("Sold", ["2022", "2023"], North=[1433, 322], South=[12, 8]),
                "embeddings/terms.docx": b"PK",
            },
        )
    )
    assert content.text.split("\n\n") == [
        CELLS, "Boxed.", "Chart: Sold", "2022; North: 1,433; South: 12\n2023; North: 322; South: 8",
    ]  # fmt: skip
    assert [(part.name, part.content) for part in content.parts] == [("terms.docx", b"PK")]


@pytest.mark.parametrize("damaged", ["drawing.xml", "comments.xml"])
def test_a_damaged_part_is_named_and_the_rest_read(damaged):
    sheet = {"d": ("drawing", "/xl/drawing.xml"), "c": ("comments", "/xl/comments.xml")}
    whole = {"drawing.xml": drawing(""), "comments.xml": "<comments/>"}
    rels = {"worksheets/_rels/sheet1.xml.rels": relationships(sheet)}
    content = read(saved(book(), **rels, **whole | {damaged: "<x"}))
    assert (content.text, content.notes) == (CELLS, (f"1 {damaged.removesuffix('.xml').rstrip('s')}: damaged",))


@needs_tesseract
def test_pictures_are_read_by_ocr():
    made = book()
    made.active.add_image(Image(io.BytesIO(picture_of("Closed on Mondays"))), "D4")
    content = read(saved(made))
    assert content.text == f"{CELLS}\n\nClosed on Mondays"
    assert content.remarks == ("read by OCR: 1 picture",)


def test_struck_cells_and_words_are_left_out_and_raised_figures_written_out():
    made = book()
    made.active.append(["Old rope", 99])
    made.active["A3"].font = made.active["B3"].font = Font(strike=True)
    made.active.append(["Area", "850 m"])
    runs = "<is>{}<r><t>850 m</t></r>{}</is>".format(
        "<r><rPr><strike/></rPr><t>900 m</t></r>",
        '<r><rPr><vertAlign val="superscript"/></rPr><t>2</t></r>',
    )
    content = read(saved(made, {"xl/worksheets/sheet1.xml": ("<is><t>850 m</t></is>", runs)}))
    assert content.text == f"{CELLS}\nItem: Area; Cost: 850 m²"
    assert content.remarks == ("left out: 1 struck-through passage", "left out: 2 struck-through cells")


def test_strict_open_xml():
    usual = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    cell = '<c r="B2" t="n"><v>12</v></c>'
    day = '<c r="B2" t="d"><v>2024-05-04</v></c>'
    changes = dict.fromkeys(("xl/workbook.xml", "xl/styles.xml"), (usual, strict))
    content = read(saved(book(), {**changes, "xl/worksheets/sheet1.xml": (usual, strict, cell, day)}))
    assert content.text == "Item: Rope; Cost: 2024-05-04"


@pytest.mark.parametrize(
    ("value", "number_format", "said"),
    [
        (1234, "00000", "01234"), (5551234, "000-0000", "555-1234"), (-5551234, "0-00", "-55512-34"),
        (1234567, '#,##0,"K"', "1,235K"), (1234567, '0.0,,"M"', "1.2M"), (0, '0;-0;"none"', "none"),
        (0.5, "#.##", ".5"),
        (0, '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)', "-"), (500, '[>=1000]#,##0,"K";0', "500"),
        (5000, '[>=1000]#,##0,"K";0', "5K"), (5, ";;;", "5"), (5, "[Red]0.0", "5.0"), (44, "# ?/?", "44"),
        (timedelta(hours=26, minutes=5), "[h]:mm", "26:05"), (timedelta(hours=-36), "[h]:mm", "-36:00"),
        (timedelta(hours=26, minutes=5, seconds=7), "[hh]:mm:ss", "26:05:07"),
        (timedelta(seconds=864), "[mm]:ss", "14:24"),
        (timedelta(seconds=90), "[ss]", "90"), (timedelta(seconds=59.6), "[h]:mm:ss", "0:01:00"),
        (datetime(1900, 1, 1, 6), "h:mm", "06:00"), (datetime(2024, 1, 1, 6), "yyyy-mm-dd h:mm", "2024-01-01 06:00"),
    ],
)  # fmt: skip
def test_values_are_those_that_are_shown(value, number_format, said):
    assert shown(value, number_format) == said


def test_numbers_that_stand_for_dates_and_durations():
    assert shown_number(45000, "mmm-yy") == "2023-03-15"
    assert shown_number(1.5, "[h]:mm") == "36:00"


def test_durations_in_cells():
    made = book()
    made.active["B2"].value, made.active["B2"].number_format = 1.1, "[h]:mm"
    assert read(saved(made)).text == "Item: Rope; Cost: 26:24"


# Binary workbooks ----------------------------------------------------------------------------------------------------

BINARY = (Path(__file__).parent / "data" / "documents" / "costs.xlsb").read_bytes()


def rebuilt(**changes: bytes) -> bytes:
    """The binary workbook with other members, by the ends of their names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(BINARY)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            given = [content for end, content in changes.items() if name.endswith(f"{end}.bin")]
            target.writestr(name, given[0] if given else source.read(name))
    return packed.getvalue()


def test_a_binary_workbook():
    assert kind_of("costs", BINARY) is kind_of("costs.xlsx", BINARY) is XLSB
    content = load_xlsb(BINARY)
    checked(load_xlsb, BINARY)
    assert content.text == (
        "Item: Diving; Cost: 8641.5; Paid on: 2025-05-04\nItem: Ship; Cost: 1234; Paid on: 2025-05-04 13:30\n"
        "Item: TRUE\n\nSecret rate: 7"
    )
    assert place_of(content, "Ship") == "Costs, row 3"
    assert place_of(content, "Secret") == "Rates (hidden sheet), row 1"
    assert content.remarks == ("read, though hidden: 1 sheet (Rates)",)


def record(kind: int, *fields: int | float | str) -> bytes:
    """A record: whole numbers in four bytes, others in eight, strings with their lengths."""
    data = b""
    for field in fields:
        if isinstance(field, str):
            data += len(field).to_bytes(4, "little") + field.encode("utf-16-le")
        else:
            data += struct.pack("<d", field) if isinstance(field, float) else field.to_bytes(4, "little")
    tag = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return tag + bytes([len(data)]) + data


def test_cells_of_a_binary_sheet():
    styles = record(44, 0)[:2] + b"\x0e" + (165).to_bytes(2, "little") + record(44, "0.0%")[2:]
    styles = bytes([44, len(styles) - 3]) + styles[3:]
    cell_styles = b"".join(bytes([47, 4, 0, 0]) + number.to_bytes(2, "little") for number in (0, 165, 14))
    sheet = record(0, 0) + record(6, 0, 0, "Item") + record(6, 1, 0, "South") + record(6, 2, 0, "North")
    sheet += record(0, 1) + record(6, 0, 0, "Share") + record(5, 1, 1, 0.125) + record(2, 2, 1, 12 << 2 | 3)
    sheet += (
        record(0, 2) + record(6, 0, 0, "Paid on") + record(9, 1, 2, 45000.0) + record(2, 2, 0, (2**30 - 5) << 2 | 2)
    )
    sheet += record(0, 3) + bytes([4, 9]) + bytes(8) + b"\1" + bytes([3, 9]) + b"\2" + bytes(7) + b"\7"
    sheet += record(146) + record(0, 9) + record(6, 0, 0, "Below the cells") + record(176, 3, 3, 0, 1)
    listed = record(617) + cell_styles + record(618)
    content = load_xlsb(rebuilt(sheet1=sheet, sheet2=b"", styles=styles + listed))
    assert content.text.splitlines() == [
        "Item: Share; South: 12.5%; North: 12.0%",
        "Item: Paid on; South: 2023-03-15; North: -5",
        "Item: TRUE; North: #DIV/0!",
    ]


def test_a_binary_sheet_that_spans_a_billion_cells(monkeypatch):
    monkeypatch.setattr("index.formats.office.excel.xlsx.MAX_CELLS", 10_000)
    far = (
        record(0, 0)
        + record(5, 0, 0, 1.0)
        + record(0, 1_048_575)
        + record(5, 16_383, 0, 2.0)
        + record(5, 20_000, 0, 3.0)
    )
    content = load_xlsb(rebuilt(sheet1=far, sheet2=b""))
    assert content.text == "1"
    assert "rows of Costs were read: it has too many cells" in content.notes[0]


def test_damaged_binary_sheets_never_end_in_anything_but_an_answer():
    chance = random.Random(6)
    with zipfile.ZipFile(io.BytesIO(BINARY)) as source:
        whole = {name: source.read(name) for name in source.namelist() if name.endswith(".bin")}
    for _ in range(60):
        name = chance.choice(sorted(whole))
        content = bytearray(whole[name])
        for _ in range(5):
            content[chance.randrange(len(content))] = chance.randrange(256)
        checked(load_xlsb, rebuilt(**{Path(name).stem: bytes(content)}))
