"""The chat page: a conversation, beside it a panel for the quoted document, which the page's script opens."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import api

from index.errors import UnknownDocumentError, VerbatimError
from index.records import DocumentRecord, Passage
from qa.answerer import QuestionAnswerer
from qa.dialogue.conversation import Conversation
from qa.open_folder import default_folder
from qa.pipeline import OnStage, Stage
from qa.records.turn import Turn, mentioned_in, quoted_in
from qa.web.api.queued_ask import ask_in_turn
from qa.web.chat import rendering
from qa.web.chat.sent_question import Asked, read_asked, those_left
from qa.web.chat.transcript import Shown, Told, shown, shown_said
from qa.web.history.store import History, HistoryError, UnknownConversationError, said_of
from qa.web.observability.indexing import Indexing
from qa.web.observability.metrics import Door, Metrics, StoppedError
from qa.web.question_queue import QuestionQueue
from qa.web.security.browser_id import browser_of
from qa.web.security.sessions import VISITOR

SEED_EXAMPLES = (
    "when was Jamaat Ansarullah banned?",
    "Who was the suicide bomber?",
    "Where was Akmal Karimov trained?",
    "Who is the president of Tajikistan?",
)
_UNEXPECTED = "Something went wrong here, not with your question. The server's log says what."
_GONE = "A document was deleted while it was asked; ask again."
_CHANGED_SINCE = "changed"
"""Stands for the hash of a document that changed while it was asked; no document has this hash."""
_DELETED = "This conversation was deleted, or its address is wrong. What you ask begins a new one."
_ANOTHERS = "This is somebody else's conversation. What you ask goes into a copy of your own."

logger = logging.getLogger("verbatim")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user of the page.

    Attributes:
        browser: Hash of the browser's id; "" if it has none, and nothing is stored for it.
        page: The page's session.
        person: Whose share of the queue the questions take: the signed-in session, else the page.
    """

    browser: str
    page: str
    person: str = ""


class _Chat:
    """Handlers of the page's events. A failure becomes a line on the page."""

    def __init__(
        self,
        answerer: QuestionAnswerer,
        history: History | None = None,
        metrics: Metrics | None = None,
        queue: QuestionQueue | None = None,
        indexing: Indexing | None = None,
        *,
        signs_out: bool = False,
    ) -> None:
        self._answerer, self._signs_out = answerer, signs_out
        self._history = history
        self._metrics = Metrics(answerer) if metrics is None else metrics
        self._queue = QuestionQueue() if queue is None else queue
        self._indexing = Indexing() if indexing is None else indexing
        self._laid_out_with = answerer.state()

    def masthead(self) -> str:
        n_documents = self._answerer.counts()["documents"]
        progress = self._indexing.progress
        return rendering.masthead(self._answerer.folder.name, n_documents, progress, signs_out=self._signs_out)

    def head_line(self) -> dict[str, Any]:
        """Return the updated head line, or no change if the documents cannot be listed."""
        try:
            return {"masthead": self.masthead()}
        except Exception:
            logger.exception("the head line could not be updated")
            return {}

    def welcome(self) -> str:
        folder = self._answerer.folder
        examples = SEED_EXAMPLES if folder == default_folder().resolve() else ()
        return rendering.welcome(self._answerer.counts()["documents"], str(folder), examples)

    def refresh(self, told: Told) -> dict[str, Any]:
        """Return the changes since the page was laid out at the server's start, for a page that is being opened.

        Args:
            told: What was said before the page had finished opening.

        Returns:
            The parts to change.
        """
        try:
            if self._indexing.progress is None and self._answerer.state() == self._laid_out_with:
                return {}
            changed = {"masthead": self.masthead()}
            return changed if told.shown else {**changed, "log": self.welcome()}
        except Exception:
            logger.exception("the page could not be updated when it was opened")
            return {}

    def open_conversation(self, conversation: str, visitor: Visitor) -> dict[str, Any]:
        """Show a stored conversation.

        Args:
            conversation: Its id; "" starts a new one.
            visitor: Who opens it.

        Returns:
            The changes of the page.
        """
        try:
            told = self._kept(conversation, visitor)
            log = told.html if told.conversation else told.html + self.welcome()
            return {"masthead": self.masthead(), "log": log, "told": told}
        except VerbatimError as error:
            said = str(error)
        except Exception:
            logger.exception("a conversation could not be opened")
            said = _UNEXPECTED
        told = Told().noting(rendering.notice("", said))
        return {"log": told.html, "told": told}

    def _kept(self, conversation: str, visitor: Visitor) -> Told:
        if not conversation or self._history is None:
            return Told()
        try:
            found = self._history.conversation(conversation)
        except UnknownConversationError:
            return Told().noting(rendering.notice("", _DELETED))
        told = Told() if found.browser == visitor.browser else Told().noting(rendering.notice("", _ANOTHERS))
        return replace(told, conversation=conversation).caught_up(self._history.turns(conversation))

    def stop(self, visitor: Visitor) -> None:
        """Stop the page's question."""
        self._queue.stop(visitor.page)

    async def ask(self, sent: object, told: Told, visitor: Visitor) -> AsyncGenerator[dict[str, Any], None]:
        """Show the question at once, then its progress, then its answer.

        Args:
            sent: The question, in the form of `Asked`.
            told: The conversation so far.
            visitor: Who asks.

        Yields:
            The changes of the page. If closed early, the question is stopped.
        """
        question = str(sent.get("question", "")) if isinstance(sent, Mapping) else ""
        try:
            asked = read_asked(sent)
            told = await asyncio.to_thread(self._caught_up, told, asked.conversation)
            async with aclosing(self._steps(asked, told, visitor)) as steps:
                async for change in steps:
                    yield change
        except StoppedError:
            yield _changes(_stopped(asked, told))
        except UnknownDocumentError:  # a document was deleted after the question was sent
            yield _changes(told.noting(rendering.notice(question, _GONE)))
        except VerbatimError as error:
            yield _changes(told.noting(rendering.notice(question, str(error))))
        except Exception:
            logger.exception("a question could not be answered")
            yield _changes(told.noting(rendering.notice(question, _UNEXPECTED)))

    async def _steps(self, asked: Asked, told: Told, visitor: Visitor) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the changes of the page until a question is answered."""
        before = told.before(asked.in_place_of)
        is_shown = False
        work = partial(self._answer, asked, told, visitor)
        async with aclosing(self._queue.steps(visitor.page, work, visitor.person or None)) as steps:
            async for step in steps:
                if isinstance(step, Told):
                    yield _changes(step)
                    continue
                line = rendering.step(step.ahead, step.stage, is_further=step.is_further)
                pending = Shown.of(rendering.pending(asked.question, line))
                yield {"step": line} if is_shown else {"step": line, "log": before.adding(pending).html}
                is_shown = True

    async def ask_for_program(
        self, question: str, within: list[str] | None = None, max_wrong: float | None = None
    ) -> dict[str, Any]:
        """Answer a question by quoting the documents.

        Args:
            question: The question, 1,000 characters at most.
            within: Names of the documents to ask; None is all of them.
            max_wrong: Share of the given answers that may be wrong, 0 to 1; None uses the server's threshold.

        Returns:
            The fields of the answer; offsets count code points of the document's text.

        Raises:
            Error: The question is refused; the message says why.
        """
        try:
            with self._metrics.question(Door.GRADIO, question) as measured:
                asking = ask_in_turn(
                    self._queue, self._answerer, measured, question, within=within, max_wrong=max_wrong
                )
                return asdict(await asking)
        except VerbatimError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _caught_up(self, told: Told, conversation: str) -> Told:
        """Update the conversation from the history: the server was restarted, or another tab continued it."""
        if conversation != told.conversation:
            told = Told(conversation)
        if not told.conversation or self._history is None:
            return told
        kept = self._history.turns(told.conversation)
        return told.caught_up(kept) if kept else Told().noting(rendering.notice("", _DELETED))

    def _answer(self, asked: Asked, told: Told, visitor: Visitor, on_stage: OnStage) -> Told:
        """Answer a question and store the answer; runs on the question's own thread.

        Args:
            asked: The question.
            told: The conversation so far.
            visitor: Who asks.
            on_stage: Called at each stage.

        Returns:
            The conversation with the answer.

        Raises:
            StoppedError: The question was stopped.
            VerbatimError: The question is refused.
        """
        state, options = self._answerer.state(), asked.options
        within, gone = those_left(options.within, self._answerer.records(options.within or ()))
        before = told.before(asked.in_place_of).turns
        with self._metrics.question(Door.PAGE, asked.question) as measured:

            def on_each(stage: Stage) -> None:
                on_stage(stage)
                measured.on_stage(stage)

            # A reader chosen explicitly, even the default one, reads every question, however many wait.
            reader = options.reader or (self._answerer.reader if asked.is_patient else None)
            answerer = self._answerer.adjusted(reader=reader, max_wrong=options.max_wrong, on_stage=on_each)
            turn = Conversation(answerer, within, before).ask(asked.question, understood=asked.understood)
            on_stage(Stage.DONE)  # raises if stopped meanwhile, so that the answer is not stored
            measured.came_out(turn)
        told = self._keep(asked, told, turn, self._records_of(turn, state), visitor)
        if gone:
            told = told.noting(rendering.notice("", f"Not asked, as it is no longer there: {', '.join(gone)}"))
        return told

    def _records_of(self, turn: Turn, state: tuple[object, ...]) -> dict[str, DocumentRecord]:
        """Return the documents that a turn mentions; any that may have changed since `state` are marked as changed."""
        records = self._answerer.records(mentioned_in(turn))
        if self._answerer.state() == state:
            return records
        changed = {words.document for words in quoted_in(turn) if not self._stands(words)}
        return {
            name: replace(record, sha256=_CHANGED_SINCE) if name in changed else record
            for name, record in records.items()
        }

    def _stands(self, words: Passage) -> bool:
        try:
            return self._answerer.text(words.document)[words.start : words.end] == words.text
        except UnknownDocumentError:
            return False

    def _keep(
        self, asked: Asked, told: Told, turn: Turn, records: Mapping[str, DocumentRecord], visitor: Visitor
    ) -> Told:
        """Store a turn, then return the conversation with it."""
        said = said_of(turn, records)
        left = told.without(asked.in_place_of)
        on_page = shown_said(said, f"page-{secrets.token_hex(8)}")
        if self._history is None or not visitor.browser:
            return left.adding(on_page)
        replaced = [int(each.key) for each in told.shown if each.is_kept and each.key in asked.in_place_of]
        try:
            conversation, kept = self._history.add(told.conversation, visitor.browser, said, in_place_of=replaced)
            if told.conversation and conversation != told.conversation:  # a copy, whose turns have new keys
                return Told(conversation).caught_up(self._history.turns(conversation))
            return replace(left, conversation=conversation).adding(shown(kept))
        except HistoryError as error:
            logger.warning("%s", error)
            return left.adding(on_page).noting(rendering.notice("", f"This answer is not kept: {error}"))


def _changes(told: Told) -> dict[str, Any]:
    return {"log": told.html, "told": told}


def _stopped(asked: Asked, told: Told) -> Told:
    """Return the conversation without an answer, and the question marked as stopped."""
    key = f"stopped-{secrets.token_hex(8)}"
    replaced = [each.key for each in told.shown if each.turn is not None and each.key in asked.in_place_of]
    html = rendering.stopped(asked.question, asked.understood, key, replaced)
    return told.without_lines(asked.in_place_of).adding(Shown.of(html, key))


def make_page(
    answerer: QuestionAnswerer,
    history: History | None = None,
    metrics: Metrics | None = None,
    queue: QuestionQueue | None = None,
    indexing: Indexing | None = None,
    *,
    signs_out: bool = False,
) -> gr.Blocks:
    """Create the page, without serving it.

    Args:
        answerer: Answers the questions.
        history: Stores conversations; None keeps them on the page only.
        metrics: Measures the questions; None discards the measurements.
        queue: Queue of the questions; None creates one for the page.
        indexing: Progress of indexing; None shows none.
        signs_out: Whether users have signed in, and can sign out.

    Returns:
        The page with its event handlers.
    """
    chat = _Chat(answerer, history, metrics, queue, indexing, signs_out=signs_out)
    page = gr.Blocks(title="Verbatim", analytics_enabled=False, fill_width=True)
    with page:
        parts: dict[str, Any] = {"told": gr.State(Told()), "masthead": _html("masthead", chat.masthead())}
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="chat"):
                live = 'role="log" aria-live="off" aria-label="Answers" tabindex="0"'
                parts["log"] = _html("log", chat.welcome(), live)
                parts["step"] = _html("step", "", "hidden")
                _html("line", "", 'role="status"')
                with gr.Row(elem_id="composer"):
                    _composer()
            _html("panel", "", 'role="region" aria-label="Document" tabindex="-1"')
        _wire(chat, page, parts)
    return page


def _composer() -> None:
    """Create the input for questions. The page's script sends them, with the chosen options."""
    gr.Textbox(
        label="Your question",
        show_label=False,
        container=False,
        placeholder="Ask the documents…",
        max_lines=5,
        elem_id="question",
    )
    gr.Button("Ask", elem_id="ask")
    gr.Button("Stop", elem_id="stop")


def _html(name: str, value: str, attributes: str = "") -> gr.HTML:
    """Create a part of the page with our own HTML."""
    return gr.HTML(
        value,
        elem_id=name,
        html_template=f"<div {attributes}>${{value}}</div>",
        js_on_load=f"verbatim.{name}?.(element, trigger, watch)",
        apply_default_css=False,
    )


def _wire(chat: _Chat, page: gr.Blocks, parts: dict[str, Any]) -> None:
    """Connect the page's events to the handlers; the script triggers them with what was clicked or typed."""
    told, log = parts["told"], parts["log"]

    def named(changed: dict[str, Any]) -> dict[Any, Any]:
        return {part: changed.get(name, gr.skip()) for name, part in parts.items()}

    async def ask_question(told: Told, sent: gr.EventData, request: gr.Request) -> AsyncGenerator[dict[Any, Any], None]:
        # Gradio copies each skipped part for as long as the page is open, so all parts are returned; it sends only
        # those that changed.
        sent_last: dict[str, Any] = {**await asyncio.to_thread(chat.head_line), "step": ""}
        async with aclosing(chat.ask(sent.asked, told, _visitor(request))) as changes:
            async for change in changes:
                sent_last.update(change)
                yield named(sent_last)

    def open_conversation(sent: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        return named(chat.open_conversation(str(sent.conversation), _visitor(request)))

    def open_page(told: Told, request: gr.Request) -> dict[Any, Any]:
        conversation = request.query_params.get("conversation", "")
        opened = chat.open_conversation(conversation, _visitor(request)) if conversation else chat.refresh(told)
        return named(opened)

    async def stop(request: gr.Request) -> None:  # async, since the queue belongs to the event loop
        chat.stop(_visitor(request))

    quietly: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    asking: dict[str, Any] = {"concurrency_limit": None}  # the queue of questions has its own limits, with messages
    everything = list(parts.values())
    page.load(open_page, told, everything, **quietly)
    log.submit(ask_question, told, everything, **asking, **quietly)
    log.stop(stop, None, None, concurrency_limit=None, trigger_mode="multiple", **quietly)
    log.input(open_conversation, None, everything, trigger_mode="always_last", **quietly)
    api(chat.ask_for_program, api_name="ask", **asking)


def _visitor(request: gr.Request) -> Visitor:
    signed_in = request.request.scope.get(VISITOR, "") if request.request else ""
    page = request.session_hash or ""
    return Visitor(browser_of(request.cookies), page, signed_in if signed_in.startswith("session:") else page)
