"""The chat page, served and used as a person would."""

import asyncio
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount

from qa.answerer import QuestionAnswerer
from qa.web import build_page
from qa.web.server import PortError, make_server, open_port

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

SHOWN_WITHIN_MS = 15_000
_HOST = "127.0.0.1"
_usual_port = [0]


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine in a thread of its own: the browser's tests keep a loop running in this one."""

    async def awaited() -> Any:
        return await work()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, awaited()).result()


def built(answerer: QuestionAnswerer, *guarded: Any, **given: Any) -> "FastAPI":
    """The application; made where no event loop runs, Gradio begins one for each page and leaves it open."""

    async def build() -> "FastAPI":
        return build_page(answerer, *guarded, **given)

    return run(build)  # type: ignore[no-any-return]


@contextmanager
def served(answerer: QuestionAnswerer, *guarded: Any, port: int = 0, **given: Any) -> Iterator[str]:
    """Serves the page of an answerer on a port, the usual one or a free one if none is named; the page's address.

    `guarded`: by which access and guards, and how far the index is.
    """
    with open_port(_HOST, port) if port else _open_usual() as listening:
        ready = threading.Event()
        server = make_server(built(answerer, *guarded, **given), ready.set, *guarded[1:2])
        server.config.timeout_graceful_shutdown = 0  # pages that are open get no second to finish
        with running(server, listening, ready) as address:
            yield address


def usual_port() -> int:
    """The port of the first server while it is free, else another: at the same address, browsers know the scripts."""
    with _open_usual() as listening:
        return int(listening.getsockname()[1])


def _open_usual() -> socket.socket:
    try:
        listening = open_port(_HOST, _usual_port[0])
    except PortError:  # another server of the test has it
        return open_port(_HOST, 0)
    _usual_port[0] = listening.getsockname()[1]
    return listening


@contextmanager
def running(server: "uvicorn.Server", listening: socket.socket, ready: threading.Event) -> Iterator[str]:
    """Runs a server in a thread over a listening socket until the end of the block; its address."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(60)
        yield f"http://{_HOST}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def expect(found: Any) -> Any:
    """Playwright's assertions, which wait for as long as the pages of `visit` do."""
    from playwright.sync_api import expect as expecting

    expecting.set_options(timeout=SHOWN_WITHIN_MS)
    return expecting(found)


def ask(page: Any, question: str) -> Any:
    """The turn that the question makes."""
    turns = page.locator("#log .turn:not(.pending)")
    before = turns.count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    turns.nth(before).wait_for()
    return turns.nth(before)


def last_change(chat: Any, question: str, told: Any = None) -> dict[str, Any]:
    """What the page is told in the end when a question is asked of it, without a browser."""
    from qa.web.chat.page import Visitor
    from qa.web.chat.transcript import Told

    async def ask() -> dict[str, Any]:
        return [change async for change in chat.ask({"question": question}, told or Told(), Visitor("", "page"))][-1]

    return run(ask)  # type: ignore[no-any-return]


def all_routes(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Path of every route there is, in whatever is mounted too; "x" in place of each parameter."""
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, Mount):
            yield f"{route.path}/x"
            yield from (f"{route.path}{path}" for path in all_routes(route.original_route.routes))
        else:
            yield re.sub(r"\{[^}]*\}", "x", route.path or "/")
