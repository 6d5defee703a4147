"""Hybrid retrieval: dense, lexical and proximity scores of the same passages, fused with fitted weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.records import Document, Hit, Passage, Proximity, Vectors
from index.retrieval.acronyms import abbreviation_asked, spells_out
from index.retrieval.embedding import Embedder
from index.retrieval.faiss_index import VectorIndex
from index.retrieval.proximity import measure, words_of
from index.storage.store import Store

CANDIDATES = 50
"""Passages taken from each of the two searches before they are fused, at least."""
_REMEMBERED_QUESTIONS = 32
_LOOKED_THROUGH = 1_000
"""Passages with an abbreviation that are looked through for its words, at most."""
_LEAD = 3.0
"""Log-odds by which a passage that has them leads those that do not, at least: enough that few of them are read."""

STOP_WORDS = frozenset(
    (
        "a about after all also am an and any are as at be been before being between both but by can could "
        "did do does doing for from had has have having he her hers him his how i if in into is it its many "
        "me more most much my no not of on or other our out over s she should so some such t than that the "
        "their them then there these they this those through to too under until up us was we were what when "
        "where which while who whom whose why will with would you your"
    ).split()
)
"""English words that say nothing of what a question is about; left out of the lexical search."""


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Weights of the scores that are added up to a passage's retrieval score.

    Fitted by `qa/training/fit/fusion.py`: a softmax over the candidates of each question, cross-entropy
    against the passage that holds its answer.

    Attributes:
        cosine: Of the cosine of question and passage.
        lexical: Of the BM25 score divided by the best one for this question.
        window: Of the question's terms that stand close together.
        phrases: Of the question's pairs of neighbouring words.
    """

    cosine: float = 8.2
    lexical: float = 2.9
    window: float = 3.2
    phrases: float = 5.5


class Searcher:
    """Finds the passages for a question in one index.

    Asked what an abbreviation stands for, those that say it come first: of the many that use it few do.
    """

    def __init__(
        self, store: Store, vectors: VectorIndex, embedder: Embedder, weights: FusionWeights | None = None
    ) -> None:
        """Make a searcher.

        Args:
            store: Documents, passages, lexical rows.
            vectors: FAISS over the store's vectors.
            embedder: What embedded the passages.
            weights: How to fuse; None takes the fitted ones.
        """
        self._store = store
        self._vectors = vectors
        self._weights = FusionWeights() if weights is None else weights
        # A conversation asks the same question of one document after the other.
        self._vector_of = lru_cache(_REMEMBERED_QUESTIONS)(lambda question: embedder.embed([question])[0])

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        """The passages that fit a question, best first.

        Args:
            question: The question.
            top_k: How many at most, 1 or more; more than there are gives all candidates.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages, with ties in the order of their ids. Empty when the index is.
        """
        limit = max(top_k, CANDIDATES)
        vector = self._vector_of(question)
        with self._vectors.in_step():
            ids = None if within is None else self._store.passages.ids(within)
            bm25 = dict(self._store.passages.match(lexical_query(question), limit, ids)) if terms(question) else {}
            spelled_out = self._spelled_out(question, limit, ids)
            cosines = self._cosines(vector, limit, ids, list(dict.fromkeys([*bm25, *spelled_out])))
            passages = self._store.passages.get(list(cosines))
        found = [id_ for id_ in cosines if id_ in passages]
        texts = [_searched(*passages[id_]) for id_ in found]
        proximity = dict(zip(found, measure(question, terms(question), texts), strict=True))
        scores = fuse({id_: cosines[id_] for id_ in found}, bm25, proximity, self._weights)
        lead = max(scores.values(), default=0.0) - min(scores.values(), default=0.0) + _LEAD
        scores |= {id_: scores[id_] + lead for id_ in spelled_out if id_ in scores}
        return [
            Hit(
                passages[id_][0],
                passages[id_][1].title,
                passages[id_][1].sha256,
                scores[id_],
                cosines[id_],
                bm25.get(id_, 0.0),
                proximity[id_],
            )
            for id_ in sorted(scores, key=lambda id_: (-scores[id_], id_))[:top_k]
        ]

    def _spelled_out(self, question: str, limit: int, ids: Sequence[int] | None) -> list[int]:
        """Passages that say what an abbreviation stands for, where a question asks that."""
        abbreviation = abbreviation_asked(question)
        if abbreviation is None:
            return []
        holding = [id_ for id_, _ in self._store.passages.match(f'"{abbreviation}"', _LOOKED_THROUGH, ids)]
        passages = self._store.passages.get(holding)
        return [id_ for id_ in holding if id_ in passages and spells_out(passages[id_][0].text, abbreviation)][:limit]

    def _cosines(self, vector: Vectors, limit: int, ids: Sequence[int] | None, also: list[int]) -> dict[int, float]:
        """Cosines of the nearest passages and of those found lexically."""
        nearest = dict(self._vectors.search(vector, limit, ids))
        return nearest | self._vectors.cosines(vector, [id_ for id_ in also if id_ not in nearest])


def _searched(passage: Passage, document: Document) -> str:
    """What FTS5 and the embedder see of a passage: title and headings in front of it."""
    return f"{document.title}\n{passage.heading}\n{passage.text}"


def terms(question: str) -> list[str]:
    """The words of a question that tell what it is about: lower case, stop words dropped, each once."""
    return [word for word in dict.fromkeys(words_of(question)) if word not in STOP_WORDS]


def lexical_query(question: str) -> str:
    """A question in FTS5's syntax: its terms, quoted, any of which may match."""
    return " OR ".join(f'"{term}"' for term in terms(question))


def fuse(
    cosines: Mapping[int, float],
    bm25: Mapping[int, float],
    proximity: Mapping[int, Proximity],
    weights: FusionWeights,
) -> dict[int, float]:
    """One score for each passage out of four.

    Args:
        cosines: Cosine by passage id.
        bm25: BM25 score by passage id, above 0; passages that are missing share no word with the question.
        proximity: How close together the question's words stand, by passage id.
        weights: The weights.

    Returns:
        Score by passage id, for every id of `cosines`.
    """
    best = max(bm25.values(), default=1.0)
    return {
        id_: weights.cosine * cosine
        + weights.lexical * bm25.get(id_, 0.0) / best
        + weights.window * proximity[id_].window
        + weights.phrases * proximity[id_].phrases
        for id_, cosine in cosines.items()
    }
