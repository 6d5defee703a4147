"""Limits of connections: their number, in all and per address, and the time for a request's headers."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from qa.web.security.middleware import Limits
from qa.web.security.sessions import network

BACKLOG = 100
"""Connections that the system accepts before the server does; they may exceed the limit for a moment."""
_FILES_PER_CONNECTION = 2
"""Half of the open files are left for the index, its worker processes, uploads and libraries."""
_ACCEPT_LOGGED_EVERY_S = 60.0

logger = logging.getLogger("verbatim")


@dataclass(frozen=True, slots=True)
class Admission:
    """Limits of the connections that a server accepts.

    Attributes:
        limits: Number of connections, and time for a request's headers.
        proxies: Addresses of proxies in front of the server, each of which connects for many people and is exempt from
            the limit per address.
    """

    limits: Limits
    proxies: Container[str] = ()

    @property
    def per_address(self) -> int:
        """Maximum number of open connections of one address."""
        return max(1, int(self.limits.connections * self.limits.address_share))


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 over a limited number of connections; if there is no room, an idle connection is closed."""

    def __init__(self, admission: Admission, **given: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        """Create without a connection.

        Args:
            admission: Limits of the connections.
            **given: Arguments from uvicorn.
        """
        super().__init__(**given)
        self._admission = admission
        self._head_timer: asyncio.TimerHandle | None = None
        self.waiting_since = 0.0
        self.peer = ""

    @property
    def is_open(self) -> bool:
        """Whether the connection is open and not being closed."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def is_waiting(self) -> bool:
        """Whether the headers of the next request have not arrived completely."""
        return self.conn.their_state is h11.IDLE

    # Called by the event loop and uvicorn

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection if there is room, or after closing an idle one."""
        super().connection_made(transport)
        self.waiting_since = self.loop.time()
        self.peer = network(self.client[0]) if self.client else ""
        if self._makes_room():
            self._await_head()
        else:
            self._dismiss(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections are open; try again in a while.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a closed connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process bytes. The time limit for headers runs from their first byte."""
        if not self.is_open:
            return
        super().data_received(data)
        if not self.is_waiting:
            self._stop_timer()
        elif self._head_timer is None:
            self._await_head()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waiting_since = self.loop.time()
        super().on_response_complete()

    # Limits

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._admission.limits.head_s, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        has_begun = bool(self.conn.trailing_data[0])
        if not (self.is_open and self.is_waiting):
            return
        if has_begun:
            self._dismiss(HTTPStatus.REQUEST_TIMEOUT, "The request's headers came too slowly.")
        else:  # a browser's spare connection: it would take a response for the answer to its next request
            self.transport.close()

    def _makes_room(self) -> bool:
        """Return whether there is room for this connection, after closing idle ones if necessary."""
        if len(self.connections) <= self._admission.per_address:
            return True
        others = [other for other in self.connections if isinstance(other, LimitedProtocol) and other.is_open]
        if self.client is None or self.client[0] not in self._admission.proxies:
            same = [other for other in others if other.peer == self.peer]
            if not self._is_within(self._admission.per_address, same):
                return False
        return self._is_within(self._admission.limits.connections, [other for other in others if other.is_open])

    def _is_within(self, limit: int, connections: "list[LimitedProtocol]") -> bool:
        if len(connections) <= limit:
            return True
        waiting = [other for other in connections if other.is_waiting and other is not self]
        if not waiting:
            return False
        min(waiting, key=lambda other: other.waiting_since).transport.abort()
        return True

    def _dismiss(self, status: HTTPStatus, detail: str) -> None:
        body = json.dumps({"detail": detail}).encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()


def fitting(connections: int) -> int:
    """Raise the limit on open files to what a number of connections needs.

    Args:
        connections: Wanted number of connections.

    Returns:
        Number of connections that fit; fewer if the system allows no more files.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return connections
    unlimited = resource.RLIM_INFINITY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * _FILES_PER_CONNECTION
    if soft not in {unlimited, -1} and soft < wanted:
        with suppress(OSError, ValueError):  # systems may allow less than they report
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == unlimited else min(wanted, hard), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return connections if soft == unlimited else max(1, min(connections, soft // _FILES_PER_CONNECTION))


class LoopErrors:
    """Logs errors of the event loop; that no connection can be accepted, which repeats, only once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create without errors.

        Args:
            clock: Monotonic clock, in seconds.
        """
        self._clock = clock
        self._logged_s = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error; for `set_exception_handler`."""
        if "accept" not in context.get("message", "") or not isinstance(context.get("exception"), OSError):
            loop.default_exception_handler(context)
        elif self._clock() - self._logged_s >= _ACCEPT_LOGGED_EVERY_S:
            self._logged_s = self._clock()
            logger.error("connections cannot be accepted for now: %s", context["exception"])
