"""Measures the packaged readers and writes what the settings page shows of them, qa/models/measured.json.

    OMP_NUM_THREADS=1 python benchmarks/readers.py SQUAD     a file in SQuAD's format, 1.1, that no reader learnt from

Run it again, on a quiet machine, whenever a reader's weights change: figures of other weights are not shown.
"""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from index.settings import read_settings
from qa.evaluation.measured import FILE, ReaderFigures, dump_figures
from qa.evaluation.metrics import evaluate_file, load_questions
from qa.evaluation.prediction_log import write_whole
from qa.reader.cascade import packaged_fingerprint
from qa.reader.extractive import ACCURATE, CASCADE, FAST


def measure(reader: str, file: Path, n_reading: int, n_retrieving: int) -> ReaderFigures:
    """Measure one reader: F1 beside the paragraph, and seconds with retrieval from all paragraphs of the file.

    Args:
        reader: "fast", "accurate" or "cascade".
        file: Questions in SQuAD's format.
        n_reading: Questions to be read.
        n_retrieving: Questions to be retrieved for.

    Returns:
        The figures.
    """
    settings = read_settings(reader=reader)
    [(_, reading)] = evaluate_file(file, ["read"], n_reading, None, lambda *_: None, settings)
    [(_, retrieving)] = evaluate_file(file, ["retrieve"], n_retrieving, None, lambda *_: None, settings)
    assert reading.undeclined_f1 is not None
    assert retrieving.median_seconds is not None
    cores = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count()))
    paragraphs = len({question.paragraph for question in load_questions(file)})
    return ReaderFigures(
        reader_sha256=packaged_fingerprint(reader),
        f1=round(reading.undeclined_f1, 1),
        seconds=round(retrieving.median_seconds, 2),
        measured=(
            f"{reading.questions} questions of SQuAD beside their paragraphs; the time of {retrieving.questions}"
            f" over {paragraphs} documents, {cores} {'core' if cores == '1' else 'cores'},"
            f" {datetime.now(UTC):%B %Y}"
        ),
    )


def main() -> None:
    """Measure all three and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="SQUAD")
    parser.add_argument("--reading", type=int, default=400, help="questions to be read beside their paragraphs")
    parser.add_argument("--retrieving", type=int, default=100, help="questions to be retrieved for")
    given = parser.parse_args()
    figures = {}
    for reader in (CASCADE, FAST, ACCURATE):
        figures[reader] = measure(reader, given.file, given.reading, given.retrieving)
        print(reader, figures[reader], flush=True)
    write_whole(FILE, dump_figures(figures))
    print("written:", FILE)


if __name__ == "__main__":
    main()
