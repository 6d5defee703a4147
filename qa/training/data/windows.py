"""Pairs of question and text → windows of tokens with targets → batches of like length."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from qa.training.data.examples import Offsets, Pair

if TYPE_CHECKING:
    import torch

WINDOW_TOKENS = 320
STRIDE_TOKENS = 96
_MAX_QUESTION_TOKENS = 96
_POOL = 1500
_NULL_WINDOWS_KEPT = 0.3
_CONTEXT = 1

T = TypeVar("T")


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
    windows = [window_of(part, pair.spans) for part in encode(pair.question, pair.context, tokenizer)]
    made = [window for window in windows if window is not None]
    nulls = [window for window in made if window.starts[0] == 1]
    holding = [window for window in made if window.starts[0] < 1]
    if pair.spans and (not holding or rng.random() > _NULL_WINDOWS_KEPT):
        nulls = []
    return holding + ([rng.choice(nulls)] if nulls else [])


def encode(question: str, context: str, tokenizer: Tokenizer) -> list[Encoding]:
    """A question beside a text as tokens, in as many windows as the text needs.

    Args:
        question: The question; what is too long of it is cut off.
        context: The text.
        tokenizer: The reader's; its truncation is set here.

    Returns:
        The windows' encodings in the order of the text, at least one.
    """
    tokenizer.no_truncation()
    offsets = tokenizer.encode(question, add_special_tokens=False).offsets
    if len(offsets) > _MAX_QUESTION_TOKENS:
        question = question[: offsets[_MAX_QUESTION_TOKENS - 1][1]]
    tokenizer.enable_truncation(WINDOW_TOKENS, stride=STRIDE_TOKENS, strategy="only_second")
    encoding = tokenizer.encode(question, context)
    return [encoding, *encoding.overflowing]


def window_of(encoding: Encoding, spans: Sequence[Offsets]) -> Window | None:
    """A window with what people answered as its target.

    Args:
        encoding: Question and text as tokens.
        spans: What they answered, offsets in the text; those that the window does not hold are left out.

    Returns:
        The window, with the null answer as target when it holds no span; None when it holds nothing of the text.
    """
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
    items: Iterable[T], windows_of: Callable[[T, random.Random], Iterable[Window]], tokens: int, rng: random.Random
) -> Iterator[list[Window]]:
    """Windows of like length together, in pools so large that lengths match and so small that order stays random.

    Args:
        items: What windows are made of, pairs for instance, in the order in which it should be seen.
        windows_of: Makes an item's windows.
        tokens: Tokens in a batch at most, padding counted, unless one window is longer.
        rng: What windows are made with; shuffles the batches of a pool.

    Yields:
        The batches.
    """
    rest = iter(items)
    while pool := list(islice(rest, _POOL)):
        windows = [window for item in pool for window in windows_of(item, rng)]
        batches = group_by_length(windows, lambda window: len(window.ids), tokens)
        rng.shuffle(batches)
        yield from batches


def group_by_length(items: Iterable[T], length_of: Callable[[T], int], tokens: int) -> list[list[T]]:
    """Items of like length together, the shortest first.

    Args:
        items: The items.
        length_of: How many tokens one has.
        tokens: Tokens in a group at most, when all are padded to the longest, unless one item is longer.

    Returns:
        The groups.
    """
    groups: list[list[T]] = []
    for item in sorted(items, key=length_of):
        if not groups or (len(groups[-1]) + 1) * length_of(item) > tokens:
            groups.append([])
        groups[-1].append(item)
    return groups


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
