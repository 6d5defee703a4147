"""What an embedder finds, alone and fused with FTS5, before anything is read."""

from collections.abc import Callable
from pathlib import Path

from index.retrieval.embedding import Embedder
from index.retrieval.hybrid import FusionWeights
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
    """Recall at 1, 5 and 10 and mean reciprocal rank of paragraphs, each paragraph of the file a document.

    Args:
        file: Questions in SQuAD's format; those without an answer are left out.
        limit: Ask only so many, drawn at random; None asks all.
        settings: Which embedder, where.
        say: Prints a line.
        embedder: Embeds in place of the one that the settings name.
        engine: What the models run on; None is the one that this process shares.

    Returns:
        Figures by name and by what ranks: the embedder, FTS5, both with the weights that ship, and both with
        weights fitted to these very questions: a bound, not a result, but what embedders can be compared by, as
        each has weights of its own.

    Raises:
        EvaluationError: The file cannot be used, or none of its questions has an answer.
    """
    articles = load_articles(file)
    paragraphs = dict.fromkeys(paragraph for article in articles for paragraph in article.paragraphs)
    answerable = [question for article in articles for question in article.questions if question.answers]
    if not answerable:
        raise EvaluationError(f"{file} holds no question with an answer")
    asked = sample(answerable, limit)
    say(f"{len(asked)} questions, {len(paragraphs)} paragraphs")
    pairs = [(question.text, question.paragraph) for question in asked]
    found = retrieve(pairs, paragraphs, settings, embedder, engine)
    fitted = fit({"": found})
    say(f"fitted here: {fitted}; ships: {FusionWeights()}")
    return compare(found, FusionWeights()) | {BOUND: figures(found, fitted)}


def lines(table: Table) -> list[str]:
    """The table as it is printed, a line each."""
    heads = list(next(iter(table.values())))
    rows = [["", *heads], *([name, *(f"{row[head]:.4f}" for head in heads)] for name, row in table.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
