"""Restriction of Gradio's own routes: which are served, and to whom."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cachetools import LRUCache
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web.security.middleware import GRADIO, refuse
from qa.web.security.sessions import VISITOR

_MAX_OWNERS = 100_000
_MAX_NAME_CHARS = 100
"""Limit of a session's name: Gradio's have eleven characters, and each is kept while the server runs."""
_MAX_UNREAD = 100
"""Limit of messages that a session has not read; a page reads them as they come, some ten per question."""
_MAX_UNREAD_IN_ALL = 1_000


class OwnEvents:
    """Hides a page's events from other visitors.

    Gradio sends the events of a session to whoever names it, and browsers choose the name. Here a session belongs to
    the visitor who used it first; for others it does not exist.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI application."""
        self._app = app
        self._owners: LRUCache[str, str] = LRUCache(_MAX_OWNERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it is for a session of its visitor."""
        if scope["type"] == "http" and scope["path"].startswith(GRADIO):
            if scope["method"] == "POST":
                body = await _whole_body(receive)
                names, receive = _names_in(body), _replayed(body, receive)
            else:
                names = [QueryParams(scope["query_string"]).get("session_hash")]
                names += re.findall(r"/heartbeat/([^/]+)$", scope["path"])
            if any(name and len(name) > _MAX_NAME_CHARS for name in names):
                said = f"The session's name is longer than {_MAX_NAME_CHARS} characters; reload the page."
                return await refuse(scope, receive, send, 400, said)
            if not all(self._belongs(name, scope.get(VISITOR, "")) for name in names if name):
                return await refuse(scope, receive, send, 404, "There is no such session.")
        return await self._app(scope, receive, send)

    def _belongs(self, session: str, visitor: str) -> bool:
        return self._owners.setdefault(session, visitor) == visitor


class BoundedInboxes:
    """Limits what Gradio stores for pages that do not read it: each message holds the whole conversation."""

    def __init__(self, app: ASGIApp, inboxes: Callable[[], Mapping[str, "asyncio.Queue[Any]"]]) -> None:
        """Wrap Gradio's application.

        Args:
            app: The application.
            inboxes: Returns the unread messages of each session, oldest session first.
        """
        self._app, self._inboxes = app, inboxes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its session has too many unread messages."""
        if scope["type"] == "http" and scope["path"] == f"{GRADIO}queue/join":
            body = await _whole_body(receive)
            receive = _replayed(body, receive)
            inboxes = self._inboxes()
            self._empty_oldest(inboxes)
            own = (inboxes[name].qsize() for name in _names_in(body) if name and name in inboxes)
            if sum(own) >= _MAX_UNREAD:
                said = "Answers of this page wait to be read; reload it."
                return await refuse(scope, receive, send, 429, said, {"Retry-After": "10"})
        return await self._app(scope, receive, send)

    def _empty_oldest(self, inboxes: Mapping[str, "asyncio.Queue[Any]"]) -> None:
        unread = sum(inbox.qsize() for inbox in inboxes.values())
        for inbox in inboxes.values():
            if unread < _MAX_UNREAD_IN_ALL:
                return
            unread -= inbox.qsize()
            while not inbox.empty():
                inbox.get_nowait()


class NeededRoutes:
    """Serves only those of Gradio's routes that the page and `gradio_client` use; no files, uploads or proxies."""

    _NEEDED = (
        ("GET", re.compile(r"/|/config|/theme\.css|/favicon\.ico|/robots\.txt")),
        ("GET", re.compile(r"/assets/[\w-][\w.-]*|/static/js/[\w-][\w.-]*", re.ASCII)),
        ("GET", re.compile(r"/gradio_api/(info|app_id|queue/data|heartbeat/[\w-]+)", re.ASCII)),
        ("POST", re.compile(r"/gradio_api/(queue/join|cancel|reset)")),
    )

    def __init__(self, app: ASGIApp) -> None:
        """Wrap Gradio's application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its route is needed; otherwise answer 404."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._is_needed(scope)):
            return await self._app(scope, receive, send)
        return await refuse(scope, receive, send, 404, "Not Found")

    def _is_needed(self, scope: Scope) -> bool:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return any(method == needed and path.fullmatch(scope["path"]) for needed, path in self._NEEDED)


async def _whole_body(receive: Receive) -> bytes:
    body, is_whole = b"", False
    while not is_whole:
        message = await receive()
        body += message.get("body", b"")
        is_whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _names_in(body: bytes) -> list[str | None]:
    """Return the sessions that a Gradio request names; malformed requests are left for Gradio to refuse."""
    try:
        session = json.loads(body).get("session_hash")
    except (ValueError, AttributeError, RecursionError):
        return []
    return [session] if isinstance(session, str) else []
