"""Errors of our routes, as programs read them: a status, and one line that says what to do."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from index.errors import (
    BusyIndexError,
    ChangingFileError,
    ParameterError,
    UnknownDocumentError,
    UnreadableFileError,
    VerbatimError,
)
from qa.web.question_queue import OverloadedError
from qa.web.security.middleware import TOO_LARGE

_MAX_LINE_CHARS = 300
_MAX_VALUE_CHARS = 40
_RETRY_AFTER_S = 10
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_PLACES = ("body", "query", "path", "header", "cookie")
_STATUS = (
    (ParameterError, 422),
    (UnknownDocumentError, 404),
    (BusyIndexError, 409),
    (ChangingFileError, 409),
    (UnreadableFileError, 422),
)
_FASTAPI_UNPARSED = "There was an error parsing the body"
_UNPARSED = "the body cannot be parsed; send a JSON object in UTF-8"
"""All that FastAPI calls a bad request: other bytes than UTF-8, or brackets in brackets in brackets without an end."""
_IN_OUR_WORDS = {_FASTAPI_UNPARSED: _UNPARSED, "Content Too Large": TOO_LARGE}
"""What FastAPI and Starlette say of a body, and what we say in its place."""
UNEXPECTED = "something went wrong here, not with your request; the server's log says what"

logger = logging.getLogger("verbatim")


class Problem(BaseModel):
    """Why there is no result."""

    detail: str = Field(description="One line for people: which parameter, its value, and what to do about it.")


def documented(description: str, model: type[BaseModel] = Problem) -> dict[str, Any]:
    """How a route's document says that something can go wrong.

    Args:
        description: What.
        model: What is answered then.

    Returns:
        A value for `responses` of FastAPI.
    """
    return {"model": model, "description": description}


def one_line(message: str) -> str:
    """A message on one line of bounded length, whatever was quoted in it.

    Args:
        message: The message.

    Returns:
        The line; the end of a long one, where the remedy stands, is kept.
    """
    line = re.sub(r"\s+", " ", message).encode("utf-8", "backslashreplace").decode("utf-8")
    half = _MAX_LINE_CHARS // 2
    return line if len(line) <= _MAX_LINE_CHARS else f"{line[:half]}…{line[-half:]}"


def complaint(errors: Sequence[Any]) -> str:
    """What is wrong with an input, on one line.

    Args:
        errors: What pydantic says of it, at least one.

    Returns:
        The first of them: the parameter, the value it got, and the remedy.
    """
    error = errors[0]
    # FastAPI begins with where the parameter was looked for, "body" or "query".
    place = error["loc"][1:] if error["loc"][:1] and error["loc"][0] in _PLACES else error["loc"]
    name = ".".join(map(str, place))
    match error["type"]:
        case "json_invalid":
            return f"the body is no JSON at offset {error['loc'][-1]}: {error['ctx']['error']}; send a JSON object"
        case "missing":
            return f"{name} is missing; give it" if name else "the body is missing; send a JSON object"
        case "extra_forbidden":
            return f"there is no parameter {_value(name)}; leave it out"
    if not name:
        return "the body is no JSON object; send one, with Content-Type: application/json"
    said = error["msg"][0].lower() + error["msg"][1:]
    return one_line(f"{name}={_value(error['input'])}: {said}")


def _value(value: object) -> str:
    """A value for a message: what it is, but no more of it than helps to find it."""
    if isinstance(value, (list, tuple, dict)):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value):,}"
    cut = value[: _MAX_VALUE_CHARS + 1] if isinstance(value, str) else str(value)
    shown = repr(cut[:_MAX_VALUE_CHARS]) if isinstance(value, str) else cut[:_MAX_VALUE_CHARS]
    return shown if len(cut) <= _MAX_VALUE_CHARS else f"{shown}…"


def _status(error: VerbatimError) -> int:
    """The HTTP status that an error of ours is told with: 503 is for what is no fault of who asked."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 503)


def _problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": one_line(message)}, status, headers)


def say_problems(app: FastAPI) -> None:
    """Have all errors of an application's routes answered by one line of JSON.

    Args:
        app: The application.
    """

    @app.exception_handler(RequestValidationError)
    async def on_bad_input(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(422, complaint(error.errors()))

    @app.exception_handler(VerbatimError)
    async def on_error_of_ours(_: Request, error: VerbatimError) -> JSONResponse:
        headers = {"Retry-After": str(_RETRY_AFTER_S)} if isinstance(error, OverloadedError) else None
        return _problem(_status(error), str(error), headers)

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> JSONResponse:
        said = _IN_OUR_WORDS.get(str(error.detail), str(error.detail))
        return _problem(error.status_code, said, error.headers)

    @app.exception_handler(Exception)
    async def on_unforeseen(request: Request, error: Exception) -> JSONResponse:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return _problem(500, UNEXPECTED)


def refuse_the_rest(app: FastAPI, paths: Sequence[str]) -> None:
    """Answer what no route takes of paths that are ours, which the page at the root would take otherwise.

    Args:
        app: The application, with all our routes in it.
        paths: The paths, as Starlette writes them.
    """
    ours = list(app.routes)

    async def refuse(request: Request) -> JSONResponse:
        scopes = {method: {**request.scope, "method": method} for method in _METHODS}
        methods = [
            method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in ours)
        ]
        path = _value(request.url.path)
        if not methods:
            return _problem(404, f"there is nothing at {path}; /openapi.json lists what there is")
        allowed = ", ".join(methods)
        return _problem(405, f"method {request.method} is not for {path}; use {allowed}", {"Allow": allowed})

    for path in paths:
        app.add_route(path, refuse, _METHODS, include_in_schema=False)
