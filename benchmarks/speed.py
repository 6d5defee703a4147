"""Indexing and answering speed: `make benchmark`. Medians, and ratios within one run."""

import platform
import statistics
import tempfile
import time
from pathlib import Path

import torch

from index.retrieval.embedding import SentenceTransformerEmbedder
from index.settings import Settings, read_settings
from qa.answerer import QuestionAnswerer

DOCUMENTS = 120
QUESTIONS = 15


def write_corpus(folder: Path) -> None:
    """Write documents of a few passages of plain English."""
    seed = (Path(__file__).parents[1] / "seeds" / "000_3b116a473c1228c7.txt").read_text(encoding="utf-8")
    for number in range(DOCUMENTS):
        (folder / f"{number:03}.txt").write_text(f"Report {number}.\n\n{seed}", encoding="utf-8")


def seconds_of(call: object, *arguments: object) -> float:
    """Time a call, in seconds."""
    began = time.perf_counter()
    call(*arguments)  # type: ignore[operator]
    return time.perf_counter() - began


def measure(settings: Settings) -> dict[str, float]:
    """Measure with some settings: passages per second, and milliseconds per question and its parts."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "documents")
        folder.mkdir()
        write_corpus(folder)
        own = settings.model_copy(update={"index_dir": Path(scratch, "index")})
        SentenceTransformerEmbedder(own).embed(["load the libraries"])
        with QuestionAnswerer(folder, own) as answerer:
            answerer.read("Who?", "The court.")  # load the models
            indexing = seconds_of(answerer.sync)
            passages = sum(record.n_passages for record in answerer.documents())
            opening = seconds_of(answerer.sync)
            question = "Who was the suicide bomber of report 7?"
            answerer.ask(question)
            asking = statistics.median(seconds_of(answerer.ask, question) for _ in range(QUESTIONS))
            searching = statistics.median(seconds_of(answerer.search, question) for _ in range(QUESTIONS))
    return {
        "passages a second": passages / indexing,
        "unchanged folder, ms": 1000 * opening,
        "question, ms": 1000 * asking,
        "of it retrieval, ms": 1000 * searching,
    }


def main() -> None:
    """Measure in this processor's default precision, and in fp32."""
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    default, fp32 = measure(read_settings()), measure(read_settings(precision="fp32"))
    for name in default:
        print(
            f"{name:24} default {default[name]:8.1f}   fp32 {fp32[name]:8.1f}   ratio {default[name] / fp32[name]:.2f}"
        )


if __name__ == "__main__":
    main()
