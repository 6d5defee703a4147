"""What the embedder is trained on: questions, each with the passage that answers it and passages that do not."""

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
"""Most tokens of a passage, two special ones included."""

MIX: Mapping[str, float] = {
    "newwiki": 1.0,
    "qed": 1.0,
    "covid": 1.0,
    "fairytale": 0.5,
    "reddit": 0.1,  # asked of the one text, as is amazon: "how long have they had it?" finds nothing among others
    "amazon": 0.1,
}
"""Part of each source's questions that goes into a pass, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions and passages that are ranked against each other.

    Attributes:
        questions: n questions.
        passages: m passages, each text once: those that answer the questions, in their order, then hard negatives.
        allowed: `(n, m)` bool: the passage that answers the question (i for question i), and all that hold no
            answer to it.
    """

    questions: tuple[str, ...]
    passages: tuple[str, ...]
    allowed: NDArray[np.bool_]


def is_for_embedder(example: Example) -> bool:
    """Whether the embedder may see an example: not one that anything is measured on, or fusion fitted on."""
    return is_for_training(example) and not is_held_out(group_of(example), ONE_GROUP_IN)


class Pairing:
    """Makes batches of one mix of sources, the same for the same seed."""

    def __init__(self, examples: Sequence[Example], tokenizer: Tokenizer, size: int, seed: int) -> None:
        """Sort examples by source.

        Args:
            examples: Examples that may be trained on.
            tokenizer: The embedder's, without truncation.
            size: Questions in a batch; fewer where there are fewer texts.
            seed: Chooses examples, their order, negatives and crops.

        Raises:
            DataError: No source of the mix has two texts to tell from each other.
        """
        self._by_source = {source: [e for e in examples if e.source == source] for source in MIX}
        self._negatives = {source: Negatives(rows) for source, rows in self._by_source.items() if rows}
        self._tokenizer = tokenizer
        self._seed = seed
        self._size = min(size, len({example.context for example in self._chosen(0)}))
        if self._size < 2:  # noqa: PLR2004
            raise DataError(f"there is nothing to train on: the sources {', '.join(MIX)} have no two texts")

    def batches(self) -> Iterator[list[Example]]:
        """Examples without end, pass after pass, never two of the same text together.

        Yields:
            As many as belong in a batch.
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
        """The examples of a pass, in random order."""
        rng = random.Random(f"{self._seed}, pass {number}")  # noqa: S311 (no secret)
        chosen = [
            example
            for source, rows in self._by_source.items()
            for example in rng.sample(rows, -(-len(rows) * round(100 * MIX[source]) // 100))
        ]
        rng.shuffle(chosen)
        return chosen

    def make(self, examples: Sequence[Example], step: int) -> Batch:
        """A batch of some examples and a hard negative for each, where there is one.

        Args:
            examples: No two of the same text.
            step: Step that the batch is for: other steps, other negatives and crops.

        Returns:
            The batch.
        """
        rng = random.Random(f"{self._seed}, step {step}")  # noqa: S311 (no secret)
        # By text: one that answers a question and is another's negative must not be ranked against itself.
        passages = {e.context: shorten(answered(e), self._tokenizer, rng) for e in examples}
        for example in examples:
            hard = self._negatives[example.source].elsewhere(example, rng)
            if hard is not None and hard.context not in passages:
                passages[hard.context] = shorten(hard, self._tokenizer, rng)
        texts = tuple(passages.values())
        questions = (augment(e.question, rng) if rng.random() < AUGMENTED else e.question for e in examples)
        return Batch(tuple(questions), texts, _allowed(examples, texts))


def _allowed(examples: Sequence[Example], passages: Sequence[str]) -> NDArray[np.bool_]:
    """Which passages a question is ranked against: another one that holds its answer may answer it, too."""
    words = [words_of(passage) for passage in passages]
    allowed = np.ones((len(examples), len(passages)), dtype=np.bool_)
    for row, example in enumerate(examples):
        answers = {words_of(text) for text, _ in example.answers}
        allowed[row] = [not any(answer in passage for answer in answers) for passage in words]
        allowed[row, row] = True
    return allowed


def shorten(pair: Pair, tokenizer: Tokenizer, rng: random.Random) -> str:
    """A pair's text, when it is too long: sentences around the answer, else the tokens around it.

    Args:
        pair: The pair; of one without an answer, the sentences most like the question.
        tokenizer: The embedder's, without truncation.
        rng: Chooses what is kept beside.

    Returns:
        Text that has `PASSAGE_TOKENS` at most and holds the first answer, if that is no longer itself.
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
