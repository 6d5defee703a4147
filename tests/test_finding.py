"""Finding words: every place where they stand, and nowhere else, in any script; bounded and paged."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeIndex
from index import finding
from index.errors import ParameterError, UnknownDocumentError
from index.finding import find
from index.records import Document
from index.retrieval.word_matching import matched, terms_of


def places(text: str, words: str, *, any_form: bool = False) -> list[str]:
    return [text[start:end] for start, end in matched(text, terms_of(words, any_form=any_form))[0]]


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("The cat, a Cat: CAT! concatenate cats", "cat", ["cat", "Cat", "CAT"]),
        ("snake_case and CamelCase", "case", ["case"]),
        ("in C, in C++ and in C#", "C++", ["C++"]),
        ("3.5 and 13.5 and 3.55 and 3,5", "3.5", ["3.5"]),
        ("San\n  José, san jose, Sán José", "“san jose”", ["San\n  José", "san jose", "Sán José"]),
        ("Muñoz, MUÑOZ, Mun\u0303oz, Munoz, Muno", "munoz", ["Muñoz", "MUÑOZ", "Mun\u0303oz", "Munoz"]),
        ("plain cafe", "café", ["cafe"]),
        ("日本語の文書", "日本", ["日本"]),
        ("§ 12 and §12", "§", ["§", "§"]),
        ("Ελλάδα και ΕΛΛΆΔΑ", "ελλαδα", ["Ελλάδα", "ΕΛΛΆΔΑ"]),
        ("ΟΔΟΣ, οδός", "οδος", ["ΟΔΟΣ", "οδός"]),
        ("İstanbul, the CAT of İzmir", "cat", ["CAT"]),
        ("ba a a", '"a a"', ["a a"]),
        ("cafe\u0301s s", "s", ["s"]),
        ("no such thing", "things", []),
        ("the end of the", "the", ["the", "the"]),
        ('say "yes" now', '"say yes"', []),
    ],
)
def test_words_are_matched_exactly_but_for_case_and_accents(text: str, words: str, found: list[str]) -> None:
    assert places(text, words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("city", ["cities", "city"]),
        ("cities", ["cities", "city"]),
        ("hope", ["hopes", "Hoping"]),
        ('"sign contract"', ["signed contracts"]),
        ("relate", ["related"]),
        ("cit", []),
    ],
)
def test_any_form_of_a_stem_is_found_where_asked_for(words: str, found: list[str]) -> None:
    text = "In cities, in a city: hopes. Hoping, citing fleas and signed contracts are related."
    assert places(text, words, any_form=True) == found
    assert places(text, words) == [each for each in found if each == words]


def test_several_words_stand_together_or_each_for_itself() -> None:
    near, far = "Lee met Ann.", "Ann was here. " + "So it went. " * 40 + "And Lee was not, nor was the lee."
    assert places(near + " x" * 400 + " Ann, Lee", "ann lee") == ["Lee met Ann", "Ann, Lee"]
    assert places(far, "lee ann was") == ["Ann", "Lee", "lee"]
    assert places(far, "lee ann bob") == []


@given(text=st.text("abAB é日\n .-_", max_size=60), word=st.text("abéAB", min_size=1, max_size=3))
def test_each_place_has_the_word_between_borders_of_words_and_none_is_missed(text: str, word: str) -> None:
    fold = str.maketrans("éÉ", "eE")
    folded = text.translate(fold).lower()
    expected = [
        (at, at + len(word))
        for at in range(len(text))
        if folded.startswith(word.translate(fold).lower(), at)
        and not (at and folded[at - 1].isalnum())
        and not folded[at + len(word) : at + len(word) + 1].isalnum()
    ]
    assert matched(text, terms_of(word))[0] == expected


@pytest.fixture(scope="module")
def documents() -> FakeIndex:
    made = FakeIndex()
    made.write(Document(f"{number:02}.txt", "An owl. " * number, "Owls", "") for number in range(30))
    return made


def test_what_is_found_comes_a_page_at_a_time_with_all_counted(documents: FakeIndex) -> None:
    found = find(documents, "owl", offset=10, limit=5, places=3, start=9)
    assert (found.n_documents, found.n_places, found.n_unread) == (29, sum(range(30)), 0)
    assert [each.document for each in found.documents] == [f"{number:02}.txt" for number in range(11, 16)]
    assert [each.n_places for each in found.documents] == list(range(11, 16))
    assert [place.start for place in found.documents[0].places] == [11, 19, 27]
    assert find(documents, "owl", offset=29).documents == ()
    one = find(documents, "owl", ["03.txt"])
    assert (one.n_documents, one.n_places) == (1, 3)
    assert find(documents, "owl", []).n_documents == 0


def test_what_was_not_looked_through_is_counted(documents: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MAX_READ_CHARS", 100)
    found = find(documents, "owl")
    assert found.n_documents + found.n_unread == 29
    assert found.n_unread > 20


def test_a_snippet_is_whole_words_of_one_paragraph_with_all_words_marked() -> None:
    text = "Another paragraph.\n\n" + "before " * 30 + "the owl saw another owl " + "after " * 30 + "\n\nThe last."
    index = FakeIndex()
    index.write([Document("a.txt", text, "", "")])
    first, _ = find(index, "owl").documents[0].places
    assert re.fullmatch(r"(before )+the owl saw another owl( after)+", first.snippet)
    assert len(first.snippet) < 170
    assert [text[slice(*mark)] for mark in first.marks] == ["owl", "owl"]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"words": " "}, "words=' ' holds nothing to look for; type words, or a phrase in quotes"),
        ({"words": '""'}, "words='\"\"' holds nothing to look for"),
        ({"words": "x" * 1001}, "words has 1,001 characters, at most 1,000"),
        ({"words": " ".join(map(str, range(21)))}, "words has 21 words and phrases, at most 20"),
        ({"words": "a\ud800"}, "words is not valid Unicode"),
        ({"words": "owl", "limit": 0}, "limit=0 is out of range; choose 1 to 500"),
        ({"words": "owl", "offset": -1}, "offset=-1 is out of range; choose 0 or more"),
        ({"words": "owl", "places": 1001}, "places=1001 is out of range; choose 1 to 1,000"),
        ({"words": "owl", "within": "03.txt"}, "within='03.txt' is a single string; give a list"),
    ],
)
def test_what_cannot_be_looked_for_is_said_in_one_line(documents: FakeIndex, asked: dict, line: str) -> None:
    with pytest.raises(ParameterError) as error:
        find(documents, **asked)
    assert str(error.value).startswith(line)
    with pytest.raises(UnknownDocumentError, match=r"within names 'gone\.txt', which is not in the index"):
        find(documents, "owl", ["03.txt", "gone.txt"])
