"""Training batches of the embedder: questions, the passages that answer them, and hard negatives."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from qa.training.data.examples import AUGMENTED, Offsets, Pair, answered, augment, crop, is_for_training, words_of
from qa.training.data.negatives import Negatives
from qa.training.data.questions import ONE_GROUP_IN, DataError, Example, group_of, is_held_out

PASSAGE_TOKENS = 160
"""Most tokens of a passage, the two special ones included."""

MIX: Mapping[str, float] = {
    "newwiki": 1.0,
    "qed": 1.0,
    "covid": 1.0,
    "fairytale": 0.5,
    "reddit": 0.1,  # like amazon, asked about one given text: "how long have they had it?" retrieves nothing
    "amazon": 0.1,
}
"""Share of each source's questions that goes into an epoch, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions and passages that are ranked against each other.

    Attributes:
        questions: n questions.
        passages: m distinct passages: those that answer the questions, in their order, then hard negatives.
        allowed: `(n, m)` bool: for each question, the passage that answers it (i for question i) and all that have no
            answer to it.
    """

    questions: tuple[str, ...]
    passages: tuple[str, ...]
    allowed: NDArray[np.bool_]


def is_for_embedder(example: Example) -> bool:
    """Return whether the embedder may be trained on an example: it is not used for evaluation or to fit fusion."""
    return is_for_training(example) and not is_held_out(group_of(example), ONE_GROUP_IN)


class Pairing:
    """Makes batches from a mix of sources; the same seed gives the same batches."""

    def __init__(self, examples: Sequence[Example], tokenizer: Tokenizer, size: int, seed: int) -> None:
        """Group examples by source.

        Args:
            examples: Examples for training.
            tokenizer: The embedder's, without truncation.
            size: Questions per batch; fewer if there are fewer texts.
            seed: Random seed for examples, their order, negatives and crops.

        Raises:
            DataError: The sources of the mix have fewer than two texts.
        """
        self._by_source = {source: [e for e in examples if e.source == source] for source in MIX}
        self._negatives = {source: Negatives(rows) for source, rows in self._by_source.items() if rows}
        self._tokenizer = tokenizer
        self._seed = seed
        self._size = min(size, len({example.context for example in self._chosen(0)}))
        if self._size < 2:  # noqa: PLR2004
            raise DataError(f"nothing to train on: the sources {', '.join(MIX)} have fewer than two texts")

    def batches(self) -> Iterator[list[Example]]:
        """Yield examples without end, epoch after epoch, never two with the same text in a batch.

        Yields:
            The examples of one batch.
        """
        for number in count():
            waiting = self._chosen(number)
            while len({example.context for example in waiting}) >= self._size:
                batch: dict[str, Example] = {}
                later = []
                for example in waiting:
                    if len(batch) < self._size and example.context not in batch:
                        batch[example.context] = example
                    else:
                        later.append(example)
                yield list(batch.values())
                waiting = later

    def _chosen(self, number: int) -> list[Example]:
        """Return the examples of an epoch, in random order."""
        rng = random.Random(f"{self._seed}, pass {number}")  # noqa: S311 (no secret)
        chosen = [
            example
            for source, rows in self._by_source.items()
            for example in rng.sample(rows, -(-len(rows) * round(100 * MIX[source]) // 100))
        ]
        rng.shuffle(chosen)
        return chosen

    def make(self, examples: Sequence[Example], step: int) -> Batch:
        """Make a batch of examples, with a hard negative for each if there is one.

        Args:
            examples: Examples with distinct texts.
            step: The training step; each step has other negatives and crops.

        Returns:
            The batch.
        """
        rng = random.Random(f"{self._seed}, step {step}")  # noqa: S311 (no secret)
        # Keyed by text: one that answers a question and is another's negative must not be ranked against itself.
        passages = {e.context: shorten(answered(e), self._tokenizer, rng) for e in examples}
        for example in examples:
            hard = self._negatives[example.source].elsewhere(example, rng)
            if hard is not None and hard.context not in passages:
                passages[hard.context] = shorten(hard, self._tokenizer, rng)
        texts = tuple(passages.values())
        questions = (augment(e.question, rng) if rng.random() < AUGMENTED else e.question for e in examples)
        return Batch(tuple(questions), texts, _allowed(examples, texts))


def _allowed(examples: Sequence[Example], passages: Sequence[str]) -> NDArray[np.bool_]:
    """Return the passages that each question is ranked against; others with its answer are excluded."""
    words = [words_of(passage) for passage in passages]
    allowed = np.ones((len(examples), len(passages)), dtype=np.bool_)
    for row, example in enumerate(examples):
        answers = {words_of(text) for text, _ in example.answers}
        allowed[row] = [not any(answer in passage for answer in answers) for passage in words]
        allowed[row, row] = True
    return allowed


def shorten(pair: Pair, tokenizer: Tokenizer, rng: random.Random) -> str:
    """Shorten a pair's text if it is too long, to the sentences around the answer, or else to the tokens around it.

    Args:
        pair: The pair; if it has no answer, the sentences most like the question are kept.
        tokenizer: The embedder's, without truncation.
        rng: Chooses what else is kept.

    Returns:
        A text of at most `PASSAGE_TOKENS` that contains the first answer, unless that alone is longer.
    """
    limit = PASSAGE_TOKENS - 2
    if len(_offsets(pair.context, tokenizer)) > limit:
        pair = crop(pair, rng)
    offsets = _offsets(pair.context, tokenizer)
    if len(offsets) <= limit:
        return pair.context
    start, end = pair.spans[0] if pair.spans else (0, 0)
    first = sum(high <= start for _, high in offsets)
    last = max(first, sum(low < end for low, _ in offsets) - 1)
    begin = max(0, min(first, (first + last + 1 - limit) // 2, len(offsets) - limit))
    return pair.context[offsets[begin][0] : offsets[begin + limit - 1][1]]


def _offsets(text: str, tokenizer: Tokenizer) -> list[Offsets]:
    return list(tokenizer.encode(text, add_special_tokens=False).offsets)
