"""A folder that is followed: what changes in it is found soon after, whatever goes wrong in between."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from fakes import HashEmbedder
from index.errors import FolderError
from index.ingest.sync import Progress
from index.library import Library
from index.records import Document
from qa.web.observability.indexing import Indexing

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("index.ingest.watching._TICK_MS", 100)
    monkeypatch.setattr("index.ingest.watching._RETRY_S", 0.05)


def wait_for(holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def names(index):
    return [record.name for record in index.documents()]


def test_who_follows_is_told_how_far_it_is_and_when_it_is_in_step(folder, opened, caplog):
    (folder / "a.txt").write_text("First words.")
    indexing, told = Indexing(), []

    def note(progress):
        told.append(None if progress is None else (progress.files_done, progress.files_total))
        indexing.note(progress)

    with caplog.at_level(logging.INFO, "verbatim"), opened().watch(on_progress=note):
        assert indexing.has_been_in_step.wait(PATIENCE_S)
        assert (told[-2:], indexing.progress) == ([(1, 1), None], None)
        (folder / "b.txt").write_text("Second words.")
        wait_for(lambda: told.count((1, 1)) >= 2 and told[-1] is None)
    said = [record.getMessage() for record in caplog.records if record.name == "verbatim"]
    assert said == ["indexing: 0 of 1 files", "the index is in step with its folder"] * 2


def test_until_the_folder_was_looked_through_nobody_is_told_that_the_index_is_up_to_date(make_answerer, monkeypatch):
    answerer, indexing = make_answerer(), Indexing()
    monkeypatch.setattr(answerer, "watch", lambda **_: nullcontext())  # which has not come to anything yet
    with indexing.following(answerer):
        assert indexing.progress == Progress(0, 0, 0.0)
        indexing.note(None)
        assert indexing.progress is None


def test_what_changes_is_seen_by_everybody_who_reads_the_index(folder, opened):
    writer, reader = opened(), opened()
    reports = []
    (folder / "a.txt").write_text("First words.")
    with writer.watch(reports.append):
        wait_for(lambda: names(reader) == ["a.txt"])
        (folder / "deep").mkdir()
        (folder / "deep/b.txt").write_text("Second words of zebras.")
        wait_for(lambda: names(reader) == ["a.txt", "deep/b.txt"])
        assert reader.search("zebras", 1)[0].passage.document == "deep/b.txt"
        (folder / "deep/b.txt").rename(folder / "c.txt")
        wait_for(lambda: names(reader) == ["a.txt", "c.txt"])
        (folder / "a.txt").write_text("Other words of giraffes.")
        wait_for(lambda: reader.store.documents.get("a.txt").text == "Other words of giraffes.")
        (folder / "c.txt").unlink()
        wait_for(lambda: names(reader) == ["a.txt"])
        assert {hit.passage.document for hit in reader.search("zebras", 10)} == {"a.txt"}
    assert [(report.added, report.renamed, report.changed, report.removed) for report in reports] == [
        (["a.txt"], {}, [], []),
        (["deep/b.txt"], {}, [], []),
        ([], {"deep/b.txt": "c.txt"}, [], []),
        ([], {}, ["a.txt"], []),
        ([], {}, [], ["c.txt"]),
    ]
    (folder / "late.txt").write_text("Too late.")
    assert names(reader) == ["a.txt"]


def test_changes_that_come_together_are_looked_at_together(folder, opened):
    index = opened()
    reports = []
    with index.watch(reports.append):
        for number in range(20):
            (folder / f"{number}.txt").write_text(f"Words number {number}.")
        wait_for(lambda: len(names(index)) == 20)
    assert len(reports) < 10


def test_hidden_files_wake_nobody(folder, opened, monkeypatch):
    index = opened()
    looks = []
    monkeypatch.setattr(index, "sync", lambda _: looks.append(names(index)) or type(index).sync(index))
    with index.watch():
        wait_for(lambda: len(looks) == 2)  # before and after the system begins to report
        (folder / ".git").mkdir()
        (folder / ".git/index").write_text("x")
        time.sleep(0.5)
        (folder / "a.txt").write_text("Words.")
        wait_for(lambda: names(index) == ["a.txt"])
    assert len(looks) == 3


def test_where_nothing_is_reported_the_folder_is_looked_at_all_the_same(folder, opened, monkeypatch):
    def unreported(*_, stop_event, **__):
        while not stop_event.wait(0.01):
            yield set()

    monkeypatch.setattr("watchfiles.watch", unreported)
    monkeypatch.setattr("index.ingest.watching._LOOK_AGAIN_S", 0.1)
    index = opened()
    with index.watch():
        (folder / "a.txt").write_text("Words.")
        wait_for(lambda: names(index) == ["a.txt"])


def test_a_folder_that_goes_away_and_comes_back(folder, opened, caplog):
    (folder / "a.txt").write_text("Words.")
    index = opened()
    with index.watch():
        wait_for(lambda: names(index) == ["a.txt"])
        folder.rename(folder.with_name("away"))
        wait_for(lambda: "does not exist" in caplog.text)
        assert names(index) == ["a.txt"]
        time.sleep(0.3)
        folder.with_name("away").rename(folder)
        (folder / "b.txt").write_text("More words.")
        wait_for(lambda: names(index) == ["a.txt", "b.txt"])
        (folder / "c.txt").write_text("Yet more words.")
        wait_for(lambda: names(index) == ["a.txt", "b.txt", "c.txt"])
    assert caplog.text.count("does not exist") == 1  # said once, not each time it is tried


def test_while_another_process_writes_it_is_waited_for(folder, opened, monkeypatch, caplog):
    monkeypatch.setattr("index.storage.write_lock.WriteLock.held.__wrapped__.__defaults__", (0.05,))
    index, other = opened(), opened()
    with other.writing(), index.watch():
        (folder / "a.txt").write_text("Words.")
        wait_for(lambda: "being written by another process" in caplog.text)
        assert names(index) == []
        other.write([Document("b", "Words of b.", "", "0" * 64)])
    with index.watch():
        wait_for(lambda: "a.txt" in names(index))


def test_a_mistake_of_ours_ends_nothing(folder, opened, monkeypatch, caplog):
    index = opened()
    broken = threading.Event()

    def scan_once_broken(place):
        if not broken.is_set():
            broken.set()
            raise ZeroDivisionError
        return real(place)

    from index import library

    real = library.scan
    monkeypatch.setattr(library, "scan", scan_once_broken)
    (folder / "a.txt").write_text("Words.")
    with index.watch():
        wait_for(lambda: names(index) == ["a.txt"])
    assert "ZeroDivisionError" in caplog.text


def test_it_stops_in_the_middle_of_the_work(folder, opened, monkeypatch):
    """What is embedded when the block ends is not waited for; what was committed stays."""
    monkeypatch.setattr("index.ingest.rounds._DOCUMENTS_PER_ROUND", 1)
    under_way = threading.Event()

    class Slow(HashEmbedder):
        def embed(self, texts, on_progress=None):
            under_way.set()
            return super().embed(texts, on_progress)

    for number in range(500):
        (folder / f"{number}.txt").write_text(f"Words number {number}.")
    index = opened(Slow())
    with index.watch():
        assert under_way.wait(PATIENCE_S)
    assert len(names(index)) < 500
    assert index.doctor().problems == ()


def test_a_folder_that_is_missing_at_the_beginning_is_an_error(tmp_path):
    with pytest.raises(FolderError):
        Library(tmp_path / "missing", HashEmbedder(), tmp_path / "index")


WATCHING = "import sys, fakes, qa.cli.main as cli; cli.main(sys.argv[1:], engine=fakes.fake_engine())"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_index_watch_tells_of_each_change_until_ctrl_c(folder, tmp_path, opened):
    (folder / "a.txt").write_text("First words.")
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "VERBATIM_INDEX_DIR": str(tmp_path / "index")}
    command = [sys.executable, "-c", WATCHING, "index", str(folder), "--watch", "--json"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = json.loads(child.stdout.readline())
        assert (first["added"], first["documents"]) == (["a.txt"], 1)
        (folder / "b.pdf").write_bytes(b"%PDF")
        (folder / "c.txt").write_text("More words.")
        second = json.loads(child.stdout.readline())
        assert (second["added"], second["documents"]) == (["c.txt"], 2)
        reader = opened()
        assert names(reader) == ["a.txt", "c.txt"]
        assert reader.search("more", 1)[0].passage.document == "c.txt"
        child.send_signal(signal.SIGINT)
        said, complaints = child.communicate(timeout=PATIENCE_S)
    finally:
        child.kill()
    assert (said, complaints.strip()) == ("", "stopped; what was done so far is kept")
    assert child.returncode == 130
