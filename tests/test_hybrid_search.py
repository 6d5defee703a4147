"""Retrieval against a brute-force oracle, and where it has nothing to find."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import DIMENSION, HashEmbedder
from index.errors import UnknownDocumentError
from index.library import Library
from index.records import Document, Proximity
from index.retrieval.fusion import FusionWeights, fuse
from index.retrieval.hybrid import CANDIDATES
from index.retrieval.lexical import lexical_query, terms
from index.retrieval.proximity import measure

WORDS = ["bomb", "Khujand", "banned", "court", "May", "2012", "agreement", "Pakistan", "ISI", "cell", "leader"]


@pytest.fixture
def corpus(folder, tmp_path):
    made = Library(folder, HashEmbedder(), tmp_path / "index")
    rng = np.random.default_rng(0)
    made.write(
        Document(f"{i:03}.txt", " ".join(rng.choice(WORDS, 12)) + f" number{i}.", f"Report {i}", f"{i:064}")
        for i in range(120)
    )
    yield made
    made.close()


def oracle(corpus, question):
    """Fused scores of the best of both searches, straight from the definitions."""
    ids = corpus.store.passages.ids()
    found, vectors = corpus.store.passages.vectors(ids)
    cosines = dict(zip(found, (vectors @ corpus.embedder.embed([question])[0]).tolist(), strict=True))
    bm25 = dict(corpus.store.passages.match(lexical_query(question), 10**6)[:CANDIDATES])
    nearest = sorted(cosines, key=lambda id_: (-cosines[id_], id_))[:CANDIDATES]
    cosines = {id_: cosines[id_] for id_ in {*nearest, *bm25}}
    passages = corpus.store.passages.get(list(cosines))
    texts = [f"{passages[id_][1].title}\n{passages[id_][0].text}" for id_ in cosines]
    proximity = dict(zip(cosines, measure(question, terms(question), [[text] for text in texts]), strict=True))
    return fuse(cosines, bm25, proximity, FusionWeights())


@pytest.mark.parametrize(
    "question", ["who banned the cell in Khujand?", "May 2012", "number77", "an agreement with Pakistan"]
)
def test_the_best_are_those_of_brute_force(corpus, question):
    scores = oracle(corpus, question)
    best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:10]
    names = corpus.store.passages.get(best)
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
    made = Library(folder, HashEmbedder(), tmp_path / "index")
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
    weights = FusionWeights(cosine=10, lexical=5, window=2, phrases=3)
    proximity = {1: Proximity(0.5, 1.0), 2: Proximity(0.0, 0.0), 3: Proximity(1.0, 0.0)}
    fused = fuse({1: 0.5, 2: 0.9, 3: -0.2}, {1: 8.0, 3: 2.0}, proximity, weights)
    assert fused == pytest.approx({1: 14.0, 2: 9.0, 3: 1.25})
    assert fuse({}, {}, {}, weights) == {}


def proximities(question, *texts):
    return measure(question, terms(question), [[text] for text in texts])


def test_words_close_together_count_more_than_the_same_words_far_apart():
    close, far, none = proximities(
        "the supreme court banned it", "the court banned it", f"banned{' word' * 20} court", "nothing of the kind"
    )
    assert close.window > far.window > none.window == 0
    assert close.phrases > far.phrases == none.phrases == 0


def test_all_words_of_the_question_in_its_order_are_a_proximity_of_one():
    (whole,) = proximities("Supreme Court banned groups", "In 2012 the supreme courts banned group after group.")
    assert (whole.window, whole.phrases) == (pytest.approx(1), pytest.approx(1))


def test_a_rare_word_weighs_more_than_one_that_most_passages_hold():
    rare, common, _, _ = proximities("Khujand agreement", "Khujand", "agreement", "agreement", "agreement")
    assert rare.window > common.window > 0


@pytest.mark.parametrize("question", ["who is it?", "…", "why"])
def test_a_question_without_terms_or_pairs_has_no_proximity(question):
    assert [p.window for p in proximities(question, "who it is", "")] == [0, 0]
    assert measure(question, [], []) == []


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_the_densest_window_is_that_of_brute_force(words, asked):
    (measured,) = proximities(" ".join(asked), " ".join(words))
    known = set(terms(" ".join(asked)))
    low = [word.lower() for word in words]
    most = max((len(known & set(low[i : i + 13])) for i in range(len(low))), default=0)
    # One passage: every word it holds weighs the same, and so does every word it lacks.
    held, lacking = math.log(1 + 0.5 / 1.5), math.log(1 + 1.5 / 0.5)
    n_held = len(known & set(low))
    total = n_held * held + (len(known) - n_held) * lacking
    assert measured.window == pytest.approx(most * held / total)


def test_vectors_are_unit_length_and_those_of_no_words_are_zero():
    lengths = np.linalg.norm(HashEmbedder().embed(["one two", "", "one"]), axis=1)
    assert lengths == pytest.approx([1, 0, 1])
    assert HashEmbedder().embed([]).shape == (0, DIMENSION)
