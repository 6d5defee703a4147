"""The doctor finds whatever is not as it must be, says so, and mends what can be mended."""

import zipfile

import numpy as np
import pytest

from fakes import HashEmbedder
from index.library import Library
from index.records import Document


@pytest.fixture
def index(folder, tmp_path):
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Passage number{number} of the harbour.\n\n" + "More words. " * 150)
    (folder / "same.txt").write_text((folder / "0.txt").read_text())
    (folder / "sound.mp3").write_bytes(b"x")
    made = Library(folder, HashEmbedder(), tmp_path / "index")
    made.sync()
    made._upkeep.finish()
    yield made
    made.close()


def damage(index, *statements):
    with index.store.database.connected() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
        connection.execute("PRAGMA foreign_keys = ON")


def checks(problems):
    return {problem.check for problem in problems}


def assert_whole(index):
    diagnosis = index.doctor()
    assert (diagnosis.problems, diagnosis.mended) == ((), ())
    assert len({diagnosis.counts[what] for what in ("passages", "vectors", "lexical")}) == 1
    for number in range(6):
        assert index.search(f"number{number}", 1)[0].passage.document == f"{number}.txt"


def test_a_sound_index_is_sound(index):
    assert_whole(index)
    assert index.doctor().counts["documents"] == 6
    assert index.doctor(mend=True).mended == ()


def test_an_empty_index_is_sound_and_needs_no_model(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(HashEmbedder, "embed", lambda *_: pytest.fail("embedded"))
    empty = Library(folder, HashEmbedder(), tmp_path / "empty")
    assert empty.doctor(mend=True).problems == ()
    empty.close()


def test_what_is_deleted_and_not_yet_erased_is_no_problem(index, folder, monkeypatch):
    monkeypatch.setattr(index._upkeep, "begin", lambda: None)
    (folder / "5.txt").unlink()
    index.sync()
    assert index.store.erasure.remains()
    assert index.doctor().problems == ()


OF_ONE = "(SELECT id FROM documents WHERE name = '1.txt')"
FIRST = f"(SELECT min(id) FROM passages WHERE document_id = {OF_ONE})"
TWICE = (2 * np.eye(1, 64, dtype=np.float32)).tobytes()
NOTHING = np.full(64, np.nan, dtype=np.float32).tobytes()


@pytest.mark.parametrize(
    ("check", "said", "statements"),
    [
        (
            "passages",
            "1 passages of '1.txt' differ",
            [f"UPDATE passages SET start = start + 1 WHERE id = {FIRST}"],
        ),
        ("passages", "characters but records", ["UPDATE documents SET text = text || 'x' WHERE name = '1.txt'"]),
        ("passages", "passages but records 99", ["UPDATE documents SET n_passages = 99 WHERE name = '1.txt'"]),
        ("vectors", "have no vector", [f"DELETE FROM vectors WHERE passage_id = {FIRST}"]),
        ("vectors", "unit length", [(f"UPDATE vectors SET vector = ? WHERE passage_id = {FIRST}", (TWICE,))]),
        ("vectors", "dimension", [f"UPDATE vectors SET vector = x'0000803f' WHERE passage_id = {FIRST}"]),
        ("vectors", "unit length", [(f"UPDATE vectors SET vector = ? WHERE passage_id = {FIRST}", (NOTHING,))]),
        ("references", "1 vectors refer to rows", [("INSERT INTO vectors VALUES (999, ?)", (bytes(256),))]),
        (
            "references",
            "1 passages refer to rows",
            [
                "INSERT INTO passages VALUES (999, 99, 0, 1, '', '', 'x')",
                "INSERT INTO lexical (lexical) VALUES ('rebuild')",
            ],
        ),
        (
            "lexical",
            "1 passages have no lexical row",
            [
                "INSERT INTO lexical (lexical, rowid, context, text)"
                f" SELECT 'delete', id, context, text FROM passages WHERE id = {FIRST}"
            ],
        ),
        (
            "lexical",
            "differs from the passages",
            ["INSERT INTO lexical (lexical, rowid, context, text) VALUES ('delete', 1, '', 'number0')"],
        ),
        (
            "lexical",
            "1 passages are in the lexical index only",
            ["INSERT INTO lexical (rowid, context, text) VALUES (99, '', 'x')"],
        ),
        (
            "ledger",
            "as indexed, but it is not indexed",
            ["INSERT INTO files VALUES ('x.txt', 'indexed', '', '', 0, 0, 0, '')"],
        ),
        ("ledger", "in another version", ["UPDATE files SET sha256 = 'x' WHERE name = '1.txt'"]),
        ("ledger", "which is not indexed", ["UPDATE files SET detail = 'x.txt' WHERE name = 'same.txt'"]),
        (
            "ledger",
            "left out (unsupported), but it is indexed",
            ["UPDATE files SET status = 'unsupported' WHERE name = '1.txt'"],
        ),
    ],
)
def test_what_is_wrong_is_found_and_mended(index, check, said, statements):
    damage(index, *statements)
    found = index.doctor()
    assert check in checks(found.problems)
    assert any(said in problem.what for problem in found.problems), found.problems
    assert index.doctor().problems == found.problems  # looking changes nothing
    mended = index.doctor(mend=True)
    assert (mended.problems, set(mended.mended)) == ((), set(found.problems))
    assert_whole(index)
    assert index.sync().unchanged == 6


def cut(content):
    return content[:-20]


def flip(content):
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("harm", [cut, flip])
def test_a_damaged_file_of_vectors_is_made_again(index, harm):
    path = index.index_dir / "vectors.faiss"
    path.write_bytes(harm(path.read_bytes()))
    assert [problem.what for problem in index.doctor().problems] == ["the file of vectors is damaged"]
    assert checks(index.doctor(mend=True).mended) == {"faiss"}
    assert_whole(index)


def test_a_file_of_other_vectors_of_the_same_passages_is_made_again(index):
    with index._vectors._guard:
        index._vectors.catch_up()
        ids, vectors = index._vectors.ids(), index._vectors.vectors()
        index._vectors._faiss.remove_ids(ids)
        index._vectors._faiss.add_with_ids(vectors[::-1].copy(), ids)
        index._vectors._n_unsaved = len(ids)
        index._vectors.save()
    assert [problem.what for problem in index.doctor().problems] == [
        "the file of vectors has other vectors than the store"
    ]
    assert checks(index.doctor(mend=True).mended) == {"faiss"}
    assert_whole(index)


@pytest.mark.parametrize("name", ["missing", "stale"])
def test_a_file_of_vectors_that_is_missing_or_stale_is_no_problem(index, folder, name):
    path = index.index_dir / "vectors.faiss"
    old = path.read_bytes()
    (folder / "7.txt").write_text("Something new.")
    index.sync()
    index._upkeep.finish()
    path.unlink() if name == "missing" else path.write_bytes(old)
    assert index.doctor().problems == ()


def test_a_document_that_comes_from_no_file_is_made_again_of_its_text(index):
    document = Document("memory", "Words of no file.", "", "0" * 64)
    index.write([document])
    damage(index, "DELETE FROM vectors WHERE passage_id = (SELECT max(id) FROM passages)")
    found = index.doctor(mend=True)
    assert [problem.document for problem in found.mended] == ["memory"], found
    assert found.problems == ()
    assert index.store.documents.get("memory") == document
    assert index.search("no file", 1)[0].passage.document == "memory"


def test_an_index_of_sqlite_that_lacks_rows_is_made_again(index):
    with index.store.database.connected() as connection:
        connection.execute("PRAGMA writable_schema = ON")
        row = connection.execute("SELECT * FROM sqlite_master WHERE name = 'passages_by_document'").fetchone()
        connection.execute("DELETE FROM sqlite_master WHERE name = 'passages_by_document'")
    index.store.database.close()
    with index.store.database.connected() as connection:
        connection.execute("UPDATE passages SET document_id = 2 WHERE id = 1")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
    index.store.database.close()
    assert checks(index.doctor().problems) == {"database"}
    mended = index.doctor(mend=True)
    assert mended.problems == ()
    assert checks(mended.mended) == {"database", "passages"}
    assert_whole(index)


def test_a_certificate_that_lacks_something_is_said(index):
    damage(index, "DELETE FROM meta WHERE key = 'deletions'")
    assert [problem.what for problem in index.doctor().problems] == ["the index has no deletions"]


def test_a_damaged_page_is_said_and_not_made_worse(index):
    index.close()
    content = bytearray(index.store.database.path.read_bytes())
    content[-4096 * 3 : -4096 * 2] = b"x" * 4096
    index.store.database.path.write_bytes(content)
    assert checks(index.doctor().problems) == {"database"}
    assert checks(index.doctor(mend=True).problems) == {"database"}


def test_an_archive_has_no_document_of_its_own_and_what_is_within_is_read_with_it(index, folder):
    with zipfile.ZipFile(folder / "papers.zip", "w") as archive:
        archive.writestr("one.txt", "The lighthouse keeper was Ann Lee.")
        archive.writestr("two.txt", "The tide came at nine.")
    index.sync()
    assert index.doctor().problems == ()
    part = "(SELECT id FROM documents WHERE name = 'papers.zip/one.txt')"
    damage(index, f"UPDATE passages SET start = start + 1 WHERE document_id = {part}")
    assert checks(index.doctor().problems) == {"passages"}
    diagnosis = index.doctor(mend=True)
    assert (diagnosis.problems, checks(diagnosis.mended)) == ((), {"passages"})
    assert index.search("lighthouse keeper", 1)[0].passage.document == "papers.zip/one.txt"
    damage(index, "DELETE FROM files WHERE name = 'papers.zip/one.txt'")
    damage(index, "INSERT INTO places VALUES (999, 0, 'page 1')")
    assert checks(index.doctor().problems) == {"references"}
    assert index.doctor(mend=True).problems == ()
