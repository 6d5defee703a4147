"""The chat page in a real browser, over the real server, and how it is started and stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes import HashEmbedder, WordReader, busy_inference
from index.errors import UnknownDocumentError
from index.ingest.sync import Progress
from index.records import Vectors
from pages import ask, built, expect, last_change, served, usual_port
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.open_folder import default_folder
from qa.reader.cascade import SingleReader
from qa.records.answer import Answer
from qa.web import serve, server
from qa.web.observability.indexing import Indexing
from qa.web.security.middleware import Guards
from qa.web.server import PortError, make_server, open_port

ROOT = Path(__file__).parents[1]
HOSTILE = (
    "<script>window.pwned = 1</script> of **bold** $x$\r\n\r\n"
    'The sign is <img src=x onerror="window.pwned = 1"> ZEBRA </mark> &amp; ${value} {{value}} @children.\r'
    "An old Mac's line, then 👩‍👧 e\u0301 \u202eright to left\u202c.\r\n"
)

browser_test = pytest.mark.browser


@pytest.fixture(scope="module")
def seeds_url(seed_answerer: QuestionAnswerer) -> Iterator[str]:
    with served(seed_answerer) as url:
        yield url


def shown_in_panel(page: Any, selector: str) -> bool:
    """Whether it lies within what is seen of the document."""
    return page.evaluate(
        """selector => {
            const inner = document.querySelector(selector).getBoundingClientRect();
            const outer = document.querySelector("#panel .text").getBoundingClientRect();
            const screen = document.documentElement;
            return inner.top >= outer.top && inner.bottom <= Math.min(outer.bottom, screen.clientHeight)
                && inner.left >= 0 && inner.right <= screen.clientWidth;
        }""",
        selector,
    )


def overflows_sideways(page: Any) -> bool:
    return page.evaluate(
        """[...document.querySelectorAll("body, body *")].some(element => {
            const box = element.getBoundingClientRect();
            const isScrolled = element.matches(":is(.pages, .grid, .thumbnails, .sheet) *"); // they scroll themselves
            return !isScrolled && box.width > 1 && box.right > document.documentElement.clientWidth + 1;
        }) || document.documentElement.scrollWidth > document.documentElement.clientWidth"""
    )


@browser_test
def test_an_answer_is_shown_with_its_source_and_the_document_open_at_the_words(
    visit: Callable[..., Any], seeds_url: str
) -> None:
    page = visit(seeds_url, 1280, 420)  # too low for the words at the document's end to be in view by themselves
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.fill("#question textarea", "when was Jamaat Ansarullah banned?")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#log .answered")
    assert page.input_value("#question textarea") == ""
    assert page.text_content("#log .answered mark") == "May 2012"
    assert page.text_content("#log .certainty").endswith("%")
    assert page.text_content("#log .from .file") == next(default_folder().glob("*.txt")).name
    assert page.text_content("#panel mark") == "May 2012"
    assert shown_in_panel(page, "#panel mark")

    page.eval_on_selector("#panel .text", "element => { element.scrollTop = 0; }")
    assert not shown_in_panel(page, "#panel mark")
    page.click("#log .answered .citation")
    assert shown_in_panel(page, "#panel mark")


@browser_test
def test_the_question_stands_there_while_it_is_answered(
    visit: Callable[..., Any], seed_answerer: QuestionAnswerer
) -> None:
    patient = Patient(seed_answerer)
    with served(patient) as url:  # type: ignore[arg-type]
        page = visit(url)
        page.fill("#question textarea", "when was Jamaat Ansarullah banned?")
        page.press("#question textarea", "Enter")
        try:
            page.wait_for_selector("#log .pending")
            assert page.input_value("#question textarea") == ""
            assert page.text_content("#log .pending .question").endswith("when was Jamaat Ansarullah banned?")
        finally:
            patient.may_answer.set()
        page.wait_for_selector("#log .answered")
        assert page.locator("#log .pending").count() == 0


class Patient:
    """An answerer that answers when it is told that it may."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        self._answerer = answerer
        self.may_answer = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answerer, name)

    def adjusted(self, **given: Any) -> Any:
        return self

    def ask(self, question: str, **given: Any) -> Answer:
        assert self.may_answer.wait(60)
        return self._answerer.ask(question, **given)


@browser_test
def test_what_the_documents_do_not_say_is_declined_with_its_reason_and_the_nearest_passage(
    visit: Callable[..., Any], seeds_url: str
) -> None:
    page = visit(seeds_url, media={"color_scheme": "dark"})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 23)"
    page.click("#log .example:has-text('president of Tajikistan')")
    page.wait_for_selector("#log .declined")
    assert page.text_content("#log .unknown") == "I don’t know."
    assert len(page.text_content("#log .reason")) > 10
    excerpt = page.text_content("#log .declined .excerpt >> nth=0")
    page.click("#log .declined .opener >> nth=0")
    page.wait_for_selector("#panel mark.passage")
    assert page.text_content("#panel mark").startswith(excerpt.removesuffix("…"))
    assert shown_in_panel(page, "#panel mark") or page.evaluate(
        "document.querySelector('#panel mark').getBoundingClientRect().height > innerHeight / 2"
    )


@browser_test
def test_a_question_that_cannot_be_asked_gets_one_line(visit: Callable[..., Any], seeds_url: str) -> None:
    page = visit(seeds_url)
    assert "holds no words" in ask(page, "  ").text_content()
    too_long = ask(page, "x" * 100_000)
    assert "100,000 characters, at most 1,000" in too_long.locator(".reply").text_content()
    assert page.locator("#log .turn").count() == 2
    assert page.locator(".toast-body").count() == 0
    assert "Traceback" not in page.content()


def test_entering_nothing_twice_says_so_once_and_asking_twice_answers_twice(
    make_answerer: Callable[..., QuestionAnswerer],
) -> None:
    from qa.web.chat.page import _Chat

    chat = _Chat(make_answerer())
    said = last_change(chat, "")
    again = last_change(chat, "", said["told"])
    assert len(again["told"].shown) == 1
    asked = last_change(chat, "what?", said["told"])
    asked_again = last_change(chat, "what?", asked["told"])
    assert len(asked_again["told"].shown) == 3


@browser_test
def test_on_a_phone_the_document_is_a_sheet_over_the_chat(visit: Callable[..., Any], seeds_url: str) -> None:
    page = visit(seeds_url, 360, 740, has_touch=True, is_mobile=True)
    assert not overflows_sideways(page)
    ask(page, "Who is the president of Tajikistan?")
    ask(page, "Who was the suicide bomber?")
    assert not overflows_sideways(page)
    assert page.evaluate("document.querySelector('#composer').getBoundingClientRect().bottom <= innerHeight")
    assert not page.is_visible("#panel .text")
    page.tap("#log .citation")
    expect(page.locator("#panel .text")).to_be_visible()
    assert page.text_content("#panel mark") == "Akmal Karimov"
    page.wait_for_function("document.querySelector('#panel .text').getBoundingClientRect().bottom <= innerHeight")
    assert shown_in_panel(page, "#panel mark")
    assert not overflows_sideways(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel .text")).not_to_be_visible()
    assert page.evaluate("document.activeElement.matches('.citation')")


@browser_test
def test_markup_in_documents_and_questions_is_text(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "sign.txt").write_bytes(HOSTILE.encode())
    (folder / "other.txt").write_text("Nothing of the kind.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    with served(answerer) as url:
        page = visit(url)
        page.click("#panel .opener:has-text('other.txt')")
        page.wait_for_selector("#panel .back")
        question = '<img src=x onerror="window.pwned = 1"> **Which** $sign$ is it?'
        turn = ask(page, question)
        assert turn.locator(".question").text_content() == f"You asked: {question}"
        assert turn.locator("mark").text_content() == "ZEBRA"
        assert page.text_content("#panel mark") == "ZEBRA"
        assert page.text_content("#panel .text") == HOSTILE
        assert page.locator("#panel .text > :not(mark, br)").count() == 0
        assert page.locator("main.contain :is(img, script, strong, .katex)").count() == 0
        assert page.evaluate("window.pwned") is None


@browser_test
def test_a_document_that_changed_since_the_answer_is_not_marked_at_other_words(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "sign.txt").write_text("The animal on the sign is a ZEBRA.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    with served(answerer) as url:
        page = visit(url)
        ask(page, "Which animal is on the sign?")
        assert page.text_content("#panel mark") == "ZEBRA"
        (folder / "sign.txt").write_text("Painted over, the animal on the sign is a GNU.", encoding="utf-8")
        with make_answerer() as other:  # as another process would
            other.sync()
        page.click("#log .citation")
        page.wait_for_function("document.querySelector('#panel h2').textContent === 'Not opened'")
        assert "The document has changed since this answer; ask again." in page.text_content("#panel")
        assert page.locator("#panel mark").count() == 0
        again = ask(page, "Which animal is on the sign?")
        assert again.locator("mark").text_content() == "GNU"
        page.wait_for_selector("#panel mark")
        assert page.text_content("#panel mark") == "GNU"


@browser_test
def test_a_page_that_is_opened_shows_the_documents_of_now(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    answerer = make_answerer()
    with served(answerer) as url:
        assert "no documents yet" in visit(url).text_content("#log")
        for name in ("one.txt", "two.txt"):
            (folder / name).write_text(f"This is {name}.", encoding="utf-8")
        with make_answerer() as other:  # as another process would
            other.sync()
        page = visit(url)
        expect(page.locator("#panel .list li")).to_have_count(2)
        expect(page.locator("#masthead p")).to_have_text("2 documents in documents")
        expect(page.locator("#log h2")).to_have_text("Ask, and read it where it stands.")


def test_what_was_said_is_not_lost_to_a_page_that_is_done_opening_late(
    make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    from qa.web.chat.page import _Chat
    from qa.web.chat.transcript import Shown, Told

    answerer = make_answerer()
    chat = _Chat(answerer)
    assert chat.refresh(Told()) == {}
    (folder / "one.txt").write_text("A document.", encoding="utf-8")
    answerer.sync()
    assert set(chat.refresh(Told())) == {"masthead", "log"}
    assert set(chat.refresh(Told("", (Shown.of("<article>A turn.</article>"),)))) == {"masthead"}


def test_a_page_whose_documents_cannot_be_listed_is_shown_as_it_was(
    make_answerer: Callable[..., QuestionAnswerer], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa.web.chat.page import _Chat
    from qa.web.chat.transcript import Told

    answerer = make_answerer()
    chat = _Chat(answerer)

    def state() -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(answerer, "state", state)
    assert chat.refresh(Told()) == {}
    assert "the disk is on fire" in caplog.text


@browser_test
def test_a_failure_inside_is_one_line_on_the_page_and_logged(
    visit: Callable[..., Any], seed_answerer: QuestionAnswerer, caplog: pytest.LogCaptureFixture
) -> None:
    with served(Failing(seed_answerer)) as url:  # type: ignore[arg-type]
        page = visit(url)
        page.wait_for_function("document.querySelector('#panel h2').textContent === 'Not opened'")
        assert "Something went wrong" in ask(page, "what is it?").text_content()
        assert page.locator(".toast-body").count() == 0
    assert "the disk is on fire" in caplog.text


class Failing:
    """An answerer of two documents of which nothing works but the list and the look-ups."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        self.folder = Path("reports").resolve()
        self.settings, self.index_dir = answerer.settings, answerer.index_dir
        self._records = answerer.documents() * 2

    def documents(self) -> list[Any]:
        return self._records

    def counts(self) -> dict[str, int]:
        return {"documents": len(self._records), "passages": 0}

    def state(self) -> tuple[object, ...]:
        return ()

    def records(self, names: Collection[str]) -> dict[str, Any]:
        return {record.name: record for record in self._records if record.name in names}

    def names_in(self, text: str) -> list[str]:
        return []

    def text(self, name: str) -> str:
        raise UnknownDocumentError(f"document={name!r} is gone; ask again")

    def adjusted(self, **given: Any) -> Any:
        return self

    def as_meant(self, question: str) -> str:
        return question

    def ask(self, question: str, **given: Any) -> Answer:
        raise RuntimeError("the disk is on fire")


@browser_test
def test_how_a_follow_up_was_understood_stands_above_its_answer_and_can_be_changed(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "bridge.txt").write_text("The Sarn bridge was designed by MARLOWE.", encoding="utf-8")
    (folder / "museum.txt").write_text("The museum of Brannick was founded by GARRITY.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    with served(answerer) as url:
        page = visit(url)
        assert ask(page, "Who designed the Sarn bridge?").locator(".understood").count() == 0
        turn = ask(page, "When was it opened?")
        assert turn.locator(".understood input").input_value() == "When was the Sarn bridge opened?"
        turn.locator(".understood input").fill("Who founded the museum of Brannick?")
        turn.locator(".understood input").press("Enter")
        corrected = page.locator("#log .turn:not(.pending)").nth(2)
        corrected.wait_for()
        assert corrected.locator(".question").text_content() == "You asked: When was it opened?"
        assert corrected.locator(".understood input").input_value() == "Who founded the museum of Brannick?"
        assert corrected.locator("mark").text_content() == "GARRITY"
        page.wait_for_selector("#panel mark:has-text('GARRITY')")
        assert "museum of Brannick" in ask(page, "Where is it?").locator(".understood input").input_value()
        assert ask(page, "thanks!").locator(".reply").text_content() == "You are welcome."


@browser_test
def test_a_question_that_was_hurried_says_so_and_is_read_again_in_its_place(
    visit: Callable[..., Any], two_readers: QuestionAnswerer
) -> None:
    with served(two_readers) as url:
        page = visit(url)
        with busy_inference(two_readers.engine) as until_asked:
            page.fill("#question textarea", "Which reader was taken?")
            page.press("#question textarea", "Enter")
            until_asked()
            page.wait_for_timeout(300)
        turn = page.locator("#log .turn:not(.pending)").first
        expect(turn.locator("mark")).to_have_text("FAST")
        expect(turn.locator(".hurried")).to_contain_text("only the fast reader has read this")
        with busy_inference(two_readers.engine) as until_asked:  # read again, it waits for however many are before it
            turn.locator(".again").click()
            until_asked()
            page.wait_for_timeout(300)
        expect(turn.locator("mark")).to_have_text("SLOW")
        expect(page.locator("#log .turn")).to_have_count(1)
        assert page.locator(".hurried").count() == 0


def test_programs_find_one_endpoint_and_get_the_answers_fields(seeds_url: str) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    with closing(Client(seeds_url, verbose=False, analytics_enabled=False)) as client:
        assert list(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == ["/ask"]
        answer = client.predict("when was Jamaat Ansarullah banned?", api_name="/ask")
        assert (answer["text"], answer["answered"]) == ("May 2012", True)
        text = next(default_folder().glob("*.txt")).read_bytes().decode("utf-8")
        assert text[answer["start"] : answer["end"]] == "May 2012"
        with pytest.raises(AppError, match="holds no words"):
            client.predict("?", api_name="/ask")


# Starting and stopping


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that begins to load what is slow."""

    def load(*_: object, **__: object) -> None:
        pytest.fail("loading began")

    monkeypatch.setattr(server, "QuestionAnswerer", load)


@pytest.mark.usefixtures("unloaded")
def test_a_taken_port_is_said_before_anything_is_loaded() -> None:
    with open_port("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port={port} on 127.0.0.1 is taken.* verbatim serve --port {port + 1}$"):
            serve(port=port)


def test_started_at_a_taken_port_the_program_says_so_in_one_line() -> None:
    with open_port("127.0.0.1", 0) as taken:
        command = [sys.executable, "app.py", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is taken, perhaps by another Verbatim" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 65_536, "port=65536 is not a port"),
        ("127.0.0.1", -1, "port=-1 is not a port"),
        ("192.0.2.1", 0, "host='192.0.2.1' is not an address of this machine"),
        ("a" * 70, 0, "is not an address of this machine"),
    ],
)
def test_an_address_that_cannot_be_served_at_is_said_in_a_line(host: str, port: int, said: str) -> None:
    with pytest.raises(PortError, match=said):
        serve(host=host, port=port)


@browser_test
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM to be sent")
@pytest.mark.parametrize(("stop", "engine"), [(signal.SIGINT, "None"), (signal.SIGTERM, "fakes.fake_engine()")])
def test_serving_says_where_and_stops_without_a_trace(
    visit: Callable[..., Any], folder: Path, stop: int, engine: str
) -> None:
    """Once with the packaged models, and once without, which take long to load."""
    code = f"import fakes, qa.web; qa.web.serve({str(folder)!r}, port={usual_port()}, engine={engine})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command, pipes = [sys.executable, "-c", code], {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, env=environment, **pipes) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(f"Verbatim answers from {folder.resolve()} (0 documents) at http://127.0.0.1:")
            # Looked at, it holds a connection open; what it is still fetching fails when the server stops.
            page = visit(line.split(" at ")[1].split()[0], may_fail=True)
            assert "There are no documents yet." in page.text_content("#log")
            assert str(folder.resolve()) in page.text_content("#log")
            process.send_signal(stop)
            stdout, stderr = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, stdout, stderr) == (0, "", "")


# While it indexes


@browser_test
def test_what_is_indexed_can_be_asked_while_the_rest_is_on_its_way(
    visit: Callable[..., Any], make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "a.txt").write_text("The bridge was built by HARLOW.", encoding="utf-8")
    answerer, indexing = make_answerer(), Indexing()
    answerer.sync()
    with served(answerer, None, Guards(), indexing) as url:
        indexing.note(Progress(0, 0, 0.0))
        page = visit(url)
        said = page.locator("#masthead .indexing")
        expect(said).to_have_text("looking through the folder")
        indexing.note(Progress(3, 40, 0.1))
        assert httpx.get(f"{url}/health").json()["indexing"] == {"files_done": 3, "files_total": 40, "fraction": 0.1}
        expect(said).to_have_text("indexing 3 of 40 files")
        indexing.note(Progress(21, 40, 0.6))
        expect(said).to_have_text("indexing 21 of 40 files")
        assert "HARLOW" in ask(page, "Who built the bridge?").text_content()
        indexing.note(None)
        expect(said).to_have_count(0)
        assert httpx.get(f"{url}/health").json()["indexing"] is None


class SlowEmbedder(HashEmbedder):
    """Waits before it embeds a document until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        assert self.may_go_on.wait(60)
        return super().embed(texts, on_progress)


def test_a_server_answers_before_its_folder_is_indexed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt").write_text("The bridge was built by HARLOW.", encoding="utf-8")
    embedder, made = SlowEmbedder(), []
    monkeypatch.setattr(server, "make_server", lambda *given: made.append(make_server(*given)) or made[-1])
    monkeypatch.setattr(server, "build_page", built)  # where no event loop runs, Gradio leaves one open
    engine = Engine(embedder=embedder, reader=SingleReader(WordReader()))
    with open_port("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    settings = {"index_dir": tmp_path / "index", "threshold": 0.0, "engine": engine}
    serving = threading.Thread(target=serve, args=(folder,), kwargs={"port": port, **settings})
    serving.start()
    url = f"http://127.0.0.1:{port}"
    try:
        assert answered_at(f"{url}/health")["documents"] == 0
        assert httpx.get(url, timeout=60).status_code == 200
        said = ""
        while not said:
            time.sleep(0.05)
            said = capsys.readouterr().out
        counted = "0 documents so far; the others are being indexed"
        assert said == f"Verbatim answers from {folder.resolve()} ({counted}) at {url} — stop with Ctrl-C\n"
        embedder.may_go_on.set()
        while not answered_at(f"{url}/health")["documents"]:
            time.sleep(0.05)
        asked = httpx.post(f"{url}/api/ask", json={"question": "Who built the bridge?"}, timeout=60).json()
        assert asked["text"] == "HARLOW"
    finally:
        embedder.may_go_on.set()
        made[0].should_exit = True
        serving.join(30)
        engine.close()


def answered_at(url: str) -> Any:
    """What is answered there, once anything is."""
    until = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, timeout=60).json()
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.05)
