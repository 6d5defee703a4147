"""The plan of a sync run, against folders that change in any way, with a model of an index in place of one."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from index.ingest.plan import (
    Delete,
    Indexed,
    Leave,
    Note,
    Read,
    Rename,
    failed,
    is_settled,
    may_be_retried,
    plan,
)
from index.records import FileRecord

LOOKED_NS = 9
EMPTY, BROKEN = "an empty file", "a broken file"
CONTENTS = st.sampled_from(["A", "B", EMPTY, BROKEN])
NAMES = st.sampled_from(["a.txt", "b.txt", "b.md", "vault/c.txt", "x.bin"])


@dataclass(frozen=True)
class Seen:
    """A folder: contents by name, when each was touched, and whether its subfolder can be read."""

    contents: dict[str, str]
    touched: dict[str, int]
    is_closed: bool = False

    def names(self) -> set[str]:
        return {name for name in self.contents if not self.hides(name)}

    def hides(self, name: str) -> bool:
        return self.is_closed and name.startswith("vault/")


def folder_of(contents: dict[str, str], touched: dict[str, int], is_closed: bool) -> Seen:
    """No two files are empty, or broken, in the same way."""
    own = {name: f"{words} {name}" if words in {EMPTY, BROKEN} else words for name, words in contents.items()}
    return Seen(own, touched, is_closed)


FOLDERS = st.builds(
    folder_of, st.dictionaries(NAMES, CONTENTS), st.dictionaries(NAMES, st.integers(0, 1)), st.booleans()
)
EVERYTHING_OUT = st.sampled_from([(frozenset(), frozenset()), (frozenset({"a.txt"}), frozenset({"B"}))])


def looks_same(folder: Seen, name: str, before: FileRecord | None) -> bool:
    """Whether a file need not be read; a change is seen by its time, or else by its content."""
    if before is None or (before.modified_ns, before.checked_ns) != (folder.touched.get(name, 0), LOOKED_NS):
        return False
    return before.sha256 == folder.contents[name] or name.endswith(".bin")


def look(folder: Seen, indexed: Indexed, *, retry: bool) -> dict[str, FileRecord]:
    """What is seen of a folder: the content stands for its hash."""
    found = {}
    for name in folder.names():
        record = FileRecord(name, "new", "", "", 0, folder.touched.get(name, 0), LOOKED_NS)
        before = indexed.ledger.get(name)
        if looks_same(folder, name, before) and is_settled(before, retry=retry):
            found[name] = before
        elif PurePosixPath(name).suffix == ".bin":
            found[name] = replace(record, status="unsupported")
        else:
            found[name] = replace(record, sha256=folder.contents[name])
    if folder.is_closed:
        found["vault/"] = FileRecord("vault/", "failed", "it cannot be opened", "", 0, 0, LOOKED_NS)
    return dict(sorted(found.items()))


def carry_out(actions, indexed: Indexed) -> Indexed:
    """What the index holds once the actions are done."""
    ledger, documents = dict(indexed.ledger), dict(indexed.documents)
    for action in actions:
        match action:
            case Rename(old, file, renamed):
                del ledger[old]
                ledger[file.name] = file
                for name, now in renamed:
                    documents[now] = documents.pop(name)
            case Delete(name):
                ledger.pop(name, None)
                assert (documents.pop(name, None) is not None) == action.is_document
            case Note(file):
                ledger[file.name] = file
            case Read(file, had):
                assert had == ((file.name,) if file.name in documents else ())
                if file.sha256.startswith(EMPTY):
                    documents.pop(file.name, None)
                    ledger[file.name] = replace(file, status="empty", detail="holds no text")
                elif file.sha256.startswith(BROKEN):
                    ledger[file.name] = failed(file, "it is broken", had)
                else:
                    documents[file.name] = file.sha256
                    ledger[file.name] = replace(file, status="indexed")
    return replace(indexed, ledger=ledger, documents=documents)


def read_of(actions) -> list[str]:
    return [action.file.name for action in actions if isinstance(action, Read)]


@settings(max_examples=300)
@given(folders=st.lists(FOLDERS, min_size=2, max_size=5), out=EVERYTHING_OUT, retry=st.booleans())
def test_whatever_becomes_of_a_folder_the_plan_brings_the_index_in_step(folders, out, retry):
    indexed = Indexed({}, {}, *out)
    for folder in folders:
        before = indexed
        actions = plan(before, look(folder, before, retry=retry), retry=retry).actions
        indexed = carry_out(actions, before)
        assert_in_step(folder, before, indexed)
        assert_nothing_is_read_in_vain(folder, before, actions, retry)
        again = plan(indexed, look(folder, indexed, retry=False)).actions
        assert {type(action) for action in again} <= {Leave}  # and then there is nothing to do
        assert {action.name for action in again} == look(folder, indexed, retry=False).keys()


@settings(max_examples=300)
@given(folders=st.lists(FOLDERS, min_size=2, max_size=4), n_read=st.integers(0, 2))
def test_a_run_that_is_killed_between_two_commits_is_made_up_for_by_the_next(folders, n_read):
    indexed = Indexed({}, {})
    for folder in folders:
        actions = plan(indexed, look(folder, indexed, retry=False)).actions
        left = [action for action in actions if isinstance(action, Read)][n_read:]
        killed = carry_out([action for action in actions if action not in left], indexed)
        # As `sync` does, which plans nothing where every file looks as the ledger has it.
        if folder.is_closed or not all(looks_same(folder, name, killed.ledger.get(name)) for name in folder.names()):
            indexed = carry_out(plan(killed, look(folder, killed, retry=False)).actions, killed)
        else:
            indexed = killed
        assert_in_step(folder, killed, indexed)


def assert_in_step(folder: Seen, before: Indexed, after: Indexed) -> None:
    """What an oracle says that knows nothing of how it came about."""
    stays_out = {name for name in folder.names() if name in after.names_out}
    readable = {
        name: content
        for name, content in folder.contents.items()
        if name in folder.names() - stays_out
        and not content.startswith((EMPTY, BROKEN))
        and content not in after.contents_out
        and not name.endswith(".bin")
    }
    hidden = {name: sha256 for name, sha256 in before.documents.items() if folder.hides(name)}
    broken = {name for name in folder.names() if folder.contents[name].startswith(BROKEN)}
    current = {n: sha256 for n, sha256 in after.documents.items() if n not in hidden and n not in broken}
    assert sorted(current.values()) == sorted(set(readable.values()))  # each content once
    assert all(readable[name] == sha256 for name, sha256 in current.items())
    assert hidden.items() <= after.documents.items()  # nobody knows what became of it
    assert after.ledger.keys() >= folder.names()
    gone = {name for name in after.ledger if name not in folder.names() and not folder.hides(name)}
    assert gone <= {"vault/"}
    for name in set(folder.contents) & after.ledger.keys() & folder.names():
        if after.ledger[name].status == "duplicate":
            original = after.ledger[name].detail
            assert original in folder.names()
            assert folder.contents[original] == folder.contents[name]


def assert_nothing_is_read_in_vain(folder: Seen, before: Indexed, actions, retry: bool) -> None:
    """A content that is indexed already, of a file that is there or under another name, is not embedded again."""
    for name in read_of(actions):
        content = folder.contents[name]
        tried = before.ledger.get(name)
        if tried is not None and tried.sha256 == content and tried.status in {"empty", "failed"}:
            assert retry
        for other, sha256 in before.documents.items():
            if sha256 == content and other in folder.names():
                assert folder.contents[other] != content or before.ledger[other].status != "indexed"
            if sha256 == content and other not in folder.names() and not folder.hides(other):
                is_other_format = PurePosixPath(other).suffix != PurePosixPath(name).suffix
                assert is_other_format or name in before.documents or before.ledger[other].status != "indexed"


def line(name: str, sha256: str = "", status: str = "indexed", detail: str = "", parent: str = "") -> FileRecord:
    return FileRecord(name, status, detail, sha256, 1, 2, 3, parent)


def doubted(record: FileRecord) -> Note:
    """A line that has its file looked at again, should the run be killed."""
    return Note(replace(record, checked_ns=record.modified_ns))


ARCHIVE = {
    "a.zip": line("a.zip", "Z"),
    "a.zip/one.txt": line("a.zip/one.txt", "1", parent="a.zip"),
    "a.zip/two.txt": line("a.zip/two.txt", "2", "failed", "it is broken", "a.zip"),
}


def test_what_is_within_a_file_takes_its_new_name_and_goes_with_it():
    indexed = Indexed(ARCHIVE, {"a.zip/one.txt": "1"})
    moved = line("b.zip", "Z", "new")
    assert plan(indexed, {"b.zip": moved}).actions == (
        Rename("a.zip", replace(moved, status="indexed"), (("a.zip/one.txt", "b.zip/one.txt"),)),
        Leave("b.zip"),
    )
    assert plan(indexed, {}).actions == (
        Delete("a.zip", is_document=False, is_gone=True),
        Delete("a.zip/one.txt", is_document=True, is_gone=True),
        Delete("a.zip/two.txt", is_document=False, is_gone=True),
    )
    unread = line("a.zip", status="unsupported")
    assert plan(indexed, {"a.zip": unread}).actions == (
        Delete("a.zip/one.txt", is_document=True, is_gone=False),
        Delete("a.zip/two.txt", is_document=False, is_gone=False),
        Note(unread),
    )


def test_a_file_in_which_something_failed_is_tried_again_when_it_is_asked_for():
    indexed = Indexed(ARCHIVE, {"a.zip/one.txt": "1"})
    assert may_be_retried(indexed.ledger.values())
    assert plan(indexed, {"a.zip": ARCHIVE["a.zip"]}).actions == (Leave("a.zip"),)
    again = plan(indexed, {"a.zip": ARCHIVE["a.zip"]}, retry=True).actions
    parts = ("a.zip/one.txt", "a.zip/two.txt")
    assert again == (
        doubted(ARCHIVE["a.zip"]),
        Read(replace(ARCHIVE["a.zip"], status="new"), ("a.zip/one.txt",), parts),
    )


def test_a_duplicate_within_a_file_takes_the_place_of_what_is_gone():
    copy = line("a.zip/copy.txt", "1", "duplicate", "one.txt", "a.zip")
    one = line("one.txt", "1")
    indexed = Indexed({"a.zip": line("a.zip", "Z"), copy.name: copy, "one.txt": one}, {"one.txt": "1"})
    archive = indexed.ledger["a.zip"]
    assert plan(indexed, {"a.zip": archive, "one.txt": one}).actions == (Leave("a.zip"), Leave("one.txt"))
    found = plan(indexed, {"a.zip": archive})
    assert found.actions == (
        Delete("one.txt", is_document=True, is_gone=True),
        doubted(archive),
        Read(replace(archive, status="new"), (), (copy.name,)),
    )
    assert found.originals == {"Z": "a.zip"}
    new = line("new.txt", "1", "new")
    renamed = plan(indexed, {"a.zip": archive, "new.txt": new})
    assert [type(action) for action in renamed.actions] == [Rename, Leave, Leave]  # it stands for its new name now
    assert renamed.originals == {"1": "new.txt"}


def test_a_file_has_the_content_of_a_document_within_another():
    documents = {"a.zip/one.txt": "1"}
    found = plan(Indexed(ARCHIVE, documents), {"a.zip": ARCHIVE["a.zip"], "one.txt": line("one.txt", "1", "new")})
    assert found.actions == (Leave("a.zip"), Note(line("one.txt", "1", "duplicate", "a.zip/one.txt")))


def test_a_file_that_takes_the_place_of_an_archive_is_read():
    found = plan(Indexed(ARCHIVE, {"a.zip/one.txt": "1"}), {"one.txt": line("one.txt", "1", "new")})
    assert found.actions[-1] == Read(line("one.txt", "1", "new"))
    assert found.originals == {"1": "one.txt"}
