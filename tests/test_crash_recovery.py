"""kill -9 in the middle of the work: what was committed is there, nothing else is, and the run goes on."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from fakes import HashEmbedder
from index.library import Library

KILLS = 6
CODE = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from fakes import HashEmbedder
    from index.library import Library

    class Slow(HashEmbedder):
        def embed(self, texts, on_progress=None):
            time.sleep(0.02 * len(texts))
            return super().embed(texts, on_progress)

    import index.ingest.sync
    index.ingest.sync._DOCUMENTS_PER_ROUND = 3
    Library(Path(sys.argv[1]), Slow(), Path(sys.argv[2])).sync()
    """
)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_at_any_moment_the_index_opens_in_order_and_resumes(folder, tmp_path):
    for i in range(60):
        (folder / f"{i:02}.txt").write_text(f"Document number{i}. " * 5)
    place = tmp_path / "index"
    inside = 0
    for turn in range(KILLS):
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
        child = subprocess.Popen(
            [sys.executable, "-c", CODE, str(folder), str(place)], env={**os.environ, "PYTHONPATH": path}
        )
        before = count(folder, place)
        deadline = time.monotonic() + 60
        while count(folder, place) == before and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.03 * turn)  # each at another moment of a round
        child.send_signal(signal.SIGKILL)
        child.wait()
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


CHANGING = textwrap.dedent(
    """
    import itertools, sys
    from pathlib import Path
    from fakes import HashEmbedder
    from index.library import Library

    folder = Path(sys.argv[1])
    index = Library(folder, HashEmbedder(), Path(sys.argv[2]))
    for turn in itertools.count():
        for number in range(40):
            text = f"Document number{number} of turn {sys.argv[3]} {turn}. " * 100
            (folder / f"{number:02}.txt").write_text(text)
        print("changing", flush=True)
        index.sync()
        for number in range(0, 40, 2):
            (folder / f"{number:02}.txt").unlink()
        print("deleting", flush=True)
        index.sync()
        print("erasing", flush=True)
        index._upkeep.finish()
    """
)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_while_it_changes_deletes_and_erases_it_opens_in_order(folder, tmp_path):
    place = tmp_path / "index"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    for turn, what in enumerate(["changing", "deleting", "erasing"] * 3):
        command = [sys.executable, "-c", CHANGING, str(folder), str(place), str(turn)]
        child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)
        for _ in range(1 + turn % 2):
            while child.stdout.readline().strip() != what:
                assert child.poll() is None
        time.sleep(0.02 * turn)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        index = Library(folder, HashEmbedder(), place)
        assert index.doctor().problems == ()
        index.store.database.close()
    index = Library(folder, HashEmbedder(), place)
    index.sync()
    index.close()
    assert {record.name for record in index.documents()} == {file.name for file in folder.iterdir()}
    assert not index.store.erasure.remains()
