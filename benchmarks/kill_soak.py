"""kill -9 in the middle of indexing, over and over: `make soak`.

Writes a corpus that takes some 30 s to index with the real embedder, and kills the indexing process at
moments spread between its first and its last commit. After each kill the index is opened, its counts
are compared, a question is asked, and the run goes on from there; now and then it begins anew.
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
from index.folders import FolderIndex
from index.settings import read_settings

WORDS = "river court treaty engine harbour council signal copper winter ledger bridge market garden captain".split()
DOCUMENTS = 240


def write_corpus(folder: Path) -> None:
    """Documents of some three passages each, no two the same."""
    rng = random.Random(0)
    for number in range(DOCUMENTS):
        sentences = [f"The {' '.join(rng.choices(WORDS, k=12))} of year {rng.randint(1000, 1999)}." for _ in range(35)]
        sentences[17] = f"The keeper of archive{number} was appointed in {1000 + number}."
        (folder / f"{number:03}.txt").write_text(" ".join(sentences), encoding="utf-8")


def start_indexing(folder: Path, place: Path) -> subprocess.Popen[bytes]:
    """`verbatim index` in a process of its own."""
    code = "from qa.cli import main; main()"
    environment = {**os.environ, "VERBATIM_INDEX_DIR": str(place)}
    return subprocess.Popen(
        [sys.executable, "-c", code, "index", str(folder)], env=environment, stdout=subprocess.DEVNULL
    )


def check(folder: Path, place: Path, embedder: SentenceTransformerEmbedder) -> tuple[int, float]:
    """Open the index and look whether all is in order; documents in it and seconds to open."""
    began = time.perf_counter()
    opened = FolderIndex(folder, embedder, place)
    counts = opened.store.counts()
    seconds = time.perf_counter() - began
    documents = opened.documents()
    if not counts["passages"] == counts["vectors"] == counts["lexical"] == sum(d.n_passages for d in documents):
        raise SystemExit(f"counts disagree: {counts}")
    for record in documents[:: max(1, len(documents) // 5)]:
        number = int(record.name[:3])
        hit = opened.search(f"When was the keeper of archive{number} appointed?", 1)[0]
        if hit.passage.document != record.name or f"archive{number} " not in hit.passage.text:
            raise SystemExit(f"{record.name} is indexed and not found")
    opened.close()
    return len(documents), seconds


def main() -> None:
    """Run the soak and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kills inside the work")
    kills = parser.parse_args().kills
    embedder = SentenceTransformerEmbedder(read_settings())
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder, place = Path(scratch, "documents"), Path(scratch, "index")
        folder.mkdir()
        write_corpus(folder)
        began = time.perf_counter()
        start_indexing(folder, place).wait()
        whole = time.perf_counter() - began
        print(f"{DOCUMENTS} documents index in {whole:.0f} s undisturbed, models' loading included")
        inside, runs, openings = 0, 0, []
        done = DOCUMENTS
        while inside < kills:
            if done == DOCUMENTS:  # begin anew
                for file in place.iterdir():
                    file.unlink()
                done, runs = 0, runs + 1
            child = start_indexing(folder, place)
            wait_for_progress(folder, place, embedder, done, child)
            time.sleep(rng.uniform(0, 3))
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
            child.wait()
            before, (done, seconds) = done, check(folder, place, embedder)
            openings.append(seconds)
            is_inside = 0 < done < DOCUMENTS
            inside += is_inside
            where = "inside" if is_inside else "outside"
            print(f"killed at {done:3} of {DOCUMENTS} documents ({where}, +{done - before})", flush=True)
        start_indexing(folder, place).wait()
        done, _ = check(folder, place, embedder)
    print(f"{inside} kills inside the work, in {runs} runs; longest opening {max(openings):.2f} s")
    print(f"{done} documents at the end")


def wait_for_progress(
    folder: Path, place: Path, embedder: SentenceTransformerEmbedder, before: int, child: subprocess.Popen[bytes]
) -> None:
    """Wait until the process has committed something more, or is done."""
    while child.poll() is None:
        if check(folder, place, embedder)[0] > before:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
