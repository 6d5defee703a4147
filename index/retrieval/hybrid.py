"""Hybrid retrieval: dense, lexical and proximity scores of the same passages, fused with fitted weights."""

from collections.abc import Sequence
from functools import lru_cache

from index.formats.titles import words_of_name
from index.records import Document, Hit, Passage, Vectors
from index.retrieval.acronyms import abbreviation_asked, spells_out
from index.retrieval.embedding import Embedder
from index.retrieval.faiss_index import VectorIndex
from index.retrieval.fusion import FusionWeights, fuse, weights_of
from index.retrieval.lexical import lexical_query, near_query, terms
from index.retrieval.proximity import measure
from index.storage.store import Store

CANDIDATES = 50
"""Least number of passages taken from each of the two searches before fusion."""
_REMEMBERED_QUESTIONS = 32
_LOOKED_THROUGH = 1_000
"""Most passages with an abbreviation that are searched for its expansion."""
_NEAR_ROWS = 3
"""Most passages of tables that rank with the best since a row has neighbouring words of the question side by side."""
_LEAD = 3.0
"""Least log-odds by which passages that spell the abbreviation out lead the others, so that few others are read."""


class Searcher:
    """Retrieves passages for questions from one index.

    If a question asks what an abbreviation stands for, passages that spell it out rank first.
    """

    def __init__(
        self, store: Store, vectors: VectorIndex, embedder: Embedder, weights: FusionWeights | None = None
    ) -> None:
        """Create a searcher.

        Args:
            store: Documents, passages and lexical index.
            vectors: FAISS index of the store's vectors.
            embedder: The embedder that embedded the passages.
            weights: Fusion weights; None is those fitted for the embedder.
        """
        self._store = store
        self._vectors = vectors
        self._weights = weights_of(embedder) if weights is None else weights
        # A conversation asks the same question of one document after another.
        self._vector_of = lru_cache(_REMEMBERED_QUESTIONS)(lambda question: embedder.embed([question])[0])

    def search(self, question: str, top_k: int, within: Sequence[str] | None = None) -> list[Hit]:
        """Return the best passages for a question, best first.

        Args:
            question: The question.
            top_k: Maximum number of passages, at least 1; a number above that of the candidates returns all of them.
            within: Names of the documents to search; None is all of them.

        Returns:
            The passages; ties in the order of their ids. Empty if the index is.
        """
        limit = max(top_k, CANDIDATES)
        vector = self._vector_of(question)
        with self._vectors.in_step():
            ids = None if within is None else self._store.passages.ids(within)
            bm25 = dict(self._store.passages.match(lexical_query(question), limit, ids)) if terms(question) else {}
            spelled_out = self._spelled_out(question, limit, ids)
            near = self._near(question, limit, ids)
            others = [id_ for id_ in near if id_ not in bm25]
            bm25 |= dict(self._store.passages.match(lexical_query(question), limit, others)) if others else {}
            cosines = self._cosines(vector, limit, ids, list(dict.fromkeys([*bm25, *spelled_out])))
            passages = self._store.passages.get(list(cosines))
            in_tables = self._store.tables.among(list(cosines))
        found = [id_ for id_ in cosines if id_ in passages]
        texts = [_searched(*passages[id_], by_row=id_ in in_tables) for id_ in found]
        proximity = dict(zip(found, measure(question, terms(question), texts), strict=True))
        scores = fuse({id_: cosines[id_] for id_ in found}, bm25, proximity, self._weights)
        lead = max(scores.values(), default=0.0) - min(scores.values(), default=0.0) + _LEAD
        scores |= {id_: scores[id_] + lead for id_ in spelled_out if id_ in scores}
        best = max(scores.values(), default=0.0)
        scores |= {id_: best for id_ in near[:_NEAR_ROWS] if id_ in scores and id_ in in_tables}
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

    def _near(self, question: str, limit: int, ids: Sequence[int] | None) -> list[int]:
        """Return the passages that hold neighbouring words of the question close together, best first.

        Of thousands of rows of a table, many hold the first name that is asked for and the last name, but of different
        people.
        """
        query = near_query(question)
        return [id_ for id_, _ in self._store.passages.match(query, limit, ids)] if query else []

    def _spelled_out(self, question: str, limit: int, ids: Sequence[int] | None) -> list[int]:
        """Return the passages that spell an abbreviation out, if the question asks what it stands for."""
        abbreviation = abbreviation_asked(question)
        if abbreviation is None:
            return []
        holding = [id_ for id_, _ in self._store.passages.match(f'"{abbreviation}"', _LOOKED_THROUGH, ids)]
        passages = self._store.passages.get(holding)
        return [id_ for id_ in holding if id_ in passages and spells_out(passages[id_][0].text, abbreviation)][:limit]

    def _cosines(self, vector: Vectors, limit: int, ids: Sequence[int] | None, also: list[int]) -> dict[int, float]:
        """Return the cosines of the nearest passages and of those found lexically."""
        nearest = dict(self._vectors.search(vector, limit, ids))
        return nearest | self._vectors.cosines(vector, [id_ for id_ in also if id_ not in nearest])


def _searched(passage: Passage, document: Document, *, by_row: bool) -> list[str]:
    """Return the text of a passage, or of each of its rows, with title, headings and file name in front."""
    about = f"{document.title}\n{passage.heading}"
    about = f"{about}\n{words_of_name(document.name, about)}"
    rows = passage.text.split("\n") if by_row else [passage.text]
    return [f"{about}\n{row}" for row in rows]
