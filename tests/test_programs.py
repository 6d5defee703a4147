"""The doors for programs: POST /api/ask and its OpenAPI document, /health, /metrics, and the log."""

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fakes import WordReader, busy_inference, fake_answerer
from index.birth_certificate import our_version
from index.errors import DamagedIndexError, QuestionError
from pages import run, served
from qa.answerer import QuestionAnswerer
from qa.reader.extractive import Reader
from qa.records.answer import Answer, Reason
from qa.records.turn import Kind, Turn
from qa.web import question_queue
from qa.web.api.ask import EXAMPLES
from qa.web.api.queued_ask import ask_in_turn
from qa.web.observability.logs import JsonFormatter
from qa.web.observability.metrics import Door, Metrics, StoppedError
from qa.web.question_queue import OverloadedError

RIVER = "What is the river called?"
TEXT = "A line of many worlds: 👩‍👧 é. The river is called OXUS, they say."


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestionAnswerer]:
    documents = {"river.txt": TEXT, "a folder/Ünicode lake.md": "# Lakes\n\nThe lake is called VANER.\n"}
    with fake_answerer(tmp_path_factory.mktemp("programs"), documents) as made:
        yield made


@pytest.fixture(scope="module")
def client(answerer: QuestionAnswerer) -> Iterator[httpx.Client]:
    with served(answerer) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def ask(client: httpx.Client, **given: Any) -> Any:
    return client.post("/api/ask", json=given)


def the_line(response: Any) -> str:
    """The one line that an error is, wherever it came from."""
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"detail"}
    line = response.json()["detail"]
    assert line.isprintable()
    assert 10 < len(line) <= 301
    return line


def counted(client: httpx.Client, **labels: str) -> float:
    """How many questions were counted with these labels."""
    page = client.get("/metrics").text
    lines = [line for line in page.splitlines() if line.startswith("verbatim_questions_total{")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(f'{k}="{v}"' in line for k, v in labels.items()))


def test_a_program_gets_what_python_gets(client: httpx.Client, answerer: QuestionAnswerer) -> None:
    response = ask(client, question=RIVER)
    answer = json.loads(json.dumps(asdict(answerer.ask(RIVER))))
    assert response.status_code == 200
    assert response.json() == {**answer, "worked_out": None, "version": client.get("/health").json()["version"]}
    assert TEXT[answer["start"] : answer["end"]] == answer["text"] == "OXUS"
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_what_is_not_answered_is_no_error(client: httpx.Client) -> None:
    response = ask(client, question=RIVER, within=[])
    assert response.status_code == 200
    assert (response.json()["answered"], response.json()["reason"]) == (False, Reason.NOTHING_RETRIEVED)


def test_only_some_documents_can_be_asked(client: httpx.Client) -> None:
    within = ["a folder/Ünicode lake.md"]
    assert ask(client, question="What is the lake called?", within=within).json()["text"] == "VANER"
    assert ask(client, question=RIVER, within=within).json()["text"] != "OXUS"


def test_how_it_is_asked_reaches_what_answers(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    adjusted, asked = QuestionAnswerer.adjusted, []

    def spy(self: QuestionAnswerer, *, on_stage: Any, **given: Any) -> QuestionAnswerer:
        asked.append(given)
        return adjusted(self, on_stage=on_stage)

    monkeypatch.setattr(QuestionAnswerer, "adjusted", spy)
    assert ask(client, question=RIVER, max_wrong=0, reader="accurate").status_code == 200
    assert ask(client, question=RIVER, max_wrong=None, reader=None, within=None).status_code == 200
    assert asked == [{"max_wrong": 0.0, "reader": "accurate"}, {"max_wrong": None, "reader": None}]


HUGE = "x" * 1_000_000


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        (b"", 422, "the body is missing; send a JSON object"),
        (b"{", 422, "the body is not JSON at offset 1: .*; send a JSON object"),
        (b"null", 422, "the body is not a JSON object; send one, with Content-Type: application/json"),
        (b"[]", 422, "the body is not a JSON object; .*"),
        (b"\xff", 400, "the body cannot be parsed; send a JSON object in UTF-8"),
        (b"[" * 200_000, 400, "the body cannot be parsed; send a JSON object in UTF-8"),
        ({}, 422, "question is missing; give it"),
        ({"question": 7}, 422, "question=7: input should be a valid string"),
        ({"question": ["a"] * 9}, 422, "question=a list of 9: input should be a valid string"),
        ({"question": "?!"}, 422, r"question='\?!' holds no words; type a question"),
        ({"question": HUGE}, 422, "the question has 1,000,000 characters, at most 1,000; ask a shorter one"),
        (b'{"question": "who is \\ud800?"}', 422, "question is not valid Unicode: .*; decode it .*"),
        ({"question": "who?", "Within": []}, 422, "there is no parameter 'Within'; leave it out"),
        ({"question": "who?", HUGE: 1}, 422, "there is no parameter 'x{40}'…; leave it out"),
        ({"question": "who?", "max_wrong": "0.1"}, 422, "max_wrong='0.1': input should be a valid number"),
        ({"question": "who?", "max_wrong": True}, 422, "max_wrong=True: input should be a valid number"),
        ({"question": "who?", "max_wrong": 1.5}, 422, "max_wrong=1.5 must be between 0 and 1"),
        (b'{"question": "who?", "max_wrong": NaN}', 422, "max_wrong=nan must be between 0 and 1"),
        ({"question": "who?", "reader": HUGE}, 422, "reader='x{40}'…: input should be 'fast', 'accurate' or 'cascade'"),
        ({"question": "who?", "within": "river.txt"}, 422, "within='river.txt': input should be a valid list"),
        ({"question": "who?", "within": ["a", 5]}, 422, "within.1=5: input should be a valid string"),
        (
            {"question": "who?", "within": ["../river.txt"]},
            404,
            "within names '../river.txt', which is not in the index",
        ),
        ({"question": "who?", "within": ["a\0b\n"]}, 404, r"within names 'a\\x00b\\n', which is not in the index"),
        ({"question": "who?", "within": [HUGE]}, 404, "within names 'x+…x+', which is not in the index"),
    ],
)
def test_bad_input_is_refused_in_one_line(client: httpx.Client, body: Any, status: int, line: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body)
    response = client.post("/api/ask", content=content, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert re.fullmatch(line, the_line(response))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read(client: httpx.Client, content_type: str) -> None:
    response = client.post("/api/ask", content=b'{"question": "who?"}', headers={"content-type": content_type})
    assert response.status_code == 422
    assert the_line(response) == "the body is not a JSON object; send one, with Content-Type: application/json"


def test_a_nul_in_a_question_is_a_character_like_others(client: httpx.Client) -> None:
    assert ask(client, question="What is the river\0called?").json()["text"] == "OXUS"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/ask", "POST"),
        ("DELETE", "/api/ask", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/mcp", "POST"),
    ],
)
def test_other_methods_are_refused(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert the_line(response) == f"method {method} is not allowed for '{path}'; use {allowed}"


def test_what_there_is_not_is_said_to_be_not_there(client: httpx.Client) -> None:
    response = client.get(f"/api/{'x' * 5000}")
    assert response.status_code == 404
    assert the_line(response).startswith("there is nothing at '/api/xx")


def test_too_many_questions_are_told_to_come_again(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_queue, "MAX_QUESTIONS", 0)
    response = ask(client, question=RIVER)
    assert (response.status_code, response.headers["retry-after"]) == (503, "10")
    assert the_line(response) == "0 questions are waiting already; ask again later"


def test_what_nobody_foresaw_is_for_the_log(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(WordReader, "read", lambda *_: 1 / 0)
    before = counted(client, door="api", outcome="failed")
    # The server closes the connection after it, so it must not be used again.
    response = client.post("/api/ask", json={"question": "a secret?"}, headers={"Connection": "close"})
    assert response.status_code == 500
    assert the_line(response) == "an unexpected error occurred, not caused by your request; see the server's log"
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
    assert counted(client, door="api", outcome="failed") == before + 1


def test_nobody_is_answered_who_does_not_wait(answerer: QuestionAnswerer) -> None:
    metrics = Metrics(answerer)

    async def ask() -> None:
        queue = question_queue.QuestionQueue()
        with busy_inference(answerer.engine), metrics.question(Door.API, RIVER) as asked:
            asking = asyncio.create_task(ask_in_turn(queue, answerer, asked, RIVER, asker="a program"))
            await asyncio.sleep(0.05)
            queue.stop("another program")
            await asyncio.sleep(0.05)
            assert not asking.done()
            queue.stop("a program")
            await asking

    with pytest.raises(StoppedError):
        run(ask)
    assert 'verbatim_questions_total{door="api",outcome="stopped",reason=""} 1.0' in metrics.page("")[0].decode()


def test_questions_of_the_page_and_of_programs_wait_in_one_queue(answerer: QuestionAnswerer) -> None:
    async def ahead() -> tuple[int, Answer]:
        queue = question_queue.QuestionQueue()
        with Metrics(answerer).question(Door.API, RIVER) as asked:
            with busy_inference(answerer.engine):
                asking = asyncio.create_task(ask_in_turn(queue, answerer, asked, RIVER))
                await asyncio.sleep(0.05)
                async with aclosing(queue.steps("a page", lambda _: answerer.ask(RIVER))) as steps:
                    first = await anext(steps)
            return first.ahead, await asking

    n_ahead, answer = run(ahead)
    assert (n_ahead, answer.text) == (1, "OXUS")


def test_one_person_has_a_share_of_the_queue_whatever_pages_they_ask_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_queue, "MAX_OF_ONE", 2)
    released = threading.Event()

    async def ask() -> None:
        queue = question_queue.QuestionQueue()

        def work(_: object) -> bool:
            return released.wait(60)

        async def first_step(begun: AsyncExitStack, page: str, person: str) -> None:
            await anext(await begun.enter_async_context(aclosing(queue.steps(page, work, person))))

        try:
            async with AsyncExitStack() as begun:
                await first_step(begun, "one page", "session:hers")
                await first_step(begun, "another page", "session:hers")
                with pytest.raises(OverloadedError, match="2 of your questions are waiting already; ask again"):
                    await first_step(begun, "a third page", "session:hers")
                await first_step(begun, "his page", "session:his")
            async with AsyncExitStack() as begun:
                await first_step(begun, "a third page", "session:hers")
        finally:
            released.set()

    run(ask)


# The OpenAPI document


def test_the_document_lists_our_routes_and_no_other(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    assert {"/api/ask", "/health", "/metrics"} <= set(document["paths"])
    assert all(re.match(r"/(api/|health$|metrics$)", path) for path in document["paths"])
    schemas = document["components"]["schemas"]
    assert {*schemas["Answer"]["properties"], "worked_out", "version"} == set(schemas["VersionedAnswer"]["properties"])
    for schema in (schemas["VersionedAnswer"], schemas["Passage"]):
        assert all(described.get("description") for described in schema["properties"].values())
        assert schema["required"] == list(schema["properties"])
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    for page in ("/docs", "/redoc"):
        assert "swagger" not in client.get(page).text.lower()


def test_the_examples_are_what_they_say(client: httpx.Client) -> None:
    answer = EXAMPLES["ask"]["answered"]
    passage = answer["passage"]
    start, end = answer["start"] - passage["start"], answer["end"] - passage["start"]
    assert passage["text"][start:end] == answer["text"]
    assert passage["text"][answer["sentence_start"] - passage["start"] :].startswith(answer["sentence"])
    assert len(passage["text"]) == passage["end"] - passage["start"]
    assert set(answer) == set(EXAMPLES["ask"]["declined"]) == set(ask(client, question=RIVER).json())


def test_words_are_found_with_their_places(client: httpx.Client) -> None:
    found = client.get("/api/search", params={"words": '"is called" the', "places": 1}).json()
    assert (found["n_documents"], found["n_places"]) == (2, 2)
    lake, river = found["documents"]
    assert (lake["document"], lake["places"][0]["place"]) == ("a folder/Ünicode lake.md", "Lakes")
    (place,) = river["places"]
    assert TEXT[place["start"] : place["end"]] == place["text"] == "The river is called"
    assert (
        client.get("/api/search", params={"words": "oxus", "within": "a folder/Ünicode lake.md"}).json()["documents"]
        == []
    )
    assert the_line(client.get("/api/search", params={"words": '""'})).startswith("words='\"\"' holds nothing")
    assert the_line(client.get("/api/search")) == "words is missing; give it"
    gone = client.get("/api/search", params={"words": "oxus", "within": "gone.txt"})
    assert (gone.status_code, the_line(gone)) == (404, "within names 'gone.txt', which is not in the index")


FEW_AND_THE_SAME = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(client: httpx.Client, mode: Any) -> None:
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")

    @FEW_AND_THE_SAME
    @given(case=schema["/api/ask"]["POST"].as_strategy(mode))
    def check(case: Any) -> None:
        case.call_and_validate(checks=list(CHECKS), headers={"Connection": "close"}, timeout=60)

    check()


@pytest.mark.parametrize("path", ["/health", "/metrics"])
def test_how_the_server_fares_is_told_as_the_document_says(client: httpx.Client, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    schema[path]["GET"].Case().call_and_validate(checks=list(CHECKS), timeout=60)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_operation_fails_whatever_it_is_sent(
    make_answerer: Callable[..., QuestionAnswerer], folder: Path, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "river.txt").write_text(TEXT, encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    monkeypatch.setattr(Reader, "read", WordReader.read)  # of whichever is asked for: what is read is not what is tried
    with served(answerer) as url:
        # What the server imports when it is first asked: Hypothesis walks through the modules meanwhile.
        httpx.post(f"{url}/api/ask", json={"question": "Which river?"}, timeout=60).raise_for_status()
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) > 15
        for operation in operations:

            @FEW_AND_THE_SAME
            @given(case=operation.as_strategy(mode))
            def check(case: Any) -> None:
                case.call_and_validate(checks=[not_a_server_error], headers={"Connection": "close"}, timeout=60)

            with suppress(Unsatisfiable):  # what takes no parameter cannot be sent a wrong one
                check()


# How the server fares


def test_health_is_what_the_index_holds(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "version": our_version(),
        "documents": 2,
        "passages": 2,
        "indexing": None,
    }

    head = client.head("/health")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == response.headers["content-length"]

    def damaged(_: QuestionAnswerer) -> None:
        raise DamagedIndexError("the index cannot be read; rebuild it")

    monkeypatch.setattr(QuestionAnswerer, "counts", damaged)
    response = client.get("/health")
    assert (response.status_code, client.head("/health").status_code) == (503, 503)
    assert response.json() == {
        "status": "failed",
        "version": our_version(),
        "detail": "the index cannot be read; rebuild it",
    }
    assert "verbatim_index_readable 0.0" in client.get("/metrics").text


def test_questions_are_counted_by_door_and_outcome_and_timed_by_stage(answerer: QuestionAnswerer) -> None:
    metrics, others = Metrics(answerer), Metrics(answerer)  # each application counts for itself
    nothing = Answer(RIVER, answered=False, reason=Reason.NOTHING_RETRIEVED, hurried=True)
    with metrics.question(Door.PAGE, RIVER) as asked:
        asked.came_out(answerer.adjusted(on_stage=asked.on_stage).ask(RIVER))
    with metrics.question(Door.PAGE, RIVER) as asked:
        asked.came_out(Turn(RIVER, "", Kind.UNKNOWN, answer=nothing))
    with metrics.question(Door.PAGE, "Hello!") as asked:
        asked.came_out(Turn("Hello!", "Hello.", Kind.TALK))
    with pytest.raises(QuestionError), metrics.question(Door.MCP, ""):
        answerer.ask("")
    with pytest.raises(ZeroDivisionError), metrics.question(Door.GRADIO, RIVER):
        raise ZeroDivisionError
    with pytest.raises(KeyboardInterrupt), metrics.question(Door.API, RIVER):
        raise KeyboardInterrupt
    text = metrics.page("")[0].decode()
    for door, outcome, reason in (
        ("page", "answered", ""),
        ("page", "declined", "nothing retrieved"),
        ("page", "talk", ""),
        ("mcp", "refused", "QuestionError"),
        ("gradio", "failed", ""),
        ("api", "stopped", ""),
    ):
        assert f'verbatim_questions_total{{door="{door}",outcome="{outcome}",reason="{reason}"}} 1.0' in text
    assert 'verbatim_questions_hurried_total{door="page"} 1.0' in text
    for stage in ("waiting", "searching", "reading", "deciding", "telling"):
        assert f'verbatim_stage_seconds_count{{stage="{stage}"}}' in text
    assert 'verbatim_question_seconds_count{door="page"} 3.0' in text
    assert 'verbatim_questions_in_progress{door="page"} 0.0' in text
    assert "verbatim_index_documents 2.0" in text
    assert re.search(r"verbatim_index_bytes [1-9]", text)
    assert "verbatim_questions_total{" not in others.page("")[0].decode()


def test_a_conversation_that_asks_again_waits_again(answerer: QuestionAnswerer) -> None:
    with Metrics(answerer).question(Door.PAGE, RIVER) as asked:
        twice = answerer.adjusted(on_stage=asked.on_stage)
        twice.ask(RIVER)
        before = dict(asked.seconds)
        twice.ask(RIVER)
        assert asked.seconds["waiting"] > before["waiting"]
        assert asked.seconds["telling"] == before.get("telling", 0.0)
        asked.came_out(twice.ask(RIVER))


@pytest.mark.parametrize("log_questions", [False, True])
def test_each_question_is_a_line_of_json(
    answerer: QuestionAnswerer, caplog: pytest.LogCaptureFixture, log_questions: bool
) -> None:
    caplog.set_level(logging.INFO, "verbatim.access")
    with Metrics(answerer, log_questions=log_questions).question(Door.API, RIVER, "a-request") as asked:
        asked.came_out(answerer.adjusted(on_stage=asked.on_stage).ask(RIVER))
    line = JsonFormatter().format(caplog.records[-1])
    assert "\n" not in line
    said = json.loads(line)
    assert (said["door"], said["outcome"], said["request_id"]) == ("api", "answered", "a-request")
    assert {"whole", "waiting", "searching", "reading", "deciding"} <= set(said["seconds"])
    assert datetime.fromisoformat(said["time"]).tzinfo is not None
    assert said.get("question") == (RIVER if log_questions else None)
    assert ("river" in line) is log_questions
