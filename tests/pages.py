"""The chat page, served and used as a person would."""

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount

from qa.answering import QuestionAnswerer
from qa.web import build_page
from qa.web.serving import make_server, open_port


def built(answerer: QuestionAnswerer, *guarded: Any) -> FastAPI:
    """The application; made outside of an event loop, Gradio begins one for each page and leaves it open."""

    async def build() -> FastAPI:
        return build_page(answerer, *guarded)

    try:
        asyncio.get_running_loop()  # Playwright's
    except RuntimeError:
        return asyncio.run(build())
    return build_page(answerer, *guarded)


@contextmanager
def served(answerer: QuestionAnswerer, *guarded: Any) -> Iterator[str]:
    """Serves the page of an answerer on a free port; the page's address. `guarded`: by which access, and guards."""
    with open_port("127.0.0.1", 0) as listening:
        ready = threading.Event()
        server = make_server(built(answerer, *guarded), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert ready.wait(60)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


def ask(page: Any, question: str) -> Any:
    """The turn that the question makes."""
    turns = page.locator("#log .turn:not(.pending)")
    before = turns.count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    turns.nth(before).wait_for()
    return turns.nth(before)


def all_routes(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Path of every route there is, in whatever is mounted too; "x" in place of each parameter."""
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, Mount):
            yield f"{route.path}/x"
            yield from (f"{route.path}{path}" for path in all_routes(route.original_route.routes))
        else:
            yield re.sub(r"\{[^}]*\}", "x", route.path or "/")
