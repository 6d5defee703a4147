"""What asking for one document takes in a library of 20,000: `python benchmarks/lookups.py`.

The embedder draws a unit vector from a hash of the text and the reader takes a passage's first word, so that what is
measured is neither model but what stands around them. Requests go through the whole application, without a network.
"""

import argparse
import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from large_index import RandomEmbedder, milliseconds
from starlette.testclient import TestClient

from index.settings import read_settings
from qa.answerer import QuestionAnswerer
from qa.records.span import Span

REPEATS = 15
PATIENCE_MS = 20_000
"""What is slower than that in all is measured fewer times."""

PRINTED = "printed.pdf"
BROWSER = {"Verbatim-Browser": "benchmark-of-lookups"}
QUESTION = "Who is keeper77?"


class FirstWordReader:
    """Takes the first word of each passage for the answer."""

    def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:  # noqa: ARG002
        """A span for each passage."""
        return [[Span(0, len(passage.split()[0]), 5.0)] for passage in passages]


def name_of(number: int) -> str:
    """Name of a document."""
    return f"shelf {number % 100}/keeper{number}.txt"


def write_folder(folder: Path, n_documents: int) -> None:
    """Write the documents: small ones of text, and a PDF of one page."""
    for number in range(n_documents - 1):
        path = folder / name_of(number)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"keeper{number} has kept lighthouse {number % 977} for {number % 41} years.", encoding="utf-8")
    words = b"BT /F 12 Tf 72 700 Td (The printed keeper has kept it for a year.) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body = b"".join(b"%d 0 obj%s endobj\n" % (number, each) for number, each in enumerate(objects, 1))
    (folder / PRINTED).write_bytes(b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R/Size 6>>\n%%EOF\n")


class Doors:
    """What is asked for, through the doors that everybody uses."""

    def __init__(self, answerer: QuestionAnswerer) -> None:
        """Build the application over an answerer."""
        from qa.web.server import build_page

        self._answerer = answerer
        self._app = build_page(answerer, keep_history=False)
        self._client = TestClient(self._app, base_url="http://127.0.0.1")
        self._asked = 0
        self._hashes = {record.name: record.sha256 for record in answerer.documents()}
        self._answer = answerer.ask(QUESTION)
        self._removable = sorted(self._hashes.keys() - {name_of(50), name_of(77), PRINTED})

    def get(self, path: str, status: int = 200, headers: dict[str, str] | None = None, **parameters: object) -> None:
        """Ask for something.

        Args:
            path: The route.
            status: What it must say.
            headers: Headers to send beside those of a program.
            **parameters: The query.
        """
        response = self._client.get(path, params=parameters, headers={**BROWSER, **(headers or {})})
        assert response.status_code == status, response.text

    def page_image(self) -> None:
        """Ask for the picture of a page that the browser has already: drawing it is not what is measured."""
        tag = f'"{self._hashes[PRINTED]}-1-1000"'
        self.get("/api/documents/pages/1", 304, {"If-None-Match": tag}, name=PRINTED)

    def give_feedback(self) -> None:
        """Say that an answer is right."""
        answer = self._answer
        given = {"document": answer.document, "sha256": answer.document_sha256, "start": answer.start}
        given |= {"end": answer.end, "text": answer.text}
        said = {"question": QUESTION, "verdict": "right", "answer": given}
        response = self._client.post("/api/feedback", json=said, headers=BROWSER)
        assert response.status_code == 201, response.text

    def upload_again(self) -> None:
        """Send a file that is there already."""
        content = (self._answerer.folder / name_of(50)).read_bytes()
        response = self._client.post("/api/documents", files={"files": ("again.txt", content)})
        assert response.status_code == 202, response.text

    def remove(self) -> None:
        """Take a document out."""
        response = self._client.delete("/api/documents", params={"name": self._removable.pop()})
        assert response.status_code == 200, response.text

    def search_within(self) -> None:
        """Search one document, each time with another question, so that nothing is remembered."""
        self._asked += 1
        assert self._answerer.search(f"Who kept it in {self._asked}?", within=[name_of(77)])

    def talk(self) -> None:
        """Ask a question of a conversation; a question that was searched for before."""
        assert self._answerer.conversation().ask(QUESTION).answer

    def page_question(self) -> None:
        """Ask the same on the page."""
        from qa.web.chat.page import Told, Visitor, _Chat

        async def ask() -> None:
            async with aclosing(chat.ask({"question": QUESTION}, Told(), Visitor("", "page"))) as steps:
                async for _ in steps:
                    pass

        chat = self._chat = getattr(self, "_chat", None) or _Chat(self._answerer)
        asyncio.run(ask())

    def open_page(self) -> None:
        """Open the page: what it shows otherwise than when the server started."""
        from qa.web.chat.page import Told, _Chat

        chat = self._chat = getattr(self, "_chat", None) or _Chat(self._answerer)
        chat.refresh(Told())

    def operations(self) -> dict[str, Callable[[], object]]:
        """All that is measured, by what it is called."""
        one = {"name": name_of(50)}
        return {
            "GET /health": lambda: self.get("/health"),
            "GET /metrics": lambda: self.get("/metrics"),
            "GET /api/documents/text": lambda: self.get("/api/documents/text", **one),
            "GET /api/documents/places": lambda: self.get("/api/documents/places", **one),
            "GET /api/documents/boxes": lambda: self.get("/api/documents/boxes", name=PRINTED, start=4, end=11),
            "GET /api/documents/pages/1 (304)": self.page_image,
            "POST /api/feedback": self.give_feedback,
            "GET /api/feedback": lambda: self.get("/api/feedback"),
            "POST /api/documents, a file that is there": self.upload_again,
            "a search within one document": self.search_within,
            "a question of a conversation": self.talk,
            "a question on the page": self.page_question,
            "opening the page": self.open_page,
            "checking an answer (verify)": lambda: self._answerer.verify(self._answer),
            "DELETE /api/documents": self.remove,
        }


def main() -> None:
    """Make a library of 20,000 documents, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="a folder to make the library in, and to find it in the next time")
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, SQLite {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) if given.keep is None else given.keep
        folder = place / "documents"
        if not folder.exists():
            folder.mkdir(parents=True)
            write_folder(folder, given.documents)
        settings = read_settings(index_dir=place / "index", threshold=0.0)
        with QuestionAnswerer(folder, settings, embedder=RandomEmbedder(), reader=FirstWordReader()) as answerer:
            seconds = milliseconds(answerer.sync) / 1000
            print(f"{len(answerer.documents()):,} documents, in step after {seconds:.0f} s", flush=True)
            show(Doors(answerer).operations())


def show(operations: dict[str, Callable[[], object]]) -> None:
    """Measure, and print medians and ranges."""
    for what, operation in operations.items():
        operation()
        took: list[float] = []
        while len(took) < REPEATS and sum(took) < PATIENCE_MS:
            took.append(milliseconds(operation))
        median = f"{statistics.median(took):8.1f} ms   {min(took):.1f} to {max(took):.1f}"
        print(f"{what:45} {median}, N = {len(took)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
