"""Every command through its runner: exit codes, messages, JSON."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fakes import HashEmbedder, WordReader
from qa import answering
from qa.cli import cli

runner = CliRunner()


@pytest.fixture(autouse=True)
def no_models(monkeypatch, tmp_path):
    """Fakes in place of the models; everything else is what the commands really call."""
    monkeypatch.setattr(answering, "SentenceTransformerEmbedder", lambda settings, run: HashEmbedder())
    monkeypatch.setattr(answering, "Reader", lambda settings: WordReader())
    monkeypatch.setenv("VERBATIM_THRESHOLD", "0.0")
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def reports(folder):
    (folder / "a.txt").write_text("Report A\n\nThe cell was led by KARIMOV of Khujand.", encoding="utf-8")
    (folder / "b.md").write_text("# Costs [bold]\n\nIt was paid by NASA.", encoding="utf-8")
    (folder / "c.pdf").write_bytes(b"%PDF")
    return folder


def run(*arguments, code=0):
    result = runner.invoke(cli, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_ask_marks_the_words_in_their_sentence(reports):
    said = run("ask", "who led the cell?", "--folder", reports).stdout
    assert "The cell was led by [[KARIMOV]] of Khujand." in said
    assert "Report A" in said
    assert "a.txt [30:37]" in said
    assert "confidence 0." in said


def test_ask_as_json_is_the_answer(reports):
    answer = json.loads(run("ask", "who led the cell?", "--folder", reports, "--json").stdout)
    assert (answer["text"], answer["document"], answer["answered"]) == ("KARIMOV", "a.txt", True)
    text = (reports / "a.txt").read_text(encoding="utf-8")
    assert text[answer["start"] : answer["end"]] == "KARIMOV"
    assert answer["passage"]["text"] in text


def test_not_answered_is_exit_code_1_with_the_reason_and_the_nearest(reports):
    said = run("ask", "who led the cell?", "--folder", reports, "--threshold", "1", code=1).stdout
    assert "I don't know. The best words found are too unlikely" in said
    assert "Nearest, in a.txt:" in said
    answer = json.loads(run("ask", "led cell?", "--folder", reports, "--threshold", "1", "--json", code=1).stdout)
    assert (answer["answered"], answer["reason"]) == (False, "too unsure")


def test_within(reports):
    assert "NASA" in run("ask", "who led the cell?", "--folder", reports, "--within", "b.md").stdout
    assert "'x.txt'" in run("ask", "who?", "--folder", reports, "--within", "x.txt", code=2).stderr


def test_index_tells_what_it_did_and_what_it_left_out(reports):
    said = run("index", reports).stdout
    assert "2 documents in the index: 2 added, 0 unchanged" in said
    assert "left out: c.pdf: unsupported file type" in said
    (reports / "a.txt").unlink()
    done = json.loads(run("index", reports, "--json").stdout)
    assert (done["removed"], done["unchanged"], done["documents"]) == (["a.txt"], 1, 1)
    assert done["left_out"] == {"c.pdf": "unsupported file type"}


def test_documents_lists_without_loading_anything(reports, monkeypatch):
    run("index", reports)
    monkeypatch.setattr(HashEmbedder, "embed", lambda *_: pytest.fail("embedded"))
    said = run("documents", "--folder", reports).stdout
    assert "a.txt" in said
    assert "Costs [bold]" in said  # not taken for markup
    assert "left out: c.pdf" in said
    listed = json.loads(run("documents", "--folder", reports, "--json").stdout)
    assert [d["name"] for d in listed["documents"]] == ["a.txt", "b.md"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", " "], "holds no words; type a question"),
        (["ask", "x" * 100_000], "100,000 characters, at most 1,000"),
        (["ask", "who?", "--folder", "no/such/folder"], "folder='no/such/folder' does not exist; name a folder"),
        (["index", "no/such/folder"], "does not exist"),
        (["documents", "--folder", "no/such/folder"], "does not exist"),
        (["ask", "who?", "--top-k", "0"], "top_k=0"),
        (["ask", "who?", "--threshold", "2"], "threshold=2.0"),
        (["evaluate", "no/such.json"], "cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, said):
    result = run(*arguments, code=2)
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    as_json = json.loads(run(*arguments, "--json", code=2).stdout)
    assert said in as_json["error"]


def test_a_folder_that_was_never_indexed(reports):
    assert "is not indexed yet; run: verbatim index" in run("documents", "--folder", reports, code=2).stderr


@pytest.mark.parametrize("command", [["index"], ["ask", "who?", "--folder"]])
def test_an_empty_folder_is_said_to_be_so(folder, command):
    (folder / "a.txt").write_text(" ")
    said = run(*command, folder, code=2).stderr
    assert "holds no documents; 1 files were left out" in said
    assert ".md, .txt" in said


def test_evaluate_in_both_modes_beside_another_system(tmp_path):
    context = "The court of Khujand banned the cell; KARIMOV led it."
    entries = [
        {"id": "1", "question": "who led the cell?", "answers": [{"text": "KARIMOV", "answer_start": 38}]},
        {"id": "2", "question": "who founded the moon?", "answers": [], "is_impossible": True},
    ]
    file = tmp_path / "q.json"
    file.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [{"context": context, "qas": entries}]}]}))
    (tmp_path / "other.json").write_text(json.dumps({"1": "court", "2": ""}))
    rows = json.loads(run("evaluate", file, "--predictions", tmp_path / "other.json", "--json").stdout)
    assert [(r["system"], r["exact_match"]) for r in rows] == [("reading", 50), ("retrieving", 50), ("other.json", 50)]
    assert rows[1]["recall"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    table = run("evaluate", file, "--mode", "read", "--limit", "1").stdout
    assert "reading" in table
    assert "seconds a question" in table
    assert "retrieving" not in table


def test_help_names_every_command():
    said = run("--help").stdout
    assert all(command in said for command in ("ask", "index", "documents", "serve", "evaluate", "train"))


def test_help_imports_nothing_heavy():
    code = (
        "import sys, qa.cli; print([m for m in ('torch', 'numpy', 'faiss', 'gradio', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_library_is_imported_without_models():
    code = "import sys, qa; qa.ask; print([m for m in ('torch', 'transformers', 'gradio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
