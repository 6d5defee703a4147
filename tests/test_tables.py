"""Tables as units: headers, rows and values of every kind of table, and where they stand in the text."""

import io
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import HashEmbedder
from index.formats.content import Content, Table
from index.formats.office.excel.xlsx import load_xlsx
from index.formats.tables import Cell, written
from index.formats.text.delimited import load_csv
from index.formats.web.html import load_html
from index.ingest.chunking import Splitter
from index.library import Library
from index.records import Document


def lines(*rows, **given):
    return [line.text for line in written(enumerate(rows, 1), **given)]


def wide(text, n_columns, **given):
    return Cell(text, n_columns=n_columns, **given)


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        # Groups of columns: merged, and merged with a cell that goes down over both rows.
        ([["Region", wide("2022", 2), wide("2023", 2)], ["", "Half 1", "Half 2", "Half 1", "Half 2"],
          ["North", "400", "433", "500", "510"]],
         ["Region: North; 2022 Half 1: 400; 2022 Half 2: 433; 2023 Half 1: 500; 2023 Half 2: 510"]),
        ([[Cell("Region", n_rows=2), wide("Boats", 2)], ["Old", "New"], ["North", "4", "5"]],
         ["Region: North; Boats Old: 4; Boats New: 5"]),
        # Groups in a file that knows no merged cells: the name stands above the first column only.
        ([["", "2022", "", "2023", ""], ["Region", "Half 1", "Half 2", "Half 1", "Half 2"],
          ["North", "400", "433", "500", "510"]],
         ["Region: North; 2022 Half 1: 400; 2022 Half 2: 433; 2023 Half 1: 500; 2023 Half 2: 510"]),
        # Years are headers where what is below them is something else, and values where it is not.
        ([["Country", "2019", "2020"], ["Norway", "5.3", "5.4"]], ["Country: Norway; 2019: 5.3; 2020: 5.4"]),
        ([["Ann", "1950", "1960"], ["Ben", "1951", "1961"]], ["Ann; 1950; 1960", "Ben; 1951; 1961"]),
        # A value never slides under another header.
        ([["Station", "Opened", "Closed"], ["Ashby", "", "1872"], ["Dauntsey", "1868", ""]],
         ["Station: Ashby; Closed: 1872", "Station: Dauntsey; Opened: 1868"]),
        ([["Name", "Note", "Fee"], [Cell("x" * 300, n_rows=2), "first", "1"], ["second", "2"]],
         [f"Name: {'x' * 300}; Note: first; Fee: 1", "Note: second; Fee: 2"]),
        # Tables below each other, with their titles; and a value alone in its row, which is no title.
        ([["Costs"], ["Item", "Cost", "Month"], ["Rope", "12", "May"], [], ["People"], ["Name", "Town", "Phone"],
          ["Ann", "Ystad", "77"]],
         ["Costs", "Item: Rope; Cost: 12; Month: May", "People", "Name: Ann; Town: Ystad; Phone: 77"]),
        ([["Name", "Town", "Phone"], ["Ann", "Ystad", "77"], ["Ben"], ["Cleo", "Riga", "78"]],
         ["Name: Ann; Town: Ystad; Phone: 77", "Name: Ben", "Name: Cleo; Town: Riga; Phone: 78"]),
        # A blank row within a table changes nothing; headers that are repeated are no row.
        ([["Name", "Town", "Phone"], ["Ann", "Ystad", "77"], [], ["Ben", "Riga", "78"]],
         ["Name: Ann; Town: Ystad; Phone: 77", "Name: Ben; Town: Riga; Phone: 78"]),
        ([["Name", "Town", "Phone"], ["Ann", "Ystad", "77"], ["Name", "Town", "Phone"], ["Ben", "Riga", "78"]],
         ["Name: Ann; Town: Ystad; Phone: 77", "Name: Ben; Town: Riga; Phone: 78"]),
        # Header rows without anything below them are not lost.
        ([["Name", "Town", "Phone"], [], [Cell("Sum", True), Cell("of", True), Cell("all", True)], ["1", "2", "3"]],
         ["Name; Town; Phone", "Sum: 1; of: 2; all: 3"]),
    ],
)  # fmt: skip
def test_headers_and_rows(rows, texts):
    assert lines(*rows) == texts


def test_tables_side_by_side_are_two_and_a_blank_column_alone_parts_nothing():
    abreast = [
        ["Item", "Cost", "", "Item", "Weight"],
        ["Rope", "12", "", "Anchor", "40 kg"],
        ["Sail", "90", "", "", ""],
    ]
    assert lines(*abreast, may_stand_abreast=True) == [
        "Item: Rope; Cost: 12",
        "Item: Sail; Cost: 90",
        "Item: Anchor; Weight: 40 kg",
    ]
    spaced = [["Item", "Cost", "", "Month", "Shop"], ["Rope", "12", "", "May", "Voss"], ["Sail", "90", "", "June", "A"]]
    assert lines(*spaced, may_stand_abreast=True)[0] == "Item: Rope; Cost: 12; Month: May; Shop: Voss"


def stands(content: Content, table: Table) -> list[dict[str, str]]:
    """The values of each row by their headers, read off the text at their offsets."""
    rows: list[dict[str, str]] = [{} for _ in table.rows]
    for position, column, start, end in table.cells.tolist():
        assert table.rows[position][0] <= start < end <= table.rows[position][1]
        rows[position][table.headers[column]] = content.text[start:end]
    return rows


def test_a_sheet_with_merged_headers_says_where_its_values_stand():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    for row in (["Region", 2022, None], [None, "Half 1", "Half 2"], ["North", 400, 433], ["South", 310, None]):
        sheet.append(row)
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")
    file = io.BytesIO()
    book.save(file)
    content = load_xlsx(file.getvalue())
    (table,) = content.tables
    assert (table.about, table.headers) == ("Sales", ("Region", "2022 Half 1", "2022 Half 2"))
    assert stands(content, table) == [
        {"Region": "North", "2022 Half 1": "400", "2022 Half 2": "433"},
        {"Region": "South", "2022 Half 1": "310"},
    ]
    assert table.rows[:, 2].tolist() == [3, 4]


def test_a_page_s_table_of_plain_cells_has_headers_and_its_caption():
    content = load_html(
        b"<p>Welcome.</p><table><caption>Rates</caption><tr><td>Room<td>Summer<td>Winter"
        b"<tr><td>Single<td>72<td>61<tr><td>Double<td>104<td>85</table><p>Breakfast is included.</p>"
    )
    (table,) = content.tables
    assert table.about == "Rates"
    assert stands(content, table)[1] == {"Room": "Double", "Summer": "104", "Winter": "85"}


CELLS = st.text(st.sampled_from('ab1 9:;é"'), max_size=5)


@given(rows=st.lists(st.lists(CELLS, max_size=5), max_size=8))
def test_every_value_stands_where_it_is_said_to(rows):
    for line in written(enumerate(rows, 1), may_stand_abreast=True):
        cells = [" ".join(cell.split()) for cell in rows[line.number - 1]]
        for column, start, end in line.values:
            assert line.text[start:end] in cells
            assert 0 <= column < len(cells)


PEOPLE = "Name,Town,Phone\n" + "".join(f"Person {n} of Ystad,Street {n},{5000 + n}\n" for n in range(60))


def test_passages_are_cut_between_rows_and_say_what_the_table_is_about():
    content = load_csv(PEOPLE.encode())
    document = Document("people.csv", content.text, "People", "0" * 64, tables=content.tables)
    passages = Splitter(HashEmbedder().tokenizer).split(document)
    assert len(passages) > 1
    ends = set(content.tables[0].rows[:, 1].tolist())
    starts = set(content.tables[0].rows[:, 0].tolist())
    assert all(passage.start in starts and passage.end in ends for passage in passages)
    covered = [n for passage in passages for n in range(passage.start, passage.end)]
    assert len(covered) == len(set(covered))  # no row is in two


def test_rows_are_looked_up_by_a_span_of_the_text(folder: Path, tmp_path: Path) -> None:
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    with closing(Library(folder, HashEmbedder(), tmp_path / "index")) as library:
        library.sync()
        text = library.text("people.csv")
        at = text.index("5033")
        (row,) = library.table_rows("people.csv", at, at + 4)
        assert text[row.start : row.end] == "Name: Person 33 of Ystad; Town: Street 33; Phone: 5033"
        assert {cell.header: text[cell.start : cell.end] for cell in row.cells}["Phone"] == "5033"
        assert (row.number, row.headers) == (35, ("Name", "Town", "Phone"))
        assert len(library.table_rows("people.csv", 0, len(text))) == 60
