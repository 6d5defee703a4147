"""What Gradio would keep for pages that never read it is bounded: names of sessions, and answers that wait."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pages import served
from qa.answerer import QuestionAnswerer
from qa.web.security import gradio_filter
from qa.web.security.gradio_filter import BoundedInboxes, OwnEvents

JOIN = "/gradio_api/queue/join"


async def answer(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())})


INSIDE = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


@pytest.mark.parametrize("length", [11, 100, 101, 50_000])
def test_a_session_with_a_long_name_is_refused_and_not_remembered(length: int) -> None:
    guard, name = OwnEvents(INSIDE), "x" * length
    client = TestClient(guard)
    answers = [client.post(JOIN, json={"session_hash": name}), client.get(f"/gradio_api/heartbeat/{name}")]
    assert {each.status_code for each in answers} == {200 if length <= 100 else 400}
    assert list(guard._owners) == ([name] if length <= 100 else [])
    if length > 100:
        assert answers[0].json() == {"detail": "The session's name is longer than 100 characters; reload the page."}


def inbox(count: int) -> "asyncio.Queue[int]":
    made: asyncio.Queue[int] = asyncio.Queue()
    for number in range(count):
        made.put_nowait(number)
    return made


def test_a_session_that_does_not_read_is_refused_more_and_others_are_not() -> None:
    inboxes = {"full": inbox(100), "reading": inbox(99)}
    client = TestClient(BoundedInboxes(INSIDE, lambda: inboxes))
    asked = {name: client.post(JOIN, json={"session_hash": name}) for name in ("full", "reading", "new")}
    assert {name: each.status_code for name, each in asked.items()} == {"full": 429, "reading": 200, "new": 200}
    assert asked["full"].json() == {"detail": "Answers of this page wait to be read; reload it."}
    assert asked["new"].json() == {"bytes": len(b'{"session_hash":"new"}')}
    assert client.get("/gradio_api/queue/data?session_hash=full").status_code == 200
    inboxes["full"].get_nowait()
    assert client.post(JOIN, json={"session_hash": "full"}).status_code == 200


def test_where_too_much_is_unread_in_all_what_waits_longest_is_dropped() -> None:
    inboxes = OrderedDict((str(number), inbox(90)) for number in range(15))
    client = TestClient(BoundedInboxes(INSIDE, lambda: inboxes))
    assert client.post(JOIN, json={"session_hash": "14"}).status_code == 200
    assert [each.qsize() for each in inboxes.values()] == [0] * 4 + [90] * 11


def test_a_page_that_reads_what_waits_may_ask_again(
    make_answerer: Callable[..., QuestionAnswerer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradio_filter, "_MAX_UNREAD", 5)
    with served(make_answerer()) as url, httpx.Client(base_url=url, timeout=60, headers={"Origin": url}) as client:
        functions = client.get("/config").json()["dependencies"]
        asks = next(each["id"] for each in functions if any(event == "submit" for _, event in each["targets"]))
        body: dict[str, Any] = {"data": [None], "event_data": {"asked": {"question": "Who?"}}, "fn_index": asks}
        body["session_hash"] = "a-session"

        def join_until(status: int) -> None:
            deadline = time.monotonic() + 60
            while client.post(JOIN, json=body).status_code != status:
                assert time.monotonic() < deadline
                time.sleep(0.05)

        join_until(429)
        assert client.post(JOIN, json={**body, "session_hash": "another"}).status_code == 200
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "a-session"}) as messages:
            assert any("close_stream" in line for line in messages.iter_lines())
        join_until(200)
