"""Passages are the document's own characters, at the offsets they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import word_tokenizer
from index.formats.text import markdown
from index.formats.text.markdown import (
    HEADING_SEPARATOR,
    MAX_HEADING_CHARS,
    markdown_headings,
    markdown_places,
)
from index.ingest import chunking
from index.ingest.chunking import Splitter, SplitterSettings
from index.ingest.loading import with_headings
from index.records import Document, label_at

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
    " \n" * 60,
    "\n\u200b" * 60,
    "x" * 200,
]
texts = st.lists(st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=("Cs",)), max_size=12))).map(
    "".join
)
small = Splitter(word_tokenizer(), SplitterSettings(max_tokens=8, overlap_tokens=3, max_context_tokens=4))


def document(text: str, name: str = "a.txt", title: str = "Title") -> Document:
    return with_headings(Document(name, text, title, "0" * 64))


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
    places = markdown_places(text)
    assert label_at(places, text.index("50 euros")) == "Costs › Travel"
    assert label_at(places, text.index("Five")) == "Staff"
    assert label_at(places, 0) == "Costs"
    assert document(text, "a.txt").places == ()


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


@pytest.mark.parametrize(
    ("name", "title", "passage", "context"),
    [
        ("oslo/order-44.txt", "Lease", "Some words.", "Lease › order 44"),
        ("oslo.txt", "Some words", "Some words of the passage.", "oslo"),
        ("in/oslo lease.txt", "Lease in Oslo", "Some words.", "Lease in Oslo"),
    ],
)
def test_context_holds_the_words_of_the_files_name(name, title, passage, context):
    given_document = document(passage, name, title)
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


# Documents of any shape take time in proportion to their length. Where the work can be counted, it is; a text on which
# time grew with the square would not be done within the days that these are long.

in_reasonable_time = pytest.mark.timeout(120)


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize(
    "unit", ["\n", " ", " \n", "\r\n", "\r", "\n\u200b", "\n\x00", "\n\u0301", "x", "#", ". ", "a\n\n"]
)
def test_the_work_of_splitting_grows_with_the_length(unit, name, monkeypatch):
    def work(length: int) -> int:
        sized = []
        size = Splitter._size
        with monkeypatch.context() as patch:
            patch.setattr(chunking, "_MAX_BLOCK_CHARS", 2_000)
            patch.setattr(Splitter, "_size", lambda self, text: sized.append(len(text)) or size(self, text))
            counted = Splitter(word_tokenizer(), SplitterSettings(20, 5))
            counted.split(document(unit * (length // len(unit)), name))
        return sum(1 + chars for chars in sized)

    assert work(16_000) <= 10 * work(2_000) + 1_000


@in_reasonable_time
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize("blank", ["\n", " ", " \n", "\r\n", "\r"])
def test_a_blank_of_any_length_is_passed_over(blank, name):
    text = "One." + blank * 2_000_000 + "Two."
    assert [(p.start, p.text) for p in small.split(document(text, name))] == [(0, "One."), (len(text) - 4, "Two.")]


def test_a_word_without_end_is_cut_into_passages():
    text = "x" * 1_000
    passages = small.split(document(text))
    assert max(len(p.text) for p in passages) <= small.settings.max_tokens * small.settings.max_chars_per_token
    assert set().union(*(range(p.start, p.end) for p in passages)) == set(range(1_000))


def test_where_a_document_is_cut_into_blocks_does_not_show(monkeypatch):
    text = " ".join(f"Sentence {number} is {'very ' * (number % 7)}short." for number in range(1_000))
    whole = small.split(document(text))
    monkeypatch.setattr(chunking, "_MAX_BLOCK_CHARS", 500)
    assert small.split(document(text)) == whole


def test_headings_are_read_once_for_a_document(monkeypatch):
    read = []
    monkeypatch.setattr(markdown, "markdown_headings", lambda text: read.append(text) or markdown_headings(text))
    text = "".join(f"## Part {number}\n\nIts words, of which there are some.\n\n" for number in range(200))
    passages = small.split(document(text, "a.md"))
    assert passages[-1].heading == "Part 199"
    assert len(passages) >= 200
    assert read == [text]


@in_reasonable_time
def test_a_place_is_looked_up_without_going_through_the_headings_before_it():
    n = 100_000
    places = markdown_places("# A\n" * n)
    assert {label_at(places, place) for place in range(4 * n)} == {"A"}


@in_reasonable_time
@pytest.mark.parametrize(
    "text",
    ["# x" + " " * 2_000_000 + "x", "# x" + "# " * 1_000_000 + "x", "# " + " " * 2_000_000, "#" * 2_000_000,
     "```\ncode\n```\n# x\n" * 100_000, "`" * 2_000_000, "```\n" * 400_001, "x\n" + "=" * 2_000_000 + "x",
     "x\n" + "=" * 1_000_000 + " " * 1_000_000 + "x", "\n" * 2_000_000, "# " + "x" * 2_000_000],
    ids=lambda text: f"{text[:8]!r}",
)  # fmt: skip
def test_headings_are_found_in_one_go_whatever_the_lines(text):
    for _, path in markdown._paths(text):
        assert len(path) <= MAX_HEADING_CHARS + 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# About C#\n## Costs ##\n### # \n#hashtag\n####### x", [(0, 1, "About C#"), (11, 2, "Costs")]),
        ("# One\r# Two\r\n# Three\n", [(0, 1, "One"), (6, 1, "Two"), (13, 1, "Three")]),
        ("A Title\r\n=======\r\ntext", [(0, 1, "A Title")]),
        ("````\n# no\n```\n# no\n````\n# yes", [(24, 1, "yes")]),
        ("~~~ sh\n# no\n```\n~~~\n# yes\n~~~\n# no", [(20, 1, "yes")]),
        ("```inline``` code\n# yes", [(18, 1, "yes")]),
    ],
)
def test_headings_of_markdown(text, found):
    assert [(h.start, h.level, h.words) for h in markdown_headings(text)] == found


@given(text=st.lists(st.sampled_from(["# A\n", "## B\n", "word ", "\n", "```\n", "T\n==\n", "x", "\r"])).map("".join))
def test_a_passage_stands_under_the_headings_above_its_first_character(text):
    for passage in small.split(document(text, "a.md")):
        above = [heading for heading in markdown_headings(text) if heading.start <= passage.start]
        path = {}
        for heading in above:
            path = {level: words for level, words in path.items() if level < heading.level} | {
                heading.level: heading.words
            }
        assert passage.heading == HEADING_SEPARATOR.join(path.values())


def test_a_place_in_a_passage_that_goes_on_past_a_heading():
    places = markdown_places("# Top\n\n\n\n# A\nwords\n# B\nwords")
    assert [label_at(places, at) for at in (0, 13, 20, 26)] == ["Top", "A", "B", "B"]
    assert label_at(places[1:], 0) == ""
