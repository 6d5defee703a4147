"""What lies beside an index is for its owner alone, whatever the umask, and whoever made it before."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import HashEmbedder
from index.library import Library
from index.storage import private_files
from qa.feedback.store import Feedback, FeedbackStore, Verdict
from qa.web.history.store import History

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    former = os.umask(0)
    yield
    os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def use(folder: Path, place: Path) -> dict[str, int]:
    """What is in an index's folder while everything that is kept there is in use, with its mode."""
    (folder / "a.txt").write_text("The harbour is deep.", encoding="utf-8")
    index = Library(folder, HashEmbedder(), place)
    index.sync()
    index.search("harbour", 1)
    with index.writing():
        index._vectors.save()
    history, feedback = History(place), FeedbackStore(place)
    feedback.put(Feedback("a browser", "How deep?", Verdict.WRONG))
    with history._database.connected() as one, feedback._database.connected() as other:
        one.execute("SELECT count(*) FROM turns").fetchone()
        other.execute("SELECT count(*) FROM feedback").fetchone()
        modes = {path.name: mode(path) for path in place.iterdir()}
    index.close()
    return modes


def test_all_files_of_an_index_are_for_their_owner_alone_in_a_folder_that_is(folder: Path, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o755)
    before = mode(folder)
    modes = use(folder, parent / "index")
    databases = {f"{name}.sqlite" for name in ("store", "history", "feedback")}
    assert databases | {f"{name}-wal" for name in databases} | {"vectors.faiss", "write.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert [mode(place) for place in (parent / "index", parent, folder)] == [0o700, 0o755, before]


def test_those_that_were_open_to_others_are_mended_when_they_are_opened(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "index"
    use(folder, place)
    for path in place.iterdir():
        path.chmod(0o644)
    place.chmod(0o755)
    Library(folder, HashEmbedder(), place).close()
    History(place)
    FeedbackStore(place)
    assert {mode(path) for path in place.iterdir()} == {0o600}
    assert mode(place) == 0o700


def test_where_a_mode_cannot_be_set_everything_works_as_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    place = tmp_path / "index"
    place.mkdir(mode=0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    assert use(folder, place)
    assert mode(place) == 0o755


def test_what_is_read_only_stays_so_and_a_folder_for_all_stays_open(tmp_path: Path) -> None:
    place, file = tmp_path / "for-all", tmp_path / "file"
    place.mkdir()
    place.chmod(0o1777)
    file.touch()
    file.chmod(0o444)
    private_files.make_folder(place)
    private_files.make_file(file)
    assert (mode(place), mode(file)) == (0o1777, 0o400)
