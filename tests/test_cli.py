"""Every command through its runner: exit codes, messages, JSON."""

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from containers import make_zip
from fakes import HashEmbedder, fake_engine
from qa.cli.main import cli
from qa.cli.output import counting

runner = CliRunner()


ENGINE = fake_engine()
"""Fakes in place of the models; everything else is what the commands really call."""


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("VERBATIM_THRESHOLD", "0.0")
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def reports(folder):
    (folder / "a.txt").write_text("Report A\n\nThe cell was led by KARIMOV of Khujand.", encoding="utf-8")
    (folder / "b.md").write_text("# Costs [bold]\n\nIt was paid by NASA.", encoding="utf-8")
    (folder / "c.pdf").write_bytes(b"%PDF")
    (folder / "d.mp3").write_bytes(b"ID3\x04\x00")
    return folder


def run(*arguments, code=0):
    result = runner.invoke(cli, [str(a) for a in arguments], obj=ENGINE)
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


def test_what_is_worked_out_is_said_to_be_with_its_rows(folder):
    (folder / "members.csv").write_text("Member,Town,Fee\nANN,Oslo,40\nBEN,Oslo,55\n", encoding="utf-8")
    asked = ("ask", "What is the total fee?", "--folder", folder)
    said = run(*asked).stdout
    assert said.splitlines()[0] == "Worked out by adding up Fee in 2 rows of members: 95"
    assert "no quotation: check the rows" in said
    assert "members.csv [0:32] Member: ANN; Town: Oslo; Fee: 40" in said
    as_json = json.loads(run(*asked, "--json").stdout)
    assert (as_json["answered"], as_json["text"], as_json["worked_out"]["value"]) == (False, "", "95")
    talked = runner.invoke(cli, ["chat", "--folder", str(folder)], obj=ENGINE, input="What is the total fee?\n").stdout
    assert "Worked out by adding up Fee" in talked


ODD = "The \x1b[31mcell\x07 \u202ewas\x9b led\x7f by KARIMOV of Khujand."
"""What would turn a terminal red, ring its bell and turn the writing around, in front of the words."""


@pytest.fixture
def odd_reports(folder):
    (folder / "a.txt").write_text(f"Report A\n\n{ODD}\n\n{'Nothing else. ' * 60}", encoding="utf-8")
    return folder


def test_a_terminal_is_shown_the_right_words_and_driven_by_no_document(odd_reports, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    said = run("ask", "who led the cell?", "--folder", odd_reports).stdout
    assert "The ␛[31mcell␇ <U+202E>was<U+009B> led␡ by \x1b[1;30;43mKARIMOV\x1b[0m of Khujand." in said
    assert not any(char in said for char in "\x07\x7f\x9b\u202e")
    monkeypatch.setenv("NO_COLOR", "1")
    said = run("ask", "who led the cell?", "--folder", odd_reports).stdout
    assert "led␡ by [[KARIMOV]] of" in said
    assert "\x1b[31m" not in said


def test_into_a_pipe_and_as_json_go_the_same_words(odd_reports):
    said = run("ask", "who led the cell?", "--folder", odd_reports).stdout
    assert "The ␛[31mcell␇ <U+202E>was<U+009B> led␡ by [[KARIMOV]] of Khujand." in said
    written = run("ask", "who led the cell?", "--folder", odd_reports, "--json").stdout
    assert json.loads(written)["sentence"] == ODD
    assert not any(char in written for char in "\x1b\x07\x7f\x9b\u202e")


def test_newlines_of_windows_are_newlines(folder):
    (folder / "a.txt").write_bytes(b"Report A\r\n\r\nThe cell was\r\nled by KARIMOV\tof Khujand.")
    said = run("ask", "who led the cell?", "--folder", folder).stdout
    assert "The cell was\nled by [[KARIMOV]]" in said
    assert "␍" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_of_files_drive_no_terminal(folder):
    (folder / "a\x1b[31m.txt").write_text("Report A\n\nKARIMOV led it.")
    (folder / "b\x1b[31m.pdf").write_text("x")
    said = run("index", folder).stdout + run("documents", "--folder", folder).stdout
    assert "a␛[31m.txt" in said
    assert said.count("left out: b␛[31m.pdf") == 2
    assert "\x1b" not in said


def test_a_long_name_is_listed_whole(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    name = "".join(f"{i:03}" for i in range(40)) + ".txt"
    (folder / name).write_text("Report A\n\nKARIMOV led it.")
    run("index", folder)
    lines = run("documents", "--folder", folder).stdout.splitlines()
    assert "".join(line.split()[0] for line in lines[1:-1]) == name
    assert lines[-1] == "1 file: 1 indexed"


def test_the_progress_bar_takes_a_files_name_as_it_is(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with counting("[/x]\x07.json") as on_progress:
        on_progress(1, 2)
    assert "[/x]␇.json" in capsys.readouterr().err


WITH_FAKES = textwrap.dedent(
    """
    import sys
    from fakes import fake_engine
    from qa.cli.main import main

    engine = fake_engine()
    for command in "\\n".join(sys.argv[1:]).split("\\n--\\n"):
        try:
            main(command.split("\\n"), engine=engine)
            code = 0
        except SystemExit as ended:
            code = ended.code
        print(f"\\0{code}", end="\\0", flush=True)
        print(end="\\0", file=sys.stderr, flush=True)
    """
)


def in_a_process(*commands, encoding="utf-8"):
    """Commands as they are really started, one after the other, streams of an encoding: exit codes, stdout, stderr."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": encoding}
    arguments = [word for command in commands for word in ("--", *command)][1:]
    started = [sys.executable, "-c", WITH_FAKES, *arguments]
    done = subprocess.run(started, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split(b"\0")
    return zip(map(int, said[1::2]), said[:-1:2], done.stderr.split(b"\0")[:-1], strict=True)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_output_of_any_encoding(folder, encoding):
    sentence = "The cell’s “leader” was KARIMOV of Хуҷанд 😀."
    (folder / "a.txt").write_text(f"Report A\n\n{sentence}", encoding="utf-8")
    asked = ("ask", "who led the cell — Хуҷанд?", "--folder", str(folder))
    shown, written, refused = in_a_process(
        asked, (*asked, "--json"), ("ask", "who?", "--folder", "Хуҷанд"), encoding=encoding
    )
    assert (shown[0], shown[2]) == (0, b"")
    assert sentence.replace("KARIMOV", "[[KARIMOV]]").encode(encoding, "backslashreplace") in shown[1]
    answer = json.loads(written[1].decode(encoding))
    assert (answer["question"], answer["sentence"]) == (asked[1], sentence)
    assert refused[0] == 2
    assert "folder='Хуҷанд' does not exist".encode(encoding, "backslashreplace") in refused[2]


@pytest.mark.skipif(os.name == "nt", reason="arguments are Unicode on Windows")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_question_that_is_not_utf_8_is_one_line(folder, encoding):
    asked = (b"ask", b"who is \xe9?")
    (code, stdout, stderr), as_json = in_a_process(asked, (*asked, b"--json"), encoding=encoding)
    assert (code, stdout) == (2, b"")
    assert stderr.startswith(b"verbatim: question is not valid Unicode")
    assert len(stderr.splitlines()) == 1
    assert (as_json[0], as_json[2]) == (2, b"")
    assert json.loads(as_json[1])["kind"] == "QuestionError"


def test_not_answered_is_exit_code_1_with_the_reason_and_the_nearest(reports):
    said = run("ask", "who led the cell?", "--folder", reports, "--threshold", "1", code=1).stdout
    assert "I don't know. The best words found are too unlikely" in said
    assert "Nearest, in a.txt:" in said
    answer = json.loads(run("ask", "led cell?", "--folder", reports, "--threshold", "1", "--json", code=1).stdout)
    assert (answer["answered"], answer["reason"]) == (False, "too unsure")


def test_search_lists_every_place_with_the_words_marked(reports):
    said = run("search", '"led by" khujand', "--folder", reports).stdout
    assert "a.txt · 1 place" in said
    assert "[23:48]" in said
    assert "The cell was [[led by]] KARIMOV of [[Khujand]]." in said
    assert "1 place in 1 document" in said
    found = json.loads(run("search", "was", "-f", reports, "--json", "--limit", "1").stdout)
    assert (found["n_documents"], found["n_places"], len(found["documents"])) == (2, 2, 1)
    assert found["documents"][0]["places"][0]["text"] == "was"
    assert "documents 2 to 2 are listed" in run("search", "was", "-f", reports, "--limit", "1", "--offset", "1").stdout
    assert "0 places in 0 documents" in run("search", "pay", "-f", reports, code=1).stdout
    assert "[[paid]]" in run("search", "costing paid", "-f", reports, "--any-form").stdout
    assert "not in the index" in run("search", "was", "-f", reports, "--within", "c.pdf", code=2).stderr


def test_within(reports):
    assert "NASA" in run("ask", "who led the cell?", "--folder", reports, "--within", "b.md").stdout
    assert "'x.txt'" in run("ask", "who?", "--folder", reports, "--within", "x.txt", code=2).stderr


def test_index_tells_what_it_did_and_what_it_left_out(reports):
    said = run("index", reports).stdout
    assert "2 documents in the index: 2 added, 0 unchanged" in said
    assert "4 files: 2 indexed, 1 failed, 1 unsupported" in said
    assert "left out: c.pdf: not a PDF file: it does not begin with %PDF-" in said
    assert "left out: d.mp3: unsupported file type" in said
    (reports / "a.txt").unlink()
    done = json.loads(run("index", reports, "--json").stdout)
    assert (done["removed"], done["unchanged"], done["documents"]) == (["a.txt"], 1, 1)
    assert done["left_out"] == {
        "c.pdf": "not a PDF file: it does not begin with %PDF-",
        "d.mp3": "unsupported file type",
    }
    assert done["statuses"] == {"indexed": 1, "failed": 1, "unsupported": 1}


def test_what_failed_is_read_again(reports):
    locked = Path(__file__).parent / "data/documents/libreoffice-writer-password.pdf"
    (reports / "c.pdf").write_bytes(locked.read_bytes())
    assert "left out: c.pdf: encrypted: it needs a password" in run("index", reports).stdout
    os.environ["VERBATIM_PASSWORDS"] = "openpassword"
    try:
        assert "2 unchanged" in run("index", reports).stdout
        said = run("index", reports, "--retry-failed").stdout
    finally:
        del os.environ["VERBATIM_PASSWORDS"]
    assert "3 documents in the index: 1 added, 2 unchanged" in said
    assert "4 files: 3 indexed, 1 unsupported" in said
    assert "note: c.pdf: its language seems to be 'la', but the models only understand English" in said


def test_many_files_of_a_type_that_is_not_read_are_counted(reports):
    for number in range(11):
        (reports / f"{number}.wav").write_bytes(b"RIFF\x00\x00")
    (reports / "old.wpd").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    said = run("index", reports).stdout
    assert "left out: 11 .wav files: unsupported file type; verbatim documents lists them" in said
    assert "left out: old.wpd: unsupported file type; save it again as DOCX or PDF" in said
    assert "7.wav" not in said
    assert "left out: 7.wav: unsupported file type" in run("documents", "--folder", reports).stdout


def test_documents_shows_the_ledger(reports):
    (reports / "e.zip").write_bytes(make_zip({"in.txt": b"Report E", "copy.md": (reports / "b.md").read_bytes()}))
    run("index", reports)
    said = run("documents", "--folder", reports).stdout
    lines = {line.split()[0]: line.split()[-1] for line in said.splitlines()}
    assert (lines["a.txt"], lines["c.pdf"], lines["d.mp3"]) == ("indexed", "failed", "unsupported")
    assert (lines["e.zip"], lines["e.zip/in.txt"], lines["e.zip/copy.md"]) == ("indexed", "indexed", "duplicate")
    assert "7 files: 4 indexed, 1 failed, 1 unsupported, 1 duplicate" in said
    assert "left out: e.zip/copy.md: same content as b.md" in said
    files = json.loads(run("documents", "--folder", reports, "--json").stdout)["files"]
    assert {file["name"]: file["parent"] for file in files if file["parent"]} == {
        "e.zip/in.txt": "e.zip",
        "e.zip/copy.md": "e.zip",
    }


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
        (["ask", "who?", "--folder", ""], "folder='' is empty; name a folder that holds documents"),
        (["index", " "], "folder=' ' is empty"),
        (["documents", "--folder", ""], "folder='' is empty"),
        (["serve", "--folder", ""], "folder='' is empty"),
        (["ask", "who?", "--folder", "~nosuchuser/reports"], "folder='~nosuchuser/reports' "),
        (["index", "x" * 5000], "too long"),
        (["ask", "who \udcff?"], "question is not valid Unicode: '\\udcff' at offset 4"),
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


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of a current folder")
def test_what_the_system_refuses_is_one_line_too(folder, monkeypatch):
    monkeypatch.chdir(folder)
    folder.rmdir()
    result = run("index", "..", code=2)
    assert "No such file or directory" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_that_was_never_indexed(reports):
    assert "is not indexed yet; run: verbatim index" in run("documents", "--folder", reports, code=2).stderr


@pytest.mark.parametrize("command", [["index"], ["ask", "who?", "--folder"]])
def test_an_empty_folder_is_said_to_be_so(folder, command):
    (folder / "a.txt").write_text(" ")
    said = run(*command, folder, code=2).stderr
    assert "holds no documents (1 file left out: a.txt, empty: it holds no text); put files into it: PDF, DOCX," in said
    (folder / "b.txt").write_text(" ")
    assert (
        "holds no documents (2 files left out: a.txt, empty: it holds no text, …); put"
        in run(*command, folder, code=2).stderr
    )


def harm(place, statement):
    connection = sqlite3.connect(place / "index" / "store.sqlite")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_doctor_says_what_is_wrong_and_mends_it(reports, tmp_path):
    run("index", reports)
    assert "the index is sound: 2 documents, 2 passages, 2 vectors, 2 lexical" in run("doctor", reports).stdout
    harm(tmp_path, "UPDATE documents SET n_passages = 9 WHERE name = 'a.txt'")
    said = run("doctor", reports, code=1).stdout
    assert "wrong: passages: 'a.txt' has 1 passages but records 9" in said
    assert f"run: verbatim doctor {reports} --mend" in said
    found = json.loads(run("doctor", reports, "--json", code=1).stdout)
    assert (found["is_sound"], [p["document"] for p in found["problems"]]) == (False, ["a.txt"])
    said = run("doctor", reports, "--mend").stdout
    assert "mended: passages: 'a.txt' has 1 passages but records 9" in said
    assert "the index is sound" in said
    assert json.loads(run("doctor", reports, "--json").stdout)["is_sound"]
    run("ask", "who led the cell?", "--folder", reports)


def test_doctor_of_an_index_that_cannot_be_opened(reports, tmp_path):
    run("index", reports)
    (tmp_path / "index" / "store.sqlite").write_bytes(b"x" * 5000)
    for option, remedy in (
        ((), f"run: verbatim doctor {reports} --mend"),
        (("--mend",), f"run: verbatim index {reports}"),
    ):
        said = run("doctor", reports, *option, code=1).stdout
        assert "wrong: database: the index" in said
        assert remedy in said
    run("index", reports, "--rebuild")
    run("doctor", reports)


def test_doctor_refuses_what_is_no_folder():
    assert "does not exist" in run("doctor", "no/such/folder", code=2).stderr


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
    assert all(
        command in said for command in ("ask", "search", "index", "documents", "doctor", "serve", "evaluate", "train")
    )


def test_help_fits_80_columns_and_cuts_nothing_off(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in (
        [],
        ["ask"],
        ["search"],
        ["index"],
        ["documents"],
        ["doctor"],
        ["serve"],
        ["evaluate"],
        ["train"],
        ["train", "confidence"],
    ):
        lines = run(*command, "--help").stdout.splitlines()
        assert max(map(len, lines)) <= 80
        assert not any(line.endswith("...") for line in lines[1:])


def test_help_imports_nothing_heavy():
    heavy = ("torch", "numpy", "faiss", "gradio", "pydantic")
    code = f"import sys, qa.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_library_is_imported_without_models():
    code = "import sys, qa; qa.ask; print([m for m in ('torch', 'transformers', 'gradio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# A conversation


def talk(folder, said, *arguments):
    result = runner.invoke(cli, ["chat", "--folder", str(folder), *arguments], input=said, obj=ENGINE)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_chat_answers_line_by_line_and_shows_how_a_follow_up_was_understood(reports):
    said = talk(reports, "Who led the Khujand cell?\n\nand when?\n?!\nthanks\n")
    assert "The cell was led by [[KARIMOV]] of Khujand." in said
    assert said.count("Understood as: ") == 1
    assert "Understood as: When was the Khujand cell led?" in said
    assert "question='?!' holds no words; type a question" in said
    assert said.rstrip().endswith("You are welcome.")


def test_chat_takes_a_correction(reports):
    said = talk(reports, "Who led the cell?\nand when?\n= When was it paid?\n")
    assert "Understood as: When was it paid?" in said


def test_chat_as_json_gives_a_line_for_each_line(reports):
    lines = [json.loads(line) for line in talk(reports, "Who led the cell?\n?!\nbye", "--json").splitlines()]
    assert [line.get("kind") for line in lines] == ["answer", "QuestionError", "talk"]
    assert lines[0]["answer"]["text"] == "KARIMOV"
    assert lines[0]["understood"] == lines[0]["asked"] == "Who led the cell?"
