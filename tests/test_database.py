"""One database serves index, history and feedback: transactions that nest, and every trouble said in one line."""

import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from fakes import HashEmbedder
from index.errors import BusyIndexError, DamagedIndexError, VerbatimError
from index.library import Library
from index.storage.database import Database
from index.storage.database_kind import DatabaseKind
from pages import built
from qa.feedback.store import FILE_NAME, Feedback, FeedbackError, FeedbackStore, Stretch, Verdict
from qa.records.turn import Kind, Turn
from qa.web.history.store import History, HistoryError, Said

GONE = "is gone: it was moved or deleted; put it back, or start Verbatim again to begin a new one"
TABLE = "CREATE TABLE words (word TEXT NOT NULL);\n"


class NotesError(VerbatimError):
    """The notes cannot be used."""


def kind(*, keeps_open: bool) -> DatabaseKind:
    return DatabaseKind(
        name="the notes",
        error=NotesError,
        damaged=DamagedIndexError,
        busy=BusyIndexError,
        if_damaged="throw them away",
        if_unwritable="write elsewhere",
        keeps_open=keeps_open,
    )


@pytest.fixture(params=[True, False], ids=["kept open", "opened for each use"])
def notes(tmp_path: Path, request: pytest.FixtureRequest):
    database = Database(tmp_path / "notes.sqlite", kind(keeps_open=request.param))
    database.make()
    database.make_tables(TABLE, 1)
    yield database
    database.close()


def write(notes, *words):
    with notes.writing() as connection:
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])


def words_in(notes):
    with notes.reading() as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY word")]


def test_a_transaction_within_another_is_part_of_it(notes):
    with notes.writing():
        write(notes, "one")
        write(notes, "two")
        assert words_in(notes) == ["one", "two"]
    assert words_in(notes) == ["one", "two"]

    def write_and_fail():
        with notes.writing():
            write(notes, "three")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert words_in(notes) == ["one", "two"]
    write(notes, "three")
    assert words_in(notes) == ["one", "three", "two"]


def test_writing_while_one_state_is_read_is_refused_and_nothing_is_lost_unseen(notes):
    with pytest.raises(NotesError, match="transaction"), notes.reading():
        write(notes, "one")
    assert words_in(notes) == []


def test_a_file_that_is_moved_away_is_said_and_no_other_is_made_in_its_place(notes, tmp_path):
    write(notes, "one")
    notes.path.rename(tmp_path / "elsewhere")
    for use in (words_in, write):
        with pytest.raises(NotesError, match=rf"^the notes {notes.path} {GONE}$"):
            use(notes)
    assert not notes.exists()
    assert not notes.path.exists()
    (tmp_path / "elsewhere").rename(notes.path)
    assert words_in(notes) == ["one"]


def test_another_file_in_its_place_is_read_and_written_from_then_on(notes, tmp_path):
    """As when another process rebuilds a damaged index."""
    write(notes, "old")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{notes.path}{suffix}").unlink(missing_ok=True)
    other = Database(notes.path, kind(keeps_open=False))
    other.make()
    other.make_tables(TABLE, 1)
    write(other, "new")
    assert words_in(notes) == ["new"]
    write(notes, "newer")
    assert words_in(other) == ["new", "newer"]


def test_a_file_of_a_newer_version_is_left_as_it_is(notes):
    notes.make_tables("CREATE TABLE never (made);\n", 1)
    with notes.writing() as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(NotesError, match="made by a newer version; update Verbatim, or throw them away"):
        notes.make_tables(TABLE, 1)
    assert notes.version(2) == 2


def test_what_cannot_be_made_says_why_and_where_else(tmp_path):
    database = Database(tmp_path / "missing" / "notes.sqlite", kind(keeps_open=False))
    with pytest.raises(NotesError, match=r"notes\.sqlite cannot be written \(No such file or directory\); write else"):
        database.make()
    with pytest.raises(NotesError, match=GONE):
        database.exists()


# What is damaged


def one_line(error, beginning):
    assert str(error).startswith(beginning)
    assert "\n" not in str(error)
    assert len(str(error)) < 500


def flipped(content, rng):
    """The content with one byte of it changed, which was not zero: nothing is read of most that are."""
    place = rng.choice([i for i, byte in enumerate(content) if byte])
    changed = bytearray(content)
    changed[place] ^= rng.choice([0xFF, 1 << rng.randrange(8)])
    return bytes(changed)


def test_feedback_with_a_byte_flipped_is_read_or_refused_in_one_line(tmp_path):
    store, path = FeedbackStore(tmp_path), tmp_path / FILE_NAME
    words = Stretch("a é.txt", "0" * 64, 3, 9, "harbour")
    for number in range(4):
        store.put(Feedback(f"sha256:{number}", "How deep?", Verdict.WRONG, words, words, context=words, reader="fast"))
    content, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(300):
        path.write_bytes(flipped(content, rng))
        try:
            for said in FeedbackStore(tmp_path).all():
                assert isinstance(said.question, str)
                assert said.answer is None or isinstance(said.answer.start, int)
        except FeedbackError as error:
            one_line(error, f"the feedback {path} ")
            refused += 1
    assert refused > 50


def test_a_history_with_a_byte_flipped_is_read_or_refused_in_one_line(tmp_path):
    id_ = ""
    for number in range(3):
        id_, _ = History(tmp_path).add(id_, "sha256:0", Said(Turn(f"{number} é?", "hello", Kind.TALK)))
    path = tmp_path / "history.sqlite"
    content, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(100):
        path.write_bytes(flipped(content, rng))
        try:
            history = History(tmp_path)
            for conversation in history.conversations("sha256:0"):
                assert isinstance(conversation.title, str)
                history.turns(conversation.id)
        except HistoryError as error:
            one_line(error, f"the history {path} ")
            refused += 1
    assert refused > 20


def test_an_index_with_a_byte_flipped_is_read_or_refused_in_one_line(folder, tmp_path):
    (folder / "a.md").write_text("# Harbours\n\nThe harbour is deep.\n\n## Depths\n\nIt is dredged.")
    place = tmp_path / "index"
    index = Library(folder, HashEmbedder(), place)
    index.sync()
    index.close()
    content, rng = (place / "store.sqlite").read_bytes(), random.Random(0)
    refused = 0
    for _ in range(60):
        shutil.rmtree(place)
        place.mkdir()
        (place / "store.sqlite").write_bytes(flipped(content, rng))
        try:
            index = Library(folder, HashEmbedder(), place)
            with closing(index.store.database):
                for record in index.documents():
                    index.text(record.name), index.metadata(record.name), index.places(record.name)
                index.search("harbour", 1)
        except VerbatimError as error:
            one_line(error, "")
            refused += 1
    assert refused > 10


def test_a_certificate_that_is_no_json_is_damage(folder, tmp_path):
    index = Library(folder, HashEmbedder(), tmp_path / "index")
    with index.store.database.writing() as connection:
        connection.execute("UPDATE meta SET value = '{' WHERE key = 'certificate'")
    index.close()
    with pytest.raises(
        DamagedIndexError, match=r"store\.sqlite cannot be read \(.*\); rebuild it with: verbatim index"
    ):
        Library(folder, HashEmbedder(), tmp_path / "index")


# Under a server


def test_an_index_folder_that_is_moved_away_under_a_server_is_said_in_one_line(make_answerer, folder, tmp_path):
    (folder / "a.txt").write_text("The harbour was dredged by MARLOWE.")
    answerer = make_answerer()
    answerer.sync()
    browser = {"Verbatim-Browser": "0123456789abcdef"}
    asked = {"question": "Who dredged the harbour?"}
    given = {"question": "Who?", "verdict": "right"}
    with TestClient(built(answerer), base_url="http://localhost", headers=browser) as client:

        def uses():
            return [
                client.post("/api/ask", json=asked),
                client.get("/api/documents"),
                client.get("/api/conversations"),
                client.get("/api/feedback"),
                client.post("/api/feedback", json=given),
            ]

        before = [used.status_code for used in uses()]
        assert all(status < 300 for status in before), before
        answerer.index_dir.rename(tmp_path / "elsewhere")
        for used in uses():
            assert used.status_code == 503, used.request.url
            assert GONE in used.json()["detail"]
        assert client.get("/health").status_code == 503
        (folder / "b.txt").write_text("Words that are new.")
        with pytest.raises(VerbatimError, match=GONE):
            answerer.sync()
        with pytest.raises(VerbatimError, match=GONE):
            answerer.remove(["a.txt"])
        assert not answerer.index_dir.exists()
        (tmp_path / "elsewhere").rename(answerer.index_dir)
        assert [used.status_code for used in uses()] == before


def test_a_history_that_is_moved_away_is_said_and_comes_back(tmp_path):
    place = tmp_path / "index"
    place.mkdir()
    history = History(place)
    place.rename(tmp_path / "elsewhere")
    with pytest.raises(HistoryError, match=GONE):
        history.conversations("a browser")
    (tmp_path / "elsewhere").rename(place)
    assert history.conversations("a browser") == []
