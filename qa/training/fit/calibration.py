"""Fits the confidence of answers, and the threshold below which a question is declined."""

import hashlib
import itertools
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from index.errors import first_fault
from index.pretrained import hash_weights
from index.records import Hit
from index.retrieval.embedding import embedder_folder
from index.settings import Settings
from qa.answerer import QuestionAnswerer
from qa.decision.decider import Decider
from qa.decision.features import features
from qa.decision.grouping import Group, group
from qa.engine import Engine, default_engine
from qa.evaluation.metrics import (
    Article,
    EvaluationError,
    Question,
    calibration_error,
    corpus_answerer,
    is_right,
    load_articles,
)
from qa.evaluation.prediction_log import check_writable, write_whole
from qa.reader.passage_selection import worth_reading
from qa.records.calibration import Calibration
from qa.records.span import Span
from qa.text.normalization import f1
from qa.training.data.questions import DataError
from qa.training.data.resumable_file import append, take_up

KEEP_RIGHT = 0.85
"""Share of the right answers that the threshold keeps."""

ANSWERABLE_SHARE = 2 / 3
"""Weight of answerable questions in the fit: most questions that users ask of their own documents have an answer."""

QUESTIONS_OF_A_KIND = 600
_FEWEST_GIVEN = 50
_FOLDS = 8
_FAST_WEIGHTS = (0.25, 0.5, 1.0)
_TEMPERATURES = (1.0, 2.0, 3.0, 5.0)
_RETRIEVAL_WEIGHTS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about an article, asked of all articles, of all others, or of one paragraph.

    Attributes:
        article: The article it is about.
        question: The question.
        answers: Human answers; empty if it has no answer.
        elsewhere: Whether it is asked of all articles except its own.
        paragraph: The paragraph that is read without retrieval; "" to retrieve.
    """

    article: str
    question: str
    answers: tuple[str, ...]
    elsewhere: bool = False
    paragraph: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """The passages retrieved and spans read for a question."""

    asked: Asked
    hits: Sequence[Hit]
    spans: Sequence[Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A line in the file of intermediate results.

    Attributes:
        models: Hash of the weights that retrieved and read it.
        read: The result.
    """

    models: str
    read: Read


_KEPT = TypeAdapter(Kept)


def plan(
    answerable: Path, unanswerable: Path, n: int = QUESTIONS_OF_A_KIND
) -> tuple[dict[str, list[str]], list[Asked]]:
    """Choose questions about all articles.

    Args:
        answerable: A file in the format of SQuAD 1.1.
        unanswerable: A file in the format of SQuAD 2.0, about some of the same articles.
        n: Most questions of a kind.

    Returns:
        Paragraphs by article, and up to `n` questions of each of five kinds: answerable ones, and ones that look
        answerable but are not, asked of all articles; others of both kinds, asked of their own paragraph; and
        answerable ones asked of all articles except their own.

    Raises:
        DataError: A file cannot be used, or has no questions of a kind that the fit needs.
    """
    articles, other = _read_articles(answerable), _read_articles(unanswerable)
    answers, traps = [], []
    for title in sorted(articles):
        answers += [_asked(title, q) for q in articles[title].questions if q.answers]
        traps += [_asked(title, q) for q in other[title].questions if not q.answers] if title in other else []
    rng = random.Random(0)  # noqa: S311 (no secret)
    rng.shuffle(answers)
    rng.shuffle(traps)
    retrieved = [replace(asked, paragraph="") for asked in answers[:n] + traps[:n]]
    strangers = [replace(asked, answers=(), elsewhere=True, paragraph="") for asked in answers[n : 2 * n]]
    chosen = retrieved + strangers + answers[-n:] + traps[-n:]
    if not answers:
        raise DataError(f"{answerable} has no question with an answer; give another file")
    if not traps:
        raise DataError(f"{unanswerable} has no question without an answer about the same articles; give another file")
    return {title: list(article.paragraphs) for title, article in articles.items()}, chosen


def _asked(title: str, question: Question) -> Asked:
    return Asked(title, question.text, question.answers, paragraph=question.paragraph)


def _read_articles(path: Path) -> dict[str, Article]:
    try:
        articles = load_articles(path)
    except EvaluationError as error:
        raise DataError(str(error)) from error
    by_title: dict[str, Article] = {}
    for article in articles:
        if not article.title or article.title in by_title:
            raise DataError(f"{path} has the title {article.title!r} twice, or an article without; make titles unique")
        by_title[article.title] = article
    return by_title


def read_all(
    paragraphs: dict[str, list[str]],
    asked: Sequence[Asked],
    settings: Settings,
    say: Callable[[str], None],
    keep: Path | None = None,
    engine: Engine | None = None,
) -> list[Read]:
    """Retrieve and read for every question.

    Args:
        paragraphs: Texts by article; each is a document.
        asked: The questions.
        settings: The models.
        say: Prints progress.
        keep: A .jsonl file for intermediate results; those already in it are reused. None keeps nothing.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        The result for each question.

    Raises:
        DataError: The file has results of other models or other questions, or cannot be written.
    """
    names = {text: f"{title}/{i}" for title, texts in paragraphs.items() for i, text in enumerate(texts)}
    runs_on = default_engine() if engine is None else engine
    reader = runs_on.reader(settings)
    weights = hash_weights(embedder_folder(settings)) + reader.fingerprint
    models = hashlib.sha256(weights.encode()).hexdigest()
    found = [] if keep is None else _kept(keep, models, asked)
    if found:
        say(f"resuming after {len(found)} of {len(asked)} questions")
    if len(found) == len(asked):
        return found
    with (
        tempfile.TemporaryDirectory() as scratch,
        corpus_answerer(names, settings, Path(scratch), engine=runs_on) as answerer,
    ):
        for number, one in enumerate(asked[len(found) :], len(found) + 1):
            hits = _retrieve(answerer, one, list(names.values()))
            new = Read(one, hits, reader.read(answerer.as_meant(one.question), hits))
            found.append(new)
            if keep is not None:
                append(keep, [_KEPT.dump_json(Kept(models, new)).decode()])
            if number % 200 == 0:
                say(f"read for {number} of {len(asked)} questions")
        return found


def _kept(keep: Path, models: str, asked: Sequence[Asked]) -> list[Read]:
    """Load an earlier run's results, which are those of the first questions."""

    def parse(path: Path, number: int, line: bytes) -> Read:
        where = f"{path}, line {number}"
        try:
            kept = _KEPT.validate_json(line)
        except ValidationError as error:
            raise DataError(f"{where} is not a record of verbatim train confidence: {first_fault(error)}") from error
        if kept.models != models:
            raise DataError(f"{where} was read by other models: use those, or a new file")
        if number > len(asked) or kept.read.asked != asked[number - 1]:
            raise DataError(f"{where} is of other data or another number of questions: use those, or a new file")
        return kept.read

    return take_up(keep, parse)


def _retrieve(answerer: QuestionAnswerer, asked: Asked, names: list[str]) -> list[Hit]:
    if asked.paragraph:
        return [answerer.as_hit(asked.question, asked.paragraph)]
    others = [name for name in names if not name.startswith(f"{asked.article}/")] if asked.elsewhere else None
    return worth_reading(answerer.search(asked.question, within=others))


def fit(found: Sequence[Read], threshold_keeps: float = KEEP_RIGHT) -> Calibration:
    """Choose the weights of reader and retrieval, then fit the confidence by logistic regression (Platt 1999).

    Args:
        found: Results for the questions.
        threshold_keeps: Share of the right answers that the threshold keeps.

    Returns:
        The calibration.
    """
    answerable = [r for r in found if r.asked.answers]
    in_a_row = any(span.fast_score for r in found for spans in r.spans for span in spans)
    fast_weights = (0.0, *_FAST_WEIGHTS) if in_a_row else (0.0,)
    weighed = itertools.product(fast_weights, _TEMPERATURES, _RETRIEVAL_WEIGHTS)
    grid = [Calibration(f, t, w, 0.0, {}, 0.0, 0.0, ()) for f, t, w in weighed]
    base = max(grid, key=lambda calibration: _mean_f1(answerable, calibration))
    table, right, is_answerable = tabulate(found, base)
    names = list(table[0])
    values = np.array([[row[name] for name in names] for row in table])
    weights = _balanced(is_answerable)
    model = _model().fit(values, right, sample_weight=weights)
    confidence: NDArray[np.float64] = model.predict_proba(values)[:, 1]
    fitted = Calibration(
        fast=base.fast,
        temperature=base.temperature,
        retrieval=base.retrieval,
        null=base.null,
        features={name: round(float(weight), 3) for name, weight in zip(names, model.coef_[0], strict=True)},
        intercept=round(float(model.intercept_[0]), 3),
        threshold=round(float(np.quantile(confidence[right], 1 - threshold_keeps)), 3),
        risk=risk_by_threshold(confidence, right, weights),
    )
    return replace(fitted, coverage=coverage_by_threshold(found, fitted))


def _balanced(is_answerable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return weights that give answerable questions a share of `ANSWERABLE_SHARE`."""
    share = is_answerable.mean()
    weights: NDArray[np.float64] = np.where(
        is_answerable, ANSWERABLE_SHARE / share, (1 - ANSWERABLE_SHARE) / (1 - share)
    )
    return weights


def _model() -> LogisticRegression:
    return LogisticRegression(C=10, max_iter=1000)


@dataclass(frozen=True, slots=True)
class Check:
    """Figures for one way of asking, on articles left out of the fit.

    Attributes:
        kept: Share of the right answers that are given, 0 to 1.
        declined: Share declined of the questions that only look answerable, 0 to 1.
        strangers: The same for questions asked of all articles except their own; None if there are none.
        auroc: Area under the ROC curve of answerable against unanswerable questions.
        error: Calibration error, with questions weighted as in the fit.
    """

    kept: float
    declined: float
    strangers: float | None
    auroc: float
    error: float


def cross_check(found: Sequence[Read], calibration: Calibration) -> dict[str, Check]:
    """Cross-validate the confidence: refit without some articles in turn, and measure on questions about those.

    The threshold and the weights of reader and retrieval stay as fitted on all articles.

    Args:
        found: Results for the questions.
        calibration: The calibration fitted on them.

    Returns:
        The figures, for "retrieving" and "reading".

    Raises:
        DataError: All questions are about one article.
    """
    found = [one for one in found if group(one.hits, one.spans, calibration)]
    table, right, is_answerable = tabulate(found, calibration)
    values = np.array([list(row.values()) for row in table])
    weights, articles = _balanced(is_answerable), np.array([one.asked.article for one in found])
    n_articles = len(set(articles))
    if n_articles == 1:
        raise DataError("all questions are about one article: the fit cannot be checked; give another file")
    confidence = np.zeros(len(right))
    for kept, left_out in GroupKFold(min(_FOLDS, n_articles)).split(values, right, articles):
        model = _model().fit(values[kept], right[kept], sample_weight=weights[kept])
        confidence[left_out] = model.predict_proba(values[left_out])[:, 1]
    reads = np.array([bool(one.asked.paragraph) for one in found])
    strange = np.array([one.asked.elsewhere for one in found])
    given = confidence >= calibration.threshold

    def check(asked: NDArray[np.bool_]) -> Check:
        traps, strangers = asked & ~is_answerable & ~strange, asked & strange
        told = asked & ~strange
        return Check(
            kept=float(given[asked & right].mean()),
            declined=float(1 - given[traps].mean()),
            strangers=float(1 - given[strangers].mean()) if strangers.any() else None,
            auroc=float(roc_auc_score(is_answerable[told], confidence[told])),
            error=calibration_error(confidence[asked], right[asked], weights[asked]),
        )

    return {"retrieving": check(~reads), "reading": check(reads)}


def coverage_by_threshold(
    found: Sequence[Read], calibration: Calibration
) -> tuple[tuple[float, float, float, float], ...]:
    """Measure the share of questions that are answered at each threshold, the price of a low risk.

    Args:
        found: Results for the questions.
        calibration: The calibration fitted on them.

    Returns:
        Each threshold of `calibration.risk`, with the share answered of the answerable questions, of the unanswerable
        ones, and of those asked of all articles except their own; 0 where there are none of a kind.
    """
    decider = Decider(calibration)
    kinds: tuple[list[float], list[float], list[float]] = ([], [], [])
    for one in found:
        kind = 0 if one.asked.answers else 2 if one.asked.elsewhere else 1
        best = next(iter(decider.decide(one.asked.question, one.hits, one.spans)), None)
        kinds[kind].append(-1.0 if best is None else best.confidence)

    def share(kind: int, threshold: float) -> float:
        return round(sum(c >= threshold for c in kinds[kind]) / max(1, len(kinds[kind])), 3)

    return tuple((t, share(0, t), share(1, t), share(2, t)) for t, _ in calibration.risk)


def risk_by_threshold(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """Measure the share of given answers that are wrong at each threshold: the risk of a selective classifier.

    El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification". If a higher threshold did
    worse by chance, lower ones are given its share, so that the share never rises with the threshold.

    Args:
        confidence: `(n,)` confidence of each question's best answer, 0 to 1.
        right: `(n,)` whether it is right.
        weights: `(n,)` weight of each question.

    Returns:
        Thresholds with shares of wrong answers, as long as at least 50 answers are given.
    """
    thresholds = [t for t in np.arange(0, 1, 0.025).round(3) if (confidence >= t).sum() >= _FEWEST_GIVEN]
    wrong = [
        float(np.average(~right[given], weights=weights[given])) for given in (confidence >= t for t in thresholds)
    ]
    charged = np.maximum.accumulate(wrong[::-1])[::-1]
    return tuple((float(t), round(float(share), 3)) for t, share in zip(thresholds, charged, strict=True))


def _mean_f1(found: Sequence[Read], calibration: Calibration) -> float:
    best = [(r, group(r.hits, r.spans, calibration)) for r in found]
    return float(np.mean([f1(_words(groups[0]) if groups else "", r.asked.answers) for r, groups in best]))


def _words(candidate: Group) -> str:
    best = candidate.best
    passage = best.hit.passage
    return passage.text[best.start - passage.start : best.end - passage.start]


def tabulate(
    found: Sequence[Read], calibration: Calibration
) -> tuple[list[dict[str, float]], NDArray[np.bool_], NDArray[np.bool_]]:
    """Compute the features of the best answer to each question that has a candidate.

    Args:
        found: Results for the questions.
        calibration: Weights of reader and retrieval.

    Returns:
        Features, whether the answer is right, and whether the question is answerable; each of length n.
    """
    rows, right, answerable = [], [], []
    for one in found:
        groups = group(one.hits, one.spans, calibration)
        if groups:
            rows.append(features(one.asked.question, groups[0]))
            right.append(is_right(_words(groups[0]), one.asked.answers))
            answerable.append(bool(one.asked.answers))
    return rows, np.array(right), np.array(answerable)


def run(
    answerable: Path,
    unanswerable: Path,
    out: Path,
    settings: Settings,
    say: Callable[[str], None],
    n: int = QUESTIONS_OF_A_KIND,
    keep: Path | None = None,
    engine: Engine | None = None,
) -> tuple[Calibration, dict[str, Check]]:
    """Fit and write the calibration, and measure it on articles left out of the fit.

    Args:
        answerable: A file in the format of SQuAD 1.1.
        unanswerable: A file in the format of SQuAD 2.0.
        out: File to write the calibration to.
        settings: The models.
        say: Prints a line.
        n: Most questions of a kind.
        keep: A .jsonl file of intermediate results, from which an interrupted run resumes. None keeps nothing.
        engine: Runs the models; None is the one that this process shares.

    Returns:
        The calibration, and the checks by way of asking; empty if there are too few questions.

    Raises:
        DataError: A file cannot be used.
        ParameterError: `out` cannot be written; raised before the hours of work begin.
    """
    check_writable("out", out)
    paragraphs, asked = plan(answerable, unanswerable, n)
    found = read_all(paragraphs, asked, settings, say, keep, engine)
    calibration = fit(found)
    write_whole(out, json.dumps(asdict(calibration), indent=2) + "\n")
    try:
        checks = cross_check(found, calibration)
    except (DataError, ValueError) as error:  # scikit-learn's, if a fold has questions of one kind only
        say(f"too few questions to check the fit: {error}")
        checks = {}
    for way, check in checks.items():
        strangers = "" if check.strangers is None else f", of those asked of other articles {check.strangers:.3f}"
        say(
            f"{way}, articles left out of the fit: right answers kept {check.kept:.3f}, declined of those that look"
            f" answerable {check.declined:.3f}{strangers}, AUROC {check.auroc:.3f}, calibration error {check.error:.3f}"
        )
    say(f"wrote {out}: {calibration}")
    return calibration, checks
