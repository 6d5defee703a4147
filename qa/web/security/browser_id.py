"""Telling browsers apart: a cookie with a number that nobody can guess, and nothing else."""

import re
import secrets
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

from qa.records.browser import hashed_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "verbatim-browser"
_KEPT_S = 400 * 24 * 3600
"""Longer than this no browser keeps a cookie."""
_ID = re.compile(r"[0-9a-f]{32}")


def browser_of(cookies: Mapping[str, str]) -> str:
    """Which browser a request comes from.

    Args:
        cookies: Its cookies.

    Returns:
        Hash of the browser's id, which is all that is kept of it; "" where it has none.
    """
    found = cookies.get(COOKIE, "")
    return hashed_id(found) if _ID.fullmatch(found) else ""


class BrowserCookie:
    """Gives a browser that opens the page, or asks for its conversations, its id, if it has none."""

    def __init__(self, app: "ASGIApp") -> None:
        """Wrap an application.

        Args:
            app: The application.
        """
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request.

        Args:
            scope: What is asked for.
            receive: Gives its body.
            send: Takes the response.
        """
        if not _is_new(scope):
            await self._app(scope, receive, send)
            return
        cookie = _cookie(is_secure=scope["scheme"] == "https")

        async def send_with_cookie(message: "Message") -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _is_new(scope: "Scope") -> bool:
    """Whether it is a browser without an id; one that another site's link led here only does not show it."""
    if scope["type"] != "http" or not (scope["path"] == "/" or scope["path"].startswith("/api/conversations")):
        return False
    headers = Headers(scope=scope)
    is_led_here = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    return not is_led_here and not browser_of(cookie_parser(headers.get("cookie", "")))


def _cookie(*, is_secure: bool) -> str:
    made: SimpleCookie = SimpleCookie({COOKIE: secrets.token_hex(16)})
    made[COOKIE].update({"path": "/", "max-age": str(_KEPT_S), "samesite": "Strict"})
    made[COOKIE]["httponly"] = True
    made[COOKIE]["secure"] = is_secure
    return made[COOKIE].OutputString()
