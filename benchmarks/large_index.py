"""What changing an index of 100,000 passages takes: `python benchmarks/large_index.py`.

The embedder is none: it draws a unit vector from a hash of the text, so that what is measured is the index. Each
document is added, deleted and asked for through the doors that everybody uses; a question is asked without a reader.
"""

import argparse
import hashlib
import os
import platform
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from index.library import Library
from index.pretrained import load_tokenizer
from index.records import Vectors
from index.retrieval.embedding import packaged_model, unit_length

DIMENSION = 384
REPEATS = 5
LONG_PASSAGES, SHORT_PASSAGES = 5_000, 95
PASSAGE_WORDS = 140


class RandomEmbedder:
    """Draws a unit vector from a hash of each text: as long as the real ones, and made in no time."""

    name, fingerprint, dimension = "random", "0" * 64, DIMENSION

    def __init__(self) -> None:
        """Begin to count the seconds that it takes."""
        self.seconds = 0.0

    @property
    def tokenizer(self) -> Tokenizer:
        """The packaged embedder's tokenizer, so that documents are split as they are with it."""
        return load_tokenizer(packaged_model())

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """A vector for each text, `(len(texts), 384)` float32."""
        began = time.perf_counter()
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") for text in texts]
        rows = [np.random.default_rng(seed).standard_normal(DIMENSION, dtype=np.float32) for seed in seeds]
        if on_progress is not None:
            on_progress(len(texts))
        self.seconds += time.perf_counter() - began
        return unit_length(np.asarray(rows, dtype=np.float32).reshape(len(texts), DIMENSION))


class Writer:
    """Writes documents whose words come as often as words do: the n-th a share of 1/n."""

    def __init__(self) -> None:
        """Begin with the same text each time."""
        self._rng = random.Random(0)
        vocabulary = load_tokenizer(packaged_model()).get_vocab()  # words of a token each: a paragraph is a passage
        self._words = sorted((word for word in vocabulary if word.isalpha()), key=vocabulary.__getitem__)
        self._weights = np.cumsum(1 / np.arange(1, len(self._words) + 1)).tolist()

    def text(self, number: int, n_passages: int) -> str:
        """A text of so many passages, each a paragraph about `keeper<number>`."""
        return "\n\n".join(self._paragraph(number) for _ in range(n_passages))

    def _paragraph(self, number: int) -> str:
        words = self._rng.choices(self._words, cum_weights=self._weights, k=PASSAGE_WORDS)
        return f"Of keeper{number}: {' '.join(words)}."


def write_folder(folder: Path, n_passages: int) -> int:
    """Write files for so many passages, some of them long; how many files those are."""
    writer, number, left = Writer(), 0, n_passages
    while left > 0:
        size = min(left, LONG_PASSAGES if number < REPEATS else SHORT_PASSAGES)
        (folder / f"{number}.txt").write_text(writer.text(number, size), encoding="utf-8")
        number, left = number + 1, left - size
    return number


def milliseconds(call: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def is_found(index: Library, number: int) -> bool:
    """Whether a search for the word that only one document has finds it."""
    return any(hit.passage.document == f"{number}.txt" for hit in index.search(f"Who is keeper{number}?", 10))


def measure_adding(index: Library, embedder: RandomEmbedder, first: int) -> dict[str, list[float]]:
    """Add documents of one passage, one after the other: milliseconds beyond the embedder's own."""
    writer, adding, finding = Writer(), [], []
    for number in range(first, first + REPEATS):
        (index.folder / f"{number}.txt").write_text(writer.text(number, 1), encoding="utf-8")
        embedder.seconds = 0.0
        took = milliseconds(index.sync)
        adding.append(took - 1000 * embedder.seconds)
        finding.append(milliseconds(lambda number=number: check(is_found(index, number), "it is not found")))
    return {"adding one document": adding, "the first search that finds it": finding}


def measure_deleting(index: Library) -> tuple[dict[str, list[float]], list[float]]:
    """Delete long documents, one after the other, asking meanwhile: milliseconds, and seconds until all is erased."""
    deleting, first, during, erasing = [], [], [], []
    for number in range(REPEATS):
        (index.folder / f"{number}.txt").unlink()
        deleting.append(milliseconds(index.sync))
        began = time.perf_counter()
        first.append(milliseconds(lambda number=number: check(not is_found(index, number), "it is found")))
        while index.store.erasure.remains():
            during.append(milliseconds(lambda number=number: check(not is_found(index, number), "it is found")))
            time.sleep(0.05)
            index._upkeep._rests_until = 0.0  # what is asked here is how long the work takes, not the rest after it
        erasing.append(time.perf_counter() - began)
    figures = {
        f"deleting a document of {LONG_PASSAGES:,} passages": deleting,
        "the first search, which no longer finds it": first,
        "searches while it is erased": during,
    }
    return figures, erasing


def check(holds: bool, otherwise: str) -> None:
    """End the run where what is measured does not happen."""
    if not holds:
        raise SystemExit(otherwise)


OPENING = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from large_index import RandomEmbedder, is_found, milliseconds
from index.library import Library
import numpy, faiss
began = time.perf_counter()
index = Library(Path(sys.argv[1]), RandomEmbedder(), Path(sys.argv[2]))
opened = time.perf_counter()
found = is_found(index, 50)
print(opened - began, time.perf_counter() - began, flush=True)
assert found
if len(sys.argv) > 4:
    index.folder.joinpath("again.txt").write_text("Nothing.")
    for path in index.folder.glob(sys.argv[4]): path.unlink()
    index.sync()
    print("erasing", flush=True)
    time.sleep(60)
"""


def measure_opening(folder: Path, place: Path) -> dict[str, list[float]]:
    """Open the index in new processes, each after one that was killed while it erased: milliseconds."""
    here = Path(__file__).parent
    command = [sys.executable, "-c", OPENING, str(folder), str(place), str(here)]
    environment = {**os.environ, "PYTHONPATH": str(here.parent)}
    opening, searching = [], []
    for number in range(REPEATS):
        killed = subprocess.Popen([*command, f"6{number}*.txt"], env=environment, stdout=subprocess.PIPE, text=True)
        check(killed.stdout is not None, "no output")
        while killed.stdout.readline() != "erasing\n":
            check(killed.poll() is None, "the process to kill failed")
        time.sleep(0.2 + 0.3 * number)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        opened, found = map(float, done.stdout.split())
        opening.append(1000 * opened)
        searching.append(1000 * found)
    return {"opening after kill -9": opening, "the same, until a first search is answered": searching}


def show(figures: dict[str, list[float]]) -> None:
    """Print medians and ranges."""
    for what, values in figures.items():
        median = statistics.median(values)
        print(f"{what:50} {median:8.0f} ms   {min(values):.0f} to {max(values):.0f}, N = {len(values)}", flush=True)


def main() -> None:
    """Make an index of 100,000 passages, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    n_passages = parser.parse_args().passages
    print(f"{platform.machine()}, {os.cpu_count()} processors, SQLite {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory() as scratch:
        folder, place = Path(scratch, "documents"), Path(scratch, "index")
        folder.mkdir()
        n_files = write_folder(folder, n_passages)
        embedder = RandomEmbedder()
        index = Library(folder, embedder, place)
        seconds = milliseconds(index.sync) / 1000
        index.close()
        megabytes = sum(path.stat().st_size for path in place.iterdir()) / 1e6
        counts = index.store.counts()
        print(f"{n_files:,} files, {counts['passages']:,} passages, {megabytes:.0f} MB, indexed in {seconds:.0f} s")
        index.search("Who is keeper50?", 10)
        show({"a search": [milliseconds(lambda: index.search("Who is keeper50?", 10)) for _ in range(REPEATS)]})
        show(measure_adding(index, embedder, n_files))
        figures, erasing = measure_deleting(index)
        show(figures)
        print(
            f"erased from all files after {statistics.median(erasing):.0f} s ({min(erasing):.0f} to {max(erasing):.0f})"
        )
        index.close()
        show(measure_opening(folder, place))


if __name__ == "__main__":
    main()
