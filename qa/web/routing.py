"""What routes of ours have in common: whatever goes wrong is one line under `detail`."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from index.errors import BusyIndexError, UnknownDocumentError, VerbatimError
from qa.feedback import ChangedDocumentError

_STATUS = ((UnknownDocumentError, 404), (ChangedDocumentError, 409), (BusyIndexError, 503))
_UNUSABLE = 422


class Problem(BaseModel):
    """Why something was not done.

    Attributes:
        detail: One line for people.
    """

    detail: str


class OneLineRoute(APIRoute):
    """A route whose errors, those of the request's form included, are one line."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors put into a line each.

        Returns:
            The handler.
        """
        handle = super().get_route_handler()

        async def handle_in_one_line(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise HTTPException(_UNUSABLE, _first_line(error)) from error
            except VerbatimError as error:
                status = next((code for kind, code in _STATUS if isinstance(error, kind)), _UNUSABLE)
                raise HTTPException(status, _writable(str(error))) from error

        return handle_in_one_line


def _first_line(error: RequestValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return _writable(f"{place}: {first['msg']}" if place else first["msg"])


def _writable(line: str) -> str:
    """A line that can be sent: halves of surrogate pairs are shown by number."""
    return line.encode("utf-8", "backslashreplace").decode()
