"""Lists around words that were found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.question.question_types import asks_for_several, may_have_several
from qa.response.list_extraction import items_around


def items(text, found, *, all_of_them=True):
    start = text.index(found)
    return [text[p.start : p.end] for p in items_around(text, start, start + len(found), all_of_them=all_of_them)]


@pytest.mark.parametrize(
    ("text", "found", "wanted"),
    [
        ("It was seen by Ann Lee, Bo Ray and Cy Fox.", "Ann Lee", ["Ann Lee", "Bo Ray", "Cy Fox"]),
        ("It was seen by Ann Lee, Bo Ray and Cy Fox.", "Cy Fox", ["Ann Lee", "Bo Ray", "Cy Fox"]),
        ("It was seen by Ann Lee, Bo Ray and Cy Fox.", "Ann Lee, Bo Ray and Cy Fox", ["Ann Lee", "Bo Ray", "Cy Fox"]),
        ("Ann Lee (harp), Bo Ray (drum) and Cy Fox (flute) play.", "Bo Ray", ["Ann Lee", "Bo Ray", "Cy Fox"]),
        ("The islands of Unst, Yell and Fetlar are green.", "Yell", ["Unst", "Yell", "Fetlar"]),
        ("Members include Brian Foley and Maeve Quinn.", "Maeve Quinn", ["Brian Foley", "Maeve Quinn"]),
        (
            "They are:\n\n* one thing,\n* another\n  thing, and\n* a third.\n",
            "one thing",
            ["one thing", "another\n  thing", "a third"],
        ),
        ("1. amd64: for most\n2. arm64: for some\n", "amd64", ["amd64", "arm64"]),
        ("These are the tools:\n\n- a saw\n- a lopper\n", "the tools", ["a saw", "a lopper"]),
        ("| name | post |\n|---|---|\n| Ann | cook |\n| Bo | mate |\n", "Ann", ["Ann", "Bo"]),
        ("| name | post |\n|---|---|\n| Ann | cook |\n| Bo | mate |\n", "mate", ["cook", "mate"]),
        ("- a\r\n- b\r\n", "a", ["a", "b"]),
    ],
)
def test_all_items_are_found_from_one(text, found, wanted):
    assert items(text, found) == wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The director is Lena Voss, a historian from Rostock.", "Lena Voss"),
        ("It was built by Ann Lee, who had studied in Rome and Oslo.", "Ann Lee"),
        ("It was opened on May 3, 1912 and closed.", "May 3, 1912"),
        ("Ann Lee came. Bo Ray and Cy Fox left.", "Ann Lee"),
        ("- the only one\n\nNo list at all.", "the only one"),
    ],
)
def test_what_is_no_list(text, found):
    assert items(text, found) == []


def test_two_common_words_are_a_list_only_when_one_is_asked_for():
    text = "It trades in salt and grain."
    assert items(text, "salt and grain") == ["salt", "grain"]
    assert items(text, "salt and grain", all_of_them=False) == []


@given(st.text(alphabet="ab ,.\n-*|:()AB and", max_size=80), st.integers(0, 80), st.integers(1, 20), st.booleans())
def test_items_lie_in_the_text_in_order_and_hold_words(text, start, length, all_of_them):
    end = min(len(text), start + length)
    if start >= end:
        return
    places = items_around(text, start, end, all_of_them=all_of_them)
    assert len(places) != 1
    assert all(0 <= p.start <= p.end <= len(text) for p in places)
    assert [p.start for p in places] == sorted(p.start for p in places)


@pytest.mark.parametrize(
    ("question", "several", "may"),
    [
        ("Which countries have they toured?", True, True),
        ("List the tools.", True, True),
        ("Name all members.", True, True),
        ("What are the aims?", True, True),
        ("Who are the crew?", True, True),
        ("Who won the prize?", False, True),
        ("Which country won?", False, False),
        ("What does it carry?", False, True),
        ("When was it built?", False, False),
        ("How much does it cost?", False, False),
    ],
)
def test_which_questions_ask_for_several(question, several, may):
    assert (asks_for_several(question), may_have_several(question)) == (several, may)


def test_the_number_before_an_item_stands_for_the_list():
    assert items("The tools:\n\n1. a saw\n2. a lopper\n", "1") == ["a saw", "a lopper"]
