"""An index, a history and feedback of version 0.1.0: the first is made anew by itself, the others open unchanged.

`tests/data/index-0.1.0` was made by that version with the fakes' embedder: two documents, of which one was taken out.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fakes import HashEmbedder, WordReader
from index.settings import read_settings
from qa.answerer import QuestionAnswerer
from qa.feedback.store import FeedbackStore, Verdict
from qa.records.browser import hashed_id
from qa.web.history.store import History

KEPT = Path(__file__).parent / "data" / "index-0.1.0"
QUESTION = "Who built the old bridge?"


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    """The old index, of a folder that has since been moved here."""
    copied = tmp_path / "index"
    shutil.copytree(KEPT, copied)
    (copied / "bridge.md").rename(folder / "bridge.md")
    (folder / "notes.txt").write_bytes(b"The harbour is kept by TOVIN.\n")
    with closing(sqlite3.connect(copied / "store.sqlite")) as connection, connection:
        (said,) = connection.execute("SELECT value FROM meta WHERE key = 'certificate'").fetchone()
        moved = json.dumps({**json.loads(said), "folder": str(folder.resolve())})
        connection.execute("UPDATE meta SET value = ? WHERE key = 'certificate'", (moved,))
    return copied


def test_an_index_of_another_version_is_made_anew_and_what_was_taken_out_stays_out(folder: Path, place: Path) -> None:
    embedder = HashEmbedder()
    settings = read_settings(index_dir=place, threshold=0.0)
    with QuestionAnswerer(folder, settings, embedder=embedder, reader=WordReader()) as answerer:
        assert answerer.sync().added == ["bridge.md"]
        assert {record.name: record.status for record in answerer.files()} == {
            "bridge.md": "indexed",
            "notes.txt": "removed",
        }
        answer = answerer.ask(QUESTION)
        assert (answer.text, answer.document, answer.start, answer.end) == ("HARLOW", "bridge.md", 39, 45)
        assert answer.place == "Bridges"
        assert not answerer.doctor().problems


def test_a_history_keeps_its_turns(place: Path) -> None:
    history = History(place)
    (conversation,) = history.conversations(hashed_id("a browser"))
    (kept,) = history.turns(conversation.id)
    assert kept.said is not None
    assert kept.said.turn.answer is not None
    assert (kept.said.turn.asked, kept.said.turn.answer.text) == (QUESTION, "HARLOW")
    assert [record.name for record in kept.said.records] == ["bridge.md", "notes.txt"]


def test_feedback_keeps_its_verdicts(place: Path) -> None:
    (judged,) = FeedbackStore(place).all(hashed_id("a browser"))
    assert (judged.question, judged.verdict) == (QUESTION, Verdict.RIGHT)


@pytest.mark.parametrize("times", [1, 3])
def test_ids_of_browsers_that_were_kept_as_they_were_are_hashed_once_and_gone_from_the_files(
    place: Path, times: int
) -> None:
    for _ in range(times):
        (conversation,) = History(place).conversations(hashed_id("a browser"))
        (judged,) = FeedbackStore(place).all()
        assert {conversation.browser, judged.browser} == {hashed_id("a browser")}
    kept = b"".join(path.read_bytes() for path in place.iterdir() if not path.name.startswith("store"))
    assert b"a browser" not in kept
