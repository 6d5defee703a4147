"""Access to the web chat: sessions of browsers that entered the password, and the check of every request."""

import base64
import binascii
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import anyio.to_thread
from anyio import CapacityLimiter
from cachetools import TTLCache
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from markupsafe import Markup
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import VerbatimError
from qa.web.security.passwords import Password
from qa.web.security.rate_limit import Buckets, Rate
from qa.web.templates import Templates

SESSION_S = 12 * 3600
LOGIN, LOGOUT, HEALTH = "/login", "/logout", "/health"
VISITOR = "verbatim.visitor"
"""Key in a request's scope for its visitor: "session:…", "program", "anyone" or "nobody"."""

_MAX_SESSIONS = 10_000
_TRIES = Rate(burst=10, per_second=0.2)
_MAX_WAITING = 20
"""Limit of passwords that wait to be hashed; more are refused, so that guessing cannot use up the CPU."""
_STATIC = Path(__file__).parents[1] / "static"
_PALETTE = re.compile(r"^(?::root|body\.dark) (\{.*?^\})", re.DOTALL | re.MULTILINE)
_SAFE_TARGET = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A path of this server. Two slashes would start another host; browsers remove tabs and turn \\ into /."""
_TEMPLATES = Templates(Path(__file__).parent / "templates")

logger = logging.getLogger("verbatim")


class TooManyTriesError(VerbatimError):
    """Passwords are tried faster than allowed."""

    def __init__(self, wait_s: float) -> None:
        """Create the error with the seconds until the next try."""
        self.wait_s = max(1, round(wait_s + 0.5))
        super().__init__(f"Too many tries; the next one is possible in {self.wait_s} s.")


class Access:
    """Who may use the server. Sessions are kept in memory: after a restart, browsers sign in again."""

    def __init__(
        self,
        password: Password | None = None,
        *,
        is_required: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create without sessions.

        Args:
            password: The required password, once one is set; None requires none.
            is_required: Whether to refuse everybody while no password is set.
            clock: Monotonic clock, in seconds.
        """
        self._password, self._is_required = password, is_required
        # Each session's value is the password hash at its start. Used in the event loop only.
        self._sessions: TTLCache[str, str] = TTLCache(_MAX_SESSIONS, SESSION_S, clock)
        self._tries = Buckets(_TRIES, clock)
        self._one_at_a_time = CapacityLimiter(1)

    @property
    def is_asked(self) -> bool:
        """Whether a password is required."""
        return self._is_required or self._hashed() is not None

    async def is_right(self, entered: str, client: str) -> bool:
        """Return whether a password is right; it is hashed on another thread.

        Args:
            entered: The entered password.
            client: Its client's address; the number of wrong ones per address is limited.

        Returns:
            Whether it is right.

        Raises:
            TooManyTriesError: Too many were wrong, or too many are being tried by others.
        """
        if self._password is None:
            return False
        # A token is taken before the check: otherwise many simultaneous tries would all pass.
        if wait_s := self._tries.take(network(client)):
            raise TooManyTriesError(wait_s)
        is_right = self._password.was_right(entered)  # before others' guesses, which may fill the queue for ever
        if not is_right:
            if self._one_at_a_time.statistics().tasks_waiting >= _MAX_WAITING:
                raise TooManyTriesError(1)
            matches = self._password.matches
            is_right = await anyio.to_thread.run_sync(matches, entered, limiter=self._one_at_a_time)
        if is_right:
            self._tries.give_back(network(client))
        return is_right

    def begin_session(self) -> str:
        """Start a session for a browser whose password was right.

        Returns:
            The token for its cookie. Only its hash is stored.
        """
        token = secrets.token_urlsafe(32)
        self._sessions[_digest(token)] = self._hashed() or ""
        return token

    def session(self, token: str) -> str | None:
        """Return the id of a session that has not ended, by expiry or by a change of the password.

        Args:
            token: The token from the cookie.

        Returns:
            The id, which is not secret; None if there is no such session.
        """
        key = _digest(token)
        began_with = self._sessions.get(key)
        if began_with is None or began_with != self._hashed():
            self._sessions.pop(key, None)
            return None
        return key

    def end_session(self, token: str) -> None:
        """End the session of a token."""
        self._sessions.pop(_digest(token), None)

    def _hashed(self) -> str | None:
        return None if self._password is None else self._password.hashed()


class SignedInOnly:
    """Passes requests of signed-in visitors on; others only reach the sign-in page."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        """Wrap an ASGI application."""
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        visitor: str | None = None
        try:
            visitor = await self._visitor(HTTPConnection(scope))
            refusal = _refusal(HTTPConnection(scope)) if visitor is None else None
        except TooManyTriesError as error:
            refusal = too_many_tries(error)
        except VerbatimError:
            logger.exception("nobody is let in")
            refusal = JSONResponse({"detail": "The server cannot check passwords now; its log says why."}, 503)
        if visitor is not None:
            scope[VISITOR] = visitor
            return await self._app(scope, receive, send)
        scope[VISITOR] = "nobody"
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        if scope["path"] == LOGIN:
            return await self._app(scope, receive, send)
        if scope["path"] == HEALTH and scope["method"] in {"GET", "HEAD"}:
            return await _health_alone(self._app, scope, receive, send)
        assert refusal is not None  # noqa: S101 (there is one whenever there is no visitor)
        return await refusal(scope, receive, send)

    async def _visitor(self, request: HTTPConnection) -> str | None:
        if not self._access.is_asked:
            return "anyone"
        session = self._access.session(request.cookies.get(cookie_name(request), ""))
        if session is not None:
            return f"session:{session}"
        entered = _sent_along(request.headers.get("authorization", ""))
        if entered is not None and await self._access.is_right(entered, client_address(request)):
            return "program"
        return None


def login_routes(access: Access) -> APIRouter:
    """Create the routes for signing in and out."""
    router = APIRouter(include_in_schema=False, default_response_class=Response)

    @router.get(LOGIN)
    def show(request: Request, then: Annotated[str, "where to go next"] = "/") -> Response:
        if access.is_asked and request.scope[VISITOR] == "nobody":
            return _login_page(then)
        return RedirectResponse(_safe(then), 303)

    @router.post(LOGIN)
    async def sign_in(
        request: Request, password: Annotated[str, Form()] = "", then: Annotated[str, Form()] = "/"
    ) -> Response:
        try:
            is_right = not access.is_asked or await access.is_right(password, client_address(request))
        except TooManyTriesError as error:
            return _login_page(then, str(error), 429, {"Retry-After": str(error.wait_s)})
        if not is_right:
            return _login_page(then, "That is not the password.", 401)
        response = RedirectResponse(_safe(then), 303)
        response.set_cookie(
            cookie_name(request),
            access.begin_session(),
            max_age=SESSION_S,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    @router.post(LOGOUT)
    async def sign_out(request: Request) -> Response:
        access.end_session(request.cookies.get(cookie_name(request), ""))
        response = RedirectResponse(LOGIN, 303)
        response.delete_cookie(
            cookie_name(request), secure=request.url.scheme == "https", httponly=True, samesite="strict"
        )
        return response

    return router


def cookie_name(request: HTTPConnection) -> str:
    """Return the name of the session's cookie, with the port: browsers share cookies between ports of a machine."""
    return f"verbatim-{(request.scope.get('server') or ('', 0))[1]}"


def client_address(request: HTTPConnection) -> str:
    """Return a request's client address, as reported by a proxy on this machine if there is one; "" if unknown."""
    return request.client.host if request.client else ""


def network(address: str) -> str:
    """Return the key for counting an address: of IPv6 its /64 network, since a client has all of its 2^64 addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address


def too_many_tries(error: TooManyTriesError) -> JSONResponse:
    """Return the response to a program that tries passwords too fast."""
    return JSONResponse({"detail": str(error)}, 429, {"Retry-After": str(error.wait_s)})


def _sent_along(authorization: str) -> str | None:
    """Return the password from an Authorization header; None if it has none that can be read."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _refusal(request: HTTPConnection) -> Response:
    headers = request.headers
    mode = headers.get("sec-fetch-mode")
    is_navigation = mode == "navigate" if mode else "text/html" in headers.get("accept", "")
    if request.scope.get("method") != "GET" or not is_navigation:
        # Not "Basic": browsers would open a dialog of their own for name and password.
        said = "Sign in, or send the password: Authorization: Bearer PASSWORD"
        return JSONResponse({"detail": said}, 401, {"WWW-Authenticate": 'Bearer realm="Verbatim"'})
    then = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    if headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        # After a link on another site the strict cookie was not sent; this page requests the address again, with it.
        return HTMLResponse(_TEMPLATES.render("again.html", then=_safe(then)))
    return RedirectResponse(f"{LOGIN}?{urlencode({'then': then})}", 303)


async def _health_alone(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whether the server works, without details, for monitors that are not signed in."""
    status = 500

    async def note(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    await app(scope, receive, note)
    is_well = status < 400  # noqa: PLR2004 (HTTP's bound between success and failure)
    await JSONResponse({"status": "ok" if is_well else "failing"}, 200 if is_well else 503)(scope, receive, send)


def _login_page(then: str, message: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Response:
    style = _login_style()
    content = _TEMPLATES.render("login.html", style=style, then=_safe(then), message=message)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; img-src data:; form-action 'self'"
    policy += "; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(content, status, {"Content-Security-Policy": policy, **(headers or {})})


def _login_style() -> Markup:
    """Return the style of the sign-in page, to be inlined: without signing in, no file can be loaded."""
    light, dark = _PALETTE.findall((_STATIC / "page.css").read_text(encoding="utf-8"))
    own = (_STATIC / "login.css").read_text(encoding="utf-8")
    return Markup(f":root {light}\n@media (prefers-color-scheme: dark) {{ :root {dark} }}\n{own}")  # noqa: S704 (ours)


def _safe(target: str) -> str:
    return target if _SAFE_TARGET.fullmatch(target) else "/"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
