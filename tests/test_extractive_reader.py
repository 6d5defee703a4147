"""Spans are decoded jointly, and are the passage's own words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.pretrained import load_tokenizer
from qa.reader.extractive import FAST_READER, decode, whole_characters
from qa.text.sentences import sentence_around

tokenizer = load_tokenizer(FAST_READER)
ODD = [
    "\u00a0",
    "ﬁnal",
    "\r\n",
    "😀",
    "👩‍👩‍👧",
    "cafe\u0301",
    "naïve",
    "Ⅷ",
    "İstanbul",
    "東京",
    "C++",
    "2.5",
    "’",
    "well-known",
    " ",
    ".",
]
texts = st.lists(st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=("Cs",)), max_size=8))).map(
    "".join
)


def window_of(text, question="who?"):
    return tokenizer.encode(question, text)


def brute_force(window, starts, ends):
    """The best joint score, tried pair by pair."""
    context = [i for i, s in enumerate(window.sequence_ids) if s == 1]
    begins = [i for i in context if i == context[0] or window.word_ids[i] != window.word_ids[i - 1]]
    finishes = [i for i in context if i == context[-1] or window.word_ids[i] != window.word_ids[i + 1]]
    scores = [starts[i] + ends[j] for i in begins for j in finishes if 0 <= j - i < 30]
    return max(scores) - starts[0] - ends[0] if scores else None


@given(text=texts, seed=st.integers(0, 2**32 - 1))
def test_spans_lie_in_the_text_are_whole_words_and_the_best_is_first(text, seed):
    window = window_of(text)
    starts, ends = np.random.default_rng(seed).standard_normal((2, len(window.ids) + 3)).astype(np.float32)
    spans = decode(window, starts, ends)
    assert len(spans) <= 10
    assert [s for *_, s in spans] == sorted((s for *_, s in spans), reverse=True)
    for start, end, _ in spans:
        first, last = whole_characters(text, start, end)
        assert 0 <= first <= start < end <= last <= len(text)
        assert text[first:last].strip()
    best = brute_force(window, starts, ends)
    if spans and best is not None:
        assert spans[0][2] == pytest.approx(best, abs=1e-4)


def test_two_separate_maxima_are_not_joined_into_a_wrong_span():
    window = window_of("alpha beta gamma delta")
    first = window.sequence_ids.index(1)
    starts, ends = np.zeros((2, len(window.ids)), dtype=np.float32)
    starts[first + 3], ends[first] = 9, 9  # apart, each is best; together they are backwards
    starts[first + 1], ends[first + 2] = 6, 6
    start, end, score = decode(window, starts, ends)[0]
    assert ("alpha beta gamma delta"[start:end], score) == ("beta gamma", 12.0)


def test_a_span_is_30_tokens_at_most():
    window = window_of("word " * 60)
    first = window.sequence_ids.index(1)
    starts, ends = np.zeros((2, len(window.ids)), dtype=np.float32)
    starts[first], ends[first + 45] = 9, 9
    assert all(end - start <= 30 * 5 for start, end, _ in decode(window, starts, ends))


def test_the_question_is_never_quoted():
    window = window_of("Nothing here.", "Was it Akmal Karimov?")
    starts, ends = np.zeros((2, len(window.ids)), dtype=np.float32)
    starts[1:6], ends[1:6] = 50, 50
    assert all(score <= 0 for *_, score in decode(window, starts, ends))


def test_a_text_without_words_has_no_spans():
    assert decode(window_of(""), *np.zeros((2, 10), dtype=np.float32)) == []


@pytest.mark.parametrize(
    ("text", "cut", "whole"),
    [
        ("cafe\u0301s", (0, 4), "cafe\u0301"),
        ("👩\u200d👩\u200d👧 family", (0, 1), "👩\u200d👩\u200d👧"),
        ("a ☎\ufe0f b", (2, 3), "☎\ufe0f"),
        ("1\ufe0f\u20e3", (0, 1), "1\ufe0f\u20e3"),
        ("plain", (0, 5), "plain"),
        ("x\u0301y", (1, 3), "x\u0301y"),
    ],
)
def test_no_character_is_cut(text, cut, whole):
    start, end = whole_characters(text, *cut)
    assert text[start:end] == whole


@given(text=texts, data=st.data())
def test_a_sentence_holds_its_span_and_is_the_text(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = sentence_around(text, start, end)
    assert 0 <= first <= start <= end <= last <= len(text)


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        (
            "One. The ban came on Feb. 4 in the U.S. Senate. Two.",
            "Feb. 4",
            "The ban came on Feb. 4 in the U.S. Senate.",
        ),
        ("Heading\n\nIn May 2012 it was banned.\n\nMore", "May 2012", "In May 2012 it was banned."),
        ("First.\xa0 “Second one,” he said. Third.", "Second", "“Second one,” he said."),
        ("No full stop\r\n\r\nat all here", "all", "at all here"),
        ("Over one. And two.", "one. And", "Over one. And two."),
    ],
)
def test_the_sentence_around(text, words, sentence):
    start = text.index(words)
    first, last = sentence_around(text, start, start + len(words))
    assert text[first:last] == sentence


def test_a_text_of_one_endless_line_is_no_sentence_of_a_million_characters():
    text = "word " * 200_000
    first, last = sentence_around(text, 500_000, 500_004)
    assert last - first <= 4_010
