"""The chat page: a conversation, and room beside it for the document that was quoted, which the page's script opens."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
from gradio.events import api

from index.errors import VerbatimError
from qa.answering import QuestionAnswerer, default_folder
from qa.conversing import Conversation
from qa.turns import Turn
from qa.web import rendering

SEED_EXAMPLES = (
    "when was Jamaat Ansarullah banned?",
    "Who was the suicide bomber?",
    "Where was Akmal Karimov trained?",
    "Who is the president of Tajikistan?",
)
_QUESTIONS_AT_A_TIME = 20
"""They wait for the one inference thread anyway; let in together, each is shown at once as being looked into."""
_UNEXPECTED = "Something went wrong here, not with your question. The server's log says what."


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn on the page.

    Attributes:
        html: Its HTML.
        turn: What was said in it; None where nothing could be asked.
    """

    html: str
    turn: Turn | None = None


Turns = tuple[Shown, ...]
"""A conversation."""

logger = logging.getLogger("verbatim")


class _Chat:
    """What the page does when it is used. A failure is a line on the page, and never stops it."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        self._answerer = answerer
        self._laid_out_with = answerer.documents()

    def masthead(self) -> str:
        return rendering.masthead(self._answerer.folder.name, len(self._answerer.documents()))

    def welcome(self) -> str:
        folder = self._answerer.folder
        examples = SEED_EXAMPLES if folder == default_folder().resolve() else ()
        return rendering.welcome(len(self._answerer.documents()), str(folder), examples)

    def refresh(self, turns: Turns) -> dict[str, Any]:
        """What a page that is being opened shows otherwise than it was laid out when the server started.

        Args:
            turns: What was said before the page was done with opening.

        Returns:
            The parts that are to be changed.
        """
        try:
            if self._answerer.documents() == self._laid_out_with:
                return {}
            changed = {"masthead": self.masthead()}
            return changed if turns else {**changed, "log": self.welcome()}
        except Exception:
            logger.exception("the page is shown as it was when the server started")
            return {}

    def ask(self, question: str, turns: Turns, understood: str | None = None) -> Iterator[dict[str, Any]]:
        """Show the question at once, then its answer.

        Args:
            question: The question, as it was typed.
            turns: What was said before.
            understood: How it is meant, where it was understood wrongly.

        Yields:
            What changes on the page.
        """
        yield {
            "question": "",
            "log": _log((*turns, Shown(rendering.pending(question)))),
            "turns": gr.skip(),
        }
        turn = self._answer(question, turns, understood)
        # Entering nothing again and again says what is wrong with it once.
        turns = turns if not question.strip() and turns[-1:] == (turn,) else (*turns, turn)
        yield {"question": gr.skip(), "log": _log(turns), "turns": turns}

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

    def _answer(self, question: str, turns: Turns, understood: str | None) -> Shown:
        try:
            # Before it is asked: what changes meanwhile is then taken for changed, and never for what was read.
            records = {record.name: record for record in self._answerer.documents()}
            before = [shown.turn for shown in turns if shown.turn is not None]
            said = Conversation(self._answerer, turns=before).ask(question, understood=understood)
            return Shown(rendering.spoken(said, records), said)
        except VerbatimError as error:
            return Shown(rendering.notice(question, str(error)))
        except Exception:
            logger.exception("a question could not be answered")
            return Shown(rendering.notice(question, _UNEXPECTED))


def _log(turns: Turns) -> str:
    return "".join(shown.html for shown in turns)


def make_page(answerer: QuestionAnswerer) -> gr.Blocks:
    """The page, not yet served.

    Args:
        answerer: What answers the questions.

    Returns:
        Its parts, and what happens when they are used.
    """
    chat = _Chat(answerer)
    page = gr.Blocks(title="Verbatim", analytics_enabled=False, fill_width=True)
    with page:
        turns = gr.State(())
        masthead = _html("masthead", chat.masthead())
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="chat"):
                log = _html("log", chat.welcome(), 'role="log" aria-live="off" aria-label="Answers" tabindex="0"')
                with gr.Row(elem_id="composer"):
                    question = gr.Textbox(
                        label="Your question",
                        show_label=False,
                        container=False,
                        placeholder="Ask the documents…",
                        max_lines=5,
                        elem_id="question",
                    )
                    button = gr.Button("Ask", elem_id="ask")
            _html("panel", "", 'role="region" aria-label="Document" tabindex="-1"')
        _wire(chat, question, button, log, turns)
        _keep_current(chat, page, {"masthead": masthead, "log": log}, turns)
    return page


def _html(name: str, value: str, attributes: str = "") -> gr.HTML:
    """A part of the page whose HTML is ours."""
    return gr.HTML(
        value,
        elem_id=name,
        html_template=f"<div {attributes}>${{value}}</div>",
        js_on_load=f"verbatim.{name}?.(element, trigger, watch)",
        apply_default_css=False,
    )


def _keep_current(chat: _Chat, page: gr.Blocks, parts: dict[str, gr.HTML], turns: gr.State) -> None:
    def refresh(told: Turns) -> dict[Any, Any]:
        changed = chat.refresh(told)
        return {part: changed.get(name, gr.skip()) for name, part in parts.items()}

    page.load(refresh, turns, list(parts.values()), show_progress="hidden", api_visibility="private")


def _wire(chat: _Chat, question: gr.Textbox, button: gr.Button, log: gr.HTML, turns: gr.State) -> None:
    parts = {"question": question, "log": log, "turns": turns}

    def ask_typed(typed: str, told: Turns, understood: str | None = None) -> Iterator[dict[Any, Any]]:
        for change in chat.ask(typed, told, understood):
            yield {parts[name]: value for name, value in change.items()}

    def ask_example(told: Turns, clicked: gr.EventData) -> Iterator[dict[Any, Any]]:
        yield from ask_typed(clicked.question, told, clicked.understood)

    quietly: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    asking: dict[str, Any] = {"concurrency_limit": _QUESTIONS_AT_A_TIME, "concurrency_id": "asking"}
    outputs = list(parts.values())
    gr.on([question.submit, button.click], ask_typed, [question, turns], outputs, **asking, **quietly)
    log.submit(ask_example, turns, outputs, **asking, **quietly)
    api(chat.ask_for_program, api_name="ask", **asking)
