"""Conversations that are kept: the store, the routes to it, and what is exported."""

import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.records import Concordance, DocumentOccurrences, DocumentRecord, Occurrence, Passage
from qa.answerer import QuestionAnswerer
from qa.records.answer import Answer, Reason
from qa.records.browser import hashed_id
from qa.records.turn import Kind, Turn
from qa.web.api.errors import say_problems
from qa.web.chat.transcript import Shown, Told, shown
from qa.web.history import export, store
from qa.web.history.export import Format
from qa.web.history.routes import conversation_routes
from qa.web.history.store import Conversation, History, HistoryError, KeptTurn, Said, UnknownConversationError, said_of
from qa.web.security.browser_id import COOKIE, BrowserCookie

ANN_ID, BOB_ID = "a" * 32, "b" * 32
ANN, BOB = hashed_id(ANN_ID), hashed_id(BOB_ID)
RECORD = DocumentRecord("notes.txt", "Notes", "0" * 64, 1, 30)
HOSTILE = (
    '<script>alert(1)</script> **bold** _x_ `code` [a](http://b.example) ![i](j) # h\n- item\n1. one\n> q\n***\n'
    "| a | b |\n&lt; www.example.com https://example.com $x$ ~~gone~~ \\"
)  # fmt: skip


def answer(text: str = "May 2012", **given: Any) -> Answer:
    passage = Passage("notes.txt", 0, 30, "It was banned in May 2012.")
    made = Answer(
        "when?", True, text, 0.87, "notes.txt", "0" * 64, "Notes", "page 3", 17, 25, "It was banned in May 2012.", 0,
        passage, (passage,), (Answer("when?", True, "June", 0.1, "other.txt", start=0, end=4),),
    )  # fmt: skip
    return replace(made, **given)


def said(asked: str = "when?", **given: Any) -> Said:
    turn = Turn(asked, "May 2012", Kind.ANSWER, asked, answer())
    return said_of(
        replace(turn, **given), {"notes.txt": RECORD, "unrelated.txt": replace(RECORD, name="unrelated.txt")}
    )


def asked_in(kept: History, conversation: str) -> list[str]:
    return [each.said.turn.asked for each in kept.turns(conversation) if each.said is not None]


@pytest.fixture
def kept(tmp_path: Path) -> History:
    return History(tmp_path)


# The store


def test_what_was_said_comes_back_as_it_was_with_the_documents_that_it_mentions(kept: History, tmp_path: Path) -> None:
    turns = [
        said(),
        said("who?", kind=Kind.LIST, answers=(answer("Ann"), answer("Bob", place=None))),
        said("is it?", kind=Kind.EVIDENCE, evidence=Passage("notes.txt", 0, 9, "It was. ✓")),
        said("and?", kind=Kind.UNKNOWN, answer=Answer("and?", False, reason=Reason.TOO_UNSURE), suggestions=("what?",)),
        said("thanks", kind=Kind.TALK, answer=None, understood=None, within=("notes.txt",)),
    ]
    id_ = ""
    for each in turns:
        id_, _ = kept.add(id_, ANN, each)
    assert [each.said for each in History(tmp_path).turns(id_)] == turns
    assert turns[0].records == (RECORD,)
    found = kept.conversation(id_)
    assert (found.title, found.n_turns, found.browser) == ("when?", 5, ANN)


def test_each_browser_has_its_own_and_another_one_goes_on_with_a_copy(kept: History) -> None:
    id_, first = kept.add("", ANN, said("one?"))
    kept.add(id_, ANN, said("two?"))
    copy, _ = kept.add(id_, BOB, said("three?"), in_place_of=[first.key])
    assert copy != id_
    assert asked_in(kept, id_) == ["one?", "two?"]
    assert asked_in(kept, copy) == ["two?", "three?"]
    assert [each.id for each in kept.conversations(BOB)] == [copy]
    for change in (lambda: kept.rename(id_, BOB, "mine"), lambda: kept.delete(id_, BOB)):
        with pytest.raises(UnknownConversationError, match="not yours to change"):
            change()
    assert kept.delete_all(BOB) == 1
    assert [each.id for each in kept.conversations(ANN)] == [id_]


def test_a_conversation_that_is_gone_is_not_brought_back_by_going_on_with_it(kept: History) -> None:
    id_, _ = kept.add("", ANN, said("one?"))
    kept.delete(id_, ANN)
    other, _ = kept.add(id_, ANN, said("two?"))
    assert other != id_
    assert asked_in(kept, other) == ["two?"]
    assert kept.turns(id_) == []


def test_searching_finds_titles_questions_and_answers_in_any_case(kept: History) -> None:
    one, _ = kept.add("", ANN, said("Wer baute die STRASSE? 50% _"))
    two, _ = kept.add("", ANN, said("when?", text="Ünited"))
    kept.rename(two, ANN, "  A new\n title ")
    assert kept.conversation(two).title == "A new title"
    found = {
        words: [each.id for each in kept.conversations(ANN, words)] for words in ("straße", "ünit", "NEW", "0% _", "%%")
    }
    assert found == {"straße": [one], "ünit": [two], "NEW": [two], "0% _": [one], "%%": []}


def test_a_browser_and_a_conversation_keep_so_much_and_the_oldest_goes(
    kept: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_CONVERSATIONS", 2)
    monkeypatch.setattr(store, "MAX_TURNS", 3)
    others, _ = kept.add("", BOB, said())
    ids = [kept.add("", ANN, said(f"{i}?"))[0] for i in range(3)]
    assert [each.id for each in kept.conversations(ANN)] == ids[:0:-1]
    for i in range(4):
        kept.add(ids[1], ANN, said(f"more {i}?"))
    assert asked_in(kept, ids[1]) == ["more 1?", "more 2?", "more 3?"]
    assert kept.conversation(others).n_turns == 1


def test_what_is_deleted_is_in_no_file_any_more(kept: History, tmp_path: Path) -> None:
    id_, _ = kept.add("", ANN, said("Where is the TREASURE?"))
    kept.add("", ANN, said("Another thing?"))
    assert any(b"TREASURE" in file.read_bytes() for file in tmp_path.iterdir())
    kept.delete(id_, ANN)
    assert not any(b"TREASURE" in file.read_bytes() for file in tmp_path.iterdir())
    assert (tmp_path / store.FILE_NAME).stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_two_writers_at_once_lose_no_turn_of_either(tmp_path: Path) -> None:
    id_, _ = History(tmp_path).add("", ANN, said("first?"))

    def write(name: str) -> None:
        own = History(tmp_path)
        for i in range(10):
            own.add(id_, ANN, said(f"{name}{i}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "xy"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked_in(History(tmp_path), id_)) == sorted(["first?", *(f"{n}{i}" for n in "xy" for i in range(10))])


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_at_any_moment_every_turn_that_was_shown_is_there(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from qa.records.turn import Kind, Turn
        from qa.web.history.store import History, Said

        kept, id_, i = History(Path(sys.argv[1])), "", 0
        while True:
            id_, _ = kept.add(id_, "a" * 32, Said(Turn(f"{i}?", "hello", Kind.TALK)))
            print(id_, i, flush=True)
            i += 1
        """
    )
    path = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().split() for _ in range(20)]
        child.send_signal(signal.SIGKILL)
        told += [line.split() for line in child.stdout.read().splitlines()]
    id_, last = told[-1]
    asked = asked_in(History(tmp_path), id_)
    assert asked == [f"{i}?" for i in range(len(asked))]
    assert len(asked) in {int(last) + 1, int(last) + 2}  # the one being written, wholly or not at all


def test_a_turn_of_another_version_is_left_out_with_a_line(
    kept: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    id_, _ = kept.add("", ANN, said("one?"))
    kept.add(id_, ANN, said("two?"))
    with closing(sqlite3.connect(tmp_path / store.FILE_NAME)) as connection, connection:
        connection.execute('UPDATE turns SET said = \'{"turn": {"asked": 7}}\' WHERE key = 1')
    turns = kept.turns(id_)
    assert [each.said is None for each in turns] == [True, False]
    assert "stored by another version" in caplog.text
    assert "another version" in shown(turns[0]).html
    assert "another version" in export.export([(kept.conversation(id_), turns)], Format.MARKDOWN)


@pytest.mark.parametrize("damage", ["no database", "of a newer version", "a folder"])
def test_a_history_that_cannot_be_used_says_so_in_a_line_with_the_remedy(tmp_path: Path, damage: str) -> None:
    path = tmp_path / store.FILE_NAME
    if damage == "a folder":
        path.mkdir()
    elif damage == "no database":
        path.write_bytes(b"no database at all " * 100)
    else:
        History(tmp_path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match=r"history\.sqlite .*--no-history") as told:
        History(tmp_path)
    assert "\n" not in str(told.value)


def test_rebuilding_and_examining_the_index_leave_the_history_alone(
    make_answerer: Callable[..., QuestionAnswerer], folder: Path
) -> None:
    (folder / "one.txt").write_text("The bridge was designed by MARLOWE.", encoding="utf-8")
    answerer = make_answerer()
    answerer.sync()
    id_, _ = History(answerer.index_dir).add("", ANN, said())
    (answerer.index_dir / "store.sqlite").write_bytes(b"damaged")
    answerer.close()
    from fakes import HashEmbedder, WordReader

    rebuilt = QuestionAnswerer(folder, answerer.settings, rebuild=True, embedder=HashEmbedder(), reader=WordReader())
    with rebuilt:
        rebuilt.sync()
        assert rebuilt.doctor(mend=True).mended == ()
        assert [each.name for each in rebuilt.documents()] == ["one.txt"]
    assert asked_in(History(answerer.index_dir), id_) == ["when?"]


# On the page


def told_of(*keys: str) -> Told:
    return Told("c", tuple(Shown.of(key, key, None if key.startswith("line") else said(key).turn) for key in keys))


def test_a_question_in_the_place_of_another_drops_what_comes_after_and_follows_from_what_was_before() -> None:
    told = told_of("1", "2", "line", "3")
    assert [each.key for each in told.before(["2", "3"]).shown] == ["1"]
    assert [each.key for each in told.without(["2", "3"]).shown] == ["1"]
    assert [each.key for each in told.without(["2"]).shown] == ["1", "3"]  # which another tab added meanwhile
    assert [each.key for each in told.before(["line"]).shown] == ["1", "2", "3"]
    assert [each.key for each in told.without_lines(["line", "3"]).shown] == ["1", "2", "3"]
    assert told.without([""]) == told


def test_what_another_tab_said_or_deleted_is_seen_and_lines_stay() -> None:
    told = told_of("1", "line", "2", "page-1")
    kept = [KeptTurn(2, 0.0, said()), KeptTurn(5, 0.0, said("five?"))]
    assert [each.key for each in told.caught_up(kept).shown] == ["line", "2", "page-1", "5"]


def test_a_place_that_was_kept_is_of_the_document_as_it_was_then(kept: History) -> None:
    evidence = Passage("notes.txt", 0, 9, "It was. ✓")
    _, turn = kept.add("", ANN, said("is it?", kind=Kind.EVIDENCE, evidence=evidence))
    opener = 'data-document="notes.txt" data-start="0" data-end="9" data-passage="0"'
    assert f'{opener} data-sha256="{RECORD.sha256}"' in shown(turn).html


# Routes


@pytest.fixture
def client(kept: History) -> Iterator[TestClient]:
    app = FastAPI()
    say_problems(app)
    app.include_router(conversation_routes(kept))
    app.add_middleware(BrowserCookie)
    with TestClient(app) as made:
        yield made


def as_browser(client: TestClient, id_: str) -> None:
    client.cookies.clear()
    client.cookies.set(COOKIE, id_)


def test_the_owner_lists_reads_renames_and_deletes_and_others_read_what_they_have_the_link_to(
    client: TestClient, kept: History
) -> None:
    id_, _ = kept.add("", ANN, said("one?"))
    kept.add(id_, ANN, said("two?", understood="two of them?"))
    as_browser(client, ANN_ID)
    assert [each["title"] for each in client.get("/api/conversations").json()["conversations"]] == ["one?"]
    assert client.get("/api/conversations?search=nothing").json() == {"kept": True, "conversations": []}
    found = client.get(f"/api/conversations/{id_}").json()
    assert (found["own"], found["turns"][1]["understood"]) == (True, "two of them?")
    assert found["turns"][0]["answers"] == [
        {"text": "May 2012", "confidence": 0.87, "document": "notes.txt", "sha256": "0" * 64, "title": "Notes",
         "place": "page 3", "start": 17, "end": 25}
    ]  # fmt: skip
    assert not any(told in json.dumps(found) for told in (ANN, ANN_ID))
    assert client.patch(f"/api/conversations/{id_}", json={"title": "Mine"}).json()["title"] == "Mine"
    assert client.patch(f"/api/conversations/{id_}", json={"title": "  "}).status_code == 422

    as_browser(client, BOB_ID)
    assert client.get("/api/conversations").json()["conversations"] == []
    assert client.get(f"/api/conversations/{id_}").json()["own"] is False
    for refused in (
        client.patch(f"/api/conversations/{id_}", json={"title": "Bob's"}),
        client.delete(f"/api/conversations/{id_}"),
    ):
        assert refused.status_code == 404
        assert "not yours to change" in refused.json()["detail"]
    assert client.delete("/api/conversations").json() == {"deleted": 0}

    as_browser(client, ANN_ID)
    assert client.delete(f"/api/conversations/{id_}").json() == {"deleted": 1}
    assert client.get(f"/api/conversations/{id_}").status_code == 404


def test_who_reads_the_file_cannot_become_a_browser_that_has_conversations_in_it(
    client: TestClient, kept: History, tmp_path: Path
) -> None:
    client.get("/api/conversations")
    cookie = client.cookies[COOKIE]
    kept.add("", hashed_id(cookie), said("one?"))
    assert len(client.get("/api/conversations").json()["conversations"]) == 1
    assert cookie.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    with closing(sqlite3.connect(tmp_path / store.FILE_NAME)) as connection:
        ((stored,),) = connection.execute("SELECT browser FROM conversations").fetchall()
    for tried in (stored, stored.removeprefix("sha256:"), stored.removeprefix("sha256:")[:32]):
        as_browser(client, tried)
        assert client.get("/api/conversations").json()["conversations"] == []


def test_a_history_that_fails_is_one_line(client: TestClient, kept: History, tmp_path: Path) -> None:
    (tmp_path / store.FILE_NAME).write_bytes(b"no database at all " * 100)
    failed = client.get("/api/conversations")
    assert failed.status_code == 503
    assert "cannot be read (file is not a database); move it away" in failed.json()["detail"]


def test_where_nothing_is_kept_the_routes_say_so() -> None:
    app = FastAPI()
    say_problems(app)
    app.include_router(conversation_routes(None))
    with TestClient(app) as client:
        assert client.get("/api/conversations").json() == {"kept": False, "conversations": []}
        assert client.get("/api/conversations/x").status_code == 404


def test_a_browser_gets_its_id_once_out_of_reach_of_scripts_and_other_sites(client: TestClient) -> None:
    first = client.get("/api/conversations")
    cookie = first.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=34560000"))
    assert "Secure" not in cookie
    assert re.fullmatch(r"[0-9a-f]{32}", client.cookies[COOKIE])
    assert "set-cookie" not in client.get("/api/conversations").headers
    client.cookies.clear()
    # Another site's link leads here without the cookie, which is there all the same, and is not to be replaced.
    assert "set-cookie" not in client.get("/api/conversations", headers={"Sec-Fetch-Site": "cross-site"}).headers
    assert "set-cookie" not in client.get("/else").headers
    assert "Secure" in client.get("https://testserver/api/conversations").headers["set-cookie"]
    as_browser(client, "../../etc; nonsense")
    assert "set-cookie" in client.get("/api/conversations").headers


# Exports


def exported(form: Format, *turns: Said, title: str = "A title") -> str:
    conversation = Conversation("id", ANN, title, 0.0, 0.0, len(turns))
    return export.export([(conversation, [KeptTurn(i, 0.0, each) for i, each in enumerate(turns)])], form)


def test_an_export_is_a_file_with_a_name_that_every_system_takes(client: TestClient, kept: History) -> None:
    id_, _ = kept.add("", ANN, said('../"Wo" ist\r\nÄnne? <x>'))
    as_browser(client, ANN_ID)
    for form, ending in (("markdown", "md"), ("csv", "csv"), ("json", "json")):
        one = client.get(f"/api/conversations/{id_}/export?format={form}")
        assert one.headers["content-disposition"] == f'attachment; filename="verbatim-wo-ist-nne-x.{ending}"'
        everything = client.get(f"/api/conversations/export?format={form}")
        assert everything.headers["content-disposition"] == f'attachment; filename="verbatim-conversations.{ending}"'
        assert everything.text == one.text
    assert client.get(f"/api/conversations/{id_}/export?format=exe").status_code == 422
    assert export.file_name("¿?", Format.CSV) == "verbatim-conversation.csv"


def found(text: str = "May 2012") -> Concordance:
    place = Occurrence(17, 25, text, "page 3", f"banned in {text}", 7, ((17, 25),))
    return Concordance(text, 1, 1, 0, (DocumentOccurrences("notes.txt", "0" * 64, text, 1, (place,)),))


def test_places_where_words_stand_are_kept_and_exported(kept: History) -> None:
    told = said("Which documents mention May 2012?", kind=Kind.PLACES, answer=None, found=found())
    id_, _ = kept.add("", ANN, told)
    assert kept.turns(id_)[0].said == told
    assert [record.name for record in told.records] == ["notes.txt"]
    (row,) = csv.DictReader(io.StringIO(exported(Format.CSV, told).removeprefix("\ufeff"), newline=""))
    assert (row["kind"], row["answer"], row["document"], row["start"]) == ("places", "May 2012", "notes.txt", "17")
    assert "> banned in May 2012" in exported(Format.MARKDOWN, told)


def test_json_has_everything(tmp_path: Path) -> None:
    turn = json.loads(exported(Format.JSON, said()))["conversations"][0]["turns"][0]
    assert turn["answer"]["passage"] == {
        "document": "notes.txt",
        "start": 0,
        "end": 30,
        "text": "It was banned in May 2012.",
        "heading": "",
    }
    assert turn["answer"]["alternatives"][0]["text"] == "June"


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n\t=+-@'\",;")))
@example('=HYPERLINK("http://x")')
@example("@SUM(1)")
@example("\t=1")
def test_no_cell_of_csv_is_a_formula_and_the_words_are_all_there(text: str) -> None:
    written = exported(Format.CSV, said(text, text=text, answer=answer(text, document=text, place=text)), title=text)
    rows = list(csv.DictReader(io.StringIO(written.removeprefix("\ufeff"), newline="")))
    assert len(rows) == 1
    for name in ("conversation", "question", "said", "answer", "document", "place"):
        assert not rows[0][name].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert rows[0][name] in {text, f"'{text}"}
    assert (rows[0]["start"], rows[0]["confidence"]) == ("17", "0.87")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\r\n \\`*_[]<>&~|$!#{}-+=1.):/")))
@example(HOSTILE)
@example("    indented\n\tcode")
@example("1) one\n2. two\n+ x\n- y\n===\n---")
def test_in_markdown_the_words_are_text_and_never_markup(text: str) -> None:
    kinds = [
        said(text, understood="u" + text, answer=answer(text, document=text, title=text, place=text)),
        said(text, kind=Kind.EVIDENCE, evidence=Passage(text, 0, 1, text)),
        said(text, kind=Kind.TALK, answer=None, text=text),
        said(text, kind=Kind.PLACES, answer=None, text=text, found=found(text)),
    ]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(exported(Format.MARKDOWN, *kinds, title=text))
    tags = {each.type for token in tokens for each in (token, *(token.children or ()))}
    allowed = {"heading", "blockquote", "paragraph"}
    assert tags <= {"inline", "text", "text_special", "softbreak", "hardbreak"} | {
        f"{a}_{b}" for a in allowed for b in ("open", "close")
    }
    shown_words = "".join(
        child.content if child.content else " " for token in tokens for child in token.children or () if token.children
    )
    assert "".join(text.split()) in "".join(shown_words.split())
