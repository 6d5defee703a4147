"""What is deleted is found by nobody at once, and gone from the bytes of every file soon after."""

import random
import threading

import pytest

from fakes import HashEmbedder
from index.errors import UnknownDocumentError, VerbatimError
from index.library import Library
from index.records import Document


def secret(number):
    """A word that stands in one document only, and whose beginning is that of no other."""
    return f"{number:04}zq".translate(str.maketrans("0123456789", "bcdfghjkmn"))


def document(number, n_passages=3):
    about = "heard of the harbour, the ledger and the court in winter." + " More of the same." * 20
    text = "\n\n".join(f"{secret(number)}{i} {about}" for i in range(n_passages))
    return Document(f"{number}.txt", text, "", f"{number:064}")


def content(index):
    return b"".join(path.read_bytes() for path in sorted(index.index_dir.iterdir()))


def vectors_of(index, name):
    return index.store.passages.vectors(index.store.passages.ids([name]))[1]


def test_words_and_vectors_are_gone_from_every_file(opened):
    """Documents come and go in an order drawn at random, so that pages are split, merged, moved and used again."""
    rng = random.Random(0)
    index = opened()
    here, gone = {}, {}
    for turn in range(12):
        numbers = [100 * turn + i for i in range(rng.randint(1, 40))]
        index.write(document(number, rng.randint(1, 9)) for number in numbers)
        here |= {number: vectors_of(index, f"{number}.txt") for number in numbers}
        for number in rng.sample(sorted(here), len(here) * rng.randint(1, 4) // 5):
            gone[number] = here.pop(number)
            index.remove([f"{number}.txt"])
        if turn % 3 == 0:
            index.close()
    index.close()
    assert len(gone) > 50
    assert len(here) > 10
    found = content(index)
    for number, vectors in here.items():
        assert secret(number).encode() in found
        assert all(vector.tobytes() in found for vector in vectors)
    for number, vectors in gone.items():
        assert secret(number).encode() not in found, number
        assert not any(vector.tobytes() in found for vector in vectors)


def test_deleted_is_found_by_nobody_while_it_is_still_in_the_file(opened, monkeypatch):
    index, other = opened(), opened()
    index.write([document(1, 5), document(2)])
    assert {hit.passage.document for hit in other.search(f"{secret(1)}0 harbour", 50)} == {"1.txt", "2.txt"}
    old = index.store.passages.ids(["1.txt"])
    index._upkeep.finish()
    monkeypatch.setattr(index._upkeep, "begin", lambda: None)
    index.remove(["1.txt"])
    assert secret(1).encode() in content(index)
    for each in (index, other):
        assert {hit.passage.document for hit in each.search(f"{secret(1)}0 harbour", 50)} == {"2.txt"}
        assert each.store.passages.match(f'"{secret(1)}0"', 10) == []
        assert each.store.passages.get(old) == {}
        assert set(each._vectors.ids()) == set(each.store.passages.ids(["2.txt"])) == set(each.store.passages.ids())
        assert each.store.counts() == {"documents": 1, "passages": 3, "vectors": 3, "lexical": 3}
        assert [record.name for record in each.documents()] == ["2.txt"]
        with pytest.raises(UnknownDocumentError):
            each.store.documents.get("1.txt")
        with pytest.raises(UnknownDocumentError):
            each.search("harbour", 10, within=["1.txt"])


def test_what_was_changed_is_erased_as_it_was(opened, folder):
    index = opened()
    path = folder / "a.txt"
    path.write_text(f"{secret(1)} was the first word.")
    index.sync()
    path.write_text(f"{secret(2)} is the second word.")
    index.sync()
    index.close()
    assert secret(1).encode() not in content(index)
    assert secret(2).encode() in content(index)


def test_what_one_process_left_the_next_one_erases(opened, monkeypatch, folder):
    (folder / "a.txt").write_text(f"{secret(1)} was here.")
    (folder / "b.txt").write_text(f"{secret(2)} is here.")
    index = opened()
    index.sync()
    index._upkeep.finish()  # or it may still be at it, and erase what is deleted next
    monkeypatch.setattr(index._upkeep, "begin", lambda: None)  # as if it were killed before the upkeep began
    (folder / "a.txt").unlink()
    index.sync()
    index.close()
    assert secret(1).encode() in content(index)
    index = opened()
    assert index.sync().unchanged == 1
    index.close()
    assert secret(1).encode() not in content(index)


@pytest.mark.parametrize("step", ["erase_some", "rebuild_lexical", "shrink_some", "empty_log", "note_erased"])
def test_upkeep_that_fails_in_the_middle_is_said_and_done_by_the_next(opened, monkeypatch, caplog, step):
    index = opened()
    index.write([document(1, 250), document(2)])
    with monkeypatch.context() as patch:
        patch.setattr(index.store.erasure, step, lambda *_: (_ for _ in ()).throw(VerbatimError("the disk is full")))
        index.remove(["1.txt"])
        index._upkeep.finish()
        assert "the disk is full" in caplog.text
        assert index.store.erasure.remains()
        assert {hit.passage.document for hit in index.search(f"{secret(1)}0", 50)} == {"2.txt"}
    index.write([document(3)])
    index.close()
    assert not index.store.erasure.remains()
    assert secret(1).encode() not in content(index)


def test_interrupted_at_the_end_it_stops_after_a_step_and_the_next_goes_on(opened, monkeypatch):
    index = opened()
    index.write([document(1, 250), document(2)])
    index._upkeep.finish()
    began, go_on, real = threading.Event(), threading.Event(), index.store.erasure.erase_some

    def erase_some():
        began.set()
        assert go_on.wait(60)
        return real()

    monkeypatch.setattr(index.store.erasure, "erase_some", erase_some)
    index.remove(["1.txt"])
    assert began.wait(60)
    thread = index._upkeep._thread

    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(thread, "join", interrupt)
        with pytest.raises(KeyboardInterrupt):
            index.close()
    go_on.set()
    thread.join()
    assert index.store.erasure.remains()
    index.store.database.close()
    index = opened()
    index.sync()
    index.close()
    assert secret(1).encode() not in content(index)


def test_while_somebody_reads_an_old_state_it_is_kept_and_then_erased(opened):
    index, reader = opened(), opened()
    index.write([document(1), document(2)])
    index._upkeep.finish()
    with reader.store.database.reading():
        assert len(reader.documents()) == 2
        index.remove(["1.txt"])
        index.close()
        assert len(reader.documents()) == 2
        assert reader.store.documents.get("1.txt").text.startswith(secret(1))
        assert index.store.erasure.remains()
    index.sync()
    index.close()
    assert secret(1).encode() not in content(index)


def test_another_process_that_saved_the_vectors_leaves_none_behind(opened):
    first, second = opened(), opened()
    first.write([document(1)])
    first._upkeep.finish()
    second.write([document(number) for number in range(2, 9)])
    second._upkeep.finish()
    vectors = vectors_of(second, "3.txt")
    assert any(vector.tobytes() in (first.index_dir / "vectors.faiss").read_bytes() for vector in vectors)
    first.remove(["3.txt"])
    first.close()
    assert not any(vector.tobytes() in content(first) for vector in vectors)


def test_an_index_that_is_thrown_away_leaves_no_words(opened, folder, tmp_path):
    index = opened()
    index.write([document(1)])
    index.close()
    rebuilt = Library(folder, HashEmbedder(), tmp_path / "index", rebuild=True)
    rebuilt.sync()
    rebuilt.close()
    assert secret(1).encode() not in content(rebuilt)


def test_a_long_text_is_gone_too(opened):
    """One that fills many pages, whose passages are erased in more than one transaction."""
    index = opened()
    index.write([document(1, 450), document(2, 450)])
    index.remove(["1.txt"])
    index.close()
    found = content(index)
    assert secret(1).encode() not in found
    assert secret(2).encode() in found
    assert index.store.database.path.stat().st_size < 3_000_000
