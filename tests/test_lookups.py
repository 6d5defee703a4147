"""What is asked of one document is looked up by its name: nothing lists all documents or files for it."""

from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from index.records import FileRecord
from pages import built, run
from pdfs import make_pdf, print_lines
from qa.answerer import QuestionAnswerer
from qa.web.chat.page import Visitor, _Chat
from qa.web.chat.transcript import Told

BROWSER = {"Verbatim-Browser": "browser-that-looks-up"}
QUESTION = "Who keeps the lighthouse?"


@pytest.fixture
def answerer(make_answerer: Callable[..., QuestionAnswerer], folder: Path) -> QuestionAnswerer:
    (folder / "keeper.txt").write_text("The lighthouse is kept by MARLOWE.", encoding="utf-8")
    (folder / "other.txt").write_text("The lighthouse is kept by GARRITY.", encoding="utf-8")
    (folder / "printed.pdf").write_bytes(make_pdf([print_lines([(72, 700, "The harbour is run by OSTROM.")])]))
    made = make_answerer()
    made.sync()
    return made


@pytest.fixture
def unlistable(answerer: QuestionAnswerer, monkeypatch: pytest.MonkeyPatch) -> QuestionAnswerer:
    """An answerer whose documents and files nobody may list."""
    for listing in ("index.storage.documents.Documents.all", "index.storage.ledger.Ledger.all"):
        monkeypatch.setattr(listing, lambda _: pytest.fail("everything was listed"))
    return answerer


def test_what_the_server_says_of_one_document_and_of_how_many_there_are(
    unlistable: QuestionAnswerer, folder: Path
) -> None:
    client = TestClient(built(unlistable), base_url="http://127.0.0.1", headers=BROWSER)
    printed = {"name": "printed.pdf", "sha256": unlistable.record("printed.pdf").sha256}
    assert "MARLOWE" in client.get("/api/documents/text", params={"name": "keeper.txt"}).json()["text"]
    assert len(client.get("/api/documents/places", params=printed).json()["pages"]) == 1
    boxes = client.get("/api/documents/boxes", params={**printed, "start": 0, "end": 11}).json()
    assert [page["page"] for page in boxes["pages"]] == [1]
    assert client.get("/api/documents/pages/1", params=printed).headers["content-type"] == "image/png"
    assert client.get("/api/documents/text", params={"name": "gone.txt"}).status_code == 404

    health, metrics = client.get("/health").json(), client.get("/metrics").text
    assert (health["documents"], health["passages"]) == (3, 3)
    assert "verbatim_index_documents 3.0" in metrics
    assert "verbatim_index_passages 3.0" in metrics

    answer = unlistable.ask(QUESTION, within=["keeper.txt"])
    words = {"document": answer.document, "sha256": answer.document_sha256, "start": answer.start, "end": answer.end}
    said = {"question": QUESTION, "verdict": "right", "answer": {**words, "text": answer.text}}
    given = client.post("/api/feedback", json=said)
    assert (given.status_code, given.json()["standing"]) == (201, "unchanged")
    assert client.get("/api/feedback").json() == [given.json()]

    sent = client.post("/api/documents", files={"files": ("again.txt", (folder / "keeper.txt").read_bytes())})
    assert sent.json()["files"][0]["detail"] == "the same as keeper.txt, which is there already"
    assert client.delete("/api/documents", params={"name": "other.txt"}).status_code == 200
    assert client.get("/api/documents/text", params={"name": "other.txt"}).status_code == 404


def test_questions_and_what_they_are_asked_of(unlistable: QuestionAnswerer) -> None:
    assert unlistable.ask(QUESTION, within=["other.txt"]).text == "GARRITY"
    assert {hit.passage.document for hit in unlistable.search(QUESTION, within=["keeper.txt"])} == {"keeper.txt"}
    chat = unlistable.conversation()
    assert chat.ask(f"{QUESTION[:-1]} in other.txt?").answer.document == "other.txt"
    assert chat.ask("and in KEEPER.TXT?").answer.document == "keeper.txt"
    answer = unlistable.ask(QUESTION)
    assert unlistable.verify(answer).standing == "holds"


def test_a_question_of_the_page(unlistable: QuestionAnswerer) -> None:
    chat = _Chat(unlistable)

    async def ask(sent: dict[str, Any]) -> dict[str, Any]:
        async with aclosing(chat.ask(sent, Told(), Visitor("", "page"))) as steps:
            return [step async for step in steps][-1]

    assert "GARRITY" in run(partial(ask, {"question": QUESTION, "options": {"within": ["other.txt"]}}))["log"]
    assert chat.refresh(Told()) == {}
    assert "3 documents" in chat.masthead()


def test_a_document_that_changes_while_it_is_asked_is_marked_as_changed(
    answerer: QuestionAnswerer, folder: Path
) -> None:
    chat = _Chat(answerer)
    state = answerer.state()
    turn = answerer.conversation().ask(QUESTION)
    assert set(chat._records_of(turn, state)) == {"keeper.txt", "other.txt"}
    (folder / "keeper.txt").write_text("Nobody keeps the lighthouse; HARLAND did.", encoding="utf-8")
    (folder / "new.txt").write_text("More words.", encoding="utf-8")
    answerer.sync()
    records = chat._records_of(turn, state)
    assert records["keeper.txt"].sha256 not in {record.sha256 for record in answerer.documents()}
    assert records["other.txt"] == answerer.record("other.txt")
    answerer.remove(["keeper.txt"])
    assert set(chat._records_of(turn, state)) == {"other.txt"}


def test_lines_of_the_ledger_are_looked_up(unlistable: QuestionAnswerer) -> None:
    found = unlistable.file_records(["keeper.txt", "gone.txt"])
    assert [type(each) for each in found.values()] == [FileRecord]
    assert found["keeper.txt"].status == "indexed"
