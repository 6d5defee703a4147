"""Tables, data and code as text."""

import csv
import io
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contents import check, checked, place_of
from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.numbering import line_places, numbered_places
from index.formats.text.delimited import load_csv
from index.formats.text.json_text import load_json, load_jsonl
from index.formats.text.plain import LINED_SUFFIXES, PROSE_SUFFIXES, load_lined, load_prose


def read(table: str) -> Content:
    content = load_csv(table.encode())
    check(content)
    return content


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("Item,Cost,When\nTravel,120 EUR,May\n", "Item: Travel; Cost: 120 EUR; When: May"),
        ("Item;Cost;When\r\nCar;1,50;May\r\nFood;2,70;June",
         "Item: Car; Cost: 1,50; When: May\nItem: Food; Cost: 2,70; When: June"),
        ("Item\tCost\tNote\nTravel\t5\ta, b, c", "Item: Travel; Cost: 5; Note: a, b, c"),
        ("Item|Cost|Note\nTravel|5|x", "Item: Travel; Cost: 5; Note: x"),
        ("sep=;\nItem;Cost;When\nTravel;5;May", "Item: Travel; Cost: 5; When: May"),
        ('a,b,c\n"two\nlines","say ""no""",x', 'a: two lines; b: say "no"; c: x'),
        ('a,b,c\n12" pipe,"open,x\nnext,1,2', 'a: 12" pipe; b: "open; c: x\na: next; b: 1; c: 2'),
        ("1,2,3\n4,5,6", "1; 2; 3\n4; 5; 6"),
        ("a,b,c\n1\n1,2,3,4", "a: 1\na: 1; b: 2; c: 3; 4"),
        ("Costs of May\n\nItem,Cost,When\nTravel,5,May", "Costs of May\nItem: Travel; Cost: 5; When: May"),
        ("one\ntwo", "one\ntwo"),
        ("a,b,c", "a; b; c"),
    ],
)  # fmt: skip
def test_tables(table, text):
    assert read(table).text == text


def test_places_are_the_rows_of_a_spreadsheet():
    content = read('Item,Cost,When\nTravel,5,May\n\n"two\nlines",6,June\nFood,7,July\n')
    assert [place.label for place in content.places] == ["row 2", "row 4", "row 5"]
    assert place_of(content, "Food") == "row 5"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding):
    assert load_csv("Größe;Preis;Ort\n5;3 €;Köln\n".encode(encoding)).text == "Größe: 5; Preis: 3 €; Ort: Köln"


CELLS = st.text(st.sampled_from('ab1,;|\t"\n é'), max_size=6)


@given(
    rows=st.lists(st.lists(CELLS.filter(str.strip), min_size=3, max_size=3), min_size=1),
    delimiter=st.sampled_from(",;\t|"),
)
def test_what_the_csv_module_writes_is_read(rows, delimiter):
    # Figures in the first row: no headers. Quotes around all, and one delimiter in all rows: it cannot be mistaken.
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["1", "2", "3"], *rows])
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    assert read(file.getvalue()).text.split("\n") == ["1; 2; 3", *("; ".join(row) for row in cells)]


@given(table=st.text(st.sampled_from('a1,;"\n\r ')))
def test_any_table_is_read_or_empty(table):
    checked(load_csv, table.encode())


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "table",
    ['"a,' * 500_000, '"x""y,' * 500_000, '""' * 500_000 + "x", "," * 1_000_000, '"' * 999_999, "x" * 10_000_000,
     '"\n' * 500_000, " " * 1_000_000, ' "' * 500_000],
    ids=lambda table: repr(table[:8]),
)  # fmt: skip
def test_hostile_tables_take_no_longer_than_others(table):
    begun = time.process_time()
    checked(load_csv, table.encode())
    assert time.process_time() - begun < 8


def test_rows_beyond_the_limit_are_left_out_with_a_note(monkeypatch):
    monkeypatch.setattr("index.formats.text.delimited.MAX_TEXT_CHARS", 12)
    content = load_csv(b"1,2,3\n4,5,6\n7,8,9\n")
    assert content.text == "1; 2; 3"
    assert content.notes == ("more than 12 characters: row 2 and those below are left out",)


def test_a_place_stands_for_several_rows_where_they_are_too_many(monkeypatch):
    monkeypatch.setattr("index.formats.numbering.MAX_PLACES", 3)
    places = numbered_places("row", [(10 * number, number) for number in range(1, 8)])
    assert [place.label for place in places] == ["rows 1 to 3", "rows 4 to 6", "rows 7 to 7"]


# JSON

INVOICES = {"invoices": [{"total": 1.5}, {"total": 120, "who": "André"}], "none": [], "a b": {"c": None}}


def test_readable_json_stays_as_it_is():
    text = json.dumps(INVOICES, indent=4, ensure_ascii=False)
    content = load_json(text.encode())
    assert content.text == text
    assert place_of(content, "120") == "invoices[1].total"
    assert place_of(content, "null") == '["a b"].c'


def test_json_on_one_long_line_gets_a_line_for_each_value():
    content = load_json(json.dumps([INVOICES] * 100).encode())
    check(content)
    assert json.loads(content.text) == [INVOICES] * 100
    assert '\n        "who": "André"\n' in content.text
    assert place_of(content, "null") == '[0]["a b"].c'


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(max_examples=50)
@given(value=VALUES, indent=st.sampled_from([None, 1]))
def test_json_says_the_same_as_before(value, indent):
    content = checked(load_json, json.dumps(value, indent=indent).encode())
    assert content is not None
    assert json.loads(content.text) == value
    assert content.notes == ()


@given(text=st.text(st.sampled_from('[]{},:"\\ua1e.-tnull \n')))
def test_what_is_no_json_is_said_to_be_none(text):
    content = checked(load_json, text.encode())
    if content is not None:
        try:
            json.loads(text)
        except ValueError:
            assert content.remarks
            assert content.text == text
        else:
            assert not content.remarks


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "[" * 100_000, '"\\' * 100_000, "1" * 1_000_000, '["' * 100_000,
     '{"' + "k" * 1_000_000 + '": [' + "1," * 20_000 + "1]}"],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_hostile_json_takes_no_longer_than_other(text):
    begun = time.process_time()
    content = checked(load_json, text.encode())
    assert content is not None
    assert time.process_time() - begun < 8


def test_of_too_many_values_those_within_fewest_brackets_are_places(monkeypatch):
    monkeypatch.setattr("index.formats.text.json_text.MAX_PLACES", 4)
    content = load_json(b'{"a": [1, 2, 3], "b": {"c": 4}}')
    assert [place.label for place in content.places] == ["a", "b"]


def test_json_that_is_damaged_says_where():
    content = load_json(b'{\n "a": 1,\n "b": [1 2]\n}')
    assert content.remarks == ("not valid JSON from line 3 on: shown line by line",)
    assert place_of(content, '"b"') == "line 3"


def test_json_lines():
    content = load_jsonl(b'{"a": 1}\n\n{"a": 2}\n')
    assert content.text == '{"a": 1}\n\n{"a": 2}\n'
    assert place_of(content, '{"a": 2}') == "line 3"


# Code and other text


@given(
    lines=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")))),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_lines_are_counted_as_editors_do(lines, newline):
    text = newline.join(lines)
    places = line_places(text)
    assert [place.label for place in places] == [
        f"line {number}" for number, line in enumerate(lines, 1) if line.strip()
    ]
    for place in places:
        number = int(place.label.removeprefix("line "))
        assert text.startswith(lines[number - 1], place.start)


@pytest.mark.parametrize("load", [load_lined, load_prose, load_jsonl])
def test_text_stays_as_it_is(load):
    text = "\n\nint main()\r\n{\r\treturn 1; // ü\n}\n"
    assert load(text.encode()).text == text


@pytest.mark.parametrize("load", [load_lined, load_prose, load_jsonl, load_json, load_csv])
def test_nothing_is_empty_and_binary_data_refused(load):
    for nothing in (b"", b" \n\t"):
        with pytest.raises(EmptyFileError):
            load(nothing)
    with pytest.raises(UnreadableFileError, match="binary"):
        load(bytes(range(256)) * 8)


@pytest.mark.parametrize("load", [load_lined, load_prose, load_jsonl, load_json, load_csv])
@given(content=st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(load, content):
    checked(load, content)


def test_a_suffix_is_of_one_kind():
    assert not LINED_SUFFIXES & PROSE_SUFFIXES
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in LINED_SUFFIXES | PROSE_SUFFIXES)
