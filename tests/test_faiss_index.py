"""FAISS is derived: whatever happens to its file, it comes back as the store has it."""

import numpy as np
import pytest

from fakes import HashEmbedder
from index.library import Library
from index.records import Document
from index.retrieval.faiss_index import FILE_NAME, VectorIndex


def put(index, *numbers):
    index.write(Document(f"{n}.txt", f"Passage number{n}.", "", f"{n:064}") for n in numbers)
    index._upkeep.finish()


@pytest.fixture
def index(folder, tmp_path):
    made = Library(folder, HashEmbedder(), tmp_path / "index")
    put(made, *range(10))
    yield made
    made.close()


def reopened(index):
    vectors = VectorIndex(index.store)
    vectors.catch_up()
    return vectors


def assert_in_step(index):
    vectors = reopened(index)
    ids = index.store.passages.ids()
    assert len(vectors) == len(ids)
    found, stored = index.store.passages.vectors(ids)
    for id_, vector in zip(found, stored, strict=True):
        assert vectors.search(vector, 1)[0][0] == id_


def test_saved_and_loaded(index):
    assert_in_step(index)


def test_missing(index):
    (index.index_dir / FILE_NAME).unlink()
    assert_in_step(index)


@pytest.mark.parametrize("cut", [0, 5, 40, 500, -1])
def test_truncated(index, cut):
    path = index.index_dir / FILE_NAME
    path.write_bytes(path.read_bytes()[:cut])
    assert_in_step(index)


def test_a_flipped_bit(index):
    path = index.index_dir / FILE_NAME
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert_in_step(index)


def test_stale_by_additions_and_deletions(index):
    old = (index.index_dir / FILE_NAME).read_bytes()
    put(index, 20, 21)
    index.store.delete(["3.txt", "4.txt", "5.txt"])
    (index.index_dir / FILE_NAME).write_bytes(old)
    assert_in_step(index)
    assert len(reopened(index)) == 9


def test_of_another_store(index, folder, tmp_path):
    other = Library(folder, HashEmbedder(), tmp_path / "other")
    put(other, *range(30, 40))
    (other.index_dir / FILE_NAME).write_bytes((index.index_dir / FILE_NAME).read_bytes())
    assert_in_step(other)
    other.close()


def test_another_instance_sees_what_is_written_later(index):
    vectors = reopened(index)
    put(index, 99)
    vectors.catch_up()
    assert len(vectors) == 11


def test_no_padding_and_nothing_twice(index):
    vectors = reopened(index)
    question = index.embedder.embed(["number3"])[0]
    assert len(vectors.search(question, 1000)) == 10
    assert vectors.search(question, 0) == []
    some = index.store.passages.ids()[:3]
    assert {id_ for id_, _ in vectors.search(question, 1000, some)} == set(some)
    assert vectors.search(question, 5, []) == []
    assert vectors.search(question, 5, [123456]) == []


def test_a_zero_vector_finds_passages_all_the_same(index):
    assert len(reopened(index).search(np.zeros(index.embedder.dimension, dtype=np.float32), 3)) == 3


def test_a_store_begun_anew_is_followed(index):
    vectors = reopened(index)
    index.store.clear({"certificate": index.store.meta.get("certificate")})
    put(index, *range(3))  # the same ids as before, for other passages
    vectors.catch_up()
    assert len(vectors) == 3
    assert_in_step(index)


def test_a_disk_that_is_full_is_said_and_costs_nothing_else(index, monkeypatch, caplog):
    def full(vectors, writer):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("index.retrieval.faiss_index.faiss.write_index", full)
        put(index, 10)
    assert "No space left on device" in caplog.text
    assert_in_step(index)
    put(index, 11)
    assert list(index.index_dir.glob("*.new")) == []
    assert_in_step(index)
