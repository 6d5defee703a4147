"""Index folders that are full, read-only, forbidden, too new or being written: one line, and nothing lost."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes import HashEmbedder
from index.errors import MismatchedIndexError, VerbatimError
from index.library import Library
from test_cli import in_a_process


@pytest.fixture
def mounted(tmp_path):
    """Mounts a file system of 1 MB, of which the tests fill what they need; skipped where nobody may mount."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("NO FULL DISK IS TESTED: there is no mount")
    command = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"NO FULL DISK IS TESTED: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(folder, count, first=0):
    for number in range(first, first + count):
        (folder / f"{number}.txt").write_text(f"Document number{number} of the harbour.\n\n" + "More words. " * 400)


def test_a_full_disk_is_said_in_a_line_and_what_was_committed_stays(folder, mounted):
    fill(folder, 60)
    index = Library(folder, HashEmbedder(), mounted / "index")
    with pytest.raises(
        VerbatimError, match=r"the disk of .* is full; free some space and run it again, nothing is lost"
    ):
        index.sync()
    index.close()
    committed = {record.name for record in index.documents()}
    assert 0 < len(committed) < 60
    index = Library(folder, HashEmbedder(), mounted / "index")
    assert {record.name for record in index.documents()} == committed
    assert index.doctor().problems == ()
    some = sorted(committed)[0].removesuffix(".txt")
    assert index.search(f"number{some}", 1)[0].passage.document == f"{some}.txt"
    subprocess.run(["mount", "-o", "remount,size=8m", mounted], check=True)
    assert len(index.sync().added) == 60 - len(committed)
    assert index.doctor().problems == ()
    index.close()


def test_on_a_full_disk_the_command_ends_with_the_line(folder, mounted, monkeypatch):
    fill(folder, 60)
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(mounted / "index"))
    ((code, _, complaint),) = in_a_process(("index", str(folder)))
    assert code == 2
    assert complaint.decode().splitlines()[-1].startswith("verbatim: the disk of ")
    assert b"Traceback" not in complaint
    ((code, listed, _),) = in_a_process(("documents", "--folder", str(folder)))
    assert code == 0
    assert b"0.txt" in listed


def test_what_is_deleted_on_a_full_disk_makes_room(folder, mounted):
    fill(folder, 60)
    index = Library(folder, HashEmbedder(), mounted / "index")
    with pytest.raises(VerbatimError, match="is full"):
        index.sync()
    index.close()
    committed = {record.name for record in index.documents()}
    for name in sorted(committed)[3:] + [f"{number}.txt" for number in range(60) if f"{number}.txt" not in committed]:
        (folder / name).unlink()
    index = Library(folder, HashEmbedder(), mounted / "index")
    try:
        index.sync()
    except VerbatimError as error:  # not even the note that they are deleted had room
        assert "is full" in str(error)  # noqa: PT017
    else:
        assert {record.name for record in index.documents()} == set(sorted(committed)[:3])
    index.close()
    assert index.doctor().problems == ()


def test_a_disk_that_may_only_be_read_is_said_in_a_line(folder, mounted):
    fill(folder, 2)
    index = Library(folder, HashEmbedder(), mounted / "index")
    index.sync()
    index.close()
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    fill(folder, 1, first=2)
    with pytest.raises(VerbatimError, match=r"cannot be written|Read-only") as caught:
        Library(folder, HashEmbedder(), mounted / "index").sync()
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(VerbatimError, match="Read-only file system; choose another folder"):
        Library(folder, HashEmbedder(), mounted / "another")
    subprocess.run(["mount", "-o", "remount,rw", mounted], check=True)
    index = Library(folder, HashEmbedder(), mounted / "index")
    assert index.sync().added == ["2.txt"]
    index.close()


@contextmanager
def somebody_else():
    """Nobody in particular, where the tests run as root, who may do anything."""
    former = os.geteuid()
    if former == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(former)


@pytest.fixture
def open_to_all():
    """A folder that everybody may enter, as those of the tests are not."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_no_permission_for_the_index_folder_is_said_in_a_line(open_to_all):
    folder, forbidden = open_to_all / "documents", open_to_all / "forbidden"
    folder.mkdir()
    fill(folder, 1)
    forbidden.mkdir()
    forbidden.chmod(0o555)
    with somebody_else(), pytest.raises(VerbatimError, match=r"index_dir=.*Permission denied; choose another folder"):
        Library(folder, HashEmbedder(), forbidden / "index")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_no_permission_for_the_index_itself_is_said_in_a_line(open_to_all):
    folder, place = open_to_all / "documents", open_to_all / "index"
    folder.mkdir()
    fill(folder, 1)
    index = Library(folder, HashEmbedder(), place)
    index.sync()
    index.close()
    fill(folder, 1, first=1)
    for path in (place, *place.iterdir()):
        path.chmod(0o555)
    with somebody_else(), pytest.raises(VerbatimError, match=r"cannot be written.*folder that can") as caught:
        Library(folder, HashEmbedder(), place).sync()
    assert len(str(caught.value).splitlines()) == 1


def test_two_writers_at_once_end_in_a_line_and_the_other_goes_on(folder, tmp_path, monkeypatch):
    fill(folder, 3)
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(tmp_path / "index"))
    index = Library(folder, HashEmbedder(), tmp_path / "index")
    index.sync()
    index._upkeep.finish()
    fill(folder, 3, first=3)
    with index.writing():
        ((code, _, complaint),) = in_a_process(("index", str(folder)))
        assert code == 2
        assert complaint.decode().splitlines() == [
            f"verbatim: the index of '{folder}' is being written by another process; wait until it is done"
        ]
        assert len(index.sync().added) == 3
    index.close()
    assert index.doctor().problems == ()
    assert [code for code, *_ in in_a_process(("index", str(folder)))] == [0]


def test_an_index_of_a_newer_version_is_left_as_it_is(folder, tmp_path, monkeypatch):
    fill(folder, 3)
    monkeypatch.setenv("VERBATIM_INDEX_DIR", str(tmp_path / "index"))
    index = Library(folder, HashEmbedder(), tmp_path / "index")
    index.sync()
    index._upkeep.finish()
    index.store.meta.set("certificate", {**index.store.meta.get("certificate"), "schema": 99})
    index.close()
    with pytest.raises(MismatchedIndexError, match="was made by a newer version; rebuild it with: verbatim index"):
        Library(folder, HashEmbedder(), tmp_path / "index")
    for command in (["index", str(folder)], ["doctor", str(folder)], ["ask", "who?", "--folder", str(folder)]):
        ((code, _, complaint),) = in_a_process(command)
        assert (code, len(complaint.splitlines())) == (2, 1)
        assert b"newer version" in complaint
    assert index.store.meta.get("certificate")["schema"] == 99
    assert len(index.documents()) == 3
