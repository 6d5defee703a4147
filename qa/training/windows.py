"""Pairs of question and text → windows of tokens with targets → batches of like length."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from qa.training.examples import Offsets, Pair

if TYPE_CHECKING:
    import torch

WINDOW_TOKENS = 320
STRIDE_TOKENS = 96
_MAX_QUESTION_TOKENS = 96
_POOL = 1500
_NULL_WINDOWS_KEPT = 0.3
_CONTEXT = 1


@dataclass(frozen=True, slots=True)
class Window:
    """What the reader reads at once, and what it should say.

    Attributes:
        ids: Token ids of question and context; position 0 is the null answer.
        types: 0 for the question's tokens, 1 for the context's.
        first: Position of the first token of the context.
        last: Position of its last.
        starts: `(n_tokens,)` float32, sums to 1: share of the people whose answer starts at the token, or
            all of it at position 0.
        ends: The same for the last token of the answer.
    """

    ids: Sequence[int]
    types: Sequence[int]
    first: int
    last: int
    starts: NDArray[np.float32]
    ends: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of like length as tensors.

    Attributes:
        ids: `(n_windows, n_tokens)` int64, padded at the end.
        types: The same shape, int64.
        mask: The same shape, int64: 1 for tokens, 0 for padding.
        allowed: The same shape, bool: where an answer may start or end, the null's position among them.
        starts: The same shape, float32: targets, 0 where nothing is allowed.
        ends: The same.
    """

    ids: "torch.Tensor"
    types: "torch.Tensor"
    mask: "torch.Tensor"
    allowed: "torch.Tensor"
    starts: "torch.Tensor"
    ends: "torch.Tensor"


def make_windows(pair: Pair, tokenizer: Tokenizer, rng: random.Random) -> list[Window]:
    """Windows of a pair: those that hold an answer and, now and then, one that does not.

    Args:
        pair: The pair.
        tokenizer: The reader's; its truncation is set here.
        rng: Chooses among windows without an answer.

    Returns:
        The windows; a pair without an answer gives one, a text without tokens none.
    """
    tokenizer.no_truncation()
    offsets = tokenizer.encode(pair.question, add_special_tokens=False).offsets
    question = pair.question
    if len(offsets) > _MAX_QUESTION_TOKENS:
        question = question[: offsets[_MAX_QUESTION_TOKENS - 1][1]]
    tokenizer.enable_truncation(WINDOW_TOKENS, stride=STRIDE_TOKENS, strategy="only_second")
    encoding = tokenizer.encode(question, pair.context)
    windows = [_window(part, pair.spans) for part in (encoding, *encoding.overflowing)]
    made = [window for window in windows if window is not None]
    nulls = [window for window in made if window.starts[0] == 1]
    holding = [window for window in made if window.starts[0] < 1]
    if pair.spans and (not holding or rng.random() > _NULL_WINDOWS_KEPT):
        nulls = []
    return holding + ([rng.choice(nulls)] if nulls else [])


def _window(encoding: Encoding, spans: Sequence[Offsets]) -> Window | None:
    places = [i for i, sequence in enumerate(encoding.sequence_ids) if sequence == _CONTEXT]
    if not places:
        return None
    starts, ends = (np.zeros(len(encoding.ids), dtype=np.float32) for _ in range(2))
    inside = [found for span in spans if (found := _tokens(encoding, places, span)) is not None]
    for start, end in inside or [(0, 0)]:
        starts[start] += 1
        ends[end] += 1
    return Window(encoding.ids, encoding.type_ids, places[0], places[-1], starts / starts.sum(), ends / ends.sum())


def _tokens(encoding: Encoding, places: Sequence[int], span: Offsets) -> tuple[int, int] | None:
    """First and last token of a span; None when the window does not hold all of it."""
    start, end = span
    offsets = encoding.offsets
    if start < offsets[places[0]][0] or end > offsets[places[-1]][1]:
        return None
    first = next((i for i in places if offsets[i][1] > start), None)
    last = next((i for i in reversed(places) if offsets[i][0] < end), None)
    return None if first is None or last is None or last < first else (first, last)


def make_batches(
    pairs: Iterable[Pair], tokenizer: Tokenizer, tokens: int, rng: random.Random
) -> Iterator[list[Window]]:
    """Windows of like length together, in pools so large that lengths match and so small that order stays random.

    Args:
        pairs: The pairs, in the order in which they should be seen.
        tokenizer: The reader's.
        tokens: Tokens in a batch at most, padding counted, unless one window is longer.
        rng: Shuffles the batches of a pool.

    Yields:
        The batches.
    """
    pool: list[Pair] = []
    for pair in pairs:
        pool.append(pair)
        if len(pool) == _POOL:
            yield from _batches(pool, tokenizer, tokens, rng)
            pool = []
    yield from _batches(pool, tokenizer, tokens, rng)


def _batches(pool: Sequence[Pair], tokenizer: Tokenizer, tokens: int, rng: random.Random) -> list[list[Window]]:
    windows = [window for pair in pool for window in make_windows(pair, tokenizer, rng)]
    batches: list[list[Window]] = []
    for window in sorted(windows, key=lambda window: len(window.ids)):
        if not batches or (len(batches[-1]) + 1) * len(window.ids) > tokens:
            batches.append([])
        batches[-1].append(window)
    rng.shuffle(batches)
    return batches


def collate(windows: Sequence[Window], padding_id: int) -> Batch:
    """Windows as tensors, padded to the longest.

    Args:
        windows: The windows, at least one.
        padding_id: Token id of padding.

    Returns:
        The batch.
    """
    import torch

    shape = (len(windows), max(len(window.ids) for window in windows))
    ids = torch.full(shape, padding_id, dtype=torch.long)
    types, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    allowed = torch.zeros(shape, dtype=torch.bool)
    starts, ends = torch.zeros(shape), torch.zeros(shape)
    for row, window in enumerate(windows):
        n = len(window.ids)
        ids[row, :n], types[row, :n] = torch.tensor(window.ids), torch.tensor(window.types)
        mask[row, :n] = 1
        allowed[row, 0] = allowed[row, window.first : window.last + 1] = True
        starts[row, :n], ends[row, :n] = torch.from_numpy(window.starts), torch.from_numpy(window.ends)
    return Batch(ids, types, mask, allowed, starts, ends)
