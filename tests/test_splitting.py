"""Passages are the document's own characters, at the offsets they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import word_tokenizer
from index.documents import Document
from index.splitting import Splitter, SplitterSettings, heading_at

ODD = [
    "\u00a0",
    "ﬁ",
    "\r\n",
    "😀",
    "👩‍👩‍👧",
    "e\u0301",
    "\u202e",
    "\ufeff",
    "\u200b",
    "Ⅷ",
    "\x00",
    "İ",
    "ß",
    "\t",
    ". ",
    "! ",
    "\n\n",
    "# H\n",
]
texts = st.lists(st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=("Cs",)), max_size=12))).map(
    "".join
)
small = Splitter(word_tokenizer(), SplitterSettings(max_tokens=8, overlap_tokens=3, max_context_tokens=4))


def document(text: str, name: str = "a.txt", title: str = "Title") -> Document:
    return Document(name, text, title, "0" * 64)


@given(text=texts, name=st.sampled_from(["a.txt", "a.md"]))
def test_passages_are_the_text_at_their_offsets_and_leave_no_word_out(text, name):
    passages = small.split(document(text, name))
    covered = set()
    for passage in passages:
        assert passage.text == text[passage.start : passage.end]
        assert passage.text
        covered.update(range(passage.start, passage.end))
    assert all(text[i].isspace() or i in covered for i in range(len(text)) if text[i] != "\x00")
    assert [p.start for p in passages] == sorted(p.start for p in passages)


@given(text=texts)
def test_no_passage_is_longer_than_it_may_be(text):
    tokenizer = word_tokenizer()
    for passage in small.split(document(text)):
        # A character that is many tokens by itself cannot be cut; nothing else is above the limit.
        assert len(tokenizer.encode(passage.text).ids) <= 8 or len(passage.text) == 1


def test_whole_sentences_where_they_fit():
    text = "One two three four. Five six seven. Eight nine ten eleven twelve."
    assert [p.text for p in small.split(document(text))] == [
        "One two three four.",
        "Five six seven.",
        "Eight nine ten eleven twelve.",
    ]


def test_headings_of_markdown_stand_above_their_passages():
    text = (
        "# Costs\n\nIntro words here.\n\n## Travel\n\nIt was 50 euros in all.\n\n"
        "```\n# no heading\n```\n\n# Staff\n\nFive people.\n"
    )
    splitter = Splitter(word_tokenizer(), SplitterSettings(12, 0, 10))
    heading = next(p.heading for p in splitter.split(document(text, "a.md")) if "50 euros" in p.text)
    assert heading == "Costs › Travel"
    assert heading_at("a.md", text, text.index("50 euros")) == "Costs › Travel"
    assert heading_at("a.md", text, text.index("Five")) == "Staff"
    assert heading_at("a.md", text, 0) == "Costs"
    assert heading_at("a.txt", text, text.index("Five")) == ""


@pytest.mark.parametrize(
    ("title", "passage", "context"),
    [
        ("A Title", "Some words.", "A Title"),
        ("Some words", "Some words of the passage.", ""),  # the passage says it itself
        ("one two three four five six", "Other words.", "one two three four"),
    ],
)
def test_context_is_the_title_cut_to_its_limit_unless_the_passage_begins_with_it(title, passage, context):
    given_document = document(passage, title=title)
    assert small.context(given_document, small.split(given_document)[0]) == context


def test_an_empty_text_has_no_passages():
    assert small.split(document("")) == []
    assert small.split(document(" \n ")) == []


def test_a_tokenizer_that_truncates_is_not_believed():
    tokenizer = word_tokenizer()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    splitter = Splitter(tokenizer, SplitterSettings(max_tokens=8, overlap_tokens=0))
    assert len(splitter.split(document("word " * 80))) == 10
