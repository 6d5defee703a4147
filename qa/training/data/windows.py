"""Token windows of question and text with target distributions, batched by length."""

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
    """A token window for the reader, with its targets.

    Attributes:
        ids: Token ids of question and context; position 0 is the null answer.
        types: 0 for the question's tokens, 1 for the context's.
        first: Position of the context's first token.
        last: Position of its last.
        starts: `(n_tokens,)` float32, sums to 1: share of human answers that start at the token; all of it at position
            0 if there are none.
        ends: The same for the answer's last token.
    """

    ids: Sequence[int]
    types: Sequence[int]
    first: int
    last: int
    starts: NDArray[np.float32]
    ends: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of similar length, as tensors.

    Attributes:
        ids: `(n_windows, n_tokens)` int64, padded at the end.
        types: Same shape, int64.
        mask: Same shape, int64: 1 for tokens, 0 for padding.
        allowed: Same shape, bool: positions where an answer may start or end, the null answer's included.
        starts: Same shape, float32: targets, 0 where not allowed.
        ends: Same shape, float32: targets, 0 where not allowed.
    """

    ids: "torch.Tensor"
    types: "torch.Tensor"
    mask: "torch.Tensor"
    allowed: "torch.Tensor"
    starts: "torch.Tensor"
    ends: "torch.Tensor"


def make_windows(pair: Pair, tokenizer: Tokenizer, rng: random.Random) -> list[Window]:
    """Make the windows of a pair: all that hold an answer and, sometimes, one that does not.

    Args:
        pair: The pair.
        tokenizer: The reader's; its truncation is set here.
        rng: Chooses among windows without an answer.

    Returns:
        The windows; one for a pair without an answer, none for a text without tokens.
    """
    windows = [window_of(part, pair.spans) for part in encode(pair.question, pair.context, tokenizer)]
    made = [window for window in windows if window is not None]
    nulls = [window for window in made if window.starts[0] == 1]
    holding = [window for window in made if window.starts[0] < 1]
    if pair.spans and (not holding or rng.random() > _NULL_WINDOWS_KEPT):
        nulls = []
    return holding + ([rng.choice(nulls)] if nulls else [])


def encode(question: str, context: str, tokenizer: Tokenizer) -> list[Encoding]:
    """Tokenize a question with a text, in as many windows as the text needs.

    Args:
        question: The question; truncated if too long.
        context: The text.
        tokenizer: The reader's; its truncation is set here.

    Returns:
        The windows' encodings in text order, at least one.
    """
    tokenizer.no_truncation()
    offsets = tokenizer.encode(question, add_special_tokens=False).offsets
    if len(offsets) > _MAX_QUESTION_TOKENS:
        question = question[: offsets[_MAX_QUESTION_TOKENS - 1][1]]
    tokenizer.enable_truncation(WINDOW_TOKENS, stride=STRIDE_TOKENS, strategy="only_second")
    encoding = tokenizer.encode(question, context)
    return [encoding, *encoding.overflowing]


def window_of(encoding: Encoding, spans: Sequence[Offsets]) -> Window | None:
    """Make a window, with the human answers as target.

    Args:
        encoding: Tokens of question and text.
        spans: Offsets of the answers in the text; those outside the window are ignored.

    Returns:
        The window, with the null answer as target if it holds no span; None if it holds nothing of the text.
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
    """Return the first and last token of a span; None if it is not wholly in the window."""
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
    """Batch windows of similar length, within pools: large enough to match lengths, small enough to stay random.

    Args:
        items: What windows are made of, such as pairs, in training order.
        windows_of: Makes an item's windows.
        tokens: Most tokens per batch, padding included, unless a single window is longer.
        rng: Passed to `windows_of`; also shuffles the batches of a pool.

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
    """Group items of similar length, shortest first.

    Args:
        items: The items.
        length_of: Returns an item's number of tokens.
        tokens: Most tokens per group, when all are padded to the longest, unless a single item is longer.

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
    """Stack windows as tensors, padded to the longest.

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
