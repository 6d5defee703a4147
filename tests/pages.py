"""The chat page, served and used as a person would."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from qa.answering import QuestionAnswerer
from qa.web import build_page
from qa.web.serving import make_server, open_port


@contextmanager
def served(answerer: QuestionAnswerer, port: int = 0, **given: Any) -> Iterator[str]:
    """Serves the page of an answerer on a port, a free one if none is named; the page's address."""
    with open_port("127.0.0.1", port) as listening:
        ready = threading.Event()
        server = make_server(build_page(answerer, **given), ready.set)
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


def last_change(chat: Any, question: str, told: Any = None) -> dict[str, Any]:
    """What the page is told in the end when a question is asked of it, without a browser."""
    from qa.web.page import Visitor
    from qa.web.told import Told

    async def ask() -> dict[str, Any]:
        return [change async for change in chat.ask({"question": question}, told or Told(), Visitor("", "page"))][-1]

    with ThreadPoolExecutor(1) as thread:  # in this one a browser's event loop may be running
        return thread.submit(asyncio.run, ask()).result()
