"""The sentence around an answer, from as little of the document as it takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.open_folder import default_folder
from qa.text.sentences import REACH, sentence_around

SEED = next(default_folder().glob("*.txt")).read_bytes().decode("utf-8")
LONG = "\n\n".join(f"{number}. {SEED[number:]}" for number in range(4))


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence, of nothing but the stretch that is to be enough."""
    low = max(0, start - REACH)
    return sentence_around(text[low : end + REACH], start, end, offset=low)


@given(start=st.integers(0, len(LONG) - 1), length=st.integers(1, 120))
def test_a_stretch_of_the_document_gives_the_sentence_that_the_whole_gives(start, length):
    end = min(len(LONG), start + length)
    assert around(LONG, start, end) == sentence_around(LONG, start, end)


def test_in_the_seed_document_every_word_has_the_same_sentence_from_a_stretch():
    start = 0
    for word in SEED.split():
        start = SEED.index(word, start)
        end = start + len(word)
        first, last = around(SEED, start, end)
        assert (first, last) == sentence_around(SEED, start, end)
        assert first <= start < end <= last
        start = end


def test_no_more_than_the_reach_is_read(monkeypatch):
    read = []
    monkeypatch.setattr("nupunkt.sent_spans", lambda text: read.append(len(text)) or [])
    text = "word " * 1_000_000
    sentence_around(text, 2_500_000, 2_500_004)
    assert read == [2 * REACH + 4]


@pytest.mark.parametrize("length", [REACH + 1, 5_000_000])
def test_a_span_that_is_no_part_of_a_sentence_stands_for_itself(length, monkeypatch):
    monkeypatch.setattr("nupunkt.sent_spans", lambda text: pytest.fail("it was read"))
    text = "Before. " + "x" * length + " after."
    assert sentence_around(text, 8, 8 + length) == (8, 8 + length)


def test_the_sentence_of_a_stretch_is_told_in_the_documents_offsets():
    assert sentence_around("One. Two three. Four.", 1_009, 1_014, offset=1_000) == (1_005, 1_015)
