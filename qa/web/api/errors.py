"""Errors of our routes for programs: a status, and one line that names the remedy."""

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
"""FastAPI's message for any unparsable body: not UTF-8, or endlessly nested."""
_IN_OUR_WORDS = {_FASTAPI_UNPARSED: _UNPARSED, "Content Too Large": TOO_LARGE}
"""Messages of FastAPI and Starlette, and ours in their place."""
UNEXPECTED = "an unexpected error occurred, not caused by your request; see the server's log"

logger = logging.getLogger("verbatim")


class Problem(BaseModel):
    """Why a request failed."""

    detail: str = Field(description="One line for people: the parameter, its value, and the remedy.")


def documented(description: str, model: type[BaseModel] = Problem) -> dict[str, Any]:
    """Return the OpenAPI documentation of an error response.

    Args:
        description: When it occurs.
        model: Model of the response.

    Returns:
        A value for FastAPI's `responses`.
    """
    return {"model": model, "description": description}


def one_line(message: str) -> str:
    """Put a message on one line of bounded length.

    Args:
        message: The message.

    Returns:
        The line; if too long, its middle is left out, since the remedy is at its end.
    """
    line = re.sub(r"\s+", " ", message).encode("utf-8", "backslashreplace").decode("utf-8")
    half = _MAX_LINE_CHARS // 2
    return line if len(line) <= _MAX_LINE_CHARS else f"{line[:half]}…{line[-half:]}"


def complaint(errors: Sequence[Any]) -> str:
    """Describe an invalid input in one line.

    Args:
        errors: Errors from pydantic, at least one.

    Returns:
        The first error: the parameter, its value, and the remedy.
    """
    error = errors[0]
    # FastAPI puts the place of the parameter, such as "body" or "query", first.
    place = error["loc"][1:] if error["loc"][:1] and error["loc"][0] in _PLACES else error["loc"]
    name = ".".join(map(str, place))
    match error["type"]:
        case "json_invalid":
            return f"the body is not JSON at offset {error['loc'][-1]}: {error['ctx']['error']}; send a JSON object"
        case "missing":
            return f"{name} is missing; give it" if name else "the body is missing; send a JSON object"
        case "extra_forbidden":
            return f"there is no parameter {_value(name)}; leave it out"
    if not name:
        return "the body is not a JSON object; send one, with Content-Type: application/json"
    said = error["msg"][0].lower() + error["msg"][1:]
    return one_line(f"{name}={_value(error['input'])}: {said}")


def _value(value: object) -> str:
    """Return a value for a message, shortened to what identifies it."""
    if isinstance(value, (list, tuple, dict)):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value):,}"
    cut = value[: _MAX_VALUE_CHARS + 1] if isinstance(value, str) else str(value)
    shown = repr(cut[:_MAX_VALUE_CHARS]) if isinstance(value, str) else cut[:_MAX_VALUE_CHARS]
    return shown if len(cut) <= _MAX_VALUE_CHARS else f"{shown}…"


def _status(error: VerbatimError) -> int:
    """Return the HTTP status of an error: 503 if the request did not cause it."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 503)


def _problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": one_line(message)}, status, headers)


def say_problems(app: FastAPI) -> None:
    """Make an application answer every error of its routes with one line of JSON."""

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
    """Refuse requests below our paths that no route takes; otherwise the page at the root would get them.

    Args:
        app: The application, with all our routes added.
        paths: The paths, in Starlette's syntax.
    """
    ours = list(app.routes)

    async def refuse(request: Request) -> JSONResponse:
        scopes = {method: {**request.scope, "method": method} for method in _METHODS}
        methods = [
            method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in ours)
        ]
        path = _value(request.url.path)
        if not methods:
            return _problem(404, f"there is nothing at {path}; see /openapi.json for all routes")
        allowed = ", ".join(methods)
        return _problem(405, f"method {request.method} is not allowed for {path}; use {allowed}", {"Allow": allowed})

    for path in paths:
        app.add_route(path, refuse, _METHODS, include_in_schema=False)
