"""What every index must hold to, whatever keeps it: the one over SQLite and FAISS, and the one in memory."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import FakeIndex, HashEmbedder
from index.errors import ParameterError, UnknownDocumentError
from index.finding import find
from index.formats.content import Boxes, Place, Table
from index.library import Library
from index.protocol import DocumentIndex
from index.records import Cell, Document, DocumentRecord, FileRecord, PageBoxes, TableRecord, TableRow
from index.storage.store import Store

PATIENCE_S = 30
FERRY = Document("ferry.md", "The ferry crosses the bay.\n\nIt leaves at noon 🚢 from pier four.", "Ferries", "f" * 64)
COPY = Document("a/copy of Ferry.md", FERRY.text, "", "f" * 64)
BRIDGE = Document(
    "Bridge.txt",
    "Naïve builders raised the bridge in stone.\n\nThe toll house burnt down.",
    "Bridges",
    "b" * 64,
    places=(Place(0, "Building"), Place(44, "Toll")),
    metadata={"author": "Ann Lee", "language": "en"},
)
PRINTED = Document(
    "printed.pdf",
    "one two",
    "Printed",
    "c" * 64,
    places=(Place(0, "page 1"), Place(4, "page 2")),
    boxes=Boxes(
        np.array([[100.0, 200.0], [50.0, 60.0]], dtype=np.float32),
        np.array([0, 0, 0, -1, 1, 1, 1], dtype=np.int32),
        np.array([*([10 * i, 5, 10 * i + 9, 15] for i in range(7))], dtype=np.float32),
    ),
    tables=(
        Table(
            "Numbers",
            ("First", ""),
            np.array([[0, 7, 4]], dtype=np.int32),
            np.array([[0, 0, 0, 3], [0, 1, 4, 7]], dtype=np.int32),
        ),
        Table(
            "",
            ("First", ""),
            np.array([[0, 3, 1], [4, 7, 2]], dtype=np.int32),
            np.array([[0, 0, 0, 3], [1, 0, 4, 7]], dtype=np.int32),
        ),
    ),
)
DOCUMENTS = (FERRY, COPY, BRIDGE, PRINTED)
QUESTIONS = st.text(st.sampled_from("bridge ferry toll noon the ? 'pier\"*🚢"), max_size=30) | st.sampled_from(
    ["When does the ferry leave?", "who built the bridge", "toll house", "", "?", "zebra"]
)


def made_library(place: Path) -> Iterator[Library]:
    (place / "documents").mkdir(parents=True)
    library = Library(place / "documents", HashEmbedder(), place / "index")
    yield library
    library.close()


def made_fake(_: Path) -> Iterator[FakeIndex]:
    yield FakeIndex()


@pytest.fixture(scope="module", params=[made_library, made_fake], ids=["Library", "FakeIndex"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentIndex]:
    """An index with the documents above, which nobody changes."""
    for index in request.param(tmp_path_factory.mktemp("index")):
        index.write(DOCUMENTS)
        yield index


@pytest.fixture(params=[made_library, made_fake], ids=["Library", "FakeIndex"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library | FakeIndex]:
    """An index of one's own without documents."""
    yield from request.param(tmp_path)


ONE_INDEX_MANY_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)


@ONE_INDEX_MANY_EXAMPLES
@given(question=QUESTIONS, top_k=st.integers(1, 9), chosen=st.none() | st.sets(st.sampled_from(DOCUMENTS)))
def test_what_is_found_is_verbatim_within_what_was_chosen_best_first_and_found_once(filled, question, top_k, chosen):
    within = None if chosen is None else [document.name for document in chosen]
    hits = filled.search(question, top_k, within)
    assert len(hits) <= top_k
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len({(hit.passage.document, hit.passage.start, hit.passage.end) for hit in hits}) == len(hits)
    for hit in hits:
        passage, record = hit.passage, filled.record(hit.passage.document)
        assert passage.text == filled.text(passage.document)[passage.start : passage.end]
        assert passage.text
        assert (hit.title, hit.document_sha256) == (record.title, record.sha256)
        assert within is None or passage.document in within
    assert filled.remembered(question, top_k, within) == hits


def test_the_passage_that_has_a_questions_words_is_the_first(filled):
    assert "toll house" in filled.search("Who burnt the toll house?", 3)[0].passage.text
    assert "pier four" in filled.search("From which pier does it leave at noon?", 3, ["ferry.md"])[0].passage.text
    assert filled.search("toll house", 5, []) == []
    assert len(filled.search("the ferry", 100)) == filled.counts()["passages"]


def test_a_name_that_no_document_has_is_said(filled):
    with pytest.raises(UnknownDocumentError, match=r"within names 'gone\.md', which is not in the index"):
        filled.search("ferry", 3, ["ferry.md", "gone.md"])
    with pytest.raises(ParameterError, match=r"within='ferry\.md' is a single string; give a list"):
        filled.search("ferry", 3, "ferry.md")
    by_name = (filled.record, filled.text, filled.metadata, filled.places, filled.extent, filled.page_sizes)
    calls: list[Callable[[str], object]] = [
        *by_name,
        lambda n: filled.place_at(n, 0),
        lambda n: filled.boxes(n, 0, 9),
        lambda n: filled.table_rows(n, 0, 9),
        lambda n: filled.table(n, 0),
    ]
    for call in calls:
        for name in ("gone.md", "", "FERRY.md"):
            with pytest.raises(UnknownDocumentError, match=re.escape(f"there is no document {name!r} in the index")):
                call(name)


def test_documents_are_looked_up_as_they_are_listed(filled):
    listed = filled.documents()
    assert listed == [
        DocumentRecord(d.name, d.title, d.sha256, len(filled.search("x", 99, [d.name])), len(d.text))
        for d in sorted(DOCUMENTS, key=lambda document: document.name)
    ]
    assert [filled.record(record.name) for record in listed] == listed
    wanted = ["printed.pdf", "gone.md", "ferry.md", "ferry.md"]
    assert filled.records(wanted) == {name: filled.record(name) for name in ("ferry.md", "printed.pdf")}
    assert filled.records([]) == {}
    assert filled.counts() == {"documents": 4, "passages": sum(record.n_passages for record in listed)}
    assert filled.names_by_hash(["f" * 64, "0" * 64]) == {"f" * 64: ["a/copy of Ferry.md", "ferry.md"]}
    assert filled.names_by_hash([]) == {}


def test_names_in_a_text_are_found_whatever_their_case(filled):
    assert filled.names_in("and in FERRY.MD or bridge.txt?") == ["Bridge.txt", "ferry.md"]
    assert {"a/copy of Ferry.md", "ferry.md"} <= set(filled.names_in("what does A/copy of ferry.md say"))
    assert filled.names_in("in a text that names none") == []


def test_texts_places_and_what_documents_say_of_themselves(filled):
    for document in DOCUMENTS:
        assert filled.text(document.name) == document.text
        assert filled.places(document.name) == document.places
        assert filled.metadata(document.name) == dict(document.metadata)
    offsets = [0, 43, 44, 60]
    assert [filled.place_at("Bridge.txt", offset) for offset in offsets] == ["Building", "Building", "Toll", "Toll"]
    assert filled.place_at("ferry.md", 3) == ""
    assert [filled.extent(name) for name in ("Bridge.txt", "ferry.md", "printed.pdf")] == [(0, 2), (0, 0), (2, 2)]


ROWS = (
    TableRow(0, 4, "Numbers", ("First", ""), 0, 7, (Cell(0, "First", 0, 3), Cell(1, "", 4, 7))),
    TableRow(1, 1, "", ("First", ""), 0, 3, (Cell(0, "First", 0, 3),)),
    TableRow(1, 2, "", ("First", ""), 4, 7, (Cell(0, "First", 4, 7),)),
)


def test_a_table_is_looked_up_whole_by_its_number_and_by_its_headers(filled):
    assert [filled.table("printed.pdf", number) for number in range(3)] == [list(ROWS[:1]), list(ROWS[1:]), []]
    tables = [
        TableRecord("printed.pdf", 0, "Numbers", ("First", ""), 1),
        TableRecord("printed.pdf", 1, "", ("First", ""), 2),
    ]
    assert filled.tables_with(("First", ""), 9) == tables
    assert filled.tables_with(("First", ""), 1) == tables[:1]
    assert filled.tables_with(("first", ""), 9) == filled.tables_with((), 9) == []


def test_a_row_of_a_table_is_found_by_any_part_of_it_and_nowhere_else(filled):
    row, one, two = ROWS
    assert filled.table_rows("printed.pdf", 0, 1) == [row, one]
    assert filled.table_rows("printed.pdf", 6, 100) == [row, two]
    assert filled.table_rows("printed.pdf", 7, 100) == filled.table_rows("Bridge.txt", 0, 100) == []


def test_what_is_printed_has_boxes_and_what_is_not_has_none(filled):
    assert filled.page_sizes("printed.pdf") == [(100.0, 200.0), (50.0, 60.0)]
    assert filled.page_sizes("ferry.md") == filled.boxes("ferry.md", 0, 5) == []
    first = PageBoxes(1, 100.0, 200.0, ((10.0, 5.0, 29.0, 15.0),))
    second = PageBoxes(2, 50.0, 60.0, ((40.0, 5.0, 49.0, 15.0),))
    assert filled.boxes("printed.pdf", 1, 5) == [first, second]
    assert filled.boxes("printed.pdf", 3, 4) == filled.boxes("printed.pdf", 2, 2) == []
    assert filled.boxes("printed.pdf", 4, 99)[0].rectangles == ((40.0, 5.0, 69.0, 15.0),)


def test_words_are_held_in_any_form(filled):
    assert filled.words_held(["bridge", "bridges", "crossing", "zebra", "naïve"]) >= {"bridge", "bridges", "crossing"}
    assert filled.words_held(["zebra", "tunnel"]) == set()
    assert filled.words_held([]) == set()


def test_every_document_that_may_hold_some_words_is_named(filled):
    assert filled.names_holding(["toll"]) == ["Bridge.txt"]
    assert filled.names_holding(["builder", "raises", "stones"]) == ["Bridge.txt"]
    assert filled.names_holding(["naive"]) == filled.names_holding(["naïve"]) == ["Bridge.txt"]
    assert filled.names_holding(["ferries"]) == filled.names_holding(["leaving"], ["🚢"])
    assert filled.names_holding([], ["🚢 from"]) == ["a/copy of Ferry.md", "ferry.md"]
    assert filled.names_holding(["toll", "ferry"]) == filled.names_holding(["zebra"]) == filled.names_holding([]) == []
    assert filled.names_holding(["ferries"], ["🚢 to"]) == []


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        ("THE", {"Bridge.txt": ["the", "The"], "a/copy of Ferry.md": ["The", "the"], "ferry.md": ["The", "the"]}),
        ('"the bridge"', {"Bridge.txt": ["the bridge"]}),
        ("“bridge in” naive", {"Bridge.txt": ["Naïve builders raised the bridge in"]}),
        ("burn", {}),
        ("ferr 🚢", {}),
        ("two", {"printed.pdf": ["two"]}),
        ("noon four", {"a/copy of Ferry.md": ["noon 🚢 from pier four"], "ferry.md": ["noon 🚢 from pier four"]}),
    ],
)
def test_words_are_found_wherever_they_stand(filled, words, texts):
    found = find(filled, words)
    assert {each.document: [place.text for place in each.places] for each in found.documents} == texts
    assert (found.n_documents, found.n_places) == (len(texts), sum(map(len, texts.values())))
    for document in found.documents:
        text = filled.text(document.document)
        assert document.document_sha256 == filled.record(document.document).sha256
        for place in document.places:
            assert place.text == text[place.start : place.end]
            assert place.snippet == text[place.snippet_start :][: len(place.snippet)]
            assert place.place == (filled.place_at(document.document, place.start) or None)
            assert (place.start, place.end) in place.marks or len(place.marks) > 1


def test_an_index_without_documents(empty):
    assert (empty.documents(), empty.files(), empty.counts()) == ([], [], {"documents": 0, "passages": 0})
    assert empty.search("anything", 5) == empty.search("anything", 5, []) == empty.names_in("a.txt") == []
    assert empty.words_held(["anything"]) == set()


def test_the_state_changes_with_the_contents_and_not_without(empty):
    states = [empty.state()]
    empty.write([FERRY])
    states.append(empty.state())
    empty.write([BRIDGE])
    states.append(empty.state())
    empty.search("ferry", 3)
    empty.documents()
    assert empty.state() == states[-1]
    empty.remove(["ferry.md"])
    states.append(empty.state())
    empty.write([Document("Bridge.txt", "Another text.", "", "d" * 64)])
    states.append(empty.state())
    assert len(set(states)) == len(states)
    assert [record.name for record in empty.documents()] == ["Bridge.txt"]
    assert empty.text("Bridge.txt") == "Another text."
    assert empty.record("Bridge.txt").sha256 == "d" * 64
    assert empty.boxes("Bridge.txt", 0, 9) == []


def test_what_was_found_is_remembered_until_the_index_changes(empty):
    empty.write([FERRY])
    assert empty.remembered("ferry", 3) is None
    found = empty.search("ferry", 3)
    assert empty.remembered("ferry", 3) == found
    assert empty.remembered("ferry", 2) is empty.remembered("ferry", 3, ["ferry.md"]) is None
    found.clear()  # the caller's own
    assert len(empty.remembered("ferry", 3)) == empty.counts()["passages"]
    empty.write([COPY])
    assert empty.remembered("ferry", 3) is None
    assert len(empty.search("ferry", 9)) == empty.counts()["passages"]


def test_reading_sees_one_state_whatever_is_written_meanwhile(empty):
    empty.write([FERRY])
    before = empty.state()
    writer = threading.Thread(target=empty.write, args=([BRIDGE, Document("ferry.md", "Now empty.", "", "e" * 64)],))
    with empty.reading():
        assert empty.text("ferry.md") == FERRY.text
        writer.start()
        writer.join(PATIENCE_S)
        assert not writer.is_alive()
        with empty.reading():  # which joins the outer one
            assert empty.state() == before
        assert (empty.text("ferry.md"), empty.record("ferry.md").sha256) == (FERRY.text, "f" * 64)
        assert [record.name for record in empty.documents()] == ["ferry.md"]
        assert {hit.passage.document for hit in empty.search("stone bridge", 9)} == {"ferry.md"}
        assert empty.records(["Bridge.txt"]) == {}
    assert empty.state() != before
    assert (empty.text("ferry.md"), empty.names_in("bridge.txt")) == ("Now empty.", ["Bridge.txt"])


def test_lines_of_the_ledger_are_looked_up_as_they_are_listed(tmp_path):
    library = next(made := made_library(tmp_path))
    for name, text in (("b.txt", "Words of b."), ("a.bin", "?"), ("copy.txt", "Words of b.")):
        (library.folder / name).write_text(text, encoding="utf-8")
    library.sync()
    fake = FakeIndex()
    fake.write([], [FileRecord(name, "failed", "", "", 0, 0, 0) for name in ("b.txt", "a.bin", "copy.txt")])
    for index in (library, fake):
        listed = index.files()
        assert [file.name for file in listed] == ["a.bin", "b.txt", "copy.txt"]
        assert index.file_records(["copy.txt", "gone.txt"]) == {"copy.txt": listed[2]}
        assert index.file_records([]) == {}
    made.close()


ODD_NAMES = (
    "İstanbul.txt",
    "ISTANBUL.md",
    "straße.txt",
    "kelvin K.txt",
    "ſecret.txt",
    "ÉTÉ.pdf",
    "日本.txt",
    "plain.txt",
)


def test_a_name_in_another_alphabet_is_found_as_regular_expressions_find_it(tmp_path):
    store = Store(tmp_path)
    for name in ODD_NAMES:
        store.put(Document(name, "Words.", "", ""), [], None)
    for text in (*ODD_NAMES, *map(str.lower, ODD_NAMES), *map(str.upper, ODD_NAMES), "ıstanbul.md", "SECRET.TXT K.TXT"):
        standing = {name for name in ODD_NAMES if re.search(re.escape(name), text, re.IGNORECASE)}
        assert standing <= set(store.documents.names_in(f"in {text} please"))
    assert store.documents.names_in("日本.txt, or plain.TXT") == ["plain.txt", "日本.txt"]
    store.database.close()


def test_no_letter_is_folded_otherwise_than_regular_expressions_fold_it():
    from index.storage.documents import _folded

    for char in filter(str.isalpha, map(chr, range(sys.maxunicode + 1))):
        for other in {char.lower(), char.upper(), char.swapcase(), char.casefold()} - {char}:
            if len(other) == 1 and re.fullmatch(re.escape(char), other, re.IGNORECASE):
                assert _folded(char) == _folded(other), (char, other)
