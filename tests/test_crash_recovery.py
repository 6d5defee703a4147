"""kill -9 in the middle of the work: what was committed is there, nothing else is, and the run goes on."""

import itertools
import os
import time
from multiprocessing import Pipe

import pytest

import forked
from fakes import HashEmbedder
from index.ingest import rounds
from index.library import Library

KILLS = 6


class Slow(HashEmbedder):
    def embed(self, texts, on_progress=None):
        time.sleep(0.02 * len(texts))
        return super().embed(texts, on_progress)


def index_slowly(folder, place):
    rounds._DOCUMENTS_PER_ROUND = 3
    Library(folder, Slow(), place).sync()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_at_any_moment_the_index_opens_in_order_and_resumes(folder, tmp_path):
    for i in range(60):
        (folder / f"{i:02}.txt").write_text(f"Document number{i}. " * 5)
    place = tmp_path / "index"
    inside = 0
    for turn in range(KILLS):
        child = forked.start(index_slowly, folder, place)
        before = count(folder, place)
        deadline = time.monotonic() + 60
        while count(folder, place) == before and child.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)  # to look takes as long
        time.sleep(0.03 * turn)  # each at another moment of a round
        child.kill()
        child.join()
        inside += 0 < count(folder, place) < 60
    assert inside >= KILLS // 2
    index = Library(folder, HashEmbedder(), place)
    index.sync()
    assert set(index.store.counts().values()) == {60}
    assert index.search("number42", 1)[0].passage.document == "42.txt"
    index.close()


def count(folder, place):
    """Documents in the index, once all its counts have been seen to agree."""
    index = Library(folder, HashEmbedder(), place)
    counts = index.store.counts()
    index.close()
    assert len(set(counts.values())) == 1, counts  # here each document is one passage
    return counts["documents"]


def change(folder, place, told, turn):
    index = Library(folder, HashEmbedder(), place)
    for again in itertools.count():
        for number in range(40):
            text = f"Document number{number} of turn {turn} {again}. " * 100
            (folder / f"{number:02}.txt").write_text(text)
        told.send("changing")
        index.sync()
        for number in range(0, 40, 2):
            (folder / f"{number:02}.txt").unlink()
        told.send("deleting")
        index.sync()
        told.send("erasing")
        index._upkeep.finish()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_while_it_changes_deletes_and_erases_it_opens_in_order(folder, tmp_path):
    place = tmp_path / "index"
    for turn, what in enumerate(["changing", "deleting", "erasing"] * 3):
        heard, told = Pipe(duplex=False)
        child = forked.start(change, folder, place, told, turn)
        told.close()
        for _ in range(1 + turn % 2):
            while heard.recv() != what:
                pass
        time.sleep(0.02 * turn)
        child.kill()
        child.join()
        heard.close()
        index = Library(folder, HashEmbedder(), place)
        assert index.doctor().problems == ()
        index.store.database.close()
    index = Library(folder, HashEmbedder(), place)
    index.sync()
    index.close()
    assert {record.name for record in index.documents()} == {file.name for file in folder.iterdir()}
    assert not index.store.erasure.remains()
