"""Routes for stored conversations: list, read, rename, delete, export."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from qa.records.answer import Answer
from qa.web.history.export import Format, export, file_name, given
from qa.web.history.store import (
    MAX_CONVERSATIONS,
    Conversation,
    History,
    HistoryError,
    KeptTurn,
    UnknownConversationError,
)
from qa.web.security.browser_id import browser_of

_MAX_TITLE_CHARS = 120


class Failure(BaseModel):
    """Why a request failed."""

    detail: str = Field(description="One line for people.")


class ConversationLine(BaseModel):
    """A conversation without its turns."""

    id: str = Field(description="Not guessable: whoever has it may read the conversation.")
    title: str
    created: float = Field(description="Seconds since 1970.")
    updated: float = Field(description="Seconds since 1970.")
    n_turns: int


class ConversationList(BaseModel):
    """The conversations of a browser."""

    kept: bool = Field(description="Whether this server stores conversations.")
    conversations: list[ConversationLine]


class GivenAnswer(BaseModel):
    """An answer with its place."""

    text: str
    confidence: float
    document: str
    sha256: str
    title: str | None
    place: str | None
    start: int = Field(description="Offset in the document's text, in Unicode code points.")
    end: int


class ConversationTurn(BaseModel):
    """A turn of a conversation."""

    key: int
    time: float = Field(description="Seconds since 1970.")
    readable: bool = Field(description="Whether this version can read it; if not, the rest is empty.")
    question: str = ""
    understood: str | None = None
    kind: str = ""
    text: str = ""
    answers: list[GivenAnswer] = []


class ConversationWithTurns(ConversationLine):
    """A conversation with its turns."""

    own: bool = Field(description="Whether this browser may rename and delete it.")
    turns: list[ConversationTurn]


class Renaming(BaseModel):
    """A conversation's new title."""

    title: str = Field(min_length=1, max_length=_MAX_TITLE_CHARS, pattern=r"\S")


class Deleted(BaseModel):
    """Number of deleted conversations."""

    deleted: int


_FAILURES: dict[int | str, dict[str, Any]] = {
    404: {"model": Failure, "description": "There is no such conversation, or it is another browser's."},
    503: {"model": Failure, "description": "The history cannot be read or written."},
}


def conversation_routes(history: History | None) -> APIRouter:
    """Create the routes for conversations; without a history, none are stored."""
    router = APIRouter(prefix="/api/conversations", tags=["conversations"], responses=_FAILURES)
    if history is None:
        router.get("", summary="An empty list: nothing is stored")(_nothing_kept)
        return router
    _add_list(router, history)
    _add_exports(router, history)  # before the routes of one conversation, which would take "export" for an id
    _add_single(router, history)
    return router


def _nothing_kept() -> ConversationList:
    return ConversationList(kept=False, conversations=[])


def _add_list(router: APIRouter, history: History) -> None:
    @router.get("", summary="Conversations of this browser, latest first")
    def listed(
        request: Request,
        search: Annotated[str, Query(max_length=200, description="Words to search for.")] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_CONVERSATIONS)] = MAX_CONVERSATIONS,
    ) -> ConversationList:
        with _failures():
            found = history.conversations(browser_of(request.cookies), search, limit)
        return ConversationList(kept=True, conversations=[ConversationLine(**_line(each)) for each in found])

    @router.delete("", summary="Erase all conversations of this browser")
    def delete_all(request: Request) -> Deleted:
        with _failures():
            return Deleted(deleted=history.delete_all(browser_of(request.cookies)))


def _add_single(router: APIRouter, history: History) -> None:
    @router.get("/{id_}", summary="A conversation with its turns")
    def read(request: Request, id_: str) -> ConversationWithTurns:
        with _failures():
            found = history.conversation(id_)
            turns = [_turn(kept) for kept in history.turns(id_)]
        is_own = found.browser == browser_of(request.cookies)
        return ConversationWithTurns(**_line(found), own=is_own, turns=turns)

    @router.patch("/{id_}", summary="Rename one of this browser's conversations")
    def rename(request: Request, id_: str, renaming: Renaming) -> ConversationLine:
        with _failures():
            history.rename(id_, browser_of(request.cookies), renaming.title)
            return ConversationLine(**_line(history.conversation(id_)))

    @router.delete("/{id_}", summary="Erase one of this browser's conversations")
    def delete(request: Request, id_: str) -> Deleted:
        with _failures():
            history.delete(id_, browser_of(request.cookies))
        return Deleted(deleted=1)


def _add_exports(router: APIRouter, history: History) -> None:
    formats = "Markdown, JSON with everything, or CSV with a row per answer; cells that a spreadsheet would take for a"
    formats += " formula begin with an apostrophe."

    @router.get("/export", summary="All conversations of this browser as a file", description=formats)
    def export_all(request: Request, format: Format = Format.MARKDOWN) -> Response:  # noqa: A002 (as it is in the address)
        with _failures():
            found = history.conversations(browser_of(request.cookies))
            exported = [(each, history.turns(each.id)) for each in found]
        return _as_file(export(exported, format), file_name("conversations", format), format)

    @router.get("/{id_}/export", summary="A conversation as a file", description=formats)
    def export_one(id_: str, format: Format = Format.MARKDOWN) -> Response:  # noqa: A002 (as it is in the address)
        with _failures():
            found = history.conversation(id_)
            exported = export([(found, history.turns(id_))], format)
        return _as_file(exported, file_name(found.title, format), format)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn errors of the history into HTTP errors.

    Raises:
        HTTPException: The history raised an error.
    """
    try:
        yield
    except UnknownConversationError as error:
        raise HTTPException(404, str(error)) from error
    except HistoryError as error:
        raise HTTPException(503, str(error)) from error


def _line(conversation: Conversation) -> dict[str, Any]:
    """Return the fields of a conversation that may be shown; the browser is not one."""
    return {name: value for name, value in asdict(conversation).items() if name != "browser"}


def _turn(kept: KeptTurn) -> ConversationTurn:
    if kept.said is None:
        return ConversationTurn(key=kept.key, time=kept.asked, readable=False)
    turn = kept.said.turn
    return ConversationTurn(
        key=kept.key,
        time=kept.asked,
        readable=True,
        question=turn.asked,
        understood=turn.understood,
        kind=turn.kind,
        text=turn.text,
        answers=[_answer(answer) for answer in given(turn)],
    )


def _answer(answer: Answer) -> GivenAnswer:
    return GivenAnswer(
        text=answer.text,
        confidence=answer.confidence,
        document=answer.document or "",
        sha256=answer.document_sha256 or "",
        title=answer.title,
        place=answer.place,
        start=answer.start or 0,
        end=answer.end or 0,
    )


def _as_file(text: str, name: str, form: Format) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(text, media_type=form.media_type, headers=headers)
