"""The chat page: a conversation, and beside it the document that was quoted."""

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
from index.store import DocumentRecord
from qa.answering import QuestionAnswerer, Stage, default_folder
from qa.conversing import Conversation
from qa.turns import Turn
from qa.web import rendering
from qa.web.asking import QUESTIONS_AT_A_TIME, Asked, Line, OnStage, StoppedError, read_asked, those_left
from qa.web.browsers import browser_of
from qa.web.history import History, HistoryError, UnknownConversationError, said_of
from qa.web.rendering import Place
from qa.web.told import Shown, Told, shown, shown_said

SEED_EXAMPLES = (
    "when was Jamaat Ansarullah banned?",
    "Who was the suicide bomber?",
    "Where was Akmal Karimov trained?",
    "Who is the president of Tajikistan?",
)
_UNEXPECTED = "Something went wrong here, not with your question. The server's log says what."
_CHANGED = "The document has changed since this answer; ask again."
_GONE = "A document was deleted while it was asked; ask again."
_DELETED = "This conversation was deleted, or its address is wrong. What you ask begins a new one."
_ANOTHERS = "This is somebody else's conversation. What you ask goes into a copy of your own."

logger = logging.getLogger("verbatim")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who uses the page.

    Attributes:
        browser: Id of the browser; "" where it has none, and nothing is kept for it.
        page: The page's session.
    """

    browser: str
    page: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question comes to.

    Attributes:
        told: The conversation with it.
        panel: HTML of the panel; None leaves that as it is.
    """

    told: Told
    panel: str | None = None


class _Chat:
    """What the page does when it is used. A failure is a line on the page, and never stops it."""

    def __init__(self, answerer: QuestionAnswerer, history: History | None = None) -> None:
        self._answerer = answerer
        self._history = history
        self._line = Line()
        self._laid_out_with = answerer.documents()

    def masthead(self) -> str:
        return rendering.masthead(self._answerer.folder.name, len(self._answerer.documents()))

    def welcome(self) -> str:
        folder = self._answerer.folder
        examples = SEED_EXAMPLES if folder == default_folder().resolve() else ()
        return rendering.welcome(len(self._answerer.documents()), str(folder), examples)

    def contents(self) -> str:
        """The panel before anything was asked: the one document, or a list to choose from."""
        records = self._answerer.documents()
        if len(records) == 1:
            return self._opened(Place(records[0].name, 0, 0))
        return rendering.document_list(records)

    def refresh(self, told: Told) -> dict[str, Any]:
        """What a page that is being opened shows otherwise than it was laid out when the server started.

        Args:
            told: What was said before the page was done with opening.

        Returns:
            The parts that are to be changed.
        """
        try:
            if self._answerer.documents() == self._laid_out_with:
                return {}
            changed = {"masthead": self.masthead()}
            return changed if told.shown else {**changed, "log": self.welcome(), "panel": self.contents()}
        except Exception:
            logger.exception("the page is shown as it was when the server started")
            return {}

    def open_conversation(self, conversation: str, visitor: Visitor) -> dict[str, Any]:
        """Show a conversation that was kept, with the document open where it was last quoted.

        Args:
            conversation: Its id; "" begins a new one.
            visitor: Who opens it.

        Returns:
            What changes on the page.
        """
        try:
            told = self._kept(conversation, visitor)
            places = [each.place for each in told.shown if each.place is not None]
            panel = self._opened(places[-1]) if places else self.contents()
            log = told.html if told.conversation else told.html + self.welcome()
            return {"masthead": self.masthead(), "log": log, "panel": panel, "told": told}
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
        """Stop what the page has asked.

        Args:
            visitor: Who stops it.
        """
        self._line.stop(visitor.page)

    async def ask(self, sent: object, told: Told, visitor: Visitor) -> AsyncGenerator[dict[str, Any], None]:
        """Show the question at once, how far it is, then its answer, with the document open at it.

        Args:
            sent: The question, as `Asked` has it.
            told: What was said before.
            visitor: Who asks.

        Yields:
            What changes on the page. Left early, the question is stopped.
        """
        question = str(sent.get("question", "")) if isinstance(sent, Mapping) else ""
        try:
            asked = read_asked(sent)
            told = await asyncio.to_thread(self._caught_up, told, asked.conversation)
            async with aclosing(self._steps(asked, told, visitor)) as steps:
                async for change in steps:
                    yield change
        except StoppedError:
            yield _changes(Reply(_stopped(asked, told)))
        except UnknownDocumentError:  # one of those that were there when the question began
            yield _changes(Reply(told.noting(rendering.notice(question, _GONE))))
        except VerbatimError as error:
            yield _changes(Reply(told.noting(rendering.notice(question, str(error)))))
        except Exception:
            logger.exception("a question could not be answered")
            yield _changes(Reply(told.noting(rendering.notice(question, _UNEXPECTED))))

    async def _steps(self, asked: Asked, told: Told, visitor: Visitor) -> AsyncGenerator[dict[str, Any], None]:
        """What changes on the page until a question is answered."""
        before = told.before(asked.in_place_of)
        n_passages = await asyncio.to_thread(self._n_read, asked.options.within)
        is_shown = False
        work = partial(self._answer, asked, told, visitor)
        async with aclosing(self._line.run(visitor.page, work)) as steps:
            async for step in steps:
                if isinstance(step, Reply):
                    yield _changes(step)
                    continue
                line = rendering.step(step.ahead, step.stage, n_passages, is_further=step.is_further)
                pending = Shown(rendering.pending(asked.question, line))
                yield {"step": line} if is_shown else {"step": line, "log": before.adding(pending).html}
                is_shown = True

    def _n_read(self, within: tuple[str, ...] | None) -> int:
        """How many passages are read for a question."""
        asked = (each for each in self._answerer.documents() if within is None or each.name in within)
        return min(self._answerer.settings.top_k, sum(each.n_passages for each in asked))

    def open(self, asked: Mapping[str, str]) -> str:
        """The panel with the document that was clicked; the names are those that `_opener` wrote."""
        try:
            if not asked["document"]:
                return self.contents()
            start, end, whole_passage = int(asked["start"]), int(asked["end"]), asked["passage"] == "1"
            return self._opened(Place(asked["document"], start, end, whole_passage, asked["sha256"]))
        except Exception:
            logger.exception("a document could not be opened")
            return rendering.unopened(_UNEXPECTED)

    def ask_for_program(self, question: str) -> dict[str, Any]:
        """Answer a question in the documents' own words.

        Args:
            question: The question, 1,000 characters at most.

        Returns:
            The fields of the answer; offsets count code points of the document's text.

        Raises:
            Error: The question cannot be asked; the message says why.
        """
        try:
            return asdict(self._answerer.ask(question))
        except VerbatimError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _caught_up(self, told: Told, conversation: str) -> Told:
        """What was said before, as the history has it: the server may have been restarted, another tab gone on."""
        if conversation != told.conversation:
            told = Told(conversation)
        if not told.conversation or self._history is None:
            return told
        kept = self._history.turns(told.conversation)
        return told.caught_up(kept) if kept else Told().noting(rendering.notice("", _DELETED))

    def _answer(self, asked: Asked, told: Told, visitor: Visitor, on_stage: OnStage) -> Reply:
        """Answer a question and keep the answer; on a thread of the question's own.

        Args:
            asked: The question.
            told: What was said before.
            visitor: Who asks.
            on_stage: What is called at each stage.

        Returns:
            What it comes to.

        Raises:
            StoppedError: It was stopped.
            VerbatimError: It cannot be asked.
        """
        # Before it is asked: what changes meanwhile is then taken for changed, and never for what was read.
        records = {record.name: record for record in self._answerer.documents()}
        options = asked.options
        within, gone = those_left(options.within, list(records))
        answerer = self._answerer.adjusted(reader=options.reader, max_wrong=options.max_wrong, on_stage=on_stage)
        before = told.before(asked.in_place_of).turns
        turn = Conversation(answerer, within, before).ask(asked.question, understood=asked.understood)
        on_stage(Stage.DECIDING)  # stopped since, it is not kept
        told = self._keep(asked, told, turn, records, visitor)
        if gone:
            told = told.noting(rendering.notice("", f"Not asked, as it is no longer there: {', '.join(gone)}"))
        place = rendering.turn_place(turn, records)
        return Reply(told, None if place is None else self._opened(place))

    def _keep(
        self, asked: Asked, told: Told, turn: Turn, records: Mapping[str, DocumentRecord], visitor: Visitor
    ) -> Told:
        """The conversation with a turn more, kept before it is shown."""
        said = said_of(turn, records)
        left = told.without(asked.in_place_of)
        on_page = shown_said(said, f"page-{secrets.token_hex(8)}")
        if self._history is None or not visitor.browser:
            return left.adding(on_page)
        replaced = [int(each.key) for each in told.shown if each.is_kept and each.key in asked.in_place_of]
        try:
            conversation, kept = self._history.add(told.conversation, visitor.browser, said, in_place_of=replaced)
            if told.conversation and conversation != told.conversation:  # a copy, whose turns have keys of their own
                return Told(conversation).caught_up(self._history.turns(conversation))
            return replace(left, conversation=conversation).adding(shown(kept))
        except HistoryError as error:
            logger.warning("%s", error)
            return left.adding(on_page).noting(rendering.notice("", f"This answer is not kept: {error}"))

    def _opened(self, place: Place) -> str:
        try:
            return self._document(place)
        except VerbatimError as error:
            return rendering.unopened(str(error))

    def _document(self, place: Place) -> str:
        """The panel with a document open at a place.

        Args:
            place: The place.

        Returns:
            The HTML.

        Raises:
            VerbatimError: The document is gone, or is not the one that the place's offsets refer to.
        """
        text = self._answerer.text(place.document)
        # Read after the text: were it before, a change between the two could go unseen.
        records = {record.name: record for record in self._answerer.documents()}
        record = records.get(place.document)
        if record is None or place.sha256 not in {"", record.sha256}:
            raise VerbatimError(_CHANGED)
        return rendering.document(text, record, place, listed=len(records) > 1)


def _changes(reply: Reply) -> dict[str, Any]:
    panel = {} if reply.panel is None else {"panel": reply.panel}
    return {"log": reply.told.html, "told": reply.told, **panel}


def _stopped(asked: Asked, told: Told) -> Told:
    """The conversation as it was, and the question as stopped."""
    key = f"stopped-{secrets.token_hex(8)}"
    replaced = [each.key for each in told.shown if each.turn is not None and each.key in asked.in_place_of]
    html = rendering.stopped(asked.question, asked.understood, key, replaced)
    return told.without_lines(asked.in_place_of).adding(Shown(html, key))


def make_page(answerer: QuestionAnswerer, history: History | None = None) -> gr.Blocks:
    """The page, not yet served.

    Args:
        answerer: What answers the questions.
        history: Where conversations are kept; None keeps them on the page only.

    Returns:
        Its parts, and what happens when they are used.
    """
    chat = _Chat(answerer, history)
    page = gr.Blocks(title="Verbatim", analytics_enabled=False, fill_width=True)
    with page:
        parts: dict[str, Any] = {"told": gr.State(Told()), "masthead": _html("masthead", chat.masthead())}
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="chat"):
                live = 'role="log" aria-live="polite" aria-label="Answers" tabindex="0"'
                parts["log"] = _html("log", chat.welcome(), live)
                parts["step"] = _html("step", "", "hidden")
                _html("line", "", 'role="status"')
                with gr.Row(elem_id="composer"):
                    _composer()
            parts["panel"] = _html("panel", chat.contents(), 'role="region" aria-label="Document" tabindex="-1"')
        _wire(chat, page, parts)
    return page


def _composer() -> None:
    """Where questions are typed. The page's script sends them, with all that belongs to them."""
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
    """A part of the page whose HTML is ours."""
    return gr.HTML(
        value,
        elem_id=name,
        html_template=f"<div {attributes}>${{value}}</div>",
        js_on_load=f"verbatim.{name}?.(element, trigger, watch)",
        apply_default_css=False,
    )


def _wire(chat: _Chat, page: gr.Blocks, parts: dict[str, Any]) -> None:
    """What happens when the page is used; the script triggers it with what was clicked or typed."""
    told, log, panel = parts["told"], parts["log"], parts["panel"]

    def named(changed: dict[str, Any]) -> dict[Any, Any]:
        return {part: changed.get(name, gr.skip()) for name, part in parts.items()}

    async def ask_question(told: Told, sent: gr.EventData, request: gr.Request) -> AsyncGenerator[dict[Any, Any], None]:
        async with aclosing(chat.ask(sent.asked, told, _visitor(request))) as changes:
            async for change in changes:
                yield named(change)

    def open_conversation(sent: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        return named(chat.open_conversation(str(sent.conversation), _visitor(request)))

    def open_page(told: Told, request: gr.Request) -> dict[Any, Any]:
        conversation = request.query_params.get("conversation", "")
        opened = chat.open_conversation(conversation, _visitor(request)) if conversation else chat.refresh(told)
        return named(opened)

    async def stop(request: gr.Request) -> None:  # async, as the line belongs to the event loop
        chat.stop(_visitor(request))

    def open_document(sent: gr.EventData) -> str:
        return chat.open(sent.place)

    quietly: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    asking: dict[str, Any] = {"concurrency_limit": QUESTIONS_AT_A_TIME, "concurrency_id": "asking"}
    everything = list(parts.values())
    page.load(open_page, told, everything, **quietly)
    log.submit(ask_question, told, everything, **asking, **quietly)
    log.stop(stop, None, None, concurrency_limit=None, trigger_mode="multiple", **quietly)
    log.input(open_conversation, None, everything, trigger_mode="always_last", **quietly)
    gr.on([log.select, panel.select], open_document, None, panel, **quietly)
    api(chat.ask_for_program, api_name="ask", **asking)


def _visitor(request: gr.Request) -> Visitor:
    return Visitor(browser_of(request.cookies), request.session_hash or "")
