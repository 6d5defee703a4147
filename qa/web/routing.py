"""Routes whose every refusal is one line for people: `{"detail": "…"}`."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

from index.errors import BusyIndexError, ChangingFileError, ParameterError, UnknownDocumentError, VerbatimError

_STATUS = (
    (UnknownDocumentError, 404),
    (BusyIndexError, 409),
    (ChangingFileError, 409),
    (ParameterError, 400),
)
"""What HTTP calls our errors; all others are 422: well asked, and cannot be done with what is there."""

logger = logging.getLogger("verbatim")


class Refusal(BaseModel):
    """Why something was not done."""

    detail: str
    """One line for people."""


class PlainRoute(APIRoute):
    """A route that refuses in one line, whatever was wrong with what it was asked."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers requests, as FastAPI makes it, with our errors and its own told in a line."""
        handle = super().get_route_handler()

        async def handle_plainly(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise HTTPException(400, _line(error)) from error
            except VerbatimError as error:
                raise HTTPException(status_of(error), str(error)) from error
            except StarletteHTTPException:  # as FastAPI raises it for a body that cannot be parsed
                raise
            except Exception as error:
                logger.exception("%s %s failed", request.method, request.url.path)
                raise HTTPException(500, "Something went wrong here. The server's log says what.") from error

        return handle_plainly


def status_of(error: VerbatimError) -> int:
    """The HTTP status that an error of ours is told with."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 422)


def _line(error: RequestValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(step) for step in first["loc"][1:]) or "the request"
    given = "" if first["type"] == "missing" else f"={str(first['input'])[:80]!r}"
    return f"{name}{given}: {first['msg'][:1].lower()}{first['msg'][1:]}"
