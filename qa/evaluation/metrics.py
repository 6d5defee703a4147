"""EM, F1, recall@k, MRR, AUROC, calibration error and seconds per question, on files in SQuAD's format."""

import collections
import hashlib
import json
import random
import reprlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from index.errors import ParameterError, VerbatimError
from index.pretrained import first_line
from index.records import Document, Hit, check_unicode
from index.retrieval.embedding import Embedder
from index.settings import Settings
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.question.checks import check_question
from qa.records.answer import Answer
from qa.text.normalization import exact_match, f1

RECALL_AT = (1, 5, 10)
Told = Callable[[int, int], None]
"""Progress callback, called with the number done and the total."""
Said = Callable[[str, Sequence["Question"], Sequence["Prediction"]], None]
"""Callback for a mode's results, called with the mode, its questions and its predictions."""

_CALIBRATION_BINS = 10
_RIGHT_F1 = 0.5
_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}
_Kind = TypeVar("_Kind")


class EvaluationError(VerbatimError):
    """A file of questions or predictions cannot be used."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with human answers.

    Attributes:
        id: Its id in the file.
        text: The question.
        paragraph: The text that it was asked about.
        answers: Human answers; empty if the paragraph has no answer.
    """

    id: str
    text: str
    paragraph: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """An article of a file in SQuAD's format.

    Attributes:
        title: Its title; "" if it has none.
        paragraphs: Its texts.
        questions: The questions about them.
    """

    title: str
    paragraphs: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A system's answer to a question.

    Attributes:
        text: Its best answer, given or declined; "" if it found nothing.
        confidence: Probability that it is right, 0 to 1.
        answered: Whether it was given.
        seconds: Time taken.
        rank: Rank of the question's paragraph among those retrieved, from 1; None if it was not retrieved.
    """

    text: str
    confidence: float
    answered: bool
    seconds: float = 0.0
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures over some questions. Percentages are 0 to 100, the rest 0 to 1; None where undefined.

    Attributes:
        questions: Number of questions.
        answerable: Number of questions that have an answer.
        exact_match: Percent answered with one of the human answers, or rightly declined.
        f1: Mean word overlap with the best human answer, in percent; for a question without an answer, declining
            counts 100 and answering 0.
        undeclined_exact_match: Percent of the answerable questions whose best answer is a human one, if nothing were
            declined.
        undeclined_f1: Mean F1 of their best answers, in percent, if nothing were declined.
        best_f1: F1 at the threshold that is best for these very questions: an upper bound, not a result.
        right_kept: Percent answered, of the answerable questions whose best answer is right.
        declined: Percent declined, of the questions without an answer.
        auroc: Probability that an answerable question has a higher confidence than one without an answer.
        calibration_error: Mean distance of confidence from the share of right answers, over ten bins of confidence,
            weighted by their counts (Guo et al. 2017).
        recall: Share of questions whose paragraph is among the first k retrieved, by k.
        mrr: Mean of 1 / rank of the paragraph, 0 if not retrieved.
        median_seconds: Median time per question.
    """

    questions: int
    answerable: int
    exact_match: float
    f1: float
    undeclined_exact_match: float | None
    undeclined_f1: float | None
    best_f1: float | None
    right_kept: float | None
    declined: float | None
    auroc: float | None
    calibration_error: float | None
    recall: dict[int, float] | None
    mrr: float | None
    median_seconds: float | None

    def as_dict(self) -> dict[str, object]:
        """Return the figures by name, for JSON."""
        return asdict(self)


def is_right(answer: str, gold: Sequence[str]) -> bool:
    """Return whether an answer is right, as predicted by the confidence: its F1 with a human answer is above 0.5."""
    return bool(gold) and f1(answer, gold) > _RIGHT_F1


def score(questions: Sequence[Question], predictions: Sequence[Prediction]) -> Scores:
    """Compute a system's figures.

    Args:
        questions: The questions, at least one.
        predictions: Its predictions, in the same order.

    Returns:
        The figures.
    """
    said = [p.text if p.answered else "" for p in predictions]
    golds = [q.answers for q in questions]
    confidence = np.array([p.confidence for p in predictions])
    right = np.array([is_right(p.text, gold) for p, gold in zip(predictions, golds, strict=True)])
    answered = np.array([p.answered for p in predictions])
    answerable = np.array([bool(gold) for gold in golds])
    ranks = [p.rank for p, gold in zip(predictions, golds, strict=True) if gold]
    best = [(p.text, gold) for p, gold in zip(predictions, golds, strict=True) if gold]
    has_ranks = any(rank is not None for rank in ranks)
    knows_confidence = len(set(confidence.tolist())) > 1
    return Scores(
        questions=len(questions),
        answerable=int(answerable.sum()),
        exact_match=_percent(exact_match(s, gold) for s, gold in zip(said, golds, strict=True)),
        f1=_percent(f1(s, gold) for s, gold in zip(said, golds, strict=True)),
        undeclined_exact_match=_percent(exact_match(text, gold) for text, gold in best) if best else None,
        undeclined_f1=_percent(f1(text, gold) for text, gold in best) if best else None,
        best_f1=_best_f1(golds, predictions) if knows_confidence else None,
        right_kept=_percent(answered[right]) if right.any() else None,
        declined=None if answerable.all() else _percent(~answered[~answerable]),
        auroc=_auroc(answerable, confidence) if knows_confidence else None,
        calibration_error=calibration_error(confidence, right) if knows_confidence else None,
        recall={k: _share(rank is not None and rank <= k for rank in ranks) for k in RECALL_AT} if has_ranks else None,
        mrr=_share(0.0 if rank is None else 1 / rank for rank in ranks) if has_ranks else None,
        median_seconds=statistics.median(p.seconds for p in predictions) or None,
    )


def _share(values: Iterable[float]) -> float:
    return round(statistics.fmean(values), 4)


def _percent(values: Iterable[float]) -> float:
    return round(100 * statistics.fmean(values), 2)


def _best_f1(golds: Sequence[Sequence[str]], predictions: Sequence[Prediction]) -> float:
    """Return F1 at the best threshold, found by giving answers in order of falling confidence."""
    order = sorted(range(len(golds)), key=lambda i: -predictions[i].confidence)
    gains = [f1(predictions[i].text, golds[i]) - f1("", golds[i]) for i in order]
    declining = sum(f1("", gold) for gold in golds)
    best = max(0.0, float(np.max(np.cumsum(gains))))
    return round(100 * (declining + best) / len(golds), 2)


def _auroc(answerable: NDArray[np.bool_], confidence: NDArray[np.float64]) -> float | None:
    from sklearn.metrics import roc_auc_score  # takes seconds to import

    if answerable.all() or not answerable.any():
        return None
    return round(float(roc_auc_score(answerable, confidence)), 4)


def calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> float:
    """Return the expected calibration error over ten equal bins (Guo et al. 2017, equation 3).

    Args:
        confidence: `(n,)`, 0 to 1.
        right: `(n,)`, whether the answer was right.
        weights: `(n,)`, weight of each question; None weights all equally.

    Returns:
        0 to 1; 0 is perfect.
    """
    bins = np.minimum((confidence * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    counts = np.ones(len(right)) if weights is None else weights
    gaps = (abs(((confidence - right) * counts)[bins == b].sum()) for b in set(bins))
    return round(float(sum(gaps) / counts.sum()), 4)


def load_questions(path: Path) -> list[Question]:
    """Load the questions of a file in SQuAD's format, 1.1 or 2.0.

    Args:
        path: The file.

    Returns:
        Its questions, in order.

    Raises:
        EvaluationError: The file is invalid, as in `load_articles`.
    """
    return [question for article in load_articles(path) for question in article.questions]


def load_articles(path: Path) -> list[Article]:
    """Load the articles of a file in SQuAD's format, 1.1 or 2.0.

    Args:
        path: The file.

    Returns:
        Its articles, in order.

    Raises:
        EvaluationError: The file cannot be read, has another format, no questions, an invalid question, the same id
            twice, or an answer that is not at its offset; the message names the record.
    """
    data = _field(_read_json(path), "data", list, str(path))
    articles = [_article(entry, path, f"{path}, article {number}") for number, entry in enumerate(data, 1)]
    ids = collections.Counter(question.id for article in articles for question in article.questions)
    if not ids:
        raise EvaluationError(f"{path} has no questions")
    twice = next((id_ for id_, count in ids.items() if count > 1), None)
    if twice is not None:
        raise EvaluationError(f"{path} has the id {twice!r} twice")
    return articles


def _article(entry: object, path: Path, where: str) -> Article:
    numbered = enumerate(_field(entry, "paragraphs", list, where), 1)
    paragraphs = [(paragraph, f"{where}, paragraph {number}") for number, paragraph in numbered]
    return Article(
        _field(entry, "title", str, where) if isinstance(entry, dict) and "title" in entry else "",
        tuple(_text(paragraph, "context", place) for paragraph, place in paragraphs),
        tuple(question for paragraph, place in paragraphs for question in _questions(paragraph, path, place)),
    )


def _questions(paragraph: object, path: Path, where: str) -> Iterator[Question]:
    context = _text(paragraph, "context", where)
    for number, entry in enumerate(_field(paragraph, "qas", list, where), 1):
        id_ = str(_field(entry, "id", object, f"{where}, question {number}"))
        place = f"{path}, question {id_!r}"
        text = _text(entry, "question", place)
        try:
            check_question(text)
        except ParameterError as error:
            raise EvaluationError(f"{place}: {error}") from error
        answers = [] if entry.get("is_impossible") else _field(entry, "answers", list, place)
        yield Question(id_, text, context, tuple(_gold(answer, context, place) for answer in answers))


def _gold(answer: object, context: str, where: str) -> str:
    text, start = _text(answer, "text", where), _field(answer, "answer_start", int, where)
    if not text or start < 0 or context[start : start + len(text)] != text:
        raise EvaluationError(f"{where}: {text!r} is not at offset {start}")
    return text


def _text(record: object, key: str, where: str) -> str:
    text = _field(record, key, str, where)
    try:
        return check_unicode(key, text)
    except ParameterError as error:
        raise EvaluationError(f"{where}: {error}") from error


def _field(record: object, key: str, kind: type[_Kind], where: str) -> _Kind:
    if not isinstance(record, dict):
        raise EvaluationError(f"{where} is not in SQuAD's format: {reprlib.repr(record)} is not an object")
    if key not in record:
        raise EvaluationError(f"{where} is not in SQuAD's format: it has no {key!r}")
    value = record[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise EvaluationError(f"{where} is not in SQuAD's format: {key}={reprlib.repr(value)} is not {_KINDS[kind]}")
    return value


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}; name a file that can") from error
    except (ValueError, RecursionError) as error:  # invalid UTF-8, invalid JSON, a million brackets
        raise EvaluationError(f"{path} is not JSON: {first_line(error)}") from error


def load_predictions(path: Path, questions: Sequence[Question]) -> list[Prediction]:
    """Load another system's predictions, `{id: text}` as for SQuAD's scorer; "" means declined.

    Args:
        path: The file.
        questions: The questions that it must answer.

    Returns:
        A prediction for each question, without confidence and time.

    Raises:
        EvaluationError: The file cannot be read, has another format, or lacks a question.
    """
    said = _read_json(path)
    if not isinstance(said, dict):
        raise EvaluationError(f"{path} is not of the form {{id: text}}: {reprlib.repr(said)} is not an object")
    for id_, text in said.items():
        if not isinstance(text, str):
            raise EvaluationError(
                f"{path} is not of the form {{id: text}}: {id_!r} is {reprlib.repr(text)}, not a string"
            )
    missing = [q.id for q in questions if q.id not in said]
    if missing:
        raise EvaluationError(f"{path} has no prediction for question {missing[0]!r}, nor for {len(missing) - 1} more")
    return [Prediction(said[q.id], 1.0, bool(said[q.id])) for q in questions]


def sample(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """Draw a number of questions at random, always the same from the same file; None draws all."""
    if limit is None or limit >= len(questions):
        return list(questions)
    return random.Random(0).sample(questions, limit)  # noqa: S311 (no secret)


def evaluate_reading(answerer: QuestionAnswerer, questions: Sequence[Question], on_progress: Told) -> list[Prediction]:
    """Ask each question of its own paragraph, read as a single passage.

    Args:
        answerer: The answerer; its own documents are not searched.
        questions: The questions.
        on_progress: Called with the number done and the total.

    Returns:
        Predictions in the same order.
    """
    predictions = []
    for done, question in enumerate(questions, 1):
        began = time.perf_counter()
        answer = answerer.read(question.text, question.paragraph)
        predictions.append(_prediction(answer, time.perf_counter() - began, None))
        on_progress(done, len(questions))
    return predictions


def evaluate_retrieving(
    questions: Sequence[Question],
    paragraphs: Sequence[str],
    settings: Settings,
    on_progress: Told,
    engine: Engine | None = None,
) -> list[Prediction]:
    """Ask each question of all paragraphs, each a document in a temporary index.

    Args:
        questions: The questions.
        paragraphs: The documents.
        settings: How to index and answer.
        on_progress: Called with the number done and the total.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        Predictions in the same order.
    """
    names = unspoken_names(paragraphs)
    with (
        tempfile.TemporaryDirectory() as scratch,
        corpus_answerer(names, settings, Path(scratch), engine=engine) as answerer,
    ):
        predictions = []
        for done, question in enumerate(questions, 1):
            began = time.perf_counter()
            answer = answerer.ask(question.text)
            seconds = time.perf_counter() - began
            rank = rank_of(names[question.paragraph], answerer.search(question.text))
            predictions.append(_prediction(answer, seconds, rank))
            on_progress(done, len(questions))
    return predictions


def unspoken_names(texts: Iterable[str]) -> dict[str, str]:
    """Return a name for each distinct text that says nothing: words and numbers of names are searched, hashes are not.

    Args:
        texts: The texts.

    Returns:
        Names by text, in the order of the texts.
    """
    return {text: f"{hashlib.sha256(text.encode()).hexdigest()}.txt" for text in texts}


def corpus_answerer(
    names: Mapping[str, str],
    settings: Settings,
    scratch: Path,
    embedder: Embedder | None = None,
    engine: Engine | None = None,
) -> QuestionAnswerer:
    """Create an answerer over texts that are not files.

    Args:
        names: Name by text.
        settings: How to index and answer; its `index_dir` is ignored.
        scratch: An empty folder for the index.
        embedder: Used instead of the configured one.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        The answerer; its documents have no titles.
    """
    (scratch / "documents").mkdir()
    own = settings.model_copy(update={"index_dir": scratch / "index"})
    answerer = QuestionAnswerer(scratch / "documents", own, embedder=embedder, engine=engine)
    answerer.write(Document(name, text, "", hashlib.sha256(text.encode()).hexdigest()) for text, name in names.items())
    return answerer


def rank_of(name: str, hits: Sequence[Hit]) -> int | None:
    """Return a document's rank among those that the passages come from, from 1; None if it is not among them."""
    order = list(dict.fromkeys(hit.passage.document for hit in hits))
    return order.index(name) + 1 if name in order else None


def _prediction(answer: Answer, seconds: float, rank: int | None) -> Prediction:
    text = answer.text if answer.answered else next((other.text for other in answer.alternatives), "")
    return Prediction(text, answer.confidence, answer.answered, seconds, rank)


def evaluate_file(
    path: Path,
    modes: Sequence[str],
    limit: int | None,
    predictions: Path | None,
    on_progress: Told,
    settings: Settings,
    on_said: Said | None = None,
    engine: Engine | None = None,
) -> list[tuple[str, Scores]]:
    """Evaluate our answers, and another system's predictions, on a file of questions.

    Args:
        path: Questions in SQuAD's format.
        modes: "read" (from the given paragraph), "retrieve" (from all paragraphs of the file), or both.
        limit: Number of questions, drawn at random; None is all.
        predictions: File of another system's answers to the same questions.
        on_progress: Called with the number done and the total.
        settings: How to index and answer.
        on_said: Called at the end of each mode with its predictions.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        Name of each system, with its figures.

    Raises:
        EvaluationError: A file cannot be used.
    """
    everything = load_questions(path)
    questions = sample(everything, limit)
    others = [] if predictions is None else [(predictions.name, load_predictions(predictions, questions))]
    said: list[tuple[str, Sequence[Prediction]]] = []
    if "read" in modes:
        with (
            tempfile.TemporaryDirectory() as scratch,
            corpus_answerer({}, settings, Path(scratch), engine=engine) as answerer,
        ):
            said.append(("reading", evaluate_reading(answerer, questions, on_progress)))
        if on_said is not None:
            on_said("read", questions, said[-1][1])
    if "retrieve" in modes:
        paragraphs = [question.paragraph for question in everything]
        said.append(("retrieving", evaluate_retrieving(questions, paragraphs, settings, on_progress, engine)))
        if on_said is not None:
            on_said("retrieve", questions, said[-1][1])
    return [(system, score(questions, given)) for system, given in [*said, *others]]
