"""A file copied into a folder where its name is taken by something else, which is then not even opened."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from index.ingest.adding import copy_into
from qa.answerer import QuestionAnswerer

CONTENT = b"The harbour is deep.\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere" / "a.txt"
    place.parent.mkdir()
    place.write_bytes(CONTENT)
    return place


def link_out(path: Path) -> None:
    path.symlink_to(path.parents[1] / "elsewhere" / "a.txt")


TAKEN: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "another size": lambda path: path.write_bytes(CONTENT * 2),
    **(
        {}
        if os.name == "nt"
        else {
            "a pipe": os.mkfifo,
            "a device": lambda path: path.symlink_to("/dev/zero"),
            "a dangling link": lambda path: path.symlink_to(path.parent / "nowhere"),
            "a link that leads out": link_out,
        }
    ),
}


@pytest.mark.parametrize("taken", TAKEN)
def test_what_has_its_name_is_not_opened_and_stays(
    folder: Path, file: Path, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    TAKEN[taken](folder / "a.txt")
    before = (folder / "a.txt").lstat()
    opened: list[Path] = []
    read_bytes = Path.read_bytes

    def read(self: Path) -> bytes:
        opened.append(self)
        return read_bytes(self) if self == file else b""

    monkeypatch.setattr(Path, "read_bytes", read)
    assert copy_into(file, folder) == "a (2).txt"
    assert copy_into(file, folder) == "a (3).txt"  # "a (2).txt" has the same size, and is read (as b"" here)
    assert opened == [file, file, folder / "a (2).txt"]
    after = (folder / "a.txt").lstat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)


def test_the_same_content_under_its_name_is_the_same_file(folder: Path, file: Path) -> None:
    assert [copy_into(file, folder) for _ in range(3)] == ["a.txt"] * 3
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="links need a permission on Windows")
def test_a_file_is_indexed_beside_a_pipe_of_its_name(
    folder: Path, file: Path, make_answerer: Callable[..., QuestionAnswerer]
) -> None:
    os.mkfifo(folder / "a.txt")
    assert make_answerer().add([file]).added == ["a (2).txt"]
