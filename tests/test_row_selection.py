"""Rows of tables as units of reading: which are read for a question, and which of their values may answer it."""

import re

import pytest

from index.formats.text.delimited import load_csv
from index.records import Cell, Hit, Passage, TableRow
from qa.reader.row_selection import RowSelection
from qa.records.span import Span

STATIONS = """Station,Opened,Closed,Keeper
Ashby,,1872,Olga Palm
Dauntsey,1868,,Sara Palm
Wenlow,1869,1931,Olga Berg
Marsk,1870,1933,Finn Holm
"""


class Table:
    """A table in two passages, and its rows."""

    def __init__(self, table=STATIONS, title="Stations of the valley"):
        content = load_csv(table.encode())
        (its,) = content.tables
        self.text = content.text
        self.rows = []
        for position, (start, end, number) in enumerate(its.rows.tolist()):
            cells = [cell[1:] for cell in its.cells.tolist() if cell[0] == position]
            values = tuple(Cell(column, its.headers[column], first, last) for column, first, last in cells)
            self.rows.append(TableRow(0, number, "", its.headers, start, end, values))
        half = self.rows[len(self.rows) // 2].start
        ends = [(0, half - 1), (half, len(self.text))]
        self.hits = [
            Hit(Passage("s.csv", start, end, self.text[start:end]), title, "0" * 64, -float(n), 0.5, 1.0)
            for n, (start, end) in enumerate(ends)
        ]

    def rows_of(self, document, start, end):
        return [row for row in self.rows if row.start < end and row.end > start]

    def select(self, question, *others):
        return RowSelection(question, [*self.hits, *others], self.rows_of)

    def answers(self, question, score=2.0):
        """The values that a reader which finds every word and figure may give, with what is added to their scores."""
        selection = self.select(question)
        spans = [
            [Span(m.start(), m.end(), score, 0.0, score) for m in re.finditer(r"\w+", hit.passage.text)]
            for hit in selection.hits
        ]
        found = selection.checked(selection.hits, spans)
        return {
            hit.passage.text[span.start : span.end]: span.score - score
            for hit, its in zip(selection.hits, found, strict=True)
            if hit.row is not None
            for span in its
        }


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was Wenlow closed?", "1931"),
        ("when was marsk opened", "1870"),
        ("Who is the keeper of Wenlow?", "Olga Berg"),
    ],
)
def test_the_row_and_the_column_that_are_named_answer_and_are_surer(question, answer):
    found = Table().answers(question)
    assert list(found) == [answer]
    assert found[answer] > 0


@pytest.mark.parametrize("question", ["When was Dauntsey closed?", "When was Ashby opened?"])
def test_an_empty_cell_is_no_answer_and_neither_is_its_neighbour(question):
    assert Table().answers(question) == {}


def test_a_name_must_stand_in_the_row_as_a_whole():
    # There are an Olga and a Holm, but no Olga Holm; and a Finn Holm.
    assert all(change < -10 for change in Table().answers("Which station does Olga Holm keep?").values())
    assert max(Table().answers("Which station does Finn Holm keep?").items(), key=lambda item: item[1])[0] == "Marsk"
    assert all(change < -10 for change in Table().answers("When was Wenlow closed by Gunnar Strand?").values())


def test_a_value_that_is_named_as_a_whole_is_meant_and_no_longer_one():
    names = ("Olga Palm", "Olga-Lou Palm", "Sara Palm", "Olga-May Palm")
    table = Table("Name,Phone\n" + "".join(f"{name},{7000 + n}\n" for n, name in enumerate(names)))
    assert list(table.answers("What is the phone number of Olga Palm?")) == ["7000"]
    assert list(table.answers("olga-may palm phone")) == ["7003"]
    assert all(change < -10 for change in table.answers("What is the phone of Sara-Lou Palm?").values())


def test_a_name_that_no_row_holds_is_not_looked_for_in_whole_passages():
    table = Table("Name,Town\n" + "".join(f"Person{n} Brandt,Town{n}\n" for n in range(20)) + "Ugo Vos,Malta\n")
    assert all(hit.row is not None for hit in table.select("In which town does Ugo Brandt live?").hits)
    assert all(change < -10 for change in table.answers("In which town does Ugo Brandt live?").values())


def test_what_the_question_says_is_no_answer():
    assert "Finn Holm" not in Table().answers("Which station does Finn Holm keep?")


def test_numbers_in_words_name_a_column_too():
    table = Table("Region,2022 Half 1,2022 Half 2,2023 Half 1\nNorth,400,433,500\nSouth,310,322,350\n")
    assert list(table.answers("What did the South sell in the second half of 2022?")) == ["322"]


def test_a_row_of_the_question_s_own_words_is_a_row_of_headers():
    table = Table("item,paid\nbolts,TWELVE\nnuts,NINE\n", title="Costs")
    assert list(table.answers("How much was paid for the item bolts?")) == ["TWELVE"]


def test_prose_is_read_as_ever_and_so_is_a_table_when_no_row_is_meant():
    table = Table()
    prose = Hit(Passage("p.txt", 0, 5, "Prose"), "Prose", "0" * 64, -0.5, 0.5, 1.0)
    assert prose in table.select("When was Wenlow closed?", prose).hits
    many = Table("Name,Kind\n" + "".join(f"Boat {n},boat {n % 3}\n" for n in range(40)))
    assert many.select("What is a boat?").hits == many.hits
    assert table.select("What is the weather like?").hits == table.hits


def test_words_above_the_rows_of_a_passage_are_read_too():
    above = "Wenlow was drawn by Ada Quist.\n\n"
    table = Table()
    (hit, *_) = table.hits
    table.rows = [
        TableRow(0, r.number, "", r.headers, r.start + len(above), r.end + len(above),
                 tuple(Cell(c.column, c.header, c.start + len(above), c.end + len(above)) for c in r.cells))
        for r in table.rows
    ]  # fmt: skip
    text = above + table.text
    table.hits = [Hit(Passage("s.csv", 0, len(text), text), hit.title, hit.document_sha256, 0.0, 0.5, 1.0)]
    found = table.select("Who drew Wenlow?").hits
    assert above.strip() in [each.passage.text for each in found if each.row is None]
    assert any(each.row is not None for each in found)


def test_rows_that_hold_all_that_is_named_are_read_whatever_the_rank_of_their_passage():
    (first, *_) = Table().select("Who keeps Marsk?").hits
    assert first.row is not None
    assert first.passage.text.startswith("Station: Marsk")
