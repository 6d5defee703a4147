"""The door for assistants: the tools, in process, over HTTP, and over stdio."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client

from pages import run, served
from qa.answerer import QuestionAnswerer
from qa.open_folder import default_folder
from qa.web.api.mcp import MAX_QUOTE_CHARS, make_server
from qa.web.observability.metrics import Metrics
from qa.web.question_queue import QuestionQueue

RIVER = "What is the river called?"
TOOLS = ["ask", "search", "find", "quote", "list_documents"]
TEXT = "👩‍👧 é. The river is called OXUS, they say."


@pytest.fixture
def answerer(folder: Path, make_answerer: Callable[..., QuestionAnswerer]) -> QuestionAnswerer:
    (folder / "rivers.txt").write_text(TEXT, encoding="utf-8")
    (folder / "lakes.md").write_text("# The lakes\n\nThe lake is called VANER.\n", encoding="utf-8")
    (folder.parent / "secret.txt").write_text("The river is called SECRET.")
    made = make_answerer()
    made.sync()
    return made


def called(server: Any, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """What a client gets from the tools, one after the other."""

    async def call() -> list[Any]:
        async with Client(server) as client:
            listed = (await client.list_tools()).tools
            assert [tool.name for tool in listed] == TOOLS
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed)
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return run(call)


def in_process(answerer: QuestionAnswerer) -> Any:
    return make_server(answerer, QuestionQueue(), Metrics(answerer))


def test_the_tools_answer_quote_search_and_list(answerer: QuestionAnswerer) -> None:
    ask, declined, search, mentions, quote, listing, found = called(
        in_process(answerer),
        ("ask", {"question": RIVER}),
        ("ask", {"question": RIVER, "within": []}),
        ("search", {"question": RIVER}),
        ("find", {"words": '"IS CALLED" oxus'}),
        ("quote", {"document": "lakes.md", "start": 13, "end": 17}),
        ("list_documents", {}),
        ("list_documents", {"search": "LAKES", "offset": 0}),
    )
    answer = ask.structured_content
    assert (answer["answered"], answer["text"], answer["document"]) == (True, "OXUS", "rivers.txt")
    assert TEXT[answer["start"] : answer["end"]] == "OXUS"
    assert answer["text"] in answer["sentence"]
    assert answer["sentence"] in TEXT
    assert declined.structured_content["reason"] == "nothing retrieved"
    nearest = search.structured_content["passages"][0]
    assert (nearest["document"], nearest["text"]) == ("rivers.txt", TEXT)
    assert mentions.structured_content["n_places"] == 1
    (mentioned,) = mentions.structured_content["documents"]
    assert (mentioned["document"], mentioned["places"][0]["text"]) == ("rivers.txt", "is called OXUS")
    said = quote.structured_content
    assert (said["text"], said["place"]) == ("The ", "The lakes")
    assert said["document_sha256"] == next(r.sha256 for r in answerer.documents() if r.name == "lakes.md")
    assert [record["name"] for record in listing.structured_content["documents"]] == ["lakes.md", "rivers.txt"]
    assert found.structured_content["total"] == 1


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("ask", {}, "question is missing; give it"),
        ("ask", {"question": "?"}, "question='?' holds no words; type a question"),
        ("ask", {"question": RIVER, "within": ["secret.txt"]}, "within names 'secret.txt', which is not in the index"),
        ("search", {"question": 5}, "question=5: input should be a valid string"),
        ("find", {"words": "OXUS", "offset": -1}, "offset=-1 is out of range; choose 0 or more"),
        ("quote", {"document": "../secret.txt", "start": 0, "end": 9}, "there is no document '../secret.txt' in"),
        ("quote", {"document": "rivers.txt", "start": 5, "end": 5}, "start=5 and end=5 are not a span of 'rivers.txt'"),
        ("quote", {"document": "rivers.txt", "start": -3, "end": 5}, "start=-3 and end=5 are not a span of"),
        ("quote", {"document": "rivers.txt", "start": 0, "end": 10**9}, f"end={10**9} is more than 20,000 characters"),
        (
            "quote",
            {"document": "rivers.txt", "start": 0, "end": "x" * 9999},
            "end='x{40}'…: input should be a valid in",
        ),
        ("list_documents", {"folder": "/"}, "there is no parameter 'folder'; leave it out"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    answerer: QuestionAnswerer, name: str, arguments: dict[str, Any], line: str
) -> None:
    (result,) = called(in_process(answerer), (name, arguments))
    assert result.is_error
    assert result.content[0].text.isprintable()
    assert len(result.content[0].text) < 301
    assert result.content[0].text.startswith(line.replace("x{40}", "x" * 40))


def test_there_is_no_other_tool(answerer: QuestionAnswerer) -> None:
    refused = pytest.RaisesExc(MCPError, match="there is no tool 'delete'; there are: ask, search, find, quote, lis")
    with pytest.RaisesGroup(refused, flatten_subgroups=True):
        called(in_process(answerer), ("delete", {}))


def test_a_quote_has_a_bound(folder: Path, answerer: QuestionAnswerer) -> None:
    (folder / "long.txt").write_text("Some words. " * 3000)
    answerer.sync()
    short, long = called(
        in_process(answerer),
        ("quote", {"document": "long.txt", "start": 1, "end": 1 + MAX_QUOTE_CHARS}),
        ("quote", {"document": "long.txt", "start": 0, "end": 1 + MAX_QUOTE_CHARS}),
    )
    assert len(short.structured_content["text"]) == MAX_QUOTE_CHARS
    assert long.is_error


def test_what_nobody_foresaw_is_for_the_log(
    answerer: QuestionAnswerer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(QuestionAnswerer, "documents", lambda _: 1 / 0)
    (result,) = called(in_process(answerer), ("list_documents", {}))
    assert result.content[0].text == "an unexpected error occurred, not caused by your request; see the server's log"
    assert "ZeroDivisionError" in caplog.text


def test_over_http_and_with_gradio_client(answerer: QuestionAnswerer) -> None:
    from gradio_client import Client as GradioClient

    with served(answerer) as url:
        (answer,) = called(f"{url}/mcp", ("ask", {"question": RIVER}))
        assert answer.structured_content["text"] == "OXUS"

        client = GradioClient(url, verbose=False, analytics_enabled=False)
        asked = client.predict(RIVER, api_name="/ask")
        assert (asked["text"], asked["start"]) == ("OXUS", answer.structured_content["start"])
        elsewhere = client.predict(question=RIVER, within=["lakes.md"], max_wrong=0.5, api_name="/ask")
        assert elsewhere["text"] != "OXUS"
        described = client.view_api(return_format="dict")["named_endpoints"]["/ask"]
        client.close()
        parameters = {each["parameter_name"]: each["parameter_has_default"] for each in described["parameters"]}
        assert parameters == {"question": False, "within": True, "max_wrong": True}


def test_over_stdio_where_stdout_is_the_protocols_alone(tmp_path: Path) -> None:
    """Without models, which take long to load; that they print nothing is a test of the wheel."""
    start = "from fakes import fake_engine; from qa.cli.main import main; main(['mcp'], engine=fake_engine())"
    name = next(default_folder().glob("*.txt")).name
    path = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "VERBATIM_INDEX_DIR": str(tmp_path / "index")}
    command = StdioServerParameters(command=sys.executable, args=["-c", start], env=environment)
    listing, quote = called(
        stdio_client(command), ("list_documents", {}), ("quote", {"document": name, "start": 2583, "end": 2591})
    )
    assert [record["name"] for record in listing.structured_content["documents"]] == [name]
    assert quote.structured_content["text"] == "May 2012"


def test_what_is_worked_out_from_a_table_is_told_apart_from_an_answer(
    folder: Path, make_answerer: Callable[..., QuestionAnswerer]
) -> None:
    rows = "".join(f"Boat {n},Oslo,{n}\n" for n in range(1, 31))
    (folder / "boats.csv").write_text(f"Boat,Port,Length\n{rows}", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    (ask,) = called(in_process(answerer), ("ask", {"question": "What is the total length of the boats?"}))
    answer = ask.structured_content
    assert (answer["answered"], answer["text"]) == (False, "")
    assert (answer["worked_out"]["value"], answer["worked_out"]["n_rows"]) == ("465", 30)
    text = answerer.text("boats.csv")
    assert all(text[row["start"] : row["end"]] == row["text"] for row in answer["worked_out"]["rows"])
    assert len(answer["worked_out"]["rows"]) == 20
