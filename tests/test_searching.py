"""Retrieval against a brute-force oracle, and where it has nothing to find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import DIMENSION, HashEmbedder
from index.documents import Document
from index.errors import UnknownDocumentError
from index.folders import FolderIndex
from index.searching import FusionWeights, fuse, lexical_query, terms

WORDS = ["bomb", "Khujand", "banned", "court", "May", "2012", "agreement", "Pakistan", "ISI", "cell", "leader"]


@pytest.fixture
def corpus(folder, tmp_path):
    made = FolderIndex(folder, HashEmbedder(), tmp_path / "index")
    rng = np.random.default_rng(0)
    made.write(
        Document(f"{i:03}.txt", " ".join(rng.choice(WORDS, 12)) + f" number{i}.", f"Report {i}", f"{i:064}")
        for i in range(120)
    )
    yield made
    made.close()


def oracle(corpus, question):
    """Every passage's fused score, straight from the definitions, none left out."""
    ids = corpus.store.passage_ids()
    found, vectors = corpus.store.vectors(ids)
    cosines = dict(zip(found, (vectors @ corpus.embedder.embed([question])[0]).tolist(), strict=True))
    bm25 = dict(corpus.store.match(lexical_query(question), 10**6))
    return fuse(cosines, bm25, FusionWeights())


@pytest.mark.parametrize(
    "question", ["who banned the cell in Khujand?", "May 2012", "number77", "an agreement with Pakistan"]
)
def test_the_best_are_those_of_brute_force(corpus, question):
    scores = oracle(corpus, question)
    best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:10]
    names = corpus.store.passages(best)
    hits = corpus.search(question, 10)
    assert [hit.passage for hit in hits] == [names[id_][0] for id_ in best]
    assert [hit.score for hit in hits] == pytest.approx([scores[id_] for id_ in best], abs=1e-4)


@pytest.mark.parametrize("top_k", [1, 3, 119, 120, 121, 1000])
def test_top_k_up_to_and_beyond_the_count(corpus, top_k):
    hits = corpus.search("who banned the cell in Khujand?", top_k)
    assert len(hits) == min(top_k, 120)
    assert len({hit.passage for hit in hits}) == len(hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_within_searches_those_documents_and_no_others(corpus):
    names = ["003.txt", "077.txt"]
    assert {hit.passage.document for hit in corpus.search("number5 Khujand", 10, names)} == set(names)
    with pytest.raises(UnknownDocumentError, match=r"'gone\.txt'"):
        corpus.search("Khujand", 10, ["gone.txt"])


def test_an_empty_index_finds_nothing(folder, tmp_path):
    made = FolderIndex(folder, HashEmbedder(), tmp_path / "index")
    assert made.search("anything", 10) == []
    made.close()


@pytest.mark.parametrize("question", ["who is it?", "???", "…", "the"])
def test_a_question_of_stop_words_is_searched_densely(corpus, question):
    assert len(corpus.search(question, 5)) == 5


SYNTAX = [
    "what's \"this",
    "C++",
    "May-2012",
    "a AND b OR",
    "NEAR(x)",
    "col:value",
    "x*",
    "(((",
    "né'é",
    "\x00",
    "-- ;",
    "^a",
]


@pytest.mark.parametrize("question", SYNTAX)
def test_no_question_is_a_syntax_error(corpus, question):
    corpus.search(question, 3)


@given(question=st.text(max_size=40))
def test_every_term_is_quoted(question):
    query = lexical_query(question)
    assert query.count('"') == 2 * len(terms(question))


def test_terms_are_lower_case_once_and_without_stop_words():
    assert terms("When was the Court's COURT banned, in May-2012?") == ["court", "banned", "may", "2012"]


def test_words_with_combining_marks_stay_whole():
    assert terms("Ke\u0301vin") == ["ke\u0301vin"]


def test_fusion_adds_weighted_scores():
    weights = FusionWeights(cosine=10, lexical=5)
    fused = fuse({1: 0.5, 2: 0.9, 3: -0.2}, {1: 8.0, 3: 2.0}, weights)
    assert fused == pytest.approx({1: 10.0, 2: 9.0, 3: -0.75})
    assert fuse({}, {}, weights) == {}


def test_vectors_are_unit_length_and_those_of_no_words_are_zero():
    lengths = np.linalg.norm(HashEmbedder().embed(["one two", "", "one"]), axis=1)
    assert lengths == pytest.approx([1, 0, 1])
    assert HashEmbedder().embed([]).shape == (0, DIMENSION)
