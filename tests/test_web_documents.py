"""The routes for documents: what is listed and shown, what is taken in, and what is refused in a line."""

import hashlib
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from index.errors import BusyIndexError, UnreadableFileError
from index.ingest import page_rendering
from open_xml import word_file
from pdfs import make_pdf, print_paragraph
from qa.answerer import QuestionAnswerer
from qa.web.api.errors import say_problems
from qa.web.documents import ingest_queue, routes
from qa.web.documents.ingest_queue import Uploads
from qa.web.documents.multipart import Bounds, name_problem
from qa.web.documents.page_images import Pictures
from qa.web.documents.routes import documents_router

WITHIN_S = 20
SMALL = Bounds(file_bytes=1_000, total_bytes=20_000, files=4)


@pytest.fixture
def answerer(make_answerer: Callable[..., QuestionAnswerer]) -> QuestionAnswerer:
    return make_answerer()


@pytest.fixture
def client(answerer: QuestionAnswerer) -> Iterator[TestClient]:
    with client_of(answerer) as opened:
        yield opened


def client_of(answerer: QuestionAnswerer, bounds: Bounds | None = None) -> TestClient:
    app = FastAPI()
    say_problems(app)
    app.include_router(documents_router(answerer, bounds))
    return TestClient(app)


def send(client: TestClient, *files: tuple[str, bytes]) -> Any:
    return client.post("/api/documents", files=[("files", file) for file in files])


def finished(client: TestClient, answered: Any) -> list[dict[str, Any]]:
    """What became of the files, once all is done."""
    assert answered.status_code == 202, answered.text
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        status = client.get(f"/api/uploads/{answered.json()['id']}").json()
        if status["is_done"]:
            assert status["fraction"] == 1
            return status["files"]
        time.sleep(0.02)
    raise AssertionError(status)


def listed(client: TestClient, **query: Any) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in client.get("/api/documents", params=query).json()["documents"]}


def parts(folder: Path) -> list[str]:
    """What lies in the folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


def a_pdf(*pages: str) -> bytes:
    return make_pdf([print_paragraph([page]) for page in pages])


# What there is


def test_every_file_is_listed_with_what_became_of_it(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    (folder / "a.md").write_text("# Alpha\n\nWords.\n", encoding="utf-8")
    (folder / "copy.md").write_text("# Alpha\n\nWords.\n", encoding="utf-8")
    (folder / "empty.txt").touch()
    (folder / "report.pdf").write_bytes(a_pdf("One page.", "Another."))
    (folder / "tool.exe").write_bytes(b"MZ\0\0")
    with zipfile.ZipFile(folder / "pack.zip", "w") as archive:
        archive.writestr("inner/b.txt", "Words within.")
    answerer.sync()
    found = listed(client)
    assert {name: each["status"] for name, each in found.items()} == {
        "a.md": "indexed", "copy.md": "duplicate", "empty.txt": "empty", "pack.zip": "indexed",
        "pack.zip/inner/b.txt": "indexed", "report.pdf": "indexed", "tool.exe": "unsupported",
    }  # fmt: skip
    assert found["copy.md"]["detail"] == "same content as a.md"
    assert (found["a.md"]["title"], found["a.md"]["places"], found["a.md"]["characters"]) == ("Alpha", 1, 16)
    assert (found["report.pdf"]["pages"], found["report.pdf"]["is_indexed"]) == (2, True)
    assert (found["pack.zip"]["is_indexed"], found["tool.exe"]["is_indexed"]) == (False, False)
    assert found["a.md"]["date"].startswith("20")
    whole = client.get("/api/documents").json()
    assert whole["totals"] == {
        "documents": 3, "left_out": 3, "characters": sum(each["characters"] for each in found.values()),
        "size_bytes": sum(path.stat().st_size for path in folder.iterdir()),
    }  # fmt: skip
    assert list(listed(client, search="ALPHA")) == ["a.md"]
    assert list(listed(client, search="inner/")) == ["pack.zip/inner/b.txt"]
    assert list(listed(client, which="left out")) == ["copy.md", "empty.txt", "tool.exe"]
    assert list(listed(client, which="indexed")) == ["a.md", "pack.zip/inner/b.txt", "report.pdf"]
    assert list(listed(client, name=["report.pdf", "gone.pdf"])) == ["report.pdf"]
    some = client.get("/api/documents", params={"offset": 1, "limit": 2}).json()
    assert ([each["name"] for each in some["documents"]], some["found"]) == (["copy.md", "empty.txt"], 7)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/documents?limit=0", "limit='0': input should be greater than or equal to 1"),
        ("/api/documents?offset=-1", "offset='-1'"),
        ("/api/documents/text?name=a.txt&start=x", "start='x'"),
        ("/api/documents/text", "name is missing; give it"),
        ("/api/documents/pages/x?name=a.txt", "number='x'"),
        ("/api/documents/pages/1?name=a.txt&width=100000", "width='100000'"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_said_in_a_line(client: TestClient, path: str, said: str) -> None:
    answered = client.get(path)
    assert answered.status_code == 422
    assert answered.json()["detail"].startswith(said)


def test_nothing_outside_the_index_can_be_reached(client: TestClient, answerer: QuestionAnswerer, folder: Path) -> None:
    (folder / "a.txt").write_text("Words.", encoding="utf-8")
    (folder.parent / "secret.txt").write_text("Secret.", encoding="utf-8")
    answerer.sync()
    for name in ("none.txt", "../secret.txt", "/etc/passwd", "a.txt/../../secret.txt", "\0", ""):
        for what in ("text", "places", "boxes", "pages/1"):
            answered = client.get(f"/api/documents/{what}", params={"name": name, "start": 0, "end": 5})
            assert answered.status_code == 404
            assert "no document" in answered.json()["detail"]
            assert "\n" not in answered.json()["detail"]


def test_text_comes_in_bounded_stretches_with_offsets_in_code_points(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    text = "👩‍👧 e\u0301\r\nwords " + "x" * 250_000
    (folder / "a b/ü").mkdir(parents=True)
    (folder / "a b/ü/c.txt").write_bytes(text.encode())
    answerer.sync()
    given = client.get("/api/documents/text", params={"name": "a b/ü/c.txt", "start": 4}).json()
    assert given["text"] == text[4:200_004]
    assert (given["start"], given["end"], given["characters"]) == (4, 200_004, len(text))
    assert given["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    beyond = client.get("/api/documents/text", params={"name": "a b/ü/c.txt", "start": 10**9, "end": 3}).json()
    assert (beyond["text"], beyond["start"], beyond["end"]) == ("", len(text), len(text))


def test_offsets_of_another_state_of_the_document_are_refused(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    (folder / "a.pdf").write_bytes(a_pdf("Words."))
    answerer.sync()
    query = {"name": "a.pdf", "start": 0, "end": 3, "sha256": "0" * 64}
    for what in ("text", "places", "boxes", "pages/1"):
        answered = client.get(f"/api/documents/{what}", params=query)
        assert answered.status_code == 409
        assert answered.json() == {"detail": "The document has changed since this answer; ask again."}


class ChangingUnderway:
    """An answerer whose document is written anew right after its text was given."""

    def __init__(self, answerer: QuestionAnswerer, file: Path) -> None:
        self._answerer, self._file = answerer, file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answerer, name)

    def text(self, name: str) -> str:
        text = self._answerer.text(name)
        self._file.write_text(text + " more", encoding="utf-8")
        self._answerer.sync()
        return text


def test_a_text_that_changes_while_it_is_read_is_not_given_for_another(
    answerer: QuestionAnswerer, folder: Path
) -> None:
    (folder / "a.txt").write_text("The sign is a ZEBRA.", encoding="utf-8")
    answerer.sync()
    sha256 = answerer.documents()[0].sha256
    client = client_of(ChangingUnderway(answerer, folder / "a.txt"))  # type: ignore[arg-type]
    assert client.get("/api/documents/text", params={"name": "a.txt", "sha256": sha256}).status_code == 409


def test_places_are_those_of_the_stretch_and_the_one_that_it_begins_in(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    (folder / "a.md").write_text("# One\n\nwords\n\n# Two\n\nwords\n\n# Three\n", encoding="utf-8")
    answerer.sync()
    given = client.get("/api/documents/places", params={"name": "a.md", "start": 16, "end": 25}).json()
    assert [place["label"] for place in given["places"]] == ["Two"]
    given = client.get("/api/documents/places", params={"name": "a.md", "start": 8, "end": 25}).json()
    assert [place["label"] for place in given["places"]] == ["One", "Two"]
    assert given["pages"] == []


# Pages as pictures


def test_the_process_that_draws_pages_ends_with_the_server(
    answerer: QuestionAnswerer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.pdf").write_bytes(a_pdf("A page."))
    answerer.sync()
    made: list[Pictures] = []
    monkeypatch.setattr(routes, "Pictures", lambda given: made.append(Pictures(given)) or made[-1])
    with client_of(answerer) as client:
        assert client.get("/api/documents/pages/1", params={"name": "a.pdf", "width": 300}).status_code == 200
        (worker,) = made[0]._workers._workers
        assert worker._process is not None
    assert worker._process is None


def test_a_page_is_drawn_with_the_words_where_their_boxes_are(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    pdf = a_pdf("Nothing here.", "The sign is a ZEBRA.")
    (folder / "a.pdf").write_bytes(pdf)
    with zipfile.ZipFile(folder / "pack.zip", "w") as archive:
        archive.writestr("inner/b.pdf", a_pdf("Within an archive."))
    answerer.sync()
    start = answerer.text("a.pdf").index("ZEBRA")
    (on,) = client.get("/api/documents/boxes", params={"name": "a.pdf", "start": start, "end": start + 5}).json()[
        "pages"
    ]
    assert (on["page"], on["width"], on["height"]) == (2, 595, 842)
    query = {"name": "a.pdf", "width": 595}
    drawn = client.get("/api/documents/pages/2", params=query)
    assert drawn.headers["content-type"] == "image/png"
    assert drawn.headers["cache-control"].startswith("private")
    picture = opened(drawn.content)
    assert picture.size == (595, 842)
    left, top, right, bottom = on["rectangles"][0]
    assert picture.crop((int(left), int(top), int(right), int(bottom))).getextrema()[0] < 100
    assert picture.crop((0, int(bottom) + 2, 595, 842)).getextrema()[0] == 255
    again = client.get("/api/documents/pages/2", params=query, headers={"If-None-Match": drawn.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    within = client.get("/api/documents/pages/1", params={"name": "pack.zip/inner/b.pdf", "width": 300})
    assert opened(within.content).size[0] == 300
    for number in (0, 3, -1):
        refused = client.get(f"/api/documents/pages/{number}", params=query)
        assert (refused.status_code, refused.json()["detail"]) == (
            422, f"page={number} is not in the document; it has 2 pages",
        )  # fmt: skip


def opened(png: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(png)).convert("L")


def test_a_page_of_a_file_that_changed_since_it_was_indexed_is_not_shown(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    (folder / "a.pdf").write_bytes(a_pdf("Words."))
    (folder / "b.txt").write_text("Words.", encoding="utf-8")
    answerer.sync()
    (folder / "a.pdf").write_bytes(a_pdf("Other words."))
    changed = client.get("/api/documents/pages/1", params={"name": "a.pdf"})
    assert (changed.status_code, changed.json()["detail"]) == (409, "the file has changed since it was indexed")
    (folder / "a.pdf").unlink()
    gone = client.get("/api/documents/pages/1", params={"name": "a.pdf"})
    assert (gone.status_code, gone.json()["detail"]) == (409, "the file was removed after it was indexed")
    text = client.get("/api/documents/pages/1", params={"name": "b.txt"})
    assert (text.status_code, text.json()["detail"]) == (422, "not a PDF file: it does not begin with %PDF-")


def test_a_page_too_long_to_be_drawn_wide_is_drawn_narrower(tmp_path: Path) -> None:
    pdf = make_pdf([print_paragraph(["Long."], y=100)], size=(100, 14_000))
    (tmp_path / "long.pdf").write_bytes(pdf)
    work = page_rendering.Drawing(tmp_path / "long.pdf", hashlib.sha256(pdf).hexdigest(), 1, 2400)
    width, height = opened(work.run((), lambda: None, {})).size
    assert width * height < 13_000_000


def test_an_encrypted_page_is_drawn_with_the_password_that_the_settings_have() -> None:
    path = Path(__file__).parent / "data/documents/libreoffice-writer-password.pdf"
    work = page_rendering.Drawing(path, hashlib.sha256(path.read_bytes()).hexdigest(), 1, 300)
    assert opened(work.run(("wrong", "openpassword"), lambda: None, {})).size[0] == 300
    with pytest.raises(UnreadableFileError, match="it needs a password"):
        work.run((), lambda: None, {})


def test_a_page_of_a_file_within_an_office_file_is_drawn(tmp_path: Path) -> None:
    inner = make_pdf([print_paragraph(["Within."], y=100)], size=(100, 140))
    path = tmp_path / "outer.docx"
    held = '<w:object><o:OLEObject xmlns:o="urn:o" r:id="inner.pdf"/></w:object>'
    path.write_bytes(word_file(f"<w:p><w:r>{held}</w:r></w:p>", **{"inner.pdf": ("package", inner)}))
    work = page_rendering.Drawing(path, hashlib.sha256(inner).hexdigest(), 1, 300)
    assert opened(work.run((), lambda: None, {})).size == (300, 420)


# Adding


def test_files_are_added_and_can_be_asked(client: TestClient, answerer: QuestionAnswerer, folder: Path) -> None:
    answered = send(client, ("zebra.txt", b"The animal on the sign is a ZEBRA."), ("ü.md", b"# Words\n\nGNU."))
    assert [file["state"] for file in finished(client, answered)] == ["indexed", "indexed"]
    assert answerer.ask("Which animal is on the sign?").text == "ZEBRA"
    assert parts(folder) == ["zebra.txt", "ü.md"]
    assert len(answered.json()["id"]) >= 20


def test_an_archive_is_indexed_as_it_is(client: TestClient, folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        archive.writestr("../../escape.txt", "Words of one.")
        archive.writestr("b.txt", "Words of two.")
    (sent,) = finished(client, send(client, ("pack.zip", (tmp_path / "pack.zip").read_bytes())))
    assert (sent["state"], sent["document"]) == ("indexed", "pack.zip")
    assert {name for name, each in listed(client).items() if each["is_indexed"]} == {
        "pack.zip/escape.txt", "pack.zip/b.txt",
    }  # fmt: skip
    assert parts(folder) == ["pack.zip"]


def test_the_same_content_is_the_same_document_and_another_of_that_name_gets_a_number(
    client: TestClient, folder: Path
) -> None:
    finished(client, send(client, ("a.txt", b"Words of one.")))
    (same,) = finished(client, send(client, ("b.txt", b"Words of one.")))
    assert (same["state"], same["document"]) == ("indexed", "a.txt")
    assert same["detail"] == "the same as a.txt, which is there already"
    (other,) = finished(client, send(client, ("a.txt", b"Words of two.")))
    assert (other["state"], other["document"]) == ("indexed", "a (2).txt")
    assert other["detail"] == "there is another a.txt; this one is a (2).txt"
    twice = finished(client, send(client, ("c.txt", b"Words of three."), ("d.txt", b"Words of three.")))
    assert [(file["state"], file["document"]) for file in twice] == [("indexed", "c.txt")] * 2
    assert parts(folder) == ["a (2).txt", "a.txt", "c.txt", "d.txt"]


BAD = (
    ("empty.txt", b"", "empty"),
    ("tool.exe", b"MZ\0\0\1", "unsupported file type '.exe'"),
    ("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0", "not a picture"),
    ("blank.txt", b" \n", "empty"),
    ("broken.pdf", b"%PDF-1.7 nothing", "damaged PDF"),
    ("../a.txt", b"Words.", "its name contains a path"),
    ("/etc/a.txt", b"Words.", "its name contains a path"),
    ("..\\a.txt", b"Words.", "its name contains a path"),
    (".hidden.txt", b"Words.", "hidden files are not indexed"),
    ("..", b"Words.", "hidden files are not indexed"),
    ("a\0b.txt", b"Words.", "its name contains invisible characters"),
    ("a\u202etxt.exe", b"Words.", "its name contains invisible characters"),
    ("con.txt", b"Words.", "a device on Windows"),
    ("NUL", b"Words.", "a device on Windows"),
    (f"{'x' * 300}.txt", b"Words.", "longer than 200 bytes"),
    (f"{'ü' * 100}.txt", b"Words.", "longer than 200 bytes"),
    ("a.txt.", b"Words.", "ends with a dot"),
)


def sent_raw(client: TestClient, *files: tuple[str, bytes]) -> Any:
    """As browsers send them: the HTTP client of the tests would spell out a NUL."""
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n' % (name.encode(), content)
        for name, content in files
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    return client.post("/api/documents", content=b"".join(parts) + b"--x--\r\n", headers=kind)


def test_files_that_cannot_be_added_are_said_in_a_line_each(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    files = finished(client, sent_raw(client, *((name, content) for name, content, _ in BAD)))
    assert [(file["name"], file["state"]) for file in files] == [(name, "failed") for name, _, _ in BAD]
    for file, (_, _, said) in zip(files, BAD, strict=True):
        assert said in file["detail"]
        assert "\n" not in file["detail"]
    assert answerer.documents() == []
    assert parts(folder) == ["blank.txt", "broken.pdf", "picture.txt"]  # found out only when they were read


@pytest.mark.parametrize(("name", "content"), [("../a.txt", b"Words."), ("a.txt", b""), ("a.exe", b"MZ")])
def test_a_file_that_is_refused_at_the_door_leaves_nothing_behind(
    client: TestClient, folder: Path, name: str, content: bytes
) -> None:
    answered = sent_raw(client, (name, content))
    assert answered.status_code == 415
    assert answered.json()["detail"].startswith(f"{name}: ")
    assert parts(folder) == []


def test_good_files_are_added_beside_refused_ones(client: TestClient) -> None:
    files = finished(client, send(client, ("a.exe", b"MZ\0"), ("a.txt", b"Words."), ("b.txt", b"")))
    assert [file["state"] for file in files] == ["failed", "indexed", "failed"]


@pytest.mark.parametrize("name", ["a.txt", "Ünïcode 👩‍👧 name (1).md", "con-artist.txt", "日本語.txt", 'quote".txt'])
def test_ordinary_names_are_no_problem(name: str) -> None:
    assert name_problem(name) == ""


def test_what_is_too_much_is_refused_and_leaves_nothing_behind(
    answerer: QuestionAnswerer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = staged_in(tmp_path, monkeypatch)
    client = client_of(answerer, SMALL)
    large = send(client, ("a.txt", b"x" * 1_001))
    assert (large.status_code, large.json()["detail"]) == (
        415, "a.txt: too large: more than 1,000 bytes; split it into parts",
    )  # fmt: skip
    many = send(client, *((f"{number}.txt", b"Words.") for number in range(5)))
    assert (many.status_code, many.json()["detail"]) == (413, "more than 4 files were sent at a time; send fewer")
    much = send(client, ("a.txt", b"x" * 30_000))
    assert much.status_code == 413
    assert "send fewer files" in much.json()["detail"]
    assert parts(folder) == []
    assert parts(staging) == []


def staged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads lie before they are complete."""
    staging = tmp_path / "staging"
    staging.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(staging))
    return staging


@pytest.mark.parametrize(
    ("kind", "body", "status", "said"),
    [
        ("application/json", b"{}", 415, "multipart/form-data"),
        ("multipart/form-data", b"", 415, "multipart/form-data"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 400, "no files were sent"),
        ("multipart/form-data; boundary=x", b"nonsense", 400, "cannot be read"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"'
         b"\r\n\r\nWor", 400, "cut off"),
        ("multipart/form-data; boundary=" + "x" * 5_000, b"", 400, "boundary cannot be used"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\nv\r\n--x--\r\n',
         400, "no files were sent"),
    ],
)  # fmt: skip
def test_what_is_no_form_of_files_is_refused_in_a_line(
    client: TestClient, folder: Path, kind: str, body: bytes, status: int, said: str
) -> None:
    answered = client.post("/api/documents", content=body, headers={"Content-Type": kind})
    assert (answered.status_code, list(answered.json())) == (status, ["detail"])
    assert said in answered.json()["detail"]
    assert parts(folder) == []


def test_an_upload_that_is_cut_off_leaves_nothing_behind(
    answerer: QuestionAnswerer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = staged_in(tmp_path, monkeypatch)
    app = FastAPI()
    say_problems(app)
    app.include_router(documents_router(answerer))
    scope = {
        "type": "http", "method": "POST", "path": "/api/documents", "query_string": b"", "http_version": "1.1",
        "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
    }  # fmt: skip
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"half of it" * 60_000
    messages = iter([{"type": "http.request", "body": head, "more_body": True}, {"type": "http.disconnect"}])
    seen: list[list[str]] = []

    async def receive() -> Any:
        seen.append(sorted(path.name for path in staging.rglob("*.txt")))
        return next(messages)

    async def send_back(message: Any) -> None:
        pass

    with start_blocking_portal() as portal:  # a thread of its own: the browser's tests leave a loop in this one
        portal.call(app, scope, receive, send_back)
    assert seen == [[], ["a.txt"]]
    assert parts(staging) == []
    assert parts(folder) == []


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    answered = send(client, ("a.txt", b"Words."))
    assert answered.status_code == 403
    assert "cannot be written; start Verbatim over another with --folder" in answered.json()["detail"]
    assert client.get("/api/documents").json()["adding"]["problem"] == answered.json()["detail"]


def test_five_hundred_files_at_once_are_all_indexed(client: TestClient, answerer: QuestionAnswerer) -> None:
    answered = send(client, *((f"{number}.txt", f"Words of {number}.".encode()) for number in range(500)))
    assert {file["state"] for file in finished(client, answered)} == {"indexed"}
    assert len(answerer.documents()) == 500


def test_an_upload_that_was_done_long_ago_is_forgotten(answerer: QuestionAnswerer) -> None:
    now = 0.0
    taken = Uploads(answerer, lambda: now)
    upload = taken.take([])
    assert taken.find(upload.id) is upload
    now = 3601.0
    assert taken.find(upload.id) is None
    assert taken.find("guessed") is None


def test_an_upload_that_is_not_known_is_said_in_a_line(client: TestClient) -> None:
    answered = client.get("/api/uploads/guessed")
    assert answered.status_code == 404
    assert "see the list of documents" in answered.json()["detail"]


class Busy:
    """An answerer whose index another process is writing, for a number of tries."""

    def __init__(self, answerer: QuestionAnswerer, tries: int) -> None:
        self._answerer, self._left = answerer, tries

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answerer, name)

    def add(self, *given: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            raise BusyIndexError("the index is being written by another process")
        return self._answerer.add(*given)


@pytest.mark.parametrize(("tries", "state"), [(2, "indexed"), (10, "failed")])
def test_files_wait_for_another_process_that_is_writing_but_not_for_ever(
    answerer: QuestionAnswerer, monkeypatch: pytest.MonkeyPatch, tries: int, state: str
) -> None:
    monkeypatch.setattr(ingest_queue, "_BUSY_WAIT_S", 0)
    monkeypatch.setattr(ingest_queue, "_BUSY_TRIES", 5)
    client = client_of(Busy(answerer, tries))  # type: ignore[arg-type]
    (file,) = finished(client, send(client, ("a.txt", b"Words.")))
    assert file["state"] == state


def test_while_the_folder_is_followed_nothing_is_done_twice(client: TestClient, answerer: QuestionAnswerer) -> None:
    changed = threading.Event()
    with answerer.watch(lambda _: changed.set()):
        files = finished(client, send(client, *((f"{n}.txt", f"Words of {n}.".encode()) for n in range(20))))
    assert {file["state"] for file in files} == {"indexed"}
    embedder: Any = answerer._library.embedder
    assert sorted(text for text in embedder.embedded if "Words of" in text) == sorted(
        f"Words of {n}." for n in range(20)
    )


# Taking out


def test_a_document_that_is_taken_out_is_asked_no_more_and_comes_back_when_it_is_added_again(
    client: TestClient, answerer: QuestionAnswerer, folder: Path
) -> None:
    finished(client, send(client, ("a.txt", b"The animal is a ZEBRA."), ("b.txt", b"Other words.")))
    removed = client.delete("/api/documents", params={"name": "a.txt"})
    assert removed.status_code == 200
    assert "The file stays in the folder" in removed.json()["detail"]
    assert parts(folder) == ["a.txt", "b.txt"]
    assert [record.name for record in answerer.documents()] == ["b.txt"]
    assert listed(client)["a.txt"]["status"] == "removed"
    again = client.delete("/api/documents", params={"name": "a.txt"})
    assert (again.status_code, "no document" in again.json()["detail"]) == (404, True)
    (back,) = finished(client, send(client, ("a.txt", b"The animal is a ZEBRA.")))
    assert (back["state"], back["document"]) == ("indexed", "a.txt")
    assert answerer.ask("Which animal is it?").text == "ZEBRA"
