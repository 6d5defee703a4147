"""The chat page, served and used as a person would."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qa.answering import QuestionAnswerer
from qa.web import build_page
from qa.web.serving import make_server, open_port

if TYPE_CHECKING:
    from fastapi import FastAPI


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine in a thread of its own: the browser's tests keep a loop running in this one."""

    async def awaited() -> Any:
        return await work()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, awaited()).result()


@contextmanager
def served(answerer: QuestionAnswerer) -> Iterator[str]:
    """Serves the page of an answerer on a free port; the page's address."""
    with open_port("127.0.0.1", 0) as listening:
        ready = threading.Event()
        server = make_server(run(lambda: _built(answerer)), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert ready.wait(60)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


async def _built(answerer: QuestionAnswerer) -> "FastAPI":
    return build_page(answerer)  # where a loop runs; elsewhere Gradio makes some that it never closes


def ask(page: Any, question: str) -> Any:
    """The turn that the question makes."""
    turns = page.locator("#log .turn:not(.pending)")
    before = turns.count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    turns.nth(before).wait_for()
    return turns.nth(before)
