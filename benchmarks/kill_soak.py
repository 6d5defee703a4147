"""kill -9 in the middle of the work, over and over: `make soak`.

A process adds, changes and deletes documents, each time bringing the index in step and erasing what was deleted, and
says what it is at. It is killed at moments drawn at random within each kind of work. After each kill the index is
opened, every invariant of `verbatim doctor` is checked, what was committed before must be there, and a document is
searched for; the next process goes on from there. Most kills are with an embedder that takes no time, so that they
land in the writing; some are with the real one.
"""

import argparse
import hashlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from large_index import RandomEmbedder

from index.library import Library
from index.retrieval.embedding import Embedder, SentenceTransformerEmbedder
from index.settings import Settings

WORDS = "river court treaty engine harbour council signal copper winter ledger bridge market garden captain".split()
WORK = ("adding", "changing", "deleting", "erasing")
FILES = {"random": 200, "real": 40}
LONG_SENTENCES, SHORT_SENTENCES = 1_000, 35


def embedder_named(name: str) -> Embedder:
    """The real embedder, or one that takes no time."""
    return SentenceTransformerEmbedder(Settings()) if name == "real" else RandomEmbedder()


def write(folder: Path, number: int, rng: random.Random) -> None:
    """Write a document that says which it is, one in twenty of them long."""
    sentences = LONG_SENTENCES if number % 20 == 19 else SHORT_SENTENCES
    lines = [f"The {' '.join(rng.choices(WORDS, k=12))} of year {rng.randint(1000, 1999)}." for _ in range(sentences)]
    (folder / f"{number}.txt").write_text(f"About keeper{number}. {' '.join(lines)}", encoding="utf-8")


def work(folder: Path, place: Path, embedder: str, seed: int) -> None:
    """Add, change and delete until killed, saying on stdout what it is at."""
    rng = random.Random(seed)
    index = Library(folder, embedder_named(embedder), place)
    index.embedder.embed(["load the libraries"])
    first = min(seed % len(WORK), WORK.index("deleting"))  # its turn, and before erasing there must be deleting
    while True:
        for what in WORK[first:] + WORK[:first]:
            here = [int(path.stem) for path in folder.glob("*.txt")]
            missing = sorted(set(range(FILES[embedder])) - set(here))
            print(what, flush=True)
            if what == "adding":
                for number in rng.sample(missing, len(missing) // 3):
                    write(folder, number, rng)
            elif what == "changing":
                for number in rng.sample(here, len(here) // 10):
                    write(folder, number, rng)
            elif what == "deleting":
                for number in rng.sample(here, len(here) // 5):
                    (folder / f"{number}.txt").unlink()
            else:
                index._upkeep.finish()
            index.sync()


class Soak:
    """A folder, its index, and what has been seen of them."""

    def __init__(self, scratch: Path, embedder: str) -> None:
        """Make the folder.

        Args:
            scratch: An empty folder.
            embedder: "real" or "random".
        """
        self.folder, self.place = scratch / "documents", scratch / "index"
        self.folder.mkdir()
        self._name, self._embedder = embedder, embedder_named(embedder)
        self._committed: dict[str, str] = {}
        self._rng = random.Random(0)
        self.landed: Counter[str] = Counter()
        self.opening_s: list[float] = []
        for number in range(FILES[embedder] // 3):
            write(self.folder, number, self._rng)
        self.end()

    def kill_one(self, number: int, longest_pause_s: float) -> None:
        """Start the work, kill it within the kind of work whose turn it is, and check."""
        what = WORK[number % len(WORK)]
        command = [sys.executable, __file__, "--work", str(self.folder), str(self.place), self._name, str(number)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while (said := child.stdout.readline().strip()) != what:
            if child.poll() is not None:
                raise SystemExit("the process failed before it was killed")
        time.sleep(self._rng.uniform(0, longest_pause_s))
        child.send_signal(signal.SIGKILL)
        after = child.stdout.read().split()
        child.wait()
        at = after[-1] if after else said
        self.landed[at] += 1
        n_documents, n_passages = self.check()
        print(f"{number + 1:3} {self._name}: killed {at}; {n_documents} documents, {n_passages} passages", flush=True)

    def check(self) -> tuple[int, int]:
        """Open the index and look at everything; documents and passages in it."""
        began = time.perf_counter()
        index = Library(self.folder, self._embedder, self.place)
        counts = index.store.counts()
        self.opening_s.append(time.perf_counter() - began)
        if len({counts[what] for what in ("passages", "vectors", "lexical")}) > 1:
            raise SystemExit(f"counts disagree: {counts}")
        problems = index.doctor().problems
        if problems:
            raise SystemExit(f"the doctor finds: {problems}")
        indexed = {record.name: record.sha256 for record in index.documents()}
        on_disk = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.folder.glob("*.txt")}
        for name, sha256 in self._committed.items():
            if on_disk.get(name) == sha256 and sha256 not in indexed.values():
                raise SystemExit(f"{name} was committed, is unchanged, and is gone")
        self._committed = indexed
        self._search(index, sorted(indexed))
        index.store.database.close()
        return counts["documents"], counts["passages"]

    def _search(self, index: Library, names: list[str]) -> None:
        """Search for a document that is in the index by the word that only it has."""
        if names:
            name = self._rng.choice(names)
            found = [hit.passage.document for hit in index.search(f"keeper{Path(name).stem}", 10)]
            if name not in found:
                raise SystemExit(f"{name} is in the index, and a search for it finds {found}")

    def end(self) -> None:
        """Bring the index in step once more: it must hold what is in the folder, and nothing of what was deleted."""
        index = Library(self.folder, self._embedder, self.place)
        index.sync()
        index.close()
        if {record.name for record in index.documents()} != {path.name for path in self.folder.iterdir()}:
            raise SystemExit("the index does not hold what is in the folder")
        if index.store.erasure.remains():
            raise SystemExit("what was deleted is still in the files")


def soak(embedder: str, kills: int, longest_pause_s: float) -> None:
    """Kill so many times and print what came of it."""
    with tempfile.TemporaryDirectory() as scratch:
        running = Soak(Path(scratch), embedder)
        for number in range(kills):
            running.kill_one(number, longest_pause_s)
        running.end()
        landed = ", ".join(f"{count} {what}" for what, count in sorted(running.landed.items()))
        median = 1000 * statistics.median(running.opening_s)
        print(f"{embedder} embedder: {kills} kills ({landed}); after each every invariant held and nothing was lost")
        print(
            f"opening and counting: median {median:.0f} ms, longest {1000 * max(running.opening_s):.0f} ms", flush=True
        )


def main() -> None:
    """Run the soak and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="kills with an embedder that takes no time")
    parser.add_argument("--real", type=int, default=8, help="kills with the real embedder")
    parser.add_argument("--work", nargs=4, metavar=("FOLDER", "PLACE", "EMBEDDER", "SEED"), help="be the one to kill")
    given = parser.parse_args()
    if given.work is not None:
        folder, place, embedder, seed = given.work
        work(Path(folder), Path(place), embedder, int(seed))
    if given.kills:
        soak("random", given.kills, longest_pause_s=1.0)
    if given.real:
        soak("real", given.real, longest_pause_s=6.0)


if __name__ == "__main__":
    main()
