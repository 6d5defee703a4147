"""What people say of answers: kept, checked against the documents, taken back, exported."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from fakes import HashEmbedder, WordReader, fake_answerer
from index.errors import ParameterError
from qa.answerer import QuestionAnswerer
from qa.cli.main import cli
from qa.evaluation.metrics import load_articles
from qa.feedback.export import Format, as_squad, export
from qa.feedback.store import FILE_NAME, Feedback, FeedbackError, FeedbackStore, Stretch, Verdict, take
from qa.records.browser import hashed_id
from qa.training.data.questions import load_examples
from qa.web.api.errors import say_problems
from qa.web.api.feedback import feedback_routes

BROWSER = "0123456789abcdef"
ODD = (
    "👩‍👧 e\u0301\r\nA line.\rAn old line with a \0 in it.\r\n\r\n"
    "The bridge was designed by MARLOWE 👩‍👧 e\u0301.\r\n\r\nThe end."
)


Words = Callable[..., dict[str, Any]]


def make_documents(folder: Path) -> None:
    (folder / "odd.txt").write_bytes(ODD.encode())
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a b é.txt").write_text("The museum was founded by GARRITY.", encoding="utf-8")


def make_client(answerer: QuestionAnswerer) -> TestClient:
    app = FastAPI()
    say_problems(app)
    app.include_router(feedback_routes(answerer))
    return TestClient(app, headers={"Verbatim-Browser": BROWSER}, raise_server_exceptions=False)


def words_of(answerer: QuestionAnswerer) -> Words:
    """Gives a stretch of a document as a page sends it."""
    hashes = {record.name: record.sha256 for record in answerer.documents()}

    def stretch(text: str, document: str = "odd.txt") -> dict[str, Any]:
        start = answerer.text(document).index(text)
        sent = {"document": document, "sha256": hashes[document], "start": start, "end": start + len(text)}
        return {**sent, "text": text.replace("\0", "␀")}

    return stretch


@pytest.fixture
def answerer(make_answerer: Callable[..., QuestionAnswerer], folder: Path) -> QuestionAnswerer:
    make_documents(folder)
    made = make_answerer()
    made.sync()
    return made


@pytest.fixture
def client(answerer: QuestionAnswerer) -> TestClient:
    return make_client(answerer)


@pytest.fixture
def words(answerer: QuestionAnswerer) -> Words:
    return words_of(answerer)


@pytest.fixture(scope="module")
def unspoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Words]]:
    """A client whose feedback is refused, and nothing of it kept."""
    place = tmp_path_factory.mktemp("unspoken")
    (place / "documents").mkdir()
    make_documents(place / "documents")
    with fake_answerer(place, {}) as answerer:
        client = make_client(answerer)
        yield client, words_of(answerer)
        assert client.get("/api/feedback").json() == []


def given(words: Words, **changed: Any) -> dict[str, Any]:
    return {"question": "Who designed the bridge?", "verdict": "right", "answer": words("MARLOWE"), **changed}


def test_a_verdict_is_kept_seen_by_its_browser_alone_and_taken_back(client, words) -> None:
    made = client.post("/api/feedback", json=given(words, confidence=0.8))
    assert made.status_code == 201
    kept = made.json()
    assert (kept["verdict"], kept["answer"]["text"], kept["confidence"]) == ("right", "MARLOWE", 0.8)
    assert (kept["standing"], kept["reader"], kept["correction"]) == ("unchanged", "cascade", None)
    assert client.get("/api/feedback").json() == [kept]
    other = {"Verbatim-Browser": "another-browser-0"}
    assert client.get("/api/feedback", headers=other).json() == []
    refused = client.delete("/api/feedback", params={"id": kept["id"]}, headers=other)
    assert (refused.status_code, "not feedback of this browser" in refused.json()["detail"]) == (404, True)
    assert client.delete("/api/feedback", params={"id": kept["id"]}).status_code == 204
    assert client.get("/api/feedback").json() == []


def test_who_reads_the_file_cannot_become_a_browser_that_has_feedback_in_it(client, words, answerer) -> None:
    shown = "a-browser-of-random-digits"
    client.post("/api/feedback", json=given(words), headers={"Verbatim-Browser": shown})
    store = FeedbackStore(answerer.index_dir)
    assert shown.encode() not in (answerer.index_dir / FILE_NAME).read_bytes()
    (stored,) = {said.browser for said in store.all()}
    hash_alone = {"Verbatim-Browser": stored.removeprefix("sha256:")}
    assert client.get("/api/feedback", headers=hash_alone).json() == []
    assert client.get("/api/feedback", headers={"Verbatim-Browser": stored}).status_code == 422


def test_the_cookie_says_whose_it_is_before_the_header(client, words) -> None:
    client.cookies.set("verbatim-browser", "cookie-cookie-cookie")
    client.post("/api/feedback", json=given(words))
    client.cookies.clear()
    assert client.get("/api/feedback").json() == []


@pytest.mark.parametrize("browser", ["", "short", "a" * 65, "0123456789abcdef;", "../../../../etc/passwd"])
def test_without_a_proper_id_nothing_is_kept(unspoken, browser) -> None:
    client, words = unspoken
    refused = client.post("/api/feedback", json=given(words), headers={"Verbatim-Browser": browser})
    assert refused.status_code == 422
    assert "random id" in refused.json()["detail"]


def test_who_changes_their_mind_is_kept_once(client, words, answerer) -> None:
    client.post("/api/feedback", json=given(words))
    client.post("/api/feedback", json=given(words, verdict="wrong"))
    client.post("/api/feedback", json=given(words, verdict="wrong", correction=words("MARLOWE 👩‍👧 e\u0301")))
    (kept,) = client.get("/api/feedback").json()
    assert (kept["verdict"], kept["correction"]["text"]) == ("wrong", "MARLOWE 👩‍👧 e\u0301")
    client.post("/api/feedback", json=given(words, question="Who else?"))
    client.post("/api/feedback", json=given(words, answer=words("GARRITY", "sub/a b é.txt")))
    assert len(client.get("/api/feedback").json()) == 3
    client.post("/api/feedback", json=given(words), headers={"Verbatim-Browser": "another-browser-0"})
    assert len(FeedbackStore(answerer.index_dir).all()) == 4


@pytest.mark.parametrize(
    "text", ["👩‍👧 e\u0301", "e\u0301\r\nA line.\rAn", "line.\rAn old", "a \0 in", "\u0301", "MARLOWE 👩‍👧", "The end."]
)
def test_any_characters_of_a_document_can_be_the_right_ones(client, words, answerer, text) -> None:
    made = client.post("/api/feedback", json=given(words, verdict="wrong", correction=words(text)))
    kept = made.json()["correction"]
    assert answerer.text("odd.txt")[kept["start"] : kept["end"]] == kept["text"] == text


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"start": 0, "end": 7}, 422, "answer.text='MARLOWE' is not at 0 to 7 of 'odd.txt'; select it again"),
        ({"text": "MARLOW"}, 422, "is not at"),
        ({"text": " \n"}, 422, "has no words; select some"),
        ({"text": "x" * 2_001}, 422, "has 2,001 characters, at most 2,000"),
        ({"text": "x" * 20_000}, 422, "string should have at most 10000 characters"),
        ({"start": 7, "end": 7}, 422, "are not a span of 'odd.txt'"),
        ({"start": 9, "end": 7}, 422, "are not a span of 'odd.txt'"),
        ({"end": 10**9}, 422, "are not a span of 'odd.txt', which has"),
        ({"end": 2**63}, 422, "answer.end=9223372036854775808: input should be less than"),
        ({"end": 10**400}, 422, "answer.end"),
        ({"start": -1}, 422, "answer.start=-1: input should be greater than or equal to 0"),
        ({"start": 1.5}, 422, "answer.start"),
        ({"start": None}, 422, "answer.start"),
        ({"document": "gone.txt"}, 404, "there is no document 'gone.txt' in the index"),
        ({"document": "../../etc/passwd"}, 404, "there is no document"),
        ({"document": "\0"}, 404, "there is no document"),
        ({"sha256": "0" * 64}, 409, "'odd.txt' has changed since it was shown"),
        ({"more": 1}, 422, "there is no parameter 'answer.more'; leave it out"),
    ],
)
def test_words_that_do_not_stand_there_are_refused_in_one_line(unspoken, changed, status, said) -> None:
    client, words = unspoken
    refused = client.post("/api/feedback", json=given(words, answer={**words("MARLOWE"), **changed}))
    assert refused.status_code == status
    assert said in refused.json()["detail"]
    assert "\n" not in refused.json()["detail"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "maybe"}, "verdict='maybe': input should be 'right' or 'wrong'"),
        ({"question": " ?"}, "holds no words"),
        ({"question": "x" * 1_001}, "1,001 characters, at most 1,000"),
        ({"confidence": 1.1}, "confidence=1.1: input should be less than or equal to 1"),
        ({"reader": "../secret"}, "reader='../secret': input should be 'fast', 'accurate' or 'cascade'"),
        ({"is_absent": True}, "verdict='right' cannot have a correction"),
        ({"answer": None, "verdict": "wrong", "is_absent": True}, "is_absent is what declining says already"),
        ({"answer": "MARLOWE"}, "answer='MARLOWE': input should be"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(unspoken, changed, said) -> None:
    client, words = unspoken
    refused = client.post("/api/feedback", json=given(words, **changed))
    assert (refused.status_code, said in refused.json()["detail"]) == (422, True), refused.json()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"question": "\\ud800", "verdict": "right"}',
        b'{"question": "who?", "verdict": "right", "confidence": NaN}',
        b'{"question": "who?", "verdict": "right", "nearest": {"document": "\\ud800"}}',
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_in_one_line(unspoken, body) -> None:
    client, _ = unspoken
    refused = client.post("/api/feedback", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code in {400, 422}
    assert isinstance(refused.json()["detail"], str)


def test_a_correction_and_absence_exclude_one_another(unspoken) -> None:
    client, words = unspoken
    both = given(words, verdict="wrong", correction=words("The end."), is_absent=True)
    assert "cannot be combined" in client.post("/api/feedback", json=both).json()["detail"]


def test_a_document_that_has_changed_since_is_said(client, words, answerer, folder) -> None:
    client.post("/api/feedback", json=given(words))
    (folder / "odd.txt").write_text("Something else.", encoding="utf-8")
    answerer.sync()
    assert client.get("/api/feedback").json()[0]["standing"] == "changed"
    assert client.post("/api/feedback", json={"question": "Who?", "verdict": "right"}).status_code == 201
    (folder / "odd.txt").unlink()
    answerer.sync()
    assert [said["standing"] for said in client.get("/api/feedback").json()] == ["gone", "unchanged"]


def judge_all(client: TestClient, words: Words) -> None:
    """Every kind of verdict; the last two teach nothing."""
    museum = {"question": "Who founded the museum?", "answer": None}
    nearest = {name: value for name, value in words("A line.").items() if name != "text"}
    for said in (
        given(words),
        given(words, question="What did MARLOWE do?", verdict="wrong", correction=words("designed")),
        given(words, question="Who paid for it?", verdict="wrong", is_absent=True),
        {**museum, "verdict": "wrong", "correction": words("GARRITY", "sub/a b é.txt")},
        {"question": "Who closed it?", "verdict": "right", "nearest": nearest},
        given(words, question="Who painted it?", verdict="wrong"),
        {"question": "Who sold it?", "verdict": "wrong"},
    ):
        assert client.post("/api/feedback", json=said).status_code == 201


def test_an_export_is_read_by_evaluate_and_by_train(client, words, tmp_path) -> None:
    judge_all(client, words)
    squad, lines = tmp_path / "feedback.json", tmp_path / "feedback.jsonl"
    exported = client.get("/api/feedback/export")
    assert exported.headers["content-disposition"] == 'attachment; filename="verbatim-feedback.json"'
    squad.write_bytes(exported.content)
    lines.write_bytes(client.get("/api/feedback/export", params={"format": "jsonl"}).content)
    articles = {article.title: article for article in load_articles(squad)}
    assert set(articles) == {"odd.txt", "sub/a b é.txt"}
    expected = {
        "Who designed the bridge?": ("MARLOWE",),
        "What did MARLOWE do?": ("designed",),
        "Who paid for it?": (),
        "Who founded the museum?": ("GARRITY",),
        "Who closed it?": (),
    }
    assert {q.text: q.answers for article in articles.values() for q in article.questions} == expected
    assert {e.question: tuple(text for text, _ in e.answers) for e in load_examples(lines)} == expected
    assert all(len(article.paragraphs) == len(set(article.paragraphs)) for article in articles.values())
    assert client.get("/api/feedback/export", params={"format": "xml"}).status_code == 422


def test_nothing_said_is_an_empty_export(client) -> None:
    assert client.get("/api/feedback/export").json() == {"version": "v2.0", "data": []}
    assert client.get("/api/feedback/export", params={"format": "jsonl"}).content == b""


def test_the_command_lists_and_exports_what_everyone_said(
    client, words, answerer, tmp_path, monkeypatch, engine
) -> None:
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(answerer.index_dir))
    judge_all(client, words)
    client.headers["Verbatim-Browser"] = "another-browser-0"
    client.post("/api/feedback", json=given(words))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["feedback", "--folder", str(answerer.folder), *arguments], obj=engine)
        assert result.exit_code == 0, result.output
        return result.stdout

    said = run()
    assert "8 answers judged; the right answer is known for 6" in said
    assert "“designed”" in said
    listed = json.loads(run("--json"))
    assert len(listed) == 8
    assert "browser" not in listed[0]
    out = tmp_path / "out.json"
    assert "wrote 6" in run("--export", str(out))
    assert sum(len(article.questions) for article in load_articles(out)) == 6
    assert json.loads(run("--export", str(out), "--format", "jsonl", "--json")) == {"exported": 6, "left_out": 2}
    assert len(list(load_examples(out))) == 6


def test_rebuilding_the_index_leaves_feedback_alone(client, words, answerer) -> None:
    client.post("/api/feedback", json=given(words))
    answerer.close()
    fakes = {"embedder": HashEmbedder(), "reader": WordReader()}
    with QuestionAnswerer(answerer.folder, answerer.settings, rebuild=True, **fakes) as rebuilt:
        assert rebuilt.documents() == []
    assert len(FeedbackStore(answerer.index_dir).all(hashed_id(BROWSER))) == 1


def test_what_is_withdrawn_is_gone_from_the_files(client, words, answerer) -> None:
    kept = client.post("/api/feedback", json=given(words, question="Who is the ZEBRAFINCH?")).json()
    client.delete("/api/feedback", params={"id": kept["id"]})
    files = list(answerer.index_dir.glob("feedback.sqlite*"))
    assert files
    assert all(b"ZEBRAFINCH" not in file.read_bytes() for file in files)


def test_many_may_speak_at_once(tmp_path) -> None:
    store = FeedbackStore(tmp_path)
    context = Stretch("a", "0", 0, 1, "a")

    def speak(number: int) -> None:
        for n in range(5):
            store.put(Feedback(f"browser-{number}", f"q{n}", Verdict.RIGHT, answer=context, context=context))
            FeedbackStore(tmp_path).all()

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.all()) == 30


def test_a_file_that_is_none_of_ours_is_said_in_one_line(tmp_path) -> None:
    store, path = FeedbackStore(tmp_path), tmp_path / FILE_NAME
    assert store.all() == []
    assert not store.withdraw(BROWSER, "x")
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(FeedbackError, match=r"cannot be read \(file is not a database\); move the file away"):
        store.all()
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(FeedbackError, match="newer version"):
        store.put(Feedback(BROWSER, "who?", Verdict.RIGHT))


def test_python_gets_the_same_checks(answerer) -> None:
    sha256 = answerer.documents()[0].sha256
    said = Feedback(BROWSER, "who?", Verdict.RIGHT, answer=Stretch("odd.txt", sha256, 0, 1, "x"))
    with pytest.raises(ParameterError, match="is not at 0 to 1"):
        take(answerer, said)
    with pytest.raises(ParameterError, match="is not valid Unicode"):
        take(answerer, replace(said, answer=Stretch("odd.txt", sha256, 0, 1, "\ud800")))


def test_the_same_passage_is_one_paragraph_of_an_export() -> None:
    context = Stretch("a.txt", "0", 10, 20, "0123456789")
    said = Feedback(BROWSER, "q?", Verdict.RIGHT, answer=Stretch("a.txt", "0", 12, 14, "23"), context=context, id="1")
    data = as_squad([said, replace(said, question="r?", id="2")])["data"]
    assert [len(article["paragraphs"]) for article in data] == [1]
    assert [qa["answers"] for qa in data[0]["paragraphs"][0]["qas"]] == [[{"text": "23", "answer_start": 2}]] * 2
    assert export([], Format.JSONL) == ""
