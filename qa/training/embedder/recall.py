"""Measures an embedder's retrieval, alone and fused with FTS5, without reading."""

from collections.abc import Callable
from pathlib import Path

from index.retrieval.embedding import Embedder
from index.retrieval.fusion import FusionWeights
from index.settings import Settings
from qa.engine import Engine
from qa.evaluation.metrics import EvaluationError, load_articles, sample
from qa.training.fit.fusion import compare, figures, fit, retrieve

BOUND = "fusion, fitted here"

Table = dict[str, dict[str, float]]


def measure(
    file: Path,
    limit: int | None,
    settings: Settings,
    say: Callable[[str], None],
    embedder: Embedder | None = None,
    engine: Engine | None = None,
) -> Table:
    """Measure recall at 1, 5 and 10 and mean reciprocal rank of paragraphs, where each paragraph is a document.

    Args:
        file: Questions in SQuAD's format; those without an answer are left out.
        limit: Number of questions, drawn at random; None is all.
        settings: The embedder, and where it runs.
        say: Prints a line.
        embedder: Used instead of the configured one.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        Figures by name and ranking: the embedder, FTS5, both with the fusion weights that ship, and both with weights
        fitted to these very questions. The last is an upper bound, not a result, but good for comparing embedders,
        since each has its own best weights.

    Raises:
        EvaluationError: The file cannot be used, or none of its questions has an answer.
    """
    articles = load_articles(file)
    paragraphs = dict.fromkeys(paragraph for article in articles for paragraph in article.paragraphs)
    answerable = [question for article in articles for question in article.questions if question.answers]
    if not answerable:
        raise EvaluationError(f"{file} has no question with an answer")
    asked = sample(answerable, limit)
    say(f"{len(asked)} questions, {len(paragraphs)} paragraphs")
    pairs = [(question.text, question.paragraph) for question in asked]
    found = retrieve(pairs, paragraphs, settings, embedder, engine)
    fitted = fit({"": found})
    say(f"fitted here: {fitted}; ships: {FusionWeights()}")
    return compare(found, FusionWeights()) | {BOUND: figures(found, fitted)}


def lines(table: Table) -> list[str]:
    """Format the table for printing, one line per row."""
    heads = list(next(iter(table.values())))
    rows = [["", *heads], *([name, *(f"{row[head]:.4f}" for head in heads)] for name, row in table.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
