"""Tables in PDFs: each value under its own header, empty cells empty, whatever the tables are drawn with."""

import numpy as np
import pytest

from index.formats.content import Content
from index.formats.pdf.extraction import load_pdf
from pdfs import draw_rules, make_pdf, print_lines
from test_formats_pdf import assert_sound

WARDENS = [
    ["Mill", "Built", "Closed", "Warden"],
    ["Aston", "1812", "", "E. Marsh"],
    ["Bexley", "", "1934", "T. Orr"],
    ["Calder", "1790", "1921", ""],
    ["Dunmow", "1844", "", "F. Lyle"],
]
SENTENCES = [
    "Mill: Aston; Built: 1812; Warden: E. Marsh",
    "Mill: Bexley; Closed: 1934; Warden: T. Orr",
    "Mill: Calder; Built: 1790; Closed: 1921",
    "Mill: Dunmow; Built: 1844; Warden: F. Lyle",
]


def printed(cells: list[list[str]], top: float = 700, step: float = 14, width: float = 90) -> str:
    """A content stream with a table's cells, row by row."""
    return print_lines(
        [
            (74 + width * column, top - step * row, cell)
            for row, its in enumerate(cells)
            for column, cell in enumerate(its)
            if cell
        ]
    )


def load(*pages: str) -> Content:
    content = load_pdf(make_pdf(list(pages)))
    assert_sound(content)
    return content


def rows(content: Content) -> list[str]:
    return [content.text[start:end] for table in content.tables for start, end, _ in table.rows]


@pytest.mark.parametrize("rules", ["", draw_rules([70, 160, 250, 340, 430], [710 - 14 * row for row in range(6)])])
def test_empty_cells_stay_empty(rules):
    content = load(f"{printed(WARDENS)}\n{rules}")
    assert content.text == "\n".join(SENTENCES)
    assert rows(content) == SENTENCES
    (table,) = content.tables
    assert table.headers == ("Mill", "Built", "Closed", "Warden")
    assert table.cells[table.cells[:, 0] == 1][:, 1].tolist() == [0, 2, 3]


def test_each_value_has_the_boxes_of_where_it_is_printed():
    content = load(printed(WARDENS))
    (table,) = content.tables
    for row, column, start, end in table.cells:
        boxes = content.boxes.rectangles[start:end]
        assert np.allclose(boxes[0, 0], 74 + 90 * column, atol=1)
        assert np.allclose(842 - boxes[:, 3], 700 - 14 * (row + 1), atol=4)


def test_the_line_above_a_table_says_what_it_is_about():
    content = load(print_lines([(74, 730, "Mills on the river Ane")]) + "\n" + printed(WARDENS))
    assert content.tables[0].about == "Mills on the river Ane"


def test_headers_need_not_be_exactly_above_their_values():
    cells = [["Town", "Inns", "Mills"], ["Ashwell", "4", "11"], ["Barley", "12", "3"], ["Corby", "7", "8"]]
    shifted = [
        (74 + 90 * column + (30 if row and column else 0), 700 - 14 * row, cell)
        for row, its in enumerate(cells)
        for column, cell in enumerate(its)
    ]
    assert "Town: Barley; Inns: 12; Mills: 3" in load(print_lines(shifted)).text


def test_a_header_of_two_lines_and_one_without_values():
    cells = [["Town", "Inns", "Fairs", "Mills"], ["", "open", "held", "idle"]]
    cells += [["Ashwell", "4", "", "11"], ["Barley", "12", "", "3"], ["Corby", "7", "", "8"]]
    assert "Town: Barley; Inns open: 12; Mills idle: 3" in load(printed(cells, step=11)).text


def test_a_table_goes_on_over_the_page_with_and_without_its_headers():
    top = print_lines([(74, 800, "Survey of mills")])
    for second in (WARDENS[4:], [WARDENS[0], *WARDENS[4:]]):
        content = load(f"{top}\n{printed(WARDENS[:4], top=200)}", f"{top}\n{printed(second, top=700)}")
        assert rows(content) == SENTENCES
        assert len(content.tables) == 1
        assert content.text.count("Survey of mills") == 2


def test_cells_of_several_lines_within_rules_are_one():
    rules = draw_rules([70, 170, 300], [720, 700, 660, 620])
    cells = [
        (74, 706, "Berth"), (174, 706, "Rule"),
        (74, 688, "North"), (174, 688, "No ship longer than"), (174, 676, "80 metres may moor"),
        (74, 648, "South"), (174, 648, "Ships of any length"), (174, 636, "may moor by day"),
    ]  # fmt: skip
    for order in (cells, sorted(cells)):  # files keep rows together, or columns
        text = load(f"{print_lines(order)}\n{rules}").text
        assert "North: No ship longer than 80 metres may moor\nSouth: Ships of any length may moor by day" in text


def test_rows_without_rules_between_them_are_rows():
    rules = draw_rules([70, 160, 250, 340, 430], [714, 696, 636])
    assert rows(load(f"{printed(WARDENS)}\n{rules}")) == SENTENCES


def test_a_cell_over_two_columns_groups_their_headers():
    cells = [(74, 706, "Ward"), (210, 706, "Sales of 2022")]
    cells += [(164, 686, "Half 1"), (254, 686, "Half 2")]
    cells += [(74, 666, "North"), (164, 666, "402"), (254, 666, "433"), (74, 646, "South"), (164, 646, "310")]
    across = [720, 700, 680, 660, 640]
    whole = draw_rules([70, 160, 340], across)
    inner = "250 700 m 250 640 l S"
    text = load(f"{print_lines(cells)}\n{whole}\n{inner}").text
    assert "Ward: North; Sales of 2022 Half 1: 402; Sales of 2022 Half 2: 433" in text
    assert text.endswith("Ward: South; Sales of 2022 Half 1: 310")


def test_shading_within_cells_makes_no_columns():
    shaded = "\n".join(f"0.9 g {76 + 90 * column} 697 60 12 re f 0 g" for column in range(4))
    rules = draw_rules([70, 160, 250, 340, 430], [710 - 14 * row for row in range(6)])
    assert rows(load(f"{shaded}\n{rules}\n{printed(WARDENS)}")) == SENTENCES


@pytest.mark.parametrize(
    "cells",
    [
        [["Bill to", "Ship to"], ["Ann Lee", "Bob May"], ["Quay Street", "Hill Road"], ["Falmouth", "Truro"]],
        [["Name:", "Ann Lee"], ["Born:", "1988"], ["Member since:", "2004"], ["Berth:", "17"]],
    ],
)
def test_what_is_side_by_side_without_being_a_table_has_no_headers(cells):
    content = load(printed(cells))
    assert content.tables == ()
    assert content.text.split("\n")[1] == " ".join(cells[1])


def test_the_boxes_of_a_form_are_no_table():
    rules = draw_rules([70, 250, 430], [720, 680, 640, 600])
    words = [(74, 706, "Family name:"), (254, 706, "Given name:"), (74, 666, "Street:"), (254, 666, "Town:"),
             (74, 626, "Telephone:"), (254, 626, "Mail:")]  # fmt: skip
    assert load(f"{print_lines(words)}\n{rules}").tables == ()


def test_three_hundred_rows_each_know_their_headers():
    cells = [["Member", "Phone", "Berth", "Trade"]]
    cells += [[f"Olga Palm {n}", str(5000 + n), "" if n % 3 else f"B{n}", "smith"] for n in range(300)]
    pages = [printed(cells[first : first + 50], top=780) for first in range(0, 301, 50)]
    told = rows(load(*pages))
    assert len(told) == 300
    assert told[299] == "Member: Olga Palm 299; Phone: 5299; Trade: smith"
    assert told[297] == "Member: Olga Palm 297; Phone: 5297; Berth: B297; Trade: smith"
