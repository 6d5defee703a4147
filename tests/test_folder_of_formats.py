"""A folder of every format, indexed at once: an answer out of each with its place, and a line for each file."""

import os
import re
import shutil
import sqlite3
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from containers import make_mail, make_tar_gz, make_zip
from fakes import HashEmbedder, SpansReader
from index.errors import UnknownDocumentError, UnreadableFileError, UnsupportedFileError
from index.formats.content import Boxes
from index.formats.pdf.extraction import load_pdf
from index.library import Library
from index.settings import read_settings
from index.storage.char_boxes import PIECE_CHARS, pack, unpack
from index.storage.highlights import lines_of
from qa.answerer import QuestionAnswerer
from qa.records.span import Span

DOCUMENTS = Path(__file__).parent / "data" / "documents"
LONG_AGO_NS = 10**18

NOTES = b"""# Minutes

## Decisions

The lock was painted GREEN by the council.
"""
EPUB = {
    "mimetype": b"application/epub+zip",
    "META-INF/container.xml": b'<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>',
    "book.opf": b"""<package><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Harbours</dc:title>
        <dc:creator>Ann Lee</dc:creator></metadata><manifest><item id="a" href="a.xhtml"
        media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>""",
    "a.xhtml": b"<html><body><h1>Lighthouses</h1><p>The lighthouse was built by Emmerich in 1856.</p></body></html>",
}
FORMATS = DOCUMENTS.parent / "formats"
TAR_GZ = make_tar_gz({"dike.txt": b"The dike ends in Fussach."})
MADE = {
    "book.epub": make_zip(EPUB),
    "mail.eml": make_mail("The dredger is called Goliath.", {"costs.csv": b"Item,Cost\nAnchor,77 EUR\n"}),
    "in.mbox": b"From a@example.org Mon May  4 10:00:00 2026\n" + make_mail("The pilot is called Rosa."),
    "data.json": b'{\n  "harbours": [\n    {"name": "Lindau", "depth": "3 m"}\n  ]\n}\n',
    "log.jsonl": b'{"ship": "Austria"}\n{"ship": "Vorarlberg"}\n',
    "ships.csv": b"Ship,Built\nHohentwiel,1913\nOesterreich,1928\n",
    "notes.md": NOTES,
    "plain.txt": b"The mayor of the town is Clara Meyer.",
    "locks.py": b"# The locks\n\nWIDTH = 1234\n",
    "archive.zip": make_zip(
        {"deep/page.html": b"<html><body><h1>Ferries</h1><p>It is called Tabor.</p></body></html>"}
    ),
    "budget.xls": (FORMATS / "budget.xls").read_bytes(),
    "unsent.msg": (FORMATS / "no-attachments.msg").read_bytes(),
    "regatta.ics": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Regatta\nLOCATION:Wasserburg\nEND:VEVENT\nEND:VCALENDAR\n",
    "people.vcf": b"BEGIN:VCARD\nFN:Greta Vogel\nTEL:08382 4711\nEND:VCARD\n",
    "interview.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>It sank in 1864.\n",
    "depths.ipynb": b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "# Depths\\n\\nBy Nora."}]}',
    "rules.rst": b"Rules\n=====\n\nOars are of *ash*.\n",
    "sails.org": b"* Sails\nSewn by /Ida/.\n",
    "masts.adoc": b"= Masts\n\nMade of _larch_.\n",
    "keels.tex": b"\\section{Keels} Cast in \\emph{Ulm}.\n",
    "news.xml": b"<rss><channel><item><title>Storm</title><summary>Felt in Arbon</summary></item></channel></rss>",
    "old.tar.gz": TAR_GZ,
}
ANSWERS = [
    ("multicolumn.pdf", "Copenhagen", "page 3"),
    ("multicolumn.pdf", "January 3, 2024", "page 1"),
    ("scan.pdf", "Bregenz", "page 1"),
    ("report.docx", "Bregenz", "Costs › Travel"),
    ("report.odt", "An anchor of 1880", "Findings"),
    ("report.rtf", "4,200 EUR", None),
    ("talk.pptx", "Hohentwiel", "slide 2"),
    ("talk.odp", "1856", "slide 1, notes"),
    ("budget.xlsx", "8,641.50 EUR", "Costs, row 11"),
    ("budget.ods", "Eva Huber", "People, row 2"),
    ("web/bisect.html", "Lib/bisect.py", "bisect — Array bisection algorithm"),
    ("book.epub", "Emmerich", "Lighthouses"),
    ("mail.eml", "Goliath", "mail of 4 May 2026 from Ann Lee"),
    ("mail.eml/costs.csv", "77 EUR", "row 2"),
    ("in.mbox", "Rosa", "mail of 4 May 2026 from Ann Lee"),
    ("data.json", "3 m", "harbours[0].depth"),
    ("log.jsonl", "Vorarlberg", "line 2"),
    ("ships.csv", "1928", "row 3"),
    ("notes.md", "GREEN", "Minutes › Decisions"),
    ("plain.txt", "Clara Meyer", None),
    ("locks.py", "1234", "line 3"),
    ("archive.zip/deep/page.html", "Tabor", "Ferries"),
    ("budget.xls", "8,641.50 EUR", "Costs, row 11"),
    ("unsent.msg", "crocodile@neverland.com", "mail from peterpan@neverland.com"),
    ("regatta.ics", "Wasserburg", "Regatta"),
    ("people.vcf", "08382 4711", "Greta Vogel"),
    ("interview.vtt", "1864", "at 0:00:01"),
    ("depths.ipynb", "Nora", "Depths"),
    ("rules.rst", "ash", "Rules"),
    ("sails.org", "Ida", "Sails"),
    ("masts.adoc", "larch", "Masts"),
    ("keels.tex", "Ulm", "Keels"),
    ("news.xml", "Arbon", "Storm"),
    ("old.tar.gz/dike.txt", "Fussach", None),
]


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    """The folder, and its index without models."""
    folder = tmp_path_factory.mktemp("harbour")
    shutil.copytree(DOCUMENTS, folder, dirs_exist_ok=True)
    for name, content in MADE.items():
        (folder / name).write_bytes(content)
    index = Library(folder, HashEmbedder(), tmp_path_factory.mktemp("index"))
    index.sync()
    yield index
    index.close()


@pytest.fixture
def answerer(harbour):
    """Finds what a test has it look for."""
    words = []

    def spans(passage):
        return [Span(m.start(), m.end(), 9.0) for word in words for m in re.finditer(re.escape(word), passage)]

    settings = read_settings(index_dir=harbour.index_dir, threshold=0.0)
    with QuestionAnswerer(harbour.folder, settings, embedder=harbour.embedder, reader=SpansReader(spans)) as made:
        made.look_for = words.append
        yield made


@pytest.mark.parametrize(("name", "words", "place"), ANSWERS)
def test_an_answer_out_of_each_format_has_its_place(answerer, name, words, place):
    if name == "scan.pdf" and shutil.which("tesseract") is None:
        assert not os.environ.get("CI"), "CI tests OCR: apt-get install tesseract-ocr"
        pytest.skip("NO TESSERACT, OCR IS NOT TESTED; install it with: apt-get install tesseract-ocr")
    answerer.look_for(words)
    answer = answerer.ask(f"what about {words}?", within=[name])
    if not answer.answered:  # in a row of a table, what the question says is no answer to it
        answer = answerer.ask("what does the table say?", within=[name])
    assert (answer.text, answer.document, answer.place) == (words, name, place)
    assert answerer.text(name)[answer.start : answer.end] == words


def test_every_file_has_its_line(harbour):
    lines = {record.name: (record.status, record.detail) for record in harbour.files()}
    files = {path.relative_to(harbour.folder).as_posix() for path in harbour.folder.rglob("*.*")}
    assert set(lines) == files | {"mail.eml/costs.csv", "archive.zip/deep/page.html", "old.tar.gz/dike.txt"}
    assert lines["sources/report.fodt"][0] == "unsupported"
    assert lines["libreoffice-writer-password.pdf"][0] == "failed"
    assert "VERBATIM_PASSWORDS" in lines["libreoffice-writer-password.pdf"][1]
    assert lines["grayscale-image.pdf"][0] == "empty"
    assert lines["report.rtf"][0] == "partly read"
    assert lines["multicolumn.pdf"][1] == "its language seems to be 'la', but the models only understand English"
    assert lines["archive.zip"] == ("indexed", "")
    assert harbour.left_out()["sources/talk.fodp"] == "unsupported file type; save it again as ODP"
    assert "report.rtf" not in harbour.left_out()


def test_metadata_of_a_document(answerer):
    assert answerer.metadata("report.docx") == {
        "author": "Ann Lee",
        "date": "2025-05-04",
        "language": "en",
        "subject": "Dredging",
    }
    assert answerer.metadata("mail.eml")["author"] == "Ann Lee <ann@example.org>"
    assert answerer.metadata("ships.csv") == {}
    with pytest.raises(UnknownDocumentError, match=r"gone\.txt"):
        answerer.metadata("gone.txt")


def test_places_of_a_document(answerer):
    places = answerer.places("talk.pptx")
    assert [place.label for place in places] == ["slide 1", "slide 1, notes", "slide 2"]
    assert answerer.text("talk.pptx")[places[2].start :].startswith("Ships")
    assert answerer.places("plain.txt") == ()
    with pytest.raises(UnknownDocumentError):
        answerer.places("gone.txt")


def test_boxes_are_where_the_words_are_printed(answerer):
    text = answerer.text("multicolumn.pdf")
    printed = load_pdf((DOCUMENTS / "multicolumn.pdf").read_bytes()).boxes
    start = text.index("Two columns filled") if "Two columns filled" in text else text.index("two columns filled")
    (page,) = answerer.boxes("multicolumn.pdf", start, start + 3)
    assert (page.page, round(page.width), round(page.height)) == (1, 595, 842)
    (box,) = page.rectangles
    expected = printed.rectangles[start : start + 3]
    assert box == pytest.approx((*expected.min(axis=0)[:2], *expected.max(axis=0)[2:]), abs=0.1)
    assert len(answerer.boxes("multicolumn.pdf", 0, len(text))) == len(printed.sizes)
    assert answerer.boxes("multicolumn.pdf", len(text), len(text) + 9) == []
    assert answerer.boxes("plain.txt", 0, 9) == []
    with pytest.raises(UnknownDocumentError):
        answerer.boxes("gone.pdf", 0, 1)


def test_a_rectangle_for_each_line():
    characters = [(0, (10, 10, 20, 20)), (0, (20, 11, 30, 20)), (0, (10, 30, 20, 40)), (1, (10, 30, 20, 40))]
    assert lines_of(characters) == [(0, [(10, 10, 30, 20), (10, 30, 20, 40)]), (1, [(10, 30, 20, 40)])]
    assert lines_of([]) == []


def test_boxes_come_out_of_the_store_as_they_went_in():
    n = PIECE_CHARS + 100
    rectangles = np.random.default_rng(1).uniform(0, 1000, (n, 4)).astype(np.float32)
    pages = np.repeat(np.arange(n // 100 + 1), 100)[:n].astype(np.int32)
    pages[::7], rectangles[::7] = -1, np.nan
    pieces = dict(pack(Boxes(np.zeros((1, 2), np.float32), pages, rectangles)))
    assert list(pieces) == [0, PIECE_CHARS]
    unpacked = [unpack(piece) for piece in pieces.values()]
    assert [number for numbers, _ in unpacked for number in numbers] == pages.tolist()
    found = np.concatenate([boxes for _, boxes in unpacked])
    assert np.abs(found - rectangles)[pages >= 0].max() <= 0.051


def test_boxes_of_a_page_that_is_larger_than_any_are_stored(recwarn):
    utmost = np.full((2, 4), np.float32(3e38))
    for _, piece in pack(Boxes(np.zeros((1, 2), np.float32), np.zeros(2, np.int32), utmost)):
        unpack(piece)
    assert len(recwarn) == 0


# What becomes of files within files


@pytest.fixture
def opened(folder, tmp_path):
    made = []

    def open_(**given):
        made.append(Library(folder, HashEmbedder(), tmp_path / "index", **given))
        return made[-1]

    yield open_
    for index in made:
        index.close()


clock = iter(range(10**6))


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    moment = LONG_AGO_NS + next(clock) * 1000
    os.utime(path, ns=(moment, moment))
    return path


def statuses(index):
    assert_consistent(index)
    return {record.name: record.status for record in index.files()}


def names(index):
    return [record.name for record in index.documents()]


def assert_consistent(index):
    ledger = {record.name: record for record in index.files()}
    for record in index.documents():
        assert ledger[record.name].is_read
        assert ledger[record.name].sha256 == record.sha256
    assert all(ledger[record.parent].parent == "" for record in ledger.values() if record.parent)
    originals = {record.detail for record in ledger.values() if record.status == "duplicate"}
    assert all(ledger[name].is_read for name in originals)
    with index.store.database.reading() as connection:
        for table in ("places", "pages", "boxes", "passages"):
            query = f"SELECT count(*) FROM {table} WHERE document_id NOT IN (SELECT id FROM documents)"
            assert connection.execute(query).fetchone() == (0,)


def test_an_archive_that_changes(folder, opened):
    write(folder, "a.zip", make_zip({"one.txt": b"Words of one.", "two.txt": b"Words of two.", "x.mp3": b"\x89PNG"}))
    index = opened()
    assert index.sync().added == ["a.zip/one.txt", "a.zip/two.txt"]
    assert statuses(index)["a.zip/x.mp3"] == "unsupported"
    report = index.sync()
    assert (report.unchanged, report.added, report.changed) == (2, [], [])

    write(folder, "a.zip", make_zip({"one.txt": b"Words of one, changed.", "three.txt": b"Words of three."}))
    report = index.sync()
    assert (report.added, report.changed, report.removed) == (["a.zip/three.txt"], ["a.zip/one.txt"], ["a.zip/two.txt"])
    assert set(statuses(index)) == {"a.zip", "a.zip/one.txt", "a.zip/three.txt"}
    assert index.store.documents.get("a.zip/one.txt").text == "Words of one, changed."
    assert not any(hit.passage.document == "a.zip/two.txt" for hit in index.search("Words of two", 10))

    index.embedder.embedded.clear()
    (folder / "a.zip").rename(folder / "b.zip")
    report = index.sync()
    assert report.renamed == {"a.zip/one.txt": "b.zip/one.txt", "a.zip/three.txt": "b.zip/three.txt"}
    assert (index.embedder.embedded, names(index)) == ([], ["b.zip/one.txt", "b.zip/three.txt"])
    assert set(statuses(index)) == {"b.zip", "b.zip/one.txt", "b.zip/three.txt"}

    (folder / "b.zip").unlink()
    assert index.sync().removed == ["b.zip/one.txt", "b.zip/three.txt"]
    assert (statuses(index), names(index)) == ({}, [])


def test_what_was_read_of_an_archive_stays_while_it_cannot_be_read_and_goes_when_it_is_emptied(folder, opened):
    write(folder, "a.zip", make_zip({"one.txt": b"Words of one."}))
    index = opened()
    index.sync()
    write(folder, "a.zip", b"no archive")
    index.sync()
    assert (names(index), index.left_out().keys()) == (["a.zip/one.txt"], {"a.zip"})
    assert "the text read before stays indexed" in index.left_out()["a.zip"]
    write(folder, "a.zip", make_zip({}))
    assert index.sync().removed == ["a.zip/one.txt"]
    assert statuses(index) == {"a.zip": "empty"}


def test_duplicates_within_files_take_the_place_of_what_goes(folder, opened):
    same = b"The same words."
    write(folder, "a.txt", same)
    write(folder, "b.zip", make_zip({"in.txt": same, "other.txt": b"Other words."}))
    write(folder, "c.zip", make_zip({"in.txt": same}))
    index = opened()
    index.sync()
    assert names(index) == ["a.txt", "b.zip/other.txt"]
    assert index.left_out() == {"b.zip/in.txt": "same content as a.txt", "c.zip/in.txt": "same content as a.txt"}
    assert statuses(index)["c.zip"] == "indexed"

    (folder / "a.txt").unlink()
    index.sync()
    assert names(index) == ["b.zip/in.txt", "b.zip/other.txt"]
    assert index.left_out() == {"c.zip/in.txt": "same content as b.zip/in.txt"}
    assert_consistent(index)

    write(folder, "d.txt", same)
    index.sync()
    assert index.left_out()["d.txt"] == "same content as b.zip/in.txt"
    (folder / "b.zip").rename(folder / "e.zip")
    index.sync()
    assert index.left_out()["d.txt"] == "same content as e.zip/in.txt"
    assert_consistent(index)
    (folder / "e.zip").unlink()
    index.sync()
    assert names(index) == ["d.txt"]
    assert index.left_out() == {"c.zip/in.txt": "same content as d.txt"}
    assert_consistent(index)


def test_an_archive_with_the_content_of_another_is_a_duplicate(folder, opened):
    content = make_zip({"in.txt": b"Words."})
    write(folder, "a.zip", content)
    write(folder, "b.zip", content)
    index = opened()
    index.sync()
    assert statuses(index) == {"a.zip": "indexed", "a.zip/in.txt": "indexed", "b.zip": "duplicate"}
    write(folder, "b.zip", make_zip({"in.txt": b"Other words."}))
    index.sync()
    write(folder, "b.zip", content)
    index.sync()
    assert statuses(index) == {"a.zip": "indexed", "a.zip/in.txt": "indexed", "b.zip": "duplicate"}


def test_what_was_taken_out_of_an_archive_stays_out(folder, opened, tmp_path):
    content = make_zip({"one.txt": b"Words of one.", "two.txt": b"Words of two."})
    write(folder, "a.zip", content)
    index = opened()
    index.sync()
    index.remove(["a.zip/one.txt"])
    index.sync()
    assert (names(index), index.left_out()) == (["a.zip/two.txt"], {"a.zip/one.txt": "taken out"})
    write(folder, "a.zip", make_zip({"one.txt": b"Words of one, again.", "two.txt": b"Words of two."}))
    write(folder, "copy.txt", b"Words of one.")
    index.sync()
    assert names(index) == ["a.zip/two.txt"]
    index.remove(["a.zip"])
    index.sync()
    assert (names(index), statuses(index)["a.zip"]) == ([], "removed")
    index.add([write(tmp_path, "a.zip", content)])
    assert names(index) == ["a (2).zip/two.txt"]  # the other one was taken out by itself
    index.add([write(tmp_path, "a.zip", (folder / "a.zip").read_bytes())])
    assert names(index) == ["a (2).zip/two.txt", "a.zip/one.txt"]
    assert_consistent(index)


def test_a_document_that_was_taken_out_of_an_archive_comes_back_with_it(folder, opened):
    path = write(folder, "a.zip", make_zip({"one.txt": b"Words of one.", "two.txt": b"Words of two."}))
    index = opened()
    index.sync()
    index.remove(["a.zip/one.txt"])
    index.add([path])
    assert names(index) == ["a.zip/one.txt", "a.zip/two.txt"]


def test_an_archive_that_comes_to_hold_what_another_held(folder, opened):
    one, two = make_zip({"in.txt": b"Words of one."}), make_zip({"in.txt": b"Words of two."})
    write(folder, "a.zip", one)
    write(folder, "b.zip", two)
    index = opened()
    index.sync()
    (folder / "a.zip").unlink()
    write(folder, "b.zip", one)
    index.sync()
    assert names(index) == ["b.zip/in.txt"]
    assert index.store.documents.get("b.zip/in.txt").text == "Words of one."
    assert_consistent(index)


def test_a_mail_goes_with_its_attachments(folder, opened):
    write(folder, "a.eml", make_mail("Words.", {"one.txt": b"Words of one."}))
    index = opened()
    index.sync()
    assert names(index) == ["a.eml", "a.eml/one.txt"]
    index.remove(["a.eml"])
    assert names(index) == []
    index.sync()
    assert names(index) == []


def test_added_files_may_be_of_any_kind(folder, opened, tmp_path):
    index = opened()
    report = index.add([DOCUMENTS / "report.pdf", DOCUMENTS / "budget.xlsx", write(tmp_path, "notes", b"Words.")])
    assert report.added == ["budget.xlsx", "notes", "report.pdf"]
    with pytest.raises(UnsupportedFileError, match=r"a\.mp3: unsupported file type '\.mp3'; supported: PDF, "):
        index.add([write(tmp_path, "a.mp3", b"ID3\x04\x00")])
    with pytest.raises(UnreadableFileError, match=r"gone\.pdf: cannot be opened"):
        index.add([tmp_path / "gone.pdf"])


def test_what_failed_is_read_again_only_when_that_is_asked_for(folder, opened):
    locked = (DOCUMENTS / "libreoffice-writer-password.pdf").read_bytes()
    write(folder, "a.pdf", locked)
    write(folder, "b.zip", make_zip({"in.pdf": locked + b"\n", "c.txt": b"Words."}))
    index = opened()
    index.sync()
    assert statuses(index) == {
        "a.pdf": "failed",
        "b.zip": "indexed",
        "b.zip/c.txt": "indexed",
        "b.zip/in.pdf": "failed",
    }
    assert index.sync(retry_failed=True).added == []
    index = opened(passwords=["openpassword"])
    assert index.sync().added == []
    report = index.sync(retry_failed=True)
    assert (report.added, report.changed) == (["a.pdf", "b.zip/in.pdf"], ["b.zip/c.txt"])
    assert set(statuses(index).values()) == {"indexed"}
    assert index.sync(retry_failed=True).added == []
    index.store.database.close()
    with sqlite3.connect(index.store.database.path) as connection:
        connection.execute("VACUUM")
    connection.close()
    assert b"openpassword" not in b"".join(path.read_bytes() for path in index.index_dir.iterdir())


def test_without_tesseract_the_ledger_says_how_to_install_it(folder, opened, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    write(folder, "scan.pdf", (DOCUMENTS / "scan.pdf").read_bytes())
    index = opened()
    index.sync()
    assert statuses(index) == {"scan.pdf": "empty"}
    assert "apt-get install tesseract-ocr" in index.left_out()["scan.pdf"]


def test_a_run_that_ends_within_an_archive_reads_it_again(folder, opened, monkeypatch):
    write(folder, "a.zip", make_zip({f"{n}.txt": b"Words of number %d." % n for n in range(6)}))
    monkeypatch.setattr("index.ingest.rounds._DOCUMENTS_PER_ROUND", 2)
    index = opened()
    real, committed = index.store.put, []

    def put(document, rows, file):
        if len(committed) == 3:
            raise KeyboardInterrupt
        committed.append(document.name)
        real(document, rows, file)

    monkeypatch.setattr(index.store, "put", put)
    with pytest.raises(KeyboardInterrupt):
        index.sync()
    assert len(names(index)) == 3
    index = opened()
    index.sync()
    assert len(names(index)) == 6
    assert statuses(index)["a.zip"] == "indexed"


def test_an_index_of_the_schema_before_is_made_anew(folder, opened):
    write(folder, "a.txt", b"Words.")
    index = opened()
    index.sync()
    with index.store.database.writing() as connection:
        connection.execute("DROP TABLE places")
        connection.execute("DROP TABLE boxes")
        connection.execute("DROP INDEX files_by_parent")
        connection.execute("ALTER TABLE files DROP COLUMN parent")
        connection.execute("ALTER TABLE documents DROP COLUMN metadata")
    index.store.meta.set("certificate", {**index.store.meta.get("certificate"), "schema": 2})
    index = opened()
    assert index.sync().added == ["a.txt"]
    assert statuses(index) == {"a.txt": "indexed"}


TEXTS = st.sampled_from(["Alpha words.", "Beta words.", "Gamma words.", " "])
PACKED = st.dictionaries(st.sampled_from(["x.txt", "y.txt", "in/z.txt"]), TEXTS, max_size=3)
ARCHIVES = st.sampled_from(["a.zip", "b.zip", "c.zip"])
PLAIN = st.sampled_from(["a.txt", "z.txt"])


class Changes(RuleBasedStateMachine):
    """Archives and texts that come, change, take other names and go, some with the same content."""

    def __init__(self):
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.folder = self.base / "documents"
        self.folder.mkdir()
        self.index = Library(self.folder, HashEmbedder(), self.base / "index")
        self.texts = {}

    @rule(name=ARCHIVES, packed=PACKED)
    def pack(self, name, packed):
        self.texts[name] = {f"{name}/{inner}": text for inner, text in packed.items()}
        write(self.folder, name, make_zip({inner: text.encode() for inner, text in packed.items()}))

    @rule(name=PLAIN, text=TEXTS)
    def write_text(self, name, text):
        self.texts[name] = {name: text}
        write(self.folder, name, text.encode())

    @rule(name=st.one_of(ARCHIVES, PLAIN))
    def delete(self, name):
        self.texts.pop(name, None)
        (self.folder / name).unlink(missing_ok=True)

    @rule(old=ARCHIVES, new=ARCHIVES)
    def rename(self, old, new):
        if old in self.texts and old != new:
            moved = {new + name[len(old) :]: text for name, text in self.texts.pop(old).items()}
            self.texts[new] = moved
            (self.folder / old).replace(self.folder / new)

    @invariant()
    def in_step(self):
        self.index.sync()
        expected = {name: text for texts in self.texts.values() for name, text in texts.items() if text.strip()}
        stored = {record.name: self.index.store.documents.get(record.name).text for record in self.index.documents()}
        assert set(stored.values()) == set(expected.values())
        assert len(set(stored.values())) == len(stored)
        assert all(expected[name] == text for name, text in stored.items())
        assert_consistent(self.index)
        assert self.index.sync().unchanged == len(stored)

    def teardown(self):
        self.index.close()
        shutil.rmtree(self.base)


def test_archives_in_any_order_of_changes_end_in_step(monkeypatch):
    monkeypatch.setattr("index.ingest.worker_pool.is_light", lambda path: True)  # a thousand workers would take an hour
    run_state_machine_as_test(Changes, settings=settings(max_examples=15, stateful_step_count=10))
