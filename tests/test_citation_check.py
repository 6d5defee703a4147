"""An answer given once is checked against its document as it is now."""

import json
from dataclasses import asdict, replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fakes import FakeIndex
from index.errors import ParameterError
from index.records import Document
from qa.citation_check import Quote, Standing, verify
from qa.cli.main import cli

TEXT = "Preface.\n\nThe leader is ALPHA now. He stays.\n"


@pytest.fixture
def asked(folder, make_answerer):
    (folder / "a.txt").write_text(TEXT)
    answerer = make_answerer()
    answerer.sync()
    answer = answerer.ask("who is the leader?")
    assert answer.text == "ALPHA"
    return answerer, answer


def test_what_has_not_changed_holds(asked):
    answerer, answer = asked
    for given_back in (answer, asdict(answer), json.loads(json.dumps(asdict(answer)))):
        found = answerer.verify(given_back)
        assert (found.standing, found.document, found.text) == (Standing.HOLDS, "a.txt", "ALPHA")
        assert answerer.text("a.txt")[found.start : found.end] == "ALPHA"


@pytest.mark.parametrize(
    ("now", "standing"),
    [
        ("A longer preface.\n\nThe leader is ALPHA now. He stays.\n", Standing.MOVED),
        ("The leader is ALPHA now. " * 3, Standing.MOVED),
        ("Preface.\n\nThe leader is OMEGA now. He stays.\n", Standing.CHANGED),
        ("ALPHA was never the leader. He left.\n", Standing.CHANGED),
        (None, Standing.GONE),
    ],
)
def test_what_has_changed_is_told(folder, asked, now, standing):
    answerer, answer = asked
    (folder / "a.txt").unlink() if now is None else (folder / "a.txt").write_text(now)
    answerer.sync()
    found = answerer.verify(answer)
    assert (found.standing, found.document) == (standing, None if now is None else "a.txt")
    assert (found.start is not None) == (standing is Standing.MOVED)
    if found.start is not None:
        assert answerer.text("a.txt")[found.start : found.end] == "ALPHA"


def test_a_renamed_document_is_known_by_its_hash(folder, asked):
    answerer, answer = asked
    (folder / "a.txt").rename(folder / "b.txt")
    answerer.sync()
    found = answerer.verify(answer)
    assert (found.standing, found.document) == (Standing.HOLDS, "b.txt")


def test_words_that_never_stood_there_are_false(asked):
    answerer, answer = asked
    forged = replace(answer, text="OMEGA", sentence=answer.sentence.replace("ALPHA", "OMEGA"))
    assert answerer.verify(forged).standing is Standing.FALSE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answered": False}, "was declined, so there is no quotation"),
        ({"start": "14"}, "answer has start='14'"),
        ({"end": True}, "answer has end=True"),
        ({"document_sha256": None}, "answer has document_sha256=None"),
        ({"text": "OMEGA"}, "text='OMEGA', which is not in its sentence; give it unedited"),
        ({"sentence_start": 10**9}, "is not in its sentence"),
        ({"text": ""}, "is not in its sentence"),
    ],
)
def test_what_is_no_answer_is_refused(asked, change, said):
    answerer, answer = asked
    with pytest.raises(ParameterError, match=said):
        answerer.verify(asdict(answer) | change)
    with pytest.raises(ParameterError, match="is not an answer"):
        answerer.verify([change])


@given(before=st.text("ab .\n", max_size=30), after=st.text("ab .\n", max_size=30), old=st.integers(0, 60))
def test_what_is_found_are_the_words(before, after, old):
    sentence = "aXb a."
    quote = Quote("Xb", "d", "old", old + 1, old + 3, sentence, old)
    text = before + sentence + after
    index = FakeIndex()
    index.write([Document("d", text, "", "new")])
    found = verify(quote, index)
    assert found.standing is Standing.MOVED
    assert text[found.start : found.end] == "Xb"


def test_the_command(monkeypatch, folder, tmp_path, asked, engine):
    _, answer = asked
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(tmp_path / "index"))
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(asdict(answer)))
    run = partial(CliRunner().invoke, obj=engine)
    done = run(cli, ["verify", str(file), "--folder", str(folder)])
    assert (done.exit_code, done.output.splitlines()[1]) == (0, f"a.txt [{answer.start}:{answer.end}]")
    done = run(cli, ["verify", "-", "--folder", str(folder), "--json"], input=json.dumps(asdict(answer)))
    assert (done.exit_code, json.loads(done.output)["standing"]) == (0, "holds")
    (folder / "a.txt").write_text("The leader is OMEGA now.")
    done = run(cli, ["verify", str(file), "--folder", str(folder)])
    assert (done.exit_code, done.output.startswith("changed: ")) == (1, True)
    for content, said in (("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("[]", "is not an answer")):
        file.write_text(content)
        done = run(cli, ["verify", str(file), "--folder", str(folder)])
        assert (done.exit_code, said in done.output) == (2, True)
    done = run(cli, ["verify", str(tmp_path / "none.json"), "--folder", str(folder)])
    assert (done.exit_code, "cannot be read" in done.output) == (2, True)
