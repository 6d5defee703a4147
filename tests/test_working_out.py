"""Questions that a whole table answers: the most and the least are quoted, counts, sums and means worked out."""

import re
from dataclasses import replace

import pytest

from fakes import FakeIndex
from index.formats.text.delimited import load_csv
from index.records import Document, FileRecord, Hit, Passage
from qa.response import working_out
from qa.response.working_out import cell_asked_for, is_unsettled, worked_out

RIVERS = """River,Country of the mouth,Length (km)
Volga,Russia,"3,530"
Danube,Romania,"2,850"
Dnieper,Ukraine,"2,201"
Don,Russia,"1,870"
Pechora,Russia,"1,809"
Rhine,Netherlands,"1,233"
Elbe,Germany,"1,094"
"""
PLANETS = """Planet,Kind,Diameter,Moons
Mercury,rocky,"4,879 km",0
Venus,rocky,"12,104 km",0
Earth,rocky,"12,756 km",1
Mars,rocky,"6,792 km",2
Jupiter,giant,"142,984 km",95
Saturn,giant,"120,536 km",146
Uranus,giant,"51,118 km",28
Neptune,giant,"49,528 km",16
"""
MOONWALKERS = """Astronaut,Mission,Born,Died
Neil Armstrong,Apollo 11,5 August 1930,25 August 2012
Buzz Aldrin,Apollo 11,20 January 1930,
Pete Conrad,Apollo 12,2 June 1930,8 July 1999
Alan Bean,Apollo 12,15 March 1932,26 May 2018
Alan Shepard,Apollo 14,18 November 1923,21 July 1998
Edgar Mitchell,Apollo 14,17 September 1930,4 February 2016
David Scott,Apollo 15,6 June 1932,
James Irwin,Apollo 15,17 March 1930,8 August 1991
John Young,Apollo 16,24 September 1930,5 January 2018
Charles Duke,Apollo 16,3 October 1935,
Eugene Cernan,Apollo 17,14 March 1934,16 January 2017
Harrison Schmitt,Apollo 17,3 July 1935,
"""
PUBLIC = {"rivers of Europe.csv": RIVERS, "planets.csv": PLANETS, "moonwalkers.csv": MOONWALKERS}


def library(files, files_notes=()):
    """The index of some tables, by name."""
    index = FakeIndex()
    documents = []
    for name, table in files.items():
        content = load_csv(table.encode()) if name.endswith(".csv") else None
        text, tables = (table, ()) if content is None else (content.text, content.tables)
        documents.append(Document(name, text, name.rpartition(".")[0].capitalize(), "0" * 64, tables=tables))
    index.write(documents, files_notes)
    return index


def retrieved(index):
    """The beginning of every document, as if it were retrieved."""
    for record in index.documents():
        text = index.text(record.name)
        end = min(len(text), text.find("\n", 60) if "\n" in text[60:] else len(text))
        yield Hit(Passage(record.name, 0, end, text[:end]), record.title, record.sha256, 0.0, 0.5, 1.0)


def quoted(question, files, notes=(), within=None):
    """The words that answer a question, and the row they stand in."""
    index = library(files, notes)
    found = cell_asked_for(question, list(retrieved(index)), index, within)
    if found is None:
        return None
    text, row = index.text(found.hit.passage.document), found.hit.passage
    assert row.start <= found.cell.start < found.cell.end <= row.end
    assert row.text == text[row.start : row.end]
    return text[found.cell.start : found.cell.end]


def came_out(question, files, notes=(), within=None):
    """What is worked out for a question, checked against the rows it comes from."""
    index = library(files, notes)
    out = worked_out(question, list(retrieved(index)), index, within)
    if out is None:
        return None
    text = index.text(out.document)
    assert out.text.endswith((out.value, " (rounded)", "rows", "there"))
    assert len(out.rows) == out.n_rows
    assert all(row.text == text[row.start : row.end] for row in out.rows)
    assert out.start <= out.rows[0].start < out.rows[-1].end <= out.end
    return out.value


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the longest river?", "Volga"),
        ("What is the name of the longest river?", "Volga"),
        ("Which river is the shortest?", "Elbe"),
        ("Which is the longest river in Europe?", "Volga"),
        ("How long is the shortest river?", "1,094"),
        ("What is the greatest length?", "3,530"),
        ("Which river is the shortest in Russia?", "Pechora"),
        ("Which planet has the most moons?", "Saturn"),
        ("which planet has the largest diameter", "Jupiter"),
        ("What is the smallest diameter of the planets?", "4,879 km"),
        ("What is the kind of the planet with the most moons?", "giant"),
        ("Which rocky planet has the most moons?", "Mars"),
        ("How many moons has the planet with the largest diameter?", "95"),
        ("Which giant planet has the fewest moons?", "Neptune"),
        ("Which astronaut is the oldest?", "Alan Shepard"),
        ("Who is the youngest astronaut?", "Charles Duke"),
        ("Which astronaut was born last?", "Charles Duke"),
        ("Which astronaut died first?", "James Irwin"),
        ("When was the first astronaut born?", "18 November 1923"),
        ("Which mission had the youngest moonwalker?", "Apollo 16"),
    ],
)
def test_the_most_the_least_the_first_and_the_last_are_quoted(question, answer):
    assert quoted(question, PUBLIC) == answer


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("How many rivers are there?", "7"),
        ("How many astronauts are there in total?", "12"),
        ("how many planets are rocky?", "4"),
        ("How many giant planets are there?", "4"),
        ("How many planets have 0 moons?", "2"),
        ("What is the number of planets?", "8"),
        ("How many moons are there in total?", "288"),
        ("What is the total length of the rivers?", "14,587"),
        ("What is the sum of the moons?", "288"),
        ("What is the average diameter of the rocky planets?", "9,132.75 km"),
        ("What is the mean length of the rivers?", "2,083.86"),
        ("How many moons do the giant planets have in total?", "285"),
    ],
)
def test_counts_sums_and_means_are_worked_out(question, value):
    assert came_out(question, PUBLIC) == value


@pytest.mark.parametrize(
    "question",
    [
        "Which river has the longest name?",
        "What is the longest entry?",
        "When did the first astronaut die?",  # the first to die, or the first to be born?
        "Which mission had the most born?",
        "Which planet has the least moons?",  # two have none
        "How many moons has Saturn?",  # a look-up
        "What is the second longest river?",
        "What is the longest river in Asia?",
        "Which planet has more moons than Uranus?",
        "Which planet was discovered last?",
        "Which ship is the longest?",
        "How many rivers flow through Russia?",
        "How many countries are there?",  # that of no row, and some are there twice
        "How many missions are there?",
        "How many astronauts are not dead?",
        "How many astronauts died?",
        "What is the total mission?",
        "What is the average year of birth?",
        "Who wrote the longest novel?",
        "What did the oldest planet cost?",
        "When did the last astronaut walk on the Moon?",
        "What is the highest mission?",
        "Is the Volga the longest river?",
        "How many planets have rings?",
        "How many Europes have rivers?",
    ],
)
def test_where_the_words_leave_a_doubt_nothing_is_answered(question):
    assert (quoted(question, PUBLIC), came_out(question, PUBLIC)) == (None, None)


FEES = """Member,Town,Fee
Ann Lee,Bergen,£40
Ben Moe,Oslo,£55
Cas Poe,Bergen,£25
Dot Roe,,£30
"""
HIGHEST, TOTAL = "Which member pays the highest fee?", "What is the total fee?"


def test_a_plain_table_of_fees():
    files = {"members.csv": FEES}
    assert quoted(HIGHEST, files) == "Ben Moe"
    assert quoted("What is the highest fee?", files) == "£55"
    assert quoted("Who pays the highest fee in Bergen?", files) == "Ann Lee"
    assert came_out(TOTAL, files) == "£150"
    assert came_out("What is the average fee?", files) == "£37.5"
    assert came_out("How many members are from Bergen?", files) == "2"
    assert came_out("What is the total fee in Bergen?", files) == "£65"


def test_what_is_asked_of_the_oldest_is_not_what_makes_it_the_oldest():
    stations = "Station,Opened,Closed,Keeper,Platforms\nAshby,1866,1940,Palm,2\nWenlow,1869,1931,Berg,4\n"
    assert quoted("When was the oldest station closed?", {"stations.csv": stations}) == "1940"
    assert quoted("Which station was closed first?", {"stations.csv": stations}) == "Wenlow"
    assert quoted("When was the first station closed?", {"stations.csv": stations}) is None
    assert quoted("When was the first station opened?", {"stations.csv": stations}) == "1866"
    assert quoted("Which keeper has the most platforms?", {"stations.csv": stations}) == "Berg"
    several = {"stations.csv": stations + "Marsk,1870,1950,Palm,3\n"}
    assert quoted("Which station has the most platforms?", several) == "Wenlow"
    assert quoted("Which keeper has the most platforms?", several) is None  # Palm has five at two


@pytest.mark.parametrize(
    "changed",
    [
        FEES.replace("£55", "55 kr"),
        FEES.replace("£55", "55"),
        FEES.replace("£55", "about £55"),
        FEES.replace("£55", "-"),
        FEES.replace("£55", "£55 or £60"),
        FEES.replace("£55", "£055"),
        FEES.replace("£40", "£1.200").replace("£55", "£1.300").replace("£25", "£950"),  # tenths, or thousands
        FEES + "Average,,£37.5\n",
        FEES + "Total,,£151\n",
        FEES + "Subtotal,,£150\nEve Zoe,Oslo,£10\n",
        FEES.replace("Cas Poe", "Total Bergen"),
        FEES.replace("Fee", "Fee 2023").replace("Town", "Fee 2022").replace("Bergen", "£1").replace("Oslo", "£2"),
    ],
)
def test_mixed_units_unclear_figures_and_rows_that_sum_up_others_answer_nothing(changed):
    files = {"members.csv": changed}
    assert (quoted(HIGHEST, files), came_out(TOTAL, files)) == (None, None)


def test_the_first_of_equals_is_no_answer():
    assert quoted(HIGHEST, {"members.csv": FEES.replace("£40", "£55")}) is None
    assert quoted("Which member pays the lowest fee?", {"members.csv": FEES.replace("£40", "£55")}) == "Cas Poe"


def test_blank_cells_are_passed_over_and_said():
    index = library({"members.csv": FEES.replace("£25", "")})
    out = worked_out(TOTAL, list(retrieved(index)), index, None)
    assert (out.value, out.n_rows) == ("£125", 3)
    assert out.text == "Worked out by adding up Fee in 3 rows of Members (1 more has no value there): £125"
    out = worked_out("How many members are from Bergen?", list(retrieved(index)), index, None)
    assert out.text == (
        "Worked out by counting the rows of Members with Town \u201cBergen\u201d: 2, of 4 rows, 1 of them without a"
        " value there"
    )


def test_a_total_that_is_certain_is_no_row_and_answers_for_itself():
    files = {"members.csv": FEES + "Total,,£150\n"}
    assert quoted(HIGHEST, files) == "Ben Moe"
    assert came_out(TOTAL, files) is None  # its words can be quoted
    assert came_out("What is the total fee in Bergen?", files) == "£65"
    assert came_out("How many members are there?", files) == "4"


def test_several_tables_that_fit_answer_nothing_unless_the_question_names_one():
    files = {"members 2022.csv": FEES, "members 2023.csv": FEES.replace("£55", "£35")}
    assert (quoted(HIGHEST, files), came_out(TOTAL, files)) == (None, None)
    assert quoted("Which member pays the highest fee in 2023?", files) == "Ann Lee"
    assert came_out("What is the total fee in 2023?", files) == "£130"
    assert quoted(HIGHEST, files, within=["members 2022.csv"]) == "Ben Moe"
    # What was not retrieved is known by its headers.
    index = library(files)
    first, _ = retrieved(index)
    assert cell_asked_for(HIGHEST, [first], index, None) is None
    assert cell_asked_for(HIGHEST, [first], index, ["members 2022.csv"]) is not None


def test_a_table_that_is_in_doubt_stands_in_the_way_of_another():
    files = {"members 2022.csv": FEES, "members 2023.csv": FEES.replace("£40", "£55")}
    assert quoted(HIGHEST, files) is None


def test_a_file_that_was_not_read_whole_answers_nothing():
    note = FileRecord("members.csv", "partly read", "only the first 4 rows were read", "0" * 64, 9, 0, 0)
    files = {"members.csv": FEES}
    assert (quoted(HIGHEST, files, [note]), came_out(TOTAL, files, [note])) == (None, None)
    assert quoted(HIGHEST, files, [replace(note, status="indexed", detail="")]) == "Ben Moe"


def test_a_table_that_is_too_long_answers_nothing(monkeypatch):
    monkeypatch.setattr(working_out, "MAX_ROWS", 3)
    assert (quoted(HIGHEST, {"members.csv": FEES}), came_out(TOTAL, {"members.csv": FEES})) == (None, None)


def test_prose_that_holds_the_questions_words_is_read_instead():
    prose = "The member who pays the highest fee is Zoe Young, and the fee has been so since 1920."
    assert quoted(HIGHEST, {"members.csv": FEES, "prose.txt": prose}) is None
    assert quoted(HIGHEST, {"members.csv": FEES, "prose.txt": "Nobody pays."}) == "Ben Moe"


def test_rows_are_counted_when_their_names_are_one_each():
    visits = "Visitor,Day\nAnn,2024-05-01\nAnn,2024-05-02\nBen,2024-05-02\n"
    assert came_out("How many visitors are there?", {"visits.csv": visits}) is None
    assert came_out("How many rows are there?", {"visits.csv": visits}) == "3"
    assert came_out("How many rows are there in the visits table?", {"visits.csv": visits}) == "3"


@pytest.mark.parametrize(
    ("dates", "latest"),
    [
        (("2024-05-01", "2024-11-02", "2023-12-31"), "2024-11-02"),
        (("31/12/2023", "01/05/2024", "11/02/2024"), "01/05/2024"),  # the first tells which is the day
        (("03/12/2023", "01/05/2024", "11/02/2024"), None),
        (("3 May 2024", "2 June 2023", "1 July 2022"), "3 May 2024"),
        (("May 2024", "2 June 2023", "1 July 2022"), None),
        (("01.05.2024", "02.11.2024", "31.12.2023"), "02.11.2024"),
        (("1-5-24", "2-11-24", "31-12-23"), None),
    ],
)
def test_dates_are_compared_when_there_is_one_way_to_read_them(dates, latest):
    rows = zip(("Alma", "Beta", "Cleo"), dates, strict=True)
    table = "Boat,Launched,Port\n" + "".join(f"{name},{date},Oslo\n" for name, date in rows)
    assert quoted("When was the last boat launched?", {"boats.csv": table}) == latest


@pytest.mark.parametrize(
    ("numbers", "most"),
    [
        (("1,5", "2,25", "1.000,5"), "1.000,5"),
        (("12 300", "9 950", "800"), "12 300"),
        (("1.5", "0.125", "1.25"), "1.5"),
        (("1.500", "2.250", "950"), None),
        (("1,500", "2,250", "950"), "2,250"),
        (("\u22125", "-7", "3"), "3"),
        (("1:30", "2:15", "0:45"), None),
        (("12%", "9%", "30%"), "30%"),
        (("12%", "9", "30%"), None),
        (("3rd", "1st", "2nd"), None),
        (("0012", "0300", "0001"), None),
        (("NOK 300", "NOK 45.50", "NOK 1,200"), "NOK 1,200"),
    ],
)
def test_numbers_are_compared_when_there_is_one_way_to_read_them(numbers, most):
    rows = zip(("Alma", "Beta", "Cleo"), numbers, strict=True)
    table = "Boat,Score,Port\n" + "".join(f'{name},"{number}",Oslo\n' for name, number in rows)
    assert quoted("What is the highest score?", {"boats.csv": table}) == most


def test_sums_are_exact():
    table = "Item,Cost\nA,0.1\nB,0.2\nC,99999999999999999999.7\n"
    assert came_out("What is the total cost?", {"items.csv": table}) == "100,000,000,000,000,000,000.0"


@pytest.mark.parametrize(
    ("question", "row", "unsettled"),
    [
        ("Which is the largest boat?", "Boat: Alma; Length: 12", True),
        ("Which is the largest boat?", "Largest boat: Alma", False),
        ("What is the last name of Ann?", "First name: Ann; Last name: Lee", False),
        ("When was Alma built?", "Boat: Alma; Built: 1912", False),
        ("How many sails has Alma?", "Boat: Alma; Sails: 3", False),
        ("What is the total cost?", "Item: Rope; Cost: 12", True),
        ("What is the total cost?", "Item: Total; Cost: 12", False),
    ],
)
def test_any_row_is_no_answer_to_what_compares_all(question, row, unsettled):
    index = library({"t.csv": "A,B,C\n1,2,3\n"})
    (any_row,) = index.table("t.csv", 0)
    name = re.search(r"(?<=: )[^;]+", row)
    cell = replace(any_row.cells[0], start=name.start(), end=name.end())
    any_row = replace(any_row, start=0, end=len(row), about="", cells=(cell,))
    assert is_unsettled(question, lambda: [any_row], lambda: row) is unsettled
    assert not is_unsettled(question, list, lambda: row)
