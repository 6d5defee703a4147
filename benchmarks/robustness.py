"""Measures what a reader loses on variants of questions and texts: python benchmarks/robustness.py FILE.

Asks the questions of a file in SQuAD's format, each of its own paragraph, unchanged and in every variant of
`qa.training.data.augmentation`; prints a Markdown table.
"""

import argparse
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from index.errors import VerbatimError
from index.settings import read_settings
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.evaluation.metrics import (
    Prediction,
    Question,
    Scores,
    corpus_answerer,
    evaluate_reading,
    load_questions,
    sample,
    score,
)
from qa.text.normalization import f1
from qa.training.data.augmentation import QUESTION_VARIANTS, TEXT_VARIANTS

PLAIN = "as it is"
VARIANTS = (*QUESTION_VARIANTS, *TEXT_VARIANTS)
QUESTIONS = 400
COLUMNS = (
    "",
    "EM, nothing declined",
    "F1, nothing declined",
    "loss of it",
    "EM",
    "F1",
    "right ones answered, %",
    "unanswerable declined, %",
)


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a variant.

    Attributes:
        name: The variant.
        scores: Its figures.
        loss: F1 lost by the best answers to the answerable questions, nothing declined, in points.
        margin: Half-width of the loss's 95 % interval.
    """

    name: str
    scores: Scores
    loss: float
    margin: float


def vary(question: Question, name: str, seed: int) -> Question:
    """Rewrite a question or its paragraph, in the same way whatever else is asked."""
    rng = random.Random(f"{seed} {name} {question.id}")
    if name in QUESTION_VARIANTS:
        return replace(question, text=QUESTION_VARIANTS[name](question.text, rng))
    return replace(question, paragraph=TEXT_VARIANTS[name](question.paragraph, rng))


def measure(
    answerer: QuestionAnswerer,
    questions: Sequence[Question],
    names: Sequence[str],
    seed: int,
    say: Callable[[str], None],
) -> Iterator[Row]:
    """Ask the questions unchanged, then in each variant."""
    plain: list[float] = []
    for name in (PLAIN, *names):
        asked = questions if name == PLAIN else [vary(question, name, seed) for question in questions]
        said = evaluate_reading(answerer, asked, partial(_count, say, name))
        reached = best_f1s(asked, said)
        plain = reached if name == PLAIN else plain
        losses = [before - after for before, after in zip(plain, reached, strict=True)]
        spread = statistics.stdev(losses) / math.sqrt(len(losses)) if len(losses) > 1 else 0.0
        yield Row(name, score(asked, said), statistics.fmean(losses) if losses else 0.0, 1.96 * spread)


def _count(say: Callable[[str], None], name: str, done: int, total: int) -> None:
    say(f"{name}: {done} of {total}")


def best_f1s(questions: Sequence[Question], predictions: Sequence[Prediction]) -> list[float]:
    """Return the F1, in percent, of the best answer to each answerable question, nothing declined."""
    pairs = zip(questions, predictions, strict=True)
    return [100 * f1(said.text, question.answers) for question, said in pairs if question.answers]


def line(row: Row) -> str:
    """Format a variant as a line of the table."""
    s = row.scores
    loss = "" if row.name == PLAIN else f"{row.loss:.1f} ± {row.margin:.1f}"
    before = [s.undeclined_exact_match, s.undeclined_f1]
    after = [s.exact_match, s.f1, s.right_kept, s.declined]
    cells = [row.name, *map(_figure, before), loss, *map(_figure, after)]
    return _line(cells)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def main(arguments: Sequence[str] | None = None, engine: Engine | None = None) -> None:
    """Run the measurements given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE", help="questions in SQuAD's format")
    parser.add_argument("--limit", type=int, default=QUESTIONS, metavar="N", help=f"how many of them ({QUESTIONS})")
    parser.add_argument("--reader", metavar="NAME", help="a reader, as for verbatim evaluate")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="only this variant; may be repeated")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed of mistakes, names and dates (0)")
    given = parser.parse_args(arguments)
    if given.limit < 1:
        parser.error(f"--limit={given.limit} is less than 1")
    try:
        run(given, engine)
    except (VerbatimError, OSError) as error:
        sys.exit(f"robustness: {error}")


def run(given: argparse.Namespace, engine: Engine | None) -> None:
    """Measure and print the table."""
    questions = sample(load_questions(given.file), given.limit)
    settings = read_settings(reader=given.reader)
    say = _say if sys.stderr.isatty() else lambda _: None
    with (
        tempfile.TemporaryDirectory() as scratch,
        corpus_answerer({}, settings, Path(scratch), engine=engine) as answerer,
    ):
        print(
            f"{len(questions)} questions of {given.file.name}, reader {settings.reader or 'fast'}, seed {given.seed}\n"
        )
        print(_line(COLUMNS), _line(["---"] * len(COLUMNS)), sep="\n")
        for row in measure(answerer, questions, given.variant or VARIANTS, given.seed, say):
            print(line(row), flush=True)


def _say(words: str) -> None:
    print(f"\r\x1b[K{words}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
