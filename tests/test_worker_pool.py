"""What a parser does to its process stops no other file, and no user."""

import gc
import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from index.errors import EmptyFileError, UnreadableFileError, UnsupportedFileError
from index.ingest import worker_pool
from index.ingest.worker_pool import Limits, Task, Workers

DOCUMENTS = Path(__file__).parent / "data" / "documents"

BAD_PARSER = textwrap.dedent(
    """
    import json, sys
    sys.path[:] = json.loads(sys.argv[1])
    import os, signal, subprocess, time
    from index.ingest import worker_pool

    def well(path, name, *_):
        return [worker_pool.LoadedFile(name, "", 0, "indexed", str(os.getpid()), None)]

    def alive_twice(path, name, passwords, on_page):
        for _ in range(4):
            time.sleep(1)
            on_page()
        return well(path, name)

    def child(path, name, *_):
        started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        path.write_text(str(started.pid))
        time.sleep(60)

    parsers = {
        "hang": lambda *_: time.sleep(60),
        "spin": lambda *_: [None for _ in iter(int, 1)],
        "die": lambda *_: os.kill(os.getpid(), signal.SIGSEGV),
        "exit": lambda *_: os._exit(3),
        "eat": lambda *_: bytearray(3 * 1024**3),
        "print": lambda path, name, *_: print("noise", flush=True) or well(path, name),
        "stumble": lambda *_: {}["a mistake of ours"],
        "pages": alive_twice,
        "child": child,
    }

    def load(path, name, *given):
        return parsers.get(name.partition(".")[0], well)(path, name, *given)

    worker_pool.load = load
    worker_pool.main()
    """
)


@pytest.fixture(scope="module", autouse=True)
def workers_are_kept():
    """Here they are not: how each process begins and ends is what is tested."""


@pytest.fixture
def outcomes(tmp_path, monkeypatch):
    """Has files "parsed" by what their names say, by workers that may take 2 s and 500 MB."""
    monkeypatch.setattr(worker_pool, "_START", BAD_PARSER)

    def run(*names, count=1, limits=Limits(2, 500 * 1024**2)):  # noqa: B008 (frozen)
        tasks = []
        for name in names:
            (tmp_path / f"{name}.pdf").write_bytes(b"%PDF-")
            tasks.append(Task(tmp_path / f"{name}.pdf", f"{name}.pdf"))
        with Workers(limits=limits, count=count) as workers:
            return [outcome for _, outcome in workers.load_all(tasks)]

    return run


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hang", "took longer than 2 s"),
        ("exit", r"stopped in the middle: the file is damaged, or needs more than 0\.488 GB of memory"),
        ("stumble", "damaged: KeyError while reading it"),
        pytest.param("die", r"crashed \(SIGSEGV\)", marks=pytest.mark.skipif(os.name == "nt", reason="no signals")),
        pytest.param(
            "eat", r"needed more than 0\.488 GB", marks=pytest.mark.skipif(sys.platform != "linux", reason="no limit")
        ),
    ],
)
def test_a_file_that_breaks_its_parser_is_reported_and_the_next_is_read(outcomes, name, said):
    broken, well = outcomes(name, "well")
    assert isinstance(broken, UnreadableFileError)
    with pytest.raises(UnreadableFileError, match=said):
        raise broken
    assert [file.name for file in well] == ["well.pdf"]


def test_a_parser_that_never_lets_go_is_killed(outcomes):
    (broken,) = outcomes("spin", limits=Limits(seconds=0.5, memory_bytes=8 * 1024**3))
    assert "took longer than 0.5 s" in str(broken)


def test_each_page_of_ocr_has_the_time_of_a_file(outcomes):
    (read,) = outcomes("pages", limits=Limits(seconds=3))  # 4 s in all
    assert read[0].status == "indexed"


def test_what_a_parser_prints_is_no_answer(outcomes):
    (read,) = outcomes("print")
    assert read[0].name == "print.pdf"


@pytest.mark.skipif(os.name == "nt", reason="there are no process groups on Windows")
def test_what_a_parser_started_is_killed_with_it(outcomes, tmp_path):
    outcomes("child")
    pid = int((tmp_path / "child.pdf").read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{pid}/stat").exists():
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":  # nobody waits for it, but it is dead
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()


def test_files_come_back_in_their_order_and_a_worker_is_used_again(outcomes):
    names = [f"well.{number}" for number in range(9)]
    read = outcomes("hang", *names, count=2)
    assert [files[0].name for files in read[1:]] == [f"{name}.pdf" for name in names]
    assert len({files[0].detail for files in read[1:]}) <= 2  # their processes


def test_a_worker_that_the_system_ended_is_started_again(tmp_path):
    path = DOCUMENTS / "report.docx"
    with Workers(count=1) as workers:
        list(workers.load_all([Task(path, "a.docx")]))
        workers._workers[0]._process.kill()
        workers._workers[0]._process.wait()
        ((_, read),) = workers.load_all([Task(path, "a.docx")])
    assert read[0].status == "indexed"


def test_short_plain_texts_start_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    (tmp_path / "a.txt").write_text("Words.")
    (tmp_path / "b.md").write_text("# Words")
    (tmp_path / "c.py").write_text("words = 1")
    (tmp_path / "d.txt").write_text(" ")
    tasks = [Task(path, path.name) for path in sorted(tmp_path.iterdir())]
    with Workers() as workers:
        read = [outcome for _, outcome in workers.load_all(tasks)]
    assert [files[0].document.text for files in read[:3]] == ["Words.", "# Words", "words = 1"]
    assert isinstance(read[3], EmptyFileError)


def test_a_text_that_is_none_is_read_elsewhere_and_errors_keep_their_kind(tmp_path):
    (tmp_path / "a.txt").write_bytes((DOCUMENTS / "report.docx").read_bytes())
    (tmp_path / "b.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "c.pdf").write_bytes(b"\x7fELF\x00\x00")
    (tmp_path / "d.jar").write_bytes(b"PK\x03\x04")
    tasks = [Task(path, path.name) for path in sorted(tmp_path.iterdir())]
    with Workers(count=1) as workers:
        read = [outcome for _, outcome in workers.load_all(tasks)]
    assert "Lindau" in read[0][0].document.text
    assert [type(outcome) for outcome in read[1:]] == [EmptyFileError, UnreadableFileError, UnsupportedFileError]


def test_workers_that_are_left_in_the_middle_are_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_pool, "_START", BAD_PARSER)
    (tmp_path / "hang.pdf").write_bytes(b"%PDF-")
    workers = Workers(count=1)
    found = []

    def interrupt():
        with workers:
            workers._submit(Task(tmp_path / "hang.pdf", "hang.pdf"))
            deadline = time.monotonic() + 30
            while workers._workers[0]._process is None and time.monotonic() < deadline:
                time.sleep(0.01)
            found.append(workers._workers[0]._process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert found[0].returncode is not None


def test_a_pool_that_is_dropped_without_being_stopped_leaves_no_process(tmp_path):
    (tmp_path / "b.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    workers = Workers(count=1)
    assert isinstance(workers._submit(Task(tmp_path / "b.zip", "b.zip")).result(), EmptyFileError)
    process = workers._workers[0]._process
    assert process.poll() is None
    del workers
    deadline = time.monotonic() + 30
    while process.returncode is None and time.monotonic() < deadline:  # its thread lets go of the job it did
        gc.collect()
        time.sleep(0.01)
    assert process.returncode is not None
    assert process.stdin.closed


def test_a_worker_imports_no_model():
    code = (
        "import sys, index.ingest.worker_pool\n"
        "from index.formats.kinds import KINDS\n"
        "[kind.function() for kind in KINDS]\n"
        "print([name for name in ('torch', 'transformers', 'faiss', 'gradio', 'qa') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_script_without_a_main_guard_may_index(tmp_path):
    # multiprocessing would run the script again in each of its processes.
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents/report.docx").write_bytes((DOCUMENTS / "report.docx").read_bytes())
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from fakes import HashEmbedder\n"
        "from index.library import Library\n"
        "print('once')\n"
        "index = Library(sys.argv[1], HashEmbedder(), __import__('pathlib').Path(sys.argv[2]))\n"
        "print(index.sync().added)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "documents"), str(tmp_path / "index")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    assert done.stdout.splitlines() == ["once", "['report.docx']"]


def test_a_pipe_that_is_closed_under_its_reader_is_the_file_s_end_not_the_run_s(outcomes, monkeypatch):
    def load(pipe):
        pipe.close()
        return pickle.load(pipe)

    given = {"load": load, "dump": pickle.dump, "UnpicklingError": pickle.UnpicklingError}
    monkeypatch.setattr(worker_pool, "pickle", SimpleNamespace(**given))
    (outcome,) = outcomes("well")
    with pytest.raises(UnreadableFileError, match="stopped in the middle"):
        raise outcome
