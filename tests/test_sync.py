"""The index is in step with the folder, re-embeds only what changed, and loses nothing."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fakes import HashEmbedder
from index.errors import (
    BusyIndexError,
    DamagedIndexError,
    FolderError,
    MismatchedIndexError,
    ParameterError,
    UnknownDocumentError,
    UnreadableFileError,
    VerbatimError,
)
from index.ingest.scanning import is_in_step, scan
from index.library import Library, default_index_dir
from index.records import Document

LONG_AGO_NS = 10**18


def write(folder: Path, name: str, text: str, modified_ns: int = LONG_AGO_NS) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(modified_ns, modified_ns))
    return path


def assert_consistent(index):
    assert index.doctor().problems == ()


def names(index):
    return [d.name for d in index.documents()]


def test_added_changed_removed_renamed(folder, opened):
    write(folder, "a.txt", "First words.")
    write(folder, "sub/b.md", "# Second\n\nwords.")
    index = opened()
    report = index.sync()
    assert (report.added, names(index)) == (["a.txt", "sub/b.md"], ["a.txt", "sub/b.md"])

    write(folder, "a.txt", "Changed words.", LONG_AGO_NS + 1)
    (folder / "sub/b.md").rename(folder / "sub/c.md")
    write(folder, "d.txt", "Third words.")
    index.embedder.embedded.clear()
    report = index.sync()
    assert (report.changed, report.added, report.renamed) == (["a.txt"], ["d.txt"], {"sub/b.md": "sub/c.md"})
    assert len(index.embedder.embedded) == 2  # what was only renamed is not embedded again
    assert index.store.documents.get("a.txt").text == "Changed words."

    (folder / "d.txt").unlink()
    assert index.sync().removed == ["d.txt"]
    assert names(index) == ["a.txt", "sub/c.md"]
    assert not any(hit.passage.document == "d.txt" for hit in index.search("Third", 10))
    assert_consistent(index)


def test_an_unchanged_folder_is_neither_read_nor_locked(folder, opened, monkeypatch):
    write(folder, "a.txt", "Words.")
    opened().sync()
    index = opened()
    monkeypatch.setattr("index.ingest.loading.read_bytes", lambda path: pytest.fail("a file was read"))
    monkeypatch.setattr(index, "writing", lambda: pytest.fail("the index was locked"))
    report = index.sync()
    assert (report.unchanged, report.added) == (1, [])


def test_a_file_that_was_only_touched_is_not_embedded_again(folder, opened):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    index.embedder.embedded.clear()
    write(folder, "a.txt", "Words.", LONG_AGO_NS + 5)
    report = index.sync()
    assert (report.unchanged, report.changed, index.embedder.embedded) == (1, [], [])


def test_a_change_that_keeps_size_and_time_is_seen_when_the_file_was_fresh(folder, opened):
    path = folder / "a.txt"
    path.write_text("Words one.")
    index = opened()
    index.sync()
    status = path.stat()
    path.write_text("Words two.")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert index.sync().changed == ["a.txt"]


def test_a_file_dated_in_the_future_is_not_read_again_and_again(folder, opened, monkeypatch):
    write(folder, "a.txt", "Words.", 4 * LONG_AGO_NS)
    index = opened()
    index.sync()
    monkeypatch.setattr("index.ingest.loading.read_bytes", lambda path: pytest.fail("the file was read"))
    assert index.sync().unchanged == 1


def test_a_link_to_a_folder_is_named(folder, opened, tmp_path):
    write(tmp_path / "elsewhere", "a.txt", "Words.")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    index = opened()
    index.sync()
    assert (names(index), index.left_out()) == ([], {"link": "a link to a folder; links are not followed"})


LEADS_OUT = "a link that leads out of the folder; put a copy in its place"


def test_links_out_of_the_folder_are_left_out_and_named_and_those_within_are_read(folder, opened, tmp_path):
    secret = write(tmp_path / "elsewhere", "secret.txt", "Words that are nobody's.")
    kept = write(folder / "below", "kept.txt", "Words within.")
    (folder / "out.txt").symlink_to(secret)
    (folder / "dots.txt").symlink_to(Path("below") / ".." / ".." / "elsewhere" / "secret.txt")
    (folder / "within.txt").symlink_to(kept)
    (folder / "chained.txt").symlink_to(folder / "out.txt")
    index = opened()
    index.sync()
    assert names(index) == ["below/kept.txt"]
    assert index.left_out() == {
        "within.txt": "same content as below/kept.txt",
        **dict.fromkeys(("out.txt", "dots.txt", "chained.txt"), LEADS_OUT),
    }
    assert is_in_step(scan(index.folder), {record.name: record for record in index.files()})


def test_what_was_indexed_of_a_file_that_becomes_a_link_out_is_gone(folder, opened, tmp_path):
    secret = write(tmp_path / "elsewhere", "secret.txt", "Words that are nobody's.")
    write(folder, "a.txt", "Words of mine.")
    index = opened()
    index.sync()
    assert names(index) == ["a.txt"]
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(secret)
    index.sync()
    assert (names(index), index.left_out()) == ([], {"a.txt": LEADS_OUT})
    (folder / "a.txt").unlink()
    write(folder, "a.txt", "Words of mine.")
    index.sync()
    assert names(index) == ["a.txt"]


def test_files_that_cannot_be_read_are_named_with_the_reason_and_stop_nothing(folder, opened):
    write(folder, "good.txt", "Good words.")
    write(folder, "copy.txt", "Good words.")
    write(folder, "empty.txt", "")
    (folder / "binary.txt").write_bytes(bytes(range(256)))
    (folder / "cut.txt").write_bytes("Größe: ü".encode()[:-1])
    write(folder, "sound.mp3", "x")
    write(folder, ".hidden.txt", "Hidden.")
    (folder / "pipe.txt").symlink_to(folder / "nowhere")
    index = opened()
    index.sync()
    assert names(index) == ["copy.txt"]
    left_out = index.left_out()
    assert left_out["good.txt"] == "same content as copy.txt"
    assert "empty" in left_out["empty.txt"]
    assert "binary" in left_out["binary.txt"]
    assert "cut off in the middle of a character" in left_out["cut.txt"]
    assert left_out["sound.mp3"] == "unsupported file type"
    assert "cannot be opened" in left_out["pipe.txt"]
    assert ".hidden.txt" not in left_out
    assert index.sync().unchanged == 1


def test_when_the_original_goes_its_duplicate_takes_its_place(folder, opened):
    write(folder, "a.txt", "Same words.")
    write(folder, "b.txt", "Same words.")
    index = opened()
    index.sync()
    index.embedder.embedded.clear()
    (folder / "a.txt").unlink()
    report = index.sync()
    assert (names(index), report.renamed, index.embedder.embedded) == (["b.txt"], {"a.txt": "b.txt"}, [])
    assert index.left_out() == {}


def test_what_was_indexed_stays_while_its_file_cannot_be_read(folder, opened):
    write(folder, "a.txt", "Precious words.")
    index = opened()
    index.sync()
    (folder / "a.txt").write_bytes(b"\xff\xfe\x00")
    index.sync()
    assert index.store.documents.get("a.txt").text == "Precious words."
    assert "stays indexed" in index.left_out()["a.txt"]
    write(folder, "a.txt", "Precious words, mended.")
    assert index.sync().changed == ["a.txt"]
    assert index.left_out() == {}


def test_a_file_that_was_emptied_has_nothing_left_to_quote(folder, opened):
    write(folder, "a.txt", "Regretted words.")
    index = opened()
    index.sync()
    write(folder, "a.txt", "\n")
    assert index.sync().removed == ["a.txt"]
    assert (names(index), list(index.left_out())) == ([], ["a.txt"])
    assert index.search("Regretted", 10) == []
    assert_consistent(index)


def test_added_files_are_copied_and_removed_ones_stay_out(folder, opened, tmp_path):
    index = opened()
    source = write(tmp_path / "elsewhere", "a.txt", "Words of a.")
    other = write(tmp_path / "elsewhere/again", "a.txt", "Other words.")
    index.add([source])
    index.add([other])
    assert names(index) == ["a (2).txt", "a.txt"]
    index.remove(["a.txt"])
    assert (names(index), index.left_out()) == (["a (2).txt"], {"a.txt": "taken out"})
    write(folder, "a.txt", "Words of a, changed.")
    index.sync()
    assert names(index) == ["a (2).txt"]
    write(folder, "a.txt", "Words of a.")
    index.add([source])
    assert names(index) == ["a (2).txt", "a.txt"]
    assert_consistent(index)


def test_what_was_removed_comes_back_under_no_name(folder, opened, tmp_path):
    write(folder, "a.txt", "Words of a.")
    write(folder, "copy.txt", "Words of a.")
    index = opened()
    index.sync()
    index.remove(["a.txt"])
    index.sync()
    assert names(index) == []  # nor does its copy take its place
    (folder / "a.txt").rename(folder / "renamed.txt")
    index.sync()
    assert (names(index), set(index.left_out().values())) == ([], {"taken out"})
    (folder / "renamed.txt").unlink()
    (folder / "copy.txt").unlink()
    index.sync()
    write(folder, "restored.txt", "Words of a.")
    index.sync()
    assert names(index) == []
    index.add([write(tmp_path, "back.txt", "Words of a.")])
    assert (names(index), index.left_out()) == (["back.txt"], {"restored.txt": "same content as back.txt"})


def test_a_document_that_comes_from_no_file_can_be_removed(folder, opened):
    index = opened()
    index.write([Document("a", "Words of a.", "", "0" * 64)])
    index.remove(["a"])
    assert (names(index), index.left_out()) == ([], {})
    with pytest.raises(ParameterError, match="names='a' is a single string"):
        index.remove("a")


def test_a_hidden_file_is_not_added(opened, tmp_path):
    with pytest.raises(UnreadableFileError, match=r"\.notes\.txt: hidden files are not indexed"):
        opened().add([write(tmp_path, ".notes.txt", "Words.")])


def test_adding_or_removing_what_is_not_there_changes_nothing(folder, opened, tmp_path):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        index.add([write(tmp_path, "b.txt", "More."), tmp_path / "gone.txt"])
    with pytest.raises(UnknownDocumentError, match=r"gone\.txt"):
        index.remove(["a.txt", "gone.txt"])
    assert names(index) == ["a.txt"]
    assert sorted(p.name for p in folder.iterdir()) == ["a.txt"]


@pytest.mark.parametrize(
    ("make", "said"), [(lambda p: None, "does not exist"), (lambda p: p.write_text("x"), "is a file")]
)
def test_a_folder_that_is_none(tmp_path, opened, make, said):
    place = tmp_path / "place"
    make(place)
    with pytest.raises(FolderError, match=rf"place.*{said}"):
        opened(folder=place)


def test_a_folder_that_may_not_be_read(folder, opened, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    index = opened()
    # The tests may run as root, who may read everything.
    monkeypatch.setattr("index.ingest.scanning.os.scandir", refuse)
    with pytest.raises(FolderError, match="cannot be read: Permission denied; check its permissions"):
        index.sync()


def test_a_file_and_a_subfolder_that_may_not_be_read_are_named(folder, opened, monkeypatch):
    write(folder, "good.txt", "Good words.")
    write(folder, "secret.txt", "Secret words.")
    write(folder, "vault/deep.txt", "Deep words.")
    real_read, real_walk = Path.read_bytes, os.walk

    def read_bytes(path):
        if path.name == "secret.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return real_read(path)

    def walk(top, onerror):
        for root, folders, files in real_walk(top):
            if "vault" in folders:
                folders.remove("vault")
                onerror(PermissionError(13, "Permission denied", str(folder / "vault")))
            yield root, folders, files

    index = opened()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_bytes)
        patch.setattr("index.ingest.scanning.os.access", lambda path, mode: path.name != "secret.txt")
        patch.setattr("index.ingest.scanning.os.walk", walk)
        index.sync()
        assert names(index) == ["good.txt"]
        assert index.left_out() == {
            "secret.txt": "cannot be opened: Permission denied",
            "vault/": "cannot be opened: Permission denied",
        }
        assert is_in_step(scan(folder), index.store.ledger.all())
    index.sync()
    assert (names(index), index.left_out()) == (["good.txt", "secret.txt", "vault/deep.txt"], {})

    with monkeypatch.context() as patch:  # closed again: what was read before is not taken for gone, nor for renamed
        patch.setattr("index.ingest.scanning.os.walk", walk)
        write(folder, "other.txt", "Deep words.")
        report = index.sync()
        assert (report.removed, report.renamed, report.added) == ([], {}, ["other.txt"])
        assert "vault/deep.txt" in names(index)
        assert index.left_out() == {"vault/": "cannot be opened: Permission denied; the text read before stays indexed"}
        assert is_in_step(scan(folder), index.store.ledger.all())


def test_a_folder_that_goes_away_leaves_the_index_as_it_was(folder, opened):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    folder.rename(folder.with_name("moved"))
    with pytest.raises(FolderError, match="does not exist"):
        index.sync()
    assert names(index) == ["a.txt"]


def test_another_embedder_is_refused_with_the_command_that_rebuilds(folder, opened):
    write(folder, "a.txt", "Words.")
    opened().sync()
    with pytest.raises(MismatchedIndexError, match=r"embedder 'hash', not 'other'.*verbatim index .* --rebuild"):
        opened(embedder=HashEmbedder("other"))
    assert names(opened()) == ["a.txt"]
    rebuilt = opened(embedder=HashEmbedder("other"), rebuild=True)
    assert names(rebuilt) == []
    rebuilt.sync()
    assert names(rebuilt) == ["a.txt"]


def test_an_index_that_is_rebuilt_stays_open_for_others(folder, opened):
    write(folder, "a.txt", "Words of a.")
    write(folder, "b.txt", "Words of b.")
    first = opened()
    first.sync()
    assert len(first.search("words", 10)) == 2
    (folder / "b.txt").unlink()
    second = opened(rebuild=True)
    assert first.search("words", 10) == []
    second.sync()
    assert [hit.passage.document for hit in first.search("words", 10)] == ["a.txt"]
    write(folder, "c.txt", "Words of c.")
    assert first.sync().added == ["c.txt"]
    assert [hit.passage.document for hit in second.search("words of c", 1)] == ["c.txt"]
    assert_consistent(first)


def test_an_index_that_is_rebuilt_with_another_embedder_is_not_searched_with_ours(folder, opened):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    index.search("words", 1)
    opened(embedder=HashEmbedder("other"), rebuild=True).sync()
    with pytest.raises(MismatchedIndexError, match="embedder 'other', not 'hash'"):
        index.search("words", 1)


def test_while_an_index_is_written_it_is_not_rebuilt(folder, opened):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    with index.writing(), pytest.raises(BusyIndexError):
        opened(rebuild=True)
    assert names(index) == ["a.txt"]


def test_threads_that_end_leave_no_connection_open(folder, opened):
    index = opened()
    for _ in range(5):
        thread = threading.Thread(target=index.documents)
        thread.start()
        thread.join()
    assert len(index.store.database._held) == 1


def test_closing_waits_for_a_thread_that_is_in_the_middle_of_a_statement(folder, opened):
    """Closed under a statement, SQLite ends the process."""
    database, is_reading, found = opened().store.database, threading.Event(), []
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"

    def count():
        with database.reading() as connection:
            is_reading.set()
            found.extend(connection.execute(f"{numbers} SELECT count(*) FROM n").fetchone())

    thread = threading.Thread(target=count)
    thread.start()
    is_reading.wait()
    database.close()
    assert found == [300000]
    thread.join()


def test_a_store_that_was_closed_says_so(folder, opened):
    def close_in_the_middle(database):
        with database.reading() as connection:
            database.close()
            connection.execute("SELECT 1")

    index = opened()
    with pytest.raises(VerbatimError, match="was closed; open it again"):
        close_in_the_middle(index.store.database)
    assert names(index) == []  # it opens again when it is asked again


def test_as_many_names_as_there_are_can_be_chosen_from(folder, opened):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    assert index.store.passages.ids([f"{i}.txt" for i in range(40_000)] + ["a.txt"]) == [1]


def test_an_index_of_a_newer_version_is_refused(folder, opened):
    index = opened()
    index.store.meta.set("certificate", {**index.store.meta.get("certificate"), "schema": 99})
    with pytest.raises(MismatchedIndexError, match="newer version"):
        opened()


@pytest.mark.parametrize("changed", [lambda c: {**c, "loaders": 0}, lambda c: {k: c[k] for k in c if k != "splitter"}])
def test_an_index_of_an_older_version_is_made_anew(folder, opened, changed):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    index.store.meta.set("certificate", changed(index.store.meta.get("certificate")))
    index = opened()
    assert names(index) == []
    assert index.sync().added == ["a.txt"]


def test_one_index_folder_does_not_serve_two_folders(folder, opened, tmp_path):
    opened()
    (tmp_path / "other").mkdir()
    with pytest.raises(MismatchedIndexError, match="holds the index of"):
        opened(folder=tmp_path / "other")


def test_the_index_never_lies_inside_the_folder(folder):
    with pytest.raises(ParameterError, match=r"index_dir=.*is inside"):
        Library(folder, HashEmbedder(), folder / "index")
    assert not default_index_dir(folder).is_relative_to(folder)


def test_a_folder_that_holds_all_user_data_needs_an_index_dir_elsewhere(folder, monkeypatch, tmp_path):
    monkeypatch.setattr("index.library.platformdirs.user_data_path", lambda *_, **__: folder / "data")
    with pytest.raises(ParameterError, match=r"the default index_dir='.*data.*' is inside folder="):
        Library(folder, HashEmbedder())
    Library(folder, HashEmbedder(), tmp_path / "index").close()


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"x" * len(b), lambda b: b[:100]])
def test_a_damaged_store_is_named_and_can_be_rebuilt(folder, opened, damage):
    for i in range(30):
        write(folder, f"{i}.txt", f"Words number {i}. " * 30)
    index = opened()
    index.sync()
    with sqlite3.connect(index.store.database.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    index.close()
    index.store.database.path.write_bytes(damage(index.store.database.path.read_bytes()))
    with pytest.raises(DamagedIndexError, match=rf"cannot be read.*verbatim index {folder} --rebuild"):
        opened().sync()
    rebuilt = opened(rebuild=True)
    assert len(rebuilt.sync().added) == 30


def test_an_index_folder_that_cannot_be_made(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Exception, match=r"index_dir=.*cannot be created") as caught:
        Library(folder, HashEmbedder(), tmp_path / "file" / "index")
    assert type(caught.value).__module__ == "index.errors"


def test_while_another_process_writes_a_second_one_is_told(folder, opened):
    write(folder, "a.txt", "Words.")
    index = opened()
    index.sync()
    code = textwrap.dedent(
        """
        import filelock, sys
        with filelock.FileLock(sys.argv[1]):
            print("locked", flush=True)
            sys.stdin.read()
        """
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(index.index_dir / "write.lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"locked\n"
    try:
        assert index.sync().unchanged == 1  # nothing to do needs no lock
        write(folder, "b.txt", "More words.")
        with pytest.raises(BusyIndexError, match="being written by another process"):
            index.sync()
        assert names(opened()) == ["a.txt"]  # reading goes on
    finally:
        holder.communicate()
    assert index.sync().added == ["b.txt"]


def test_an_interrupted_run_keeps_what_it_committed_and_goes_on(folder, opened, monkeypatch):
    for i in range(10):
        write(folder, f"{i}.txt", f"Words number {i}.")
    monkeypatch.setattr("index.ingest.rounds._DOCUMENTS_PER_ROUND", 2)
    index = opened()

    def interrupt(progress):
        if progress.files_done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.sync(interrupt)
    done = len(index.documents())
    assert 6 <= done < 10
    assert_consistent(index)
    index = opened()
    assert len(index.sync().added) == 10 - done
    assert_consistent(index)


def test_a_transaction_is_whole_or_not_at_all(folder, opened, monkeypatch):
    write(folder, "a.txt", "First words.")
    index = opened()
    index.sync()
    write(folder, "a.txt", "Second words.", LONG_AGO_NS + 1)
    monkeypatch.setattr(index.store.ledger, "write", lambda *_: (_ for _ in ()).throw(RuntimeError("in the middle")))
    with pytest.raises(RuntimeError):
        index.sync()
    assert index.store.documents.get("a.txt").text == "First words."
    assert_consistent(index)


TEXTS = st.sampled_from(
    ["Alpha words.", "Beta words.", "Gamma. " * 60, "# Delta\n\nwords", " ", "Epsilon\u00a0😀 words."]
)
NAMES = st.sampled_from(["a.txt", "b.txt", "c.md", "sub/d.txt"])


class Changes(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.folder = self.base / "documents"
        self.folder.mkdir()
        self.index = Library(self.folder, HashEmbedder(), self.base / "index")
        self.clock = LONG_AGO_NS
        self.kept_out = {}

    @rule(name=NAMES, text=TEXTS)
    def write_file(self, name, text):
        self.clock += 1000
        write(self.folder, name, text, self.clock)

    @rule(name=NAMES)
    def delete_file(self, name):
        (self.folder / name).unlink(missing_ok=True)

    @rule(name=NAMES)
    def remove(self, name):
        if name in {d.name for d in self.index.documents()}:
            self.kept_out[name] = self.index.store.documents.get(name).text
            self.index.remove([name])

    @rule(name=st.sampled_from(["a.txt", "c.md", "new.txt"]), text=TEXTS)
    def add(self, name, text):
        before = set(self.folder.iterdir())
        self.index.add([write(self.folder.parent / "elsewhere", name, text)])
        copied = {path.name for path in set(self.folder.iterdir()) - before} or {name}
        self.kept_out = {k: v for k, v in self.kept_out.items() if k not in copied and v != text}

    @rule(old=NAMES, new=NAMES)
    def rename_file(self, old, new):
        if (self.folder / old).exists():
            (self.folder / new).parent.mkdir(exist_ok=True)
            (self.folder / old).replace(self.folder / new)

    @rule()
    def reopen(self):
        self.index.close()
        self.index = Library(self.folder, HashEmbedder(), self.index.index_dir)

    @invariant()
    def in_step(self):
        self.index.sync()
        files = {p.relative_to(self.folder).as_posix(): p.read_text("utf-8") for p in self.folder.rglob("*.*")}
        out = self.kept_out
        readable = {t for n, t in files.items() if t.strip() and n not in out and t not in out.values()}
        stored = {d.name: self.index.store.documents.get(d.name).text for d in self.index.documents()}
        assert set(stored.values()) == readable
        assert all(stored[name] == files[name] for name in stored)
        assert_consistent(self.index)

    def teardown(self):
        self.index.close()
        shutil.rmtree(self.base)


def test_any_order_of_changes_ends_in_step():
    run_state_machine_as_test(Changes, settings=settings(max_examples=15, stateful_step_count=12))


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip))
def test_any_text_comes_out_of_the_store_as_it_went_in(text, tmp_path_factory):
    base = tmp_path_factory.mktemp("any")
    (base / "documents").mkdir()
    (base / "documents/a.txt").write_bytes(text.encode())
    index = Library(base / "documents", HashEmbedder(), base / "index")
    index.sync()
    assert index.store.documents.get("a.txt").text == text.removeprefix("\ufeff")
    assert_consistent(index)
    index.close()
