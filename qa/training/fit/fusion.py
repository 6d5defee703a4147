"""Fits the weights that fuse dense, lexical and proximity scores, and measures the result."""

import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from index.records import Hit, Vectors
from index.retrieval.embedding import Embedder, embedder_folder
from index.retrieval.fusion import FILE_NAME, FusionWeights, WeightsFile
from index.settings import Settings
from qa.engine import Engine, default_engine
from qa.evaluation.metrics import RECALL_AT, corpus_answerer, load_questions, sample, unspoken_names
from qa.evaluation.prediction_log import check_writable, write_whole
from qa.training.data.questions import ONE_GROUP_IN, DataError, Example, group_of, is_held_out, load_examples

QUESTIONS_PER_SOURCE = 400
_TOP_K = 100


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Passages retrieved for a question.

    Attributes:
        gold: Name of the document that answers it.
        names: `(n,)` names of the passages' documents.
        scores: `(n, 4)` cosine, BM25 divided by the question's best, and the two proximity figures.
    """

    gold: str
    names: Sequence[str]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, gold: str, hits: Sequence[Hit]) -> "Retrieved":
        """Build from search hits."""
        best = max((hit.bm25 for hit in hits), default=0.0) or 1.0
        rows = [(hit.cosine, hit.bm25 / best, hit.proximity.window, hit.proximity.phrases) for hit in hits]
        scores = np.array(rows, dtype=np.float64).reshape(-1, 4)
        return cls(gold, [hit.passage.document for hit in hits], scores)

    def rank(self, weights: NDArray[np.float64]) -> int | None:
        """Return the rank of the gold document, from 1; None if it was not found."""
        order = np.argsort(-(self.scores @ weights), kind="stable")
        seen = list(dict.fromkeys(self.names[i] for i in order))
        return seen.index(self.gold) + 1 if self.gold in seen else None

    def lexical(self) -> "Retrieved":
        """Return only the passages found lexically."""
        rows = [row for row, lexical in enumerate(self.scores[:, 1]) if lexical > 0]
        return Retrieved(self.gold, [self.names[row] for row in rows], self.scores[rows])


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of fitting.

    Attributes:
        weights: The weights.
        file: Where they were written.
        figures: Recall and mean reciprocal rank of either search alone and of their fusion, by name.
    """

    weights: FusionWeights
    file: Path
    figures: dict[str, dict[str, float]]


class AskedAhead:
    """An embedder that embeds all questions in advance, in batches."""

    def __init__(self, embedder: Embedder, questions: Sequence[str]) -> None:
        """Embed the questions.

        Args:
            embedder: Embeds the questions, and later any other texts.
            questions: The questions.
        """
        self._embedder = embedder
        self.name, self.fingerprint = embedder.name, embedder.fingerprint
        self.dimension, self.tokenizer = embedder.dimension, embedder.tokenizer
        self._known = dict(zip(questions, embedder.embed(questions), strict=True))

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """Embed texts, or return their known vectors."""
        if all(text in self._known for text in texts):
            return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(-1, self.dimension)
        return self._embedder.embed(texts, on_progress)


def held_out_questions(examples: Iterable[Example]) -> dict[str, tuple[list[tuple[str, str]], list[str]]]:
    """Return, by source, sampled questions with their texts, and all texts of the held-out groups."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for example in examples:
        if is_held_out(group_of(example), ONE_GROUP_IN):
            pairs[example.source].append((example.question, example.context))
    rng = random.Random(0)  # noqa: S311 (no secret)
    return {
        source: (rng.sample(found, min(QUESTIONS_PER_SOURCE, len(found))), list(dict.fromkeys(c for _, c in found)))
        for source, found in sorted(pairs.items())
    }


def retrieve(
    questions: Sequence[tuple[str, str]],
    texts: Iterable[str],
    settings: Settings,
    embedder: Embedder | None = None,
    engine: Engine | None = None,
) -> list[Retrieved]:
    """Search all texts for each question.

    Args:
        questions: Questions, each with the text that answers it.
        texts: The documents.
        settings: The embedder, and where it runs.
        embedder: Used instead of the configured one.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        The passages retrieved for each.
    """
    runs_on = default_engine() if engine is None else engine
    embeds = runs_on.embedder(settings) if embedder is None else embedder
    ahead = AskedAhead(embeds, [question for question, _ in questions])
    names = unspoken_names(texts)
    wide = settings.model_copy(update={"top_k": _TOP_K})
    with (
        tempfile.TemporaryDirectory() as scratch,
        corpus_answerer(names, wide, Path(scratch), ahead, runs_on) as answerer,
    ):
        return [Retrieved.of(names[text], answerer.search(question)) for question, text in questions]


def fit(by_source: dict[str, list[Retrieved]]) -> FusionWeights:
    """Fit weights by maximum likelihood of the gold passages, in a softmax over the candidates; sources count equally.

    Args:
        by_source: Passages retrieved for the questions of each source.

    Returns:
        The weights.
    """

    def loss(weights: NDArray[np.float64]) -> float:
        return float(np.mean([np.mean([_surprise(r, weights) for r in rows]) for rows in usable]))

    usable = [[r for r in rows if r.gold in r.names] for rows in by_source.values()]
    found = minimize(loss, np.array([10.0, 1.0, 1.0, 1.0]), method="L-BFGS-B")
    return FusionWeights(*(round(float(weight), 1) for weight in found.x))


def _surprise(retrieved: Retrieved, weights: NDArray[np.float64]) -> float:
    logits = retrieved.scores @ weights
    is_gold = np.array([name == retrieved.gold for name in retrieved.names])
    return float(logsumexp(logits) - logsumexp(logits[is_gold]))


def figures(rows: Sequence[Retrieved], weights: FusionWeights) -> dict[str, float]:
    """Return recall at 1, 5 and 10 and mean reciprocal rank of documents."""
    ranks = [r.rank(np.array(astuple(weights))) for r in rows]
    recall = {f"recall@{k}": np.mean([rank is not None and rank <= k for rank in ranks]) for k in RECALL_AT}
    return {name: round(float(value), 4) for name, value in recall.items()} | {
        "mrr": round(float(np.mean([0.0 if rank is None else 1 / rank for rank in ranks])), 4)
    }


def compare(rows: Sequence[Retrieved], weights: FusionWeights) -> dict[str, dict[str, float]]:
    """Return the figures of the embedder alone, of FTS5 alone, and of their fusion."""
    return {
        "embedder": figures(rows, FusionWeights(1.0, 0.0, 0.0, 0.0)),
        "FTS5": figures([row.lexical() for row in rows], FusionWeights(0.0, 1.0, 0.0, 0.0)),
        "fusion": figures(rows, weights),
    }


def run(
    data: Path,
    measure_on: Path,
    limit: int | None,
    out: Path | None,
    settings: Settings,
    say: Callable[[str], None],
    engine: Engine | None = None,
) -> Fitted:
    """Fit on held-out groups, compare with either search alone on a file in SQuAD's format, and write the weights.

    Args:
        data: Training data, of which one group in four is used.
        measure_on: Questions that nothing is fitted on.
        limit: Number of these to measure on; None is all.
        out: File to write the weights to; None is in the embedder's folder, where search reads them.
        settings: The embedder, and where it runs.
        say: Prints a line.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        The weights, the file they were written to, and the figures.

    Raises:
        DataError: `data` cannot be used, or has no group that is used for fitting.
        EvaluationError: `measure_on` cannot be used.
        ParameterError: `out` cannot be written.
    """
    everything = load_questions(measure_on)  # refused before hours are spent on the rest
    embedder = (default_engine() if engine is None else engine).embedder(settings)
    file = embedder_folder(settings) / FILE_NAME if out is None else out
    check_writable("out", file)
    held_out = held_out_questions(load_examples(data))
    if not held_out:
        raise DataError(f"{data} has no question in the one of {ONE_GROUP_IN} groups used for fitting; give more data")
    found = {}
    for source, (questions, texts) in held_out.items():
        found[source] = retrieve(questions, texts, settings, engine=engine)
        say(f"{source}: {len(questions)} questions, {len(texts)} texts")
    fitted = fit(found)
    say(f"fitted: {fitted}")
    texts = [question.paragraph for question in everything]
    asked = [(question.text, question.paragraph) for question in sample(everything, limit)]
    compared = compare(retrieve(asked, texts, settings, engine=engine), fitted)
    for name, found_by in compared.items():
        say(f"{name}: {found_by}")
    written = WeightsFile(embedder=embedder.name, embedder_sha256=embedder.fingerprint, weights=fitted)
    write_whole(file, f"{written.model_dump_json(indent=2)}\n")
    say(f"written: {file}")
    return Fitted(fitted, file, compared)
