"""Connections: a limit in time for a request's head, a share for each address, and files enough for all of them."""

import asyncio
import http.client
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pages import running
from qa.web.security.connections import LoopErrors
from qa.web.security.middleware import Guards, Limits
from qa.web.server import make_server, open_port

HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY_TO_COME = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
"""A request whose head is whole: its connection is in use until its body has come."""


begun: list[str] = []
"""Paths of the requests whose heads were read."""


async def answer(request: Request) -> JSONResponse:
    begun.append(request.url.path)
    return JSONResponse({"bytes": len(await request.body())})


@contextmanager
def serving(outside_names: frozenset[str] = frozenset(), **limits: Any) -> Iterator[str]:
    """A server of ours for an application that reads each request whole; its address."""
    guards = Guards(outside_names=outside_names, limits=Limits(**limits))
    app: Any = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with open_port("127.0.0.1", 0) as listening:
        ready = threading.Event()
        server = make_server(app, ready.set, guards)
        with running(server, listening, ready) as address:
            yield address


Connect = Callable[..., socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens connections to a server, closed at the end."""
    with ExitStack() as opened:

        def open_one(url: str, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
            parts = urlsplit(url)
            assert parts.hostname is not None
            assert parts.port is not None
            made = socket.create_connection((parts.hostname, parts.port), 10, source_address=(source, 0))
            opened.enter_context(closing(made)).sendall(sent)
            return made

        yield open_one


def health(url: str, source: str = "127.0.0.1") -> int:
    """Status of /health; 0 where the connection is closed without one."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10, source_address=(source, 0))
    try:
        with closing(connection):
            connection.request("GET", "/health")
            return connection.getresponse().status
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return 0


def take_up(connect: Connect, url: str, count: int, source: str = "127.0.0.1") -> None:
    """Have some connections in use."""
    begun.clear()
    for _ in range(count):
        connect(url, BODY_TO_COME, source)
    deadline = time.monotonic() + 30
    while len(begun) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    got = b""
    try:
        while part := connection.recv(4096):
            got += part
    except ConnectionResetError:
        pass
    return got


def test_a_head_that_is_not_whole_in_time_is_given_up_however_it_drips(connect: Connect) -> None:
    with serving(head_s=1.0) as url:
        began = time.monotonic()
        silent, unfinished, dripping = connect(url), connect(url, HEAD), connect(url, HEAD + b"X: ")
        in_use = connect(url, BODY_TO_COME)
        while time.monotonic() - began < 0.9:
            dripping.sendall(b"x")
            time.sleep(0.05)
        for connection in (unfinished, dripping):
            said = all_of(connection)
            assert said.startswith(b"HTTP/1.1 408 ")
            assert said.endswith(b'{"detail": "The request\'s headers came too slowly."}')
        assert all_of(silent) == b""  # a browser would take an answer for that to its next request
        assert time.monotonic() - began < 5
        in_use.settimeout(0.2)
        with pytest.raises(TimeoutError):
            in_use.recv(1)


def test_a_second_request_of_a_connection_has_the_same_time(connect: Connect) -> None:
    with serving(head_s=0.5) as url:
        connection = connect(url, HEAD + b"\r\n")
        assert b" 200 " in connection.recv(4096)
        connection.sendall(HEAD)
        assert b" 408 " in all_of(connection)


@pytest.mark.parametrize("sent", [b"", HEAD], ids=["nothing", "half a head"])
def test_unfinished_requests_keep_nobody_out(connect: Connect, sent: bytes) -> None:
    with serving(connections=20, address_share=1.0, head_s=60) as url:
        held = [connect(url, sent) for _ in range(40)]
        assert [health(url) for _ in range(30)] == [200] * 30
        assert all_of(held[0]) == b""  # the one that waited longest gave way


def test_an_address_has_its_share_of_connections_in_use_and_others_have_theirs(connect: Connect) -> None:
    with serving(connections=20, address_share=0.25) as url:
        take_up(connect, url, 5)
        assert health(url) in {503, 0}  # 0: it was closed before the request was sent
        assert health(url, "127.0.0.2") == 200
        said = all_of(connect(url))
        assert said.startswith(b"HTTP/1.1 503 ")
        assert said.endswith(b'{"detail": "Too many connections are open; try again in a while."}')


def test_a_proxy_in_front_connects_for_all_and_has_no_share(connect: Connect) -> None:
    names = frozenset({"docs.example.org"})
    with serving(outside_names=names, connections=20, address_share=0.25) as url:
        take_up(connect, url, 10)
        assert health(url) == 200
        take_up(connect, url, 5, "127.0.0.2")
        assert health(url, "127.0.0.2") in {503, 0}


FILES = """
import resource, sys
from qa.web.security.connections import fitting
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(fitting(100), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [(150, 1000, "100 200 1000"), (150, 180, "90 180 180"), (600, 1000, "100 600 1000")],
)
def test_as_many_connections_are_let_in_as_files_can_be_open(soft: int, hard: int, expected: str) -> None:
    command = [sys.executable, "-c", FILES, str(soft), str(hard)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert done.stdout.strip() == expected


def test_that_nothing_can_be_accepted_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = LoopErrors(lambda: now)
    context = {"message": "socket.accept() out of system resource", "exception": OSError(24, "Too many open files")}
    with closing(asyncio.new_event_loop()) as loop, caplog.at_level(logging.ERROR):
        for _ in range(1000):
            log(loop, context)
        assert [record.getMessage() for record in caplog.records] == [
            "connections cannot be accepted for now: [Errno 24] Too many open files"
        ]
        now += 60
        log(loop, context)
        log(loop, {"message": "a task failed", "exception": ValueError("no")})
        assert [record.getMessage() for record in caplog.records][2:] == ["a task failed"]
