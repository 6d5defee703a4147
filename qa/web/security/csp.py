"""Security headers of every response: Content-Security-Policy, no embedding, no caching."""

import base64
import hashlib
from collections.abc import Sequence
from html.parser import HTMLParser

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web.security.middleware import is_asset

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would send "null" as origin of our own forms, indistinguishable from other sites.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class SafeHeaders:
    """Adds headers that restrict what a page may do, and that forbid caching.

    The page may run its own scripts only: each is listed by its hash, so that no script or event handler from a
    document could run, even if escaping failed. Gradio needs two exceptions: 'unsafe-eval', for the templates of its
    HTML component, and inline styles. Other responses may run nothing.
    """

    def __init__(self, app: ASGIApp, scripts: Sequence[str] = ()) -> None:
        """Wrap an ASGI application.

        Args:
            app: The application.
            scripts: Scripts that the page runs besides those in its HTML.
        """
        self._app = app
        self._hashes = [_source_hash(script) for script in scripts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to the response."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        is_page = scope["path"] == "/"
        if is_page:  # its scripts must be found, so it must not be compressed
            headers = MutableHeaders(scope=scope)
            del headers["accept-encoding"]
        start: Message | None = None
        page = b""

        async def send_safely(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                _set_headers(MutableHeaders(scope=message), scope)
                start = message if is_page and _is_html(message) else None
                if start is None:
                    await send(message)
            elif start is None:
                await send(message)
            else:
                page += message.get("body", b"")
                if not message.get("more_body", False):
                    MutableHeaders(scope=start)["Content-Security-Policy"] = self._policy(page)
                    await send(start)
                    await send({**message, "body": page})

        return await self._app(scope, receive, send_safely)

    def _policy(self, page: bytes) -> str:
        scripts = _InlineScripts()
        scripts.feed(page.decode("utf-8", "replace"))
        sources = " ".join(["'self'", "'unsafe-eval'", *self._hashes, *map(_source_hash, scripts.found)])
        return (
            f"default-src 'self'; script-src {sources}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
            " font-src 'self' data:; connect-src 'self'; worker-src 'none'; object-src 'none'; base-uri 'self';"
            " form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
        )


class _InlineScripts(HTMLParser):
    """Collects the inline scripts of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and not any(name == "src" for name, _ in attrs):
            self._is_inside = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.found[-1] += data


def _source_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8", "replace")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _is_html(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


def _set_headers(headers: MutableHeaders, scope: Scope) -> None:
    headers.update(_HEADERS)
    headers.setdefault("Content-Security-Policy", _NOTHING)
    if not is_asset(scope["path"]):
        headers["Cache-Control"] = "no-store"
