"""Metrics of questions from every interface, and a log line for each."""

import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from index.birth_certificate import our_version
from index.errors import VerbatimError
from qa.answerer import QuestionAnswerer
from qa.pipeline import Stage
from qa.records.answer import Answer
from qa.records.turn import Kind, Turn

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds: from the fast reader alone to a long queue for the accurate one."""

_WAITING = "waiting"
_TELLING = "telling"

access_log = logging.getLogger("verbatim.access")


class Door(StrEnum):
    """The interface through which a question was asked."""

    PAGE = "page"
    API = "api"
    GRADIO = "gradio"
    MCP = "mcp"


class Outcome(StrEnum):
    """The outcome of a question."""

    ANSWERED = "answered"
    DECLINED = "declined"
    TALK = "talk"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"


class StoppedError(Exception):
    """Raised out of `on_stage` to stop answering: the answer is no longer wanted."""


class Measured:
    """Measures the time of each stage of a question that is being answered, and its outcome."""

    def __init__(self, door: Door, request_id: str) -> None:
        """Start measuring.

        Args:
            door: The interface.
            request_id: The question's id in the log.
        """
        self.door = door
        self.request_id = request_id
        self.outcome = Outcome.FAILED
        self.reason = ""
        self.hurried = False
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._began = self._changed = time.perf_counter()
        self._stage: str = _WAITING

    def on_stage(self, stage: Stage) -> None:
        """Record that a new stage begins; passed to `QuestionAnswerer.adjusted`.

        Args:
            stage: The stage.
        """
        if stage is Stage.SEARCHING and self._stage == _TELLING:
            self._stage = _WAITING  # a conversation may ask several questions, and each waits its turn
        self._go_on_to(_TELLING if stage is Stage.DONE else stage)

    def came_out(self, said: Answer | Turn) -> None:
        """Record the outcome.

        Args:
            said: The answer, or the turn of a conversation.
        """
        self.outcome, self.reason = _outcome(said)
        answer = said.answer if isinstance(said, Turn) else said
        self.hurried = answer is not None and answer.hurried

    def failed(self, error: BaseException) -> None:
        """Record an error as the outcome.

        Args:
            error: A `VerbatimError` means refused, `StoppedError` or cancellation means stopped, anything else failed.
        """
        self.outcome, self.reason = Outcome.FAILED, ""
        if isinstance(error, VerbatimError):
            self.outcome, self.reason = Outcome.REFUSED, type(error).__name__
        elif isinstance(error, StoppedError) or not isinstance(error, Exception):
            self.outcome = Outcome.STOPPED

    def end(self) -> float:
        """Stop measuring.

        Returns:
            Seconds since the start.
        """
        self._go_on_to("")
        return self._changed - self._began

    def _go_on_to(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] += now - self._changed
        self._changed, self._stage = now, stage


class Metrics:
    """Counters and times of one application, in their own registry."""

    def __init__(self, answerer: QuestionAnswerer, *, log_questions: bool = False) -> None:
        """Start counting.

        Args:
            answerer: The answerer whose index is measured.
            log_questions: Whether to log the text of questions.
        """
        self._log_questions = log_questions
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(_IndexCollector(answerer))
        self._questions = Counter(
            "verbatim_questions",
            "Questions by interface and outcome.",
            ["door", "outcome", "reason"],
            registry=registry,
        )
        self._hurried = Counter(
            "verbatim_questions_hurried",
            "Questions that waited so long that only the fast reader read, by interface.",
            ["door"],
            registry=registry,
        )
        self._asked = Gauge(
            "verbatim_questions_in_progress", "Questions asked and not yet answered.", ["door"], registry=registry
        )
        self._whole = Histogram(
            "verbatim_question_seconds",
            "Seconds from the question to the answer.",
            ["door"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "verbatim_stage_seconds",
            "Seconds per stage of a question: waiting for the inference thread, searching, reading, deciding and"
            " responding.",
            ["stage"],
            buckets=_BUCKETS,
            registry=registry,
        )

    @contextmanager
    def question(self, door: Door, text: str, request_id: str | None = None) -> Iterator[Measured]:
        """Measure, count and log a question in a `with` block.

        Args:
            door: The interface.
            text: The question.
            request_id: The question's id in the log; None generates one.

        Yields:
            The measurement, to be told stages and outcome; an error that leaves the block is recorded by itself.
        """
        asked = Measured(door, uuid.uuid4().hex if request_id is None else request_id)
        with self._asked.labels(door).track_inprogress():
            try:
                yield asked
            except BaseException as error:
                asked.failed(error)
                raise
            finally:
                self._note(asked, text)

    def page(self, accepted: str) -> tuple[bytes, str]:
        """Return all metrics in a format of Prometheus.

        Args:
            accepted: The request's Accept header.

        Returns:
            The text, and its media type.
        """
        encode, media_type = choose_encoder(accepted)
        return encode(self._registry), media_type

    def _note(self, asked: Measured, text: str) -> None:
        whole = asked.end()
        self._questions.labels(asked.door, asked.outcome, asked.reason).inc()
        self._whole.labels(asked.door).observe(whole)
        self._hurried.labels(asked.door).inc(asked.hurried)
        for stage, seconds in asked.seconds.items():
            self._stages.labels(stage).observe(seconds)
        fields: dict[str, object] = {
            "request_id": asked.request_id,
            "door": asked.door,
            "outcome": asked.outcome,
            **({"reason": asked.reason} if asked.reason else {}),
            **({"hurried": True} if asked.hurried else {}),
            "seconds": {"whole": round(whole, 4), **{stage: round(s, 4) for stage, s in asked.seconds.items()}},
            **({"question": text} if self._log_questions else {}),
        }
        access_log.info("question", extra={"fields": fields})


class _IndexCollector(Collector):
    """Metrics of the index's size, read at every request."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        self._answerer = answerer

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("verbatim", "The running version.", value={"version": our_version()})
        readable = "Whether the index can be read."
        try:
            counts = self._answerer.counts()
        except VerbatimError:  # explained by /health
            yield GaugeMetricFamily("verbatim_index_readable", readable, 0)
            return
        yield GaugeMetricFamily("verbatim_index_readable", readable, 1)
        yield GaugeMetricFamily("verbatim_index_documents", "Documents in the index.", counts["documents"])
        yield GaugeMetricFamily("verbatim_index_passages", "Passages in the index.", counts["passages"])
        n_bytes = sum(map(_size, self._answerer.index_dir.iterdir()))
        yield GaugeMetricFamily("verbatim_index_bytes", "Bytes of the index's files on disk.", n_bytes)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the store's write-ahead log may be deleted at any time
        return 0


def _outcome(said: Answer | Turn) -> tuple[Outcome, str]:
    answer = said.answer if isinstance(said, Turn) else said
    if isinstance(said, Turn) and said.kind is Kind.TALK:
        return Outcome.TALK, ""
    if said.answered:
        return Outcome.ANSWERED, ""
    return Outcome.DECLINED, "" if answer is None or answer.reason is None else answer.reason.value
