"""kill -9 in the middle of indexing, over and over: `make soak`.

Writes a corpus that takes more than 20 s to index with the real embedder, and kills the indexing process
at moments spread between its first and its last commit. After each kill the index is opened, its counts
are compared and a question is asked; the next process goes on from there, and at the end of a run the
index is thrown away and the work begins anew.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from index.embedding import SentenceTransformerEmbedder
from index.settings import Settings, read_settings
from index.store import Store
from qa.answering import QuestionAnswerer
from qa.reading import Reader

WORDS = "river court treaty engine harbour council signal copper winter ledger bridge market garden captain".split()
DOCUMENTS = 400
MAX_PAUSE_S = 3.0


class Soak:
    """A corpus, its index, and the models that ask it."""

    def __init__(self, scratch: Path) -> None:
        """Write the corpus.

        Args:
            scratch: An empty folder.
        """
        self.folder, self.place = scratch / "documents", scratch / "index"
        self.folder.mkdir()
        self.settings: Settings = read_settings(index_dir=self.place)
        self.embedder, self.reader = SentenceTransformerEmbedder(self.settings), Reader(self.settings)
        self.seconds_to_open: list[float] = []
        rng = random.Random(0)
        for number in range(DOCUMENTS):
            years = [rng.randint(1000, 1999) for _ in range(35)]
            sentences = [f"The {' '.join(rng.choices(WORDS, k=12))} of year {year}." for year in years]
            sentences[17] = f"The keeper of archive{number} was appointed in {1000 + number}."
            (self.folder / f"{number:03}.txt").write_text(" ".join(sentences), encoding="utf-8")

    def start(self) -> "subprocess.Popen[bytes]":
        """`verbatim index` in a process of its own."""
        command = [sys.executable, "-c", "from qa.cli import main; main()", "index", str(self.folder)]
        environment = {**os.environ, "VERBATIM_INDEX_DIR": str(self.place)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    def count(self) -> int:
        """Documents that are committed."""
        store = Store(self.place)
        try:
            return store.counts()["documents"]
        finally:
            store.close()

    def check(self) -> int:
        """Open the index, compare its counts, ask about documents that it holds; how many those are."""
        began = time.perf_counter()
        with QuestionAnswerer(self.folder, self.settings, embedder=self.embedder, reader=self.reader) as answerer:
            counts = answerer._index.store.counts()
            self.seconds_to_open.append(time.perf_counter() - began)
            records = answerer.documents()
            if not counts["passages"] == counts["vectors"] == counts["lexical"] == sum(r.n_passages for r in records):
                raise SystemExit(f"counts disagree: {counts}")
            for record in (records[0], records[-1]) if records else ():
                number = int(record.name[:3])
                answer = answerer.ask(f"When was the keeper of archive{number} appointed?", within=[record.name])
                said = answer.text or answer.alternatives[0].text
                if str(1000 + number) not in said:
                    raise SystemExit(f"{record.name} is indexed, and asked it says {said!r}")
            return len(records)

    def kill_one(self, pause_s: float) -> int:
        """Start indexing, kill it some time after its next commit, and check; documents committed."""
        before = self.count()
        child = self.start()
        while child.poll() is None and self.count() == before:
            time.sleep(0.05)
        time.sleep(pause_s)
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait()
        return self.check()


def main() -> None:
    """Run the soak and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kills inside the work")
    kills = parser.parse_args().kills
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        soak = Soak(Path(scratch))
        began = time.perf_counter()
        soak.start().wait()
        print(
            f"{DOCUMENTS} documents index in {time.perf_counter() - began:.0f} s undisturbed, models loaded", flush=True
        )
        done, inside, attempts = soak.check(), 0, 0
        while inside < kills:
            if done == DOCUMENTS:  # a run is over: begin anew
                for file in soak.place.iterdir():
                    file.unlink()
            done = soak.kill_one(rng.uniform(0, MAX_PAUSE_S))
            attempts += 1
            inside += 0 < done < DOCUMENTS
            print(f"killed with {done:3} of {DOCUMENTS} documents committed", flush=True)
        soak.start().wait()
        print(f"{inside} of {attempts} kills between the first and the last commit; after each the counts agreed")
        print(f"longest opening {max(soak.seconds_to_open):.2f} s; resumed to {soak.check()} documents")


if __name__ == "__main__":
    main()
