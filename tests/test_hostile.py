"""Files made to do harm: each is bounded, reported and harmless, and what lies beside it is indexed."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
import zlib
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from containers import make_mail, make_zip
from fakes import HashEmbedder
from index.errors import ChangingFileError, UnreadableFileError
from index.ingest import worker_pool
from index.ingest.loading import read_bytes
from index.ingest.worker_pool import Limits
from index.library import Library
from pdfs import make_pdf, print_lines
from qa.cli.main import cli

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
    + b"]><document><body><p>&m;</p></body></document>"
)
"""A billion laughs, a thousand times."""
CONTENT_TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


@pytest.fixture
def indexed(folder, tmp_path):
    """Indexes files beside a good one, which must be indexed too; the ledger's lines."""
    made = []

    def index(files, limits=Limits(seconds=60), beside="good.txt"):  # noqa: B008 (frozen)
        (folder / beside).write_text("The harbour was dredged.")
        for name, content in files.items():
            (folder / name).write_bytes(content)
        around = sorted(tmp_path.rglob("*"))
        made.append(Library(folder, HashEmbedder(), tmp_path / "index", limits=limits))
        made[-1].sync()
        assert made[-1].store.documents.get(beside).text == "The harbour was dredged."
        left = [path for path in tmp_path.rglob("*") if path not in around and "index" not in path.parts[-2:]]
        assert left == []  # nothing was unpacked anywhere
        return {record.name: record for record in made[-1].files()}

    yield index
    for opened in made:
        opened.close()


def bomb(n_bytes=100 * 1024**2):
    """An archive with one member that is so long."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.txt", "w") as member:
        for _ in range(n_bytes // 1024**2):
            member.write(bytes(1024**2))
    return packed.getvalue()


def test_zip_bombs(indexed):
    flat = bomb()
    nested = make_zip({f"{n}.zip": flat for n in range(50)})
    lines = indexed({"flat.zip": flat, "nested.zip": nested, "deeper.zip": make_zip({"a.zip": nested})})
    said = "none of it could be read: bomb.txt would grow more than 250-fold"
    assert (lines["flat.zip"].status, lines["flat.zip"].detail) == ("failed", said)
    assert {record.detail for name, record in lines.items() if name.startswith("nested.zip/")} == {said}
    assert lines["deeper.zip/a.zip/7.zip"].detail == said


def test_an_archive_of_more_files_than_people_pack(indexed):
    # Most say what another says already: to embed so many takes long.
    many = make_zip({f"{n}.txt": b"Words of number %d." % (n // 50) for n in range(10_050)}, zipfile.ZIP_STORED)
    lines = indexed({"many.zip": many})
    assert lines["many.zip"].status == "partly read"
    assert "50 files are left out, each of which is beyond the first 10,000 files" in lines["many.zip"].detail
    assert sum(record.parent == "many.zip" for record in lines.values()) == 10_000


def test_xml_bombs(indexed):
    office = {"[Content_Types].xml": CONTENT_TYPES}
    epub = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": b'<container><rootfile full-path="a.opf"/></container>',
        "a.opf": LAUGHS,
    }
    lines = indexed(
        {
            "a.docx": make_zip({**office, "word/document.xml": LAUGHS}),
            "a.pptx": make_zip({**office, "ppt/presentation.xml": LAUGHS}),
            "a.xlsx": make_zip({**office, "xl/workbook.xml": LAUGHS}),
            "a.odt": make_zip({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": LAUGHS}),
            "a.epub": make_zip(epub),
            "a.html": LAUGHS.replace(b"document", b"html").replace(b"lolz", b"html"),
            "a.xml": LAUGHS,
        }
    )
    for name in ("a.docx", "a.pptx", "a.xlsx", "a.odt", "a.epub"):
        assert lines[name].status == "failed"
        assert lines[name].detail.startswith(("refused: its XML declares", "damaged")), lines[name]
    assert lines["a.html"].status in {"indexed", "empty"}
    assert lines["a.xml"].status == "indexed"  # its own text, entities unresolved


def test_pdfs_with_loops_and_huge_pages(indexed):
    loop = "<< /Type /Pages /Kids [2 0 R 4 0 R] /Count 2000000000 >>"
    words = print_lines([(100, 100, "Words on a page.")])
    packed = zlib.compress(b"BT /F1 10 Tf 1 0 0 1 9 9 Tm (x) Tj ET " * 2_000_000)
    stream = f"/Filter /FlateDecode /Length {len(packed)}"
    page = make_pdf(["@"]).replace(b"/Length 1 ", stream.encode() + b" ").replace(b"@", packed)
    lines = indexed(
        {
            "loop.pdf": make_pdf([words], tree=loop),
            "huge.pdf": make_pdf([print_lines([(100, 100, "Huge words.")])], size=(1e9, 1e9)),
            "flood.pdf": page,
            "calls.pdf": make_pdf(["/X Do"], extra="/Resources << /XObject << /X 5 0 R >> >>"),
        },
        limits=Limits(seconds=20),
    )
    assert lines["huge.pdf"].status in {"indexed", "empty", "failed"}
    for name in ("loop.pdf", "flood.pdf", "calls.pdf"):
        assert lines[name].status in {"indexed", "partly read", "failed", "empty"}
        assert len(lines[name].detail.splitlines()) <= 1


def test_scripts_of_a_page_are_neither_read_nor_run(indexed, folder):
    page = b"<html><script>alert('KARIMOV')</script><p onclick='x()'>Words.</p><iframe src='//evil'></iframe></html>"
    indexed({"a.html": page})
    text = (folder / "a.html").read_text()
    assert "KARIMOV" in text
    index = Library(folder, HashEmbedder(), folder.parent / "index")
    assert index.store.documents.get("a.html").text == "Words."
    index.close()


def test_200_mb_in_one_line_are_too_much(indexed, folder):
    with (folder / "huge.txt").open("wb") as file:
        file.write(b"words " * 200_000)
        file.truncate(204_800_000)
    lines = indexed({})
    assert lines["huge.txt"].status == "failed"
    assert lines["huge.txt"].detail.startswith("too large: 204,")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "before", "piece", "after"),
    [
        ("a.txt", b"", b"x", b""),
        ("a.md", b"# ", b"x ", b""),
        ("a.html", b"<html><body><p>", b"words ", b"</p></body></html>"),
        ("a.json", b'"', b"words ", b'"'),
        ("a.csv", b"", b"words,", b""),
        ("a.rtf", b"{\\rtf1 ", b"words ", b"}"),
        ("a.eml", b"From: a@example.org\nSubject: ", b"words ", b"\n\nWords."),
        ("a.py", b"a = '", b"words ", b"'"),
    ],
)
def test_a_long_line_takes_time_in_proportion(indexed, monkeypatch, name, before, piece, after):
    monkeypatch.setattr(worker_pool, "is_light", lambda path: True)  # read in this process, whose time is counted

    def seconds(n_bytes):
        begun = time.process_time()
        lines = indexed({name: before + piece * (n_bytes // len(piece)) + after})
        assert lines[name].status in {"indexed", "partly read", "empty", "failed"}, lines[name]
        return time.process_time() - begun

    seconds(1_000)  # for what is imported and loaded once
    # Four times as much takes four times as long; where each piece is compared with each other, sixteen times.
    assert seconds(400_000) < 8 * seconds(100_000) + 1


ODD_NAMES = [
    "new\nline.txt",
    "\u202etxt.exe.txt",
    "a\u200fb.txt",
    "..\u2215etc.txt"[1:],
    "tab\tname.txt",
    "\x1b[31m.txt",
]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_show_something_else(folder, tmp_path, monkeypatch, engine):
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("VERBATIM_THRESHOLD", "0")
    monkeypatch.setenv("COLUMNS", "200")
    for number, name in enumerate(ODD_NAMES):
        (folder / name.lstrip(".")).write_text(f"Words of KARIMOV, number {number}.")
    (folder / "bad\n\u202e.mp3").write_bytes(b"ID3\x04\x00")
    run = partial(CliRunner().invoke, obj=engine)
    said = run(cli, ["index", str(folder)]).stdout
    assert said.splitlines()[-1] == "left out: bad␊<U+202E>.mp3: unsupported file type"
    said += run(cli, ["documents", "--folder", str(folder)]).stdout
    said += run(cli, ["ask", "Words of number 0?", "--folder", str(folder)]).stdout
    assert "new␊line.txt" in said
    assert not any(char in said for char in "\u202e\u200f\x1b\t")


@pytest.mark.skipif(os.name == "nt", reason="links need a permission on Windows")
def test_links_in_circles_and_what_is_no_file(indexed, folder):
    (folder / "one.txt").symlink_to(folder / "two.txt")
    (folder / "two.txt").symlink_to(folder / "one.txt")
    (folder / "self.txt").symlink_to(folder / "self.txt")
    (folder / "up").symlink_to(folder)
    os.mkfifo(folder / "pipe.pdf")
    (folder / "zero.pdf").symlink_to("/dev/zero")
    lines = indexed({})
    assert set(lines) == {"good.txt", "one.txt", "two.txt", "self.txt", "up", "pipe.pdf", "zero.pdf"}
    assert all("cannot be opened" in lines[name].detail for name in ("one.txt", "two.txt", "self.txt"))
    assert lines["up"].detail == "a link to a folder; links are not followed"
    assert (lines["pipe.pdf"].detail, lines["zero.pdf"].detail) == ("not a regular file", "not a regular file")
    index = Library(folder, HashEmbedder(), folder.parent / "index")
    for name in ("pipe.pdf", "zero.pdf", "up"):
        with pytest.raises(UnreadableFileError, match="cannot be opened: it is not a regular file"):
            index.add([folder / name])
    index.close()


def test_a_file_that_is_written_all_the_while_is_reported_and_read_when_that_is_over(indexed, folder, monkeypatch):
    (folder / "log.txt").write_text("Words so far.")

    def read(path):
        if path.name == "log.txt":
            raise ChangingFileError("it is being modified; index again when that is done")
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr("index.ingest.loading.read_bytes", read)
        assert indexed({})["log.txt"].detail.startswith("it is being modified")
    assert indexed({})["log.txt"].status == "indexed"


def test_an_attachment_may_lie_about_itself(indexed):
    attachments = {
        "../../escape.txt": b"Words out of bounds.",
        "invoice.pdf": bomb(1024**2),
        "\u202efdp.exe": b"MZ\x00\x01",
        "x" * 5_000 + ".txt": b"Words of a long name.",
    }
    lines = indexed({"mail.eml": make_mail("See attached.", attachments)})
    assert {record.status for record in lines.values()} <= {"indexed", "unsupported", "failed"}
    assert all(name.isprintable() and ".." not in name.split("/") for name in lines)
    assert "mail.eml/escape.txt" in lines
    assert all(len(name) < 300 for name in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded there")
def test_a_file_that_needs_too_much_memory(indexed):
    big = make_zip({f"{n}.txt": os.urandom(1024**2) for n in range(160)}, zipfile.ZIP_STORED)
    lines = indexed({"big.zip": big}, limits=Limits(seconds=60, memory_bytes=200 * 1024**2))
    assert lines["big.zip"].status == "failed"
    assert "0.195 GB of memory" in lines["big.zip"].detail


HANGING = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from fakes import HashEmbedder
    from index.ingest import worker_pool
    from index.library import Library

    worker_pool._START = '''
    import json, sys
    sys.path[:] = json.loads(sys.argv[1])
    import os, time
    from index.ingest import worker_pool
    worker_pool._GRACE_S = 1

    def hang(path, name, *_):
        Path = type(path)
        Path(path.parent.parent, "worker.pid").write_text(str(os.getpid()))
        while True:
            pass

    worker_pool.load = hang
    worker_pool.main()
    '''
    Library(Path(sys.argv[1]), HashEmbedder(), Path(sys.argv[2]), limits=worker_pool.Limits(seconds=2)).sync()
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_worker_that_hangs_does_not_outlive_a_process_that_was_killed(folder, tmp_path):
    (folder / "a.pdf").write_bytes(b"%PDF-1.7")
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    child = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(folder), str(tmp_path / "index")], env={**os.environ, "PYTHONPATH": path}
    )
    noted = tmp_path / "worker.pid"
    deadline = time.monotonic() + 60
    while not (noted.exists() and noted.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    pid = int(noted.read_text())
    deadline = time.monotonic() + 30
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _lives(pid)


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
