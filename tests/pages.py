"""The chat page, served and used as a person would."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qa.answering import QuestionAnswerer
from qa.web import build_page
from qa.web.serving import make_server, open_port


@contextmanager
def served(answerer: QuestionAnswerer) -> Iterator[str]:
    """Serves the page of an answerer on a free port; the page's address."""
    with open_port("127.0.0.1", 0) as listening:
        ready = threading.Event()
        server = make_server(build_page(answerer), ready.set)
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
