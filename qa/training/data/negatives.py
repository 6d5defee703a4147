"""Hard negatives: questions paired with texts that look as if they answered them but don't."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from qa.training.data.entity_swapping import Vocabulary, swap
from qa.training.data.examples import (
    AUGMENTED,
    CROPPED,
    MIX,
    Pair,
    Share,
    answered,
    augment,
    crop,
    holds_answer,
    sentences,
)
from qa.training.data.questions import Example, group_of

SWAPPED, REMOVED = 0.58, 0.1  # the rest is paired with other texts

_FEWEST_WORDS = 25
_NEAREST, _CHOSEN_FROM = 8, 4
_FEWEST_TEXTS = 5
_FEWEST_QUESTIONS = 15
_QUESTIONS_OF_OTHERS = 100


class Negatives:
    """Makes questions of one source unanswerable."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """Index the source's texts.

        Args:
            examples: All examples of the source, at least one.
        """
        self._examples = examples
        self._texts = list(dict.fromkeys(example.context for example in examples))
        self._row = {text: row for row, text in enumerate(self._texts)}
        self._vectorizer = TfidfVectorizer(sublinear_tf=True)
        self._matrix = self._vectorizer.fit_transform(self._texts)
        self._rows: dict[str, set[int]] = defaultdict(set)
        questions: dict[str, list[str]] = defaultdict(list)
        for example in examples:
            self._rows[group_of(example)].add(self._row[example.context])
            questions[group_of(example)].append(example.question)
        self._questions = questions
        self._vocabularies = {group: Vocabulary.of(asked) for group, asked in questions.items()}

    def make(self, example: Example, rng: random.Random) -> Pair | None:
        """Make a question unanswerable by a method chosen at random, or else by pairing it with another text.

        Args:
            example: A question with its text.
            rng: Chooses the method.

        Returns:
            A pair without spans; None if no method works.
        """
        way = rng.random()
        made = None
        if way < SWAPPED:
            made = self.swapped(example, rng)
        elif way < SWAPPED + REMOVED:
            made = self.removed(example)
        return made or self.elsewhere(example, rng)

    def swapped(self, example: Example, rng: random.Random) -> Pair | None:
        """Swap a phrase in the question; the text stays the same."""
        question = swap(example, self._vocabulary(example, rng), rng)
        return None if question is None else Pair(example.source, "swapped", question, example.context, ())

    def _vocabulary(self, example: Example, rng: random.Random) -> Vocabulary:
        group = group_of(example)
        if len(self._questions[group]) >= _FEWEST_QUESTIONS:
            return self._vocabularies[group]
        others = rng.sample(self._examples, min(_QUESTIONS_OF_OTHERS, len(self._examples)))
        return Vocabulary.of([other.question for other in others])

    @staticmethod
    def removed(example: Example) -> Pair | None:
        """Remove the sentences that answer the question from its text."""
        spans = answered(example).spans
        kept = [
            (low, high)
            for low, high in sentences(example.context)
            if not any(start < high and end > low for start, end in spans)
        ]
        text = "".join(example.context[low:high] for low, high in kept).strip()
        if len(text.split()) < _FEWEST_WORDS or holds_answer(text, example.answers):
            return None
        return Pair(example.source, "removed", example.question, text, ())

    def elsewhere(self, example: Example, rng: random.Random) -> Pair | None:
        """Pair the question with a similar text that has no answer to it, from the same group if that is large.

        Args:
            example: A question with its text.
            rng: Chooses among the most similar texts.

        Returns:
            The pair; None if all similar texts have an answer.
        """
        own = self._row[example.context]
        group = self._rows[group_of(example)]
        candidates = group if len(group) >= _FEWEST_TEXTS else range(len(self._texts))
        rows = np.array([row for row in sorted(candidates) if row != own], dtype=np.int64)
        if not rows.size:
            return None
        question = self._vectorizer.transform([example.question])
        alike = (self._matrix[rows] @ question.T).toarray().ravel()
        nearest = rows[np.argsort(-alike, kind="stable")[:_NEAREST]]
        texts = [self._texts[row] for row in nearest if not holds_answer(self._texts[row], example.answers)]
        if not texts:
            return None
        return Pair(example.source, "elsewhere", example.question, rng.choice(texts[:_CHOSEN_FROM]), ())


class Mixer:
    """Mixes epochs from several sources, with other unanswerable pairs in each epoch."""

    def __init__(self, examples: Sequence[Example], mix: Mapping[str, Share] = MIX) -> None:
        """Group examples by source.

        Args:
            examples: Examples for training.
            mix: Share of each source in an epoch; sources not in it are left out.
        """
        self._mix = mix
        self._by_source = {source: [e for e in examples if e.source == source] for source in mix}
        self._negatives = {source: Negatives(rows) for source, rows in self._by_source.items() if rows}

    def mixed(self, seed: int) -> list[Pair]:
        """Return the pairs of one epoch, in random order.

        Args:
            seed: Random seed; the same seed gives the same epoch.

        Returns:
            The pairs.
        """
        rng = random.Random(seed)  # noqa: S311 (no secret)
        pairs: list[Pair] = []
        for source, negatives in self._negatives.items():
            examples, share = self._by_source[source], self._mix[source]
            n_answered = round(share.answered * len(examples))
            n_unanswerable = min(len(examples), round(share.unanswerable * n_answered))
            pairs += [answered(example) for example in rng.sample(examples, n_answered)]
            made = [negatives.make(example, rng) for example in rng.sample(examples, n_unanswerable)]
            pairs += [pair for pair in made if pair is not None]
        rng.shuffle(pairs)
        return [_vary(pair, rng) for pair in pairs]


def _vary(pair: Pair, rng: random.Random) -> Pair:
    if rng.random() < AUGMENTED:
        question = augment(pair.question, rng)
        pair = Pair(pair.source, pair.kind, question, pair.context, pair.spans)
    return crop(pair, rng) if rng.random() < CROPPED else pair
