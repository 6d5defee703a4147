"""Browser ids: a cookie with a random number, not guessable and without further data."""

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
"""No browser keeps a cookie for longer."""
_ID = re.compile(r"[0-9a-f]{32}")


def browser_of(cookies: Mapping[str, str]) -> str:
    """Return the hash of the browser's id, which is all that is stored of it, from its cookies; "" if it has none."""
    found = cookies.get(COOKIE, "")
    return hashed_id(found) if _ID.fullmatch(found) else ""


class BrowserCookie:
    """Gives a browser without an id one, when it opens the page or asks for its conversations."""

    def __init__(self, app: "ASGIApp") -> None:
        """Wrap an ASGI application."""
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on, and set the cookie if needed."""
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
    """Return whether a browser has no id; after a link on another site it only does not send it."""
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
