"""Middleware that checks every request: one small ASGI class per check.

None of them delays a stream: answers appear on the page as they are produced.
"""

import asyncio
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web.security.rate_limit import Buckets, Rate
from qa.web.security.sessions import VISITOR, client_address, cookie_name, network

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOO_LARGE = "The body of the request is too large; send less at a time."
GRADIO = "/gradio_api/"
"""Path prefix of Gradio's routes that change something."""

_CHANGING, _READING = Rate(burst=120, per_second=5), Rate(burst=600, per_second=20)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of requests and connections.

    Attributes:
        body_bytes: Size of a request's body; routes that accept more set `max_body_size` themselves.
        url_bytes: Length of a path with its query.
        head_bytes: Length of all header lines.
        stalled_s: Seconds for a body to arrive, besides the time that its length allows.
        min_bytes_per_s: Minimum rate at which long bodies must arrive.
        changing: Rate of requests per visitor that ask or change something.
        reading: Rate of other requests, except those for the page's own scripts and styles.
        shared: Number of people assumed behind one address, where there are no sessions to distinguish them.
        connections: Number of open connections; an open page holds two or three. Fewer if the system allows fewer
            files.
        address_share: Share of the connections that one address may have, 0 to 1; a proxy in front of the server may
            have all.
        head_s: Seconds for a request's headers to arrive.
    """

    body_bytes: int = 1024 * 1024
    url_bytes: int = 8 * 1024
    head_bytes: int = 16 * 1024
    stalled_s: float = 20.0
    min_bytes_per_s: int = 8 * 1024
    changing: Rate = _CHANGING
    reading: Rate = _READING
    shared: int = 50
    connections: int = 1_000
    address_share: float = 0.25
    head_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Guards:
    """Which requests a server accepts.

    Attributes:
        names: Names of the server, without ports.
        outside_names: Those names that a proxy in front of it uses; it may send another Host header.
        any_address: Whether every numeric address is accepted as a name, too.
        limits: Limits of requests and connections.
    """

    names: frozenset[str] = LOOPBACK_NAMES
    outside_names: frozenset[str] = frozenset()
    any_address: bool = False
    limits: Limits = Limits()


def guards_of(host: str, allowed: Collection[str], limits: Limits | None = None) -> Guards:
    """Return the guards for a server.

    Args:
        host: Address that it listens on.
        allowed: Further names, such as the one used by a proxy.
        limits: Limits; None is the default.

    Returns:
        The guards.
    """
    is_open = not is_loopback(host)
    machine = (socket.gethostname(), f"{socket.gethostname()}.local") if is_open else ()
    names = frozenset(name.lower().rstrip(".") for name in (host, *LOOPBACK_NAMES, *machine, *allowed))
    return Guards(names, frozenset(map(str.lower, allowed)), is_open, limits or Limits())


def is_loopback(host: str) -> bool:
    """Return whether an address or name certainly means this machine only."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


async def refuse(
    scope: Scope, receive: Receive, send: Send, status: int, detail: str, headers: dict[str, str] | None = None
) -> None:
    """Refuse a request or websocket with a line that says why.

    Args:
        scope: The request.
        receive: Receives its body.
        send: Sends the response.
        status: HTTP status.
        detail: The reason.
        headers: Further headers of the response.
    """
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await JSONResponse({"detail": detail}, status, headers)(scope, receive, send)


class KnownHosts:
    """Accepts only names of this server in the Host header, against DNS rebinding by other sites."""

    def __init__(self, app: ASGIApp, names: Collection[str], *, any_address: bool = False) -> None:
        """Wrap an ASGI application.

        Args:
            app: The application.
            names: Names of the server, in lower case, without ports.
            any_address: Accept every numeric address, too: DNS cannot rebind it.
        """
        self._app, self._any_address = app, any_address
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it is for this server."""
        if scope["type"] in {"http", "websocket"}:
            name = _host_name(Headers(scope=scope).get("host", ""))
            if name not in self._names and not (self._any_address and _is_address(name)):
                said = f"Host {name[:100]!r} is not a name of this server; start it with: --allowed-host NAME"
                return await refuse(scope, receive, send, 421, said)
        return await self._app(scope, receive, send)


class SameOrigin:
    """Keeps pages of other sites from using a visitor's browser to ask or change something here.

    They cannot read either: no script from elsewhere, even from another port of this machine, has access.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        """Wrap an ASGI application.

        Args:
            app: The application.
            names: Names that a proxy in front of the server uses, if it sends another Host header.
        """
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it comes from our own page, or from no page at all."""
        if scope["type"] in {"http", "websocket"} and not self._is_ours(HTTPConnection(scope)):
            said = "Pages of other sites cannot use this server."
            return await refuse(scope, receive, send, 403, said)
        return await self._app(scope, receive, send)

    def _is_ours(self, request: HTTPConnection) -> bool:
        headers, origin = request.headers, request.headers.get("origin")
        if origin is not None and not self._is_here(origin, headers.get("host", "")):
            return False
        is_safe = request.scope.get("method", "") in _SAFE_METHODS
        site = headers.get("sec-fetch-site")
        if site in {"cross-site", "same-site"}:  # "same-site" may be another server on another port
            is_followed_link = is_safe and headers.get("sec-fetch-mode") == "navigate"
            return is_followed_link and not request.url.path.startswith(GRADIO)
        # Browsers send an origin with every change. With a session, a change without one is not from a browser.
        return is_safe or origin is not None or site is not None or cookie_name(request) not in request.cookies

    def _is_here(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            name = parts.hostname or ""
        except ValueError:
            return False
        default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
        return name in self._names or parts.netloc.removesuffix(default).lower() == host.removesuffix(default).lower()


class SmallHeads:
    """Refuses requests whose address or headers are too long; the page's own are shorter."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an ASGI application."""
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its address and headers are within the limits."""
        if scope["type"] in {"http", "websocket"}:
            url = len(scope.get("raw_path") or b"") + len(scope["query_string"])
            if url > self._limits.url_bytes:
                said = f"The address has {url:,} bytes, at most {self._limits.url_bytes:,}; shorten it."
                return await refuse(scope, receive, send, 414, said)
            head = sum(len(name) + len(value) for name, value in scope["headers"])
            if head > self._limits.head_bytes:
                said = f"The headers have {head:,} bytes, at most {self._limits.head_bytes:,}; shorten them."
                return await refuse(scope, receive, send, 431, said)
        return await self._app(scope, receive, send)


class LimitedBodies:
    """Refuses bodies that are too large with JSON; Starlette's own limit answers in plain text."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an ASGI application; routes that accept larger bodies set their own limit."""
        self._app = RequestBodyLimitMiddleware(app, max_body_size=limits.body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and replace Starlette's refusal by ours."""
        is_refused = False

        async def answer(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                is_refused = True
                await refuse(scope, receive, send, message["status"], TOO_LARGE)
            elif not is_refused:
                await send(message)

        await self._app(scope, receive, answer)


def _is_plain_refusal(message: Message) -> bool:
    is_plain = Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")
    return is_plain and message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class StalledBodies:
    """Gives up on requests whose body arrives too slowly."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an ASGI application."""
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer it here if its body arrives too slowly.

        Args:
            scope: The request.
            receive: Receives its body.
            send: Sends the response.

        Raises:
            HTTPException: The body arrived too slowly after the response had begun.
        """
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body = _TimedBody(receive, self._limits)
        has_begun = False

        async def note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            return await self._app(scope, body.receive, note)
        except HTTPException as error:
            if has_begun or not body.has_stalled:
                raise
            return await refuse(scope, receive, send, error.status_code, error.detail)


class _TimedBody:
    """A body with a time limit that grows with its length."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._left_s = limits.stalled_s
        self._is_whole = False
        self.has_stalled = False

    async def receive(self) -> Message:
        if self._is_whole:  # only the client's disconnection can follow, which has no time limit
            return await self._receive()
        began = time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, self._left_s))
        except TimeoutError:
            self.has_stalled = True
            raise HTTPException(408, "The request's body came too slowly.", {"Connection": "close"}) from None
        self._left_s += len(message.get("body", b"")) / self._limits.min_bytes_per_s - (time.monotonic() - began)
        self._is_whole = not message.get("more_body", False)
        return message


class Throttled:
    """Limits the rate of requests per visitor: by session, or by address without one."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an ASGI application."""
        self._app = app
        self._own = (Buckets(limits.changing), Buckets(limits.reading))
        self._shared = tuple(
            Buckets(Rate(rate.burst * limits.shared, rate.per_second * limits.shared))
            for rate in (limits.changing, limits.reading)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its visitor has not exceeded the rate."""
        if scope["type"] == "http" and not is_asset(scope["path"]):
            visitor = scope.get(VISITOR, "")
            has_session = visitor.startswith("session:")
            key = visitor if has_session else network(client_address(HTTPConnection(scope)))
            buckets = self._own if has_session else self._shared
            wait_s = buckets[scope["method"] in _SAFE_METHODS].take(key)
            if wait_s:
                wait = str(max(1, round(wait_s + 0.5)))
                said = f"Too many requests; the next one is answered in {wait} s."
                return await refuse(scope, receive, send, 429, said, {"Retry-After": wait})
        return await self._app(scope, receive, send)


def is_asset(path: str) -> bool:
    """Return whether a path is one of the page's own scripts and styles, which are the same for everybody."""
    return path.startswith(("/assets/", "/static/"))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    """Return the name in a Host header, without port, brackets and trailing dot; "" if it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
