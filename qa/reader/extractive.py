"""The extractive reader: (question, passages) → scored spans."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from cachetools import LRUCache
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from index.errors import ModelError
from index.pretrained import (
    first_line,
    hash_weights,
    load_tokenizer,
    model_folder,
    pick_device,
    pick_dtype,
    quiet_loading,
)
from index.settings import Settings
from qa.reader.quantized import load_model
from qa.records.span import Span

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FAST, ACCURATE, CASCADE = "fast", "accurate", "cascade"
"""Names of the packaged readers; the cascade combines the other two."""

FAST_READER = Path(__file__).parents[1] / "models" / "reader"
ACCURATE_READER = Path(__file__).parents[1] / "models" / "accurate"

_REMEMBERED_PASSAGES = 256
_WINDOW_TOKENS = 320
_STRIDE_TOKENS = 96
_MAX_QUESTION_TOKENS = 96
_MAX_ANSWER_TOKENS = 30
_SPANS_PER_WINDOW = 10
_TOKENS_PER_BATCH = 2560
_ONLY_CONTEXT = 1
_JOINERS = "\u200d\ufe0e\ufe0f\u20e3"

Floats = NDArray[np.float32]


class SpanReader(Protocol):
    """Reads passages, and returns scored spans."""

    def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
        """Read passages for a question.

        Args:
            question: The question.
            passages: Texts of passages.

        Returns:
            The spans of each passage, best first; none for a passage without words.
        """


class Reader:
    """A Hugging Face extractive reader on this machine; its weights are loaded when it first reads."""

    def __init__(self, settings: Settings) -> None:
        """Locate the model.

        Args:
            settings: Reader (None is the fast one), device and precision.

        Raises:
            ModelError: The model is not on this machine.
        """
        self.name = FAST if settings.reader is None else settings.reader
        packaged = {FAST: FAST_READER, ACCURATE: ACCURATE_READER}.get(self.name)
        self.folder = packaged or model_folder(self.name, "reader")
        self._settings = settings
        self._remembered: LRUCache[tuple[str, str], list[Span]] = LRUCache(_REMEMBERED_PASSAGES)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, in hexadecimal."""
        return hash_weights(self.folder)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.folder)

    @cached_property
    def _device(self) -> str:
        return pick_device(self._settings.device)

    @cached_property
    def _model(self) -> "PreTrainedModel":
        dtype = pick_dtype(self._settings.precision, self._device)
        try:
            with quiet_loading():
                return load_model(self.folder, dtype).to(self._device)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"reader={self.name!r} cannot be loaded: {first_line(error)}") from error

    def read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
        """Read passages for a question, batched by length; recent results are cached.

        The cache serves conversations, which ask the same question of one document after another.

        Args:
            question: The question; tokens after the 96th are ignored.
            passages: Texts of passages; long ones are read in overlapping windows.

        Returns:
            The spans of each passage, best first; none for a passage without words.
        """
        found = {text: self._remembered.get((question, text)) for text in passages}
        new = [text for text, spans in found.items() if spans is None]
        for text, spans in zip(new, self._read(question, new), strict=True):
            found[text] = self._remembered[question, text] = spans
        return [list(found[text] or ()) for text in passages]

    def _read(self, question: str, passages: Sequence[str]) -> list[list[Span]]:
        windows = self._windows(question, passages)
        found: list[dict[tuple[int, int], float]] = [{} for _ in passages]
        for batch in _batches(windows):
            starts, ends = self._logits([window for _, window in batch])
            for (position, window), start_logits, end_logits in zip(batch, starts, ends, strict=True):
                for start, end, score in decode(window, start_logits, end_logits):
                    place = whole_characters(passages[position], start, end)
                    found[position][place] = max(score, found[position].get(place, score))
        return [
            sorted((Span(*place, score) for place, score in spans.items()), key=lambda s: (-s.score, s.start, s.end))
            for spans in found
        ]

    def _windows(self, question: str, passages: Sequence[str]) -> list[tuple[int, Encoding]]:
        """Encode each passage with the question in overlapping windows, each with its passage's position."""
        tokenizer = self._tokenizer
        tokenizer.no_truncation()
        offsets = tokenizer.encode(question, add_special_tokens=False).offsets
        if len(offsets) > _MAX_QUESTION_TOKENS:
            question = question[: offsets[_MAX_QUESTION_TOKENS - 1][1]]
        tokenizer.enable_truncation(_WINDOW_TOKENS, stride=_STRIDE_TOKENS, strategy="only_second")
        encodings = tokenizer.encode_batch([(question, passage) for passage in passages])
        return [
            (position, window)
            for position, encoding in enumerate(encodings)
            for window in (encoding, *encoding.overflowing)
        ]

    def _logits(self, windows: list[Encoding]) -> tuple[Floats, Floats]:
        """Start and end logits, each `(n_windows, n_tokens)` float32, padding included."""
        import torch

        longest = max(len(window.ids) for window in windows)
        ids, types, mask = (np.zeros((len(windows), longest), dtype=np.int64) for _ in range(3))
        ids[:] = self._padding_id
        for row, window in enumerate(windows):
            n = len(window.ids)
            ids[row, :n], types[row, :n], mask[row, :n] = window.ids, window.type_ids, 1
        inputs = {"input_ids": ids, "attention_mask": mask}
        if self._has_token_types:
            inputs["token_type_ids"] = types
        with torch.inference_mode():
            output = self._model(**{name: torch.from_numpy(array).to(self._device) for name, array in inputs.items()})
        return output.start_logits.float().cpu().numpy(), output.end_logits.float().cpu().numpy()

    @cached_property
    def _padding_id(self) -> int:
        return int(getattr(self._model.config, "pad_token_id", None) or 0)

    @cached_property
    def _has_token_types(self) -> bool:
        return getattr(self._model.config, "type_vocab_size", 0) > 1


def decode(window: Encoding, start_logits: Floats, end_logits: Floats) -> list[tuple[int, int, float]]:
    """Return the best spans of a window, with start and end chosen jointly (Chen et al. 2017, DrQA, section 3.2.2).

    Args:
        window: Encoding of question and context; position 0 is the null answer.
        start_logits: `(n_tokens,)` float32; values beyond the window's length are padding.
        end_logits: As `start_logits`.

    Returns:
        Start and end offset in the context, and score, of up to 10 spans, best first. A span lies in the context,
        starts and ends at word boundaries and has 1 to 30 tokens.
    """
    tokens = [i for i, sequence in enumerate(window.sequence_ids) if sequence == _ONLY_CONTEXT]
    if not tokens:
        return []
    low, high = tokens[0], tokens[-1] + 1
    words = np.asarray(window.word_ids[low:high])
    first_of_word = np.concatenate([[True], words[1:] != words[:-1]])
    last_of_word = np.concatenate([words[1:] != words[:-1], [True]])
    starts = np.where(first_of_word, start_logits[low:high], -np.inf)
    ends = np.where(last_of_word, end_logits[low:high], -np.inf)
    beyond = np.full(_MAX_ANSWER_TOKENS - 1, -np.inf, dtype=np.float32)
    # Row i, column d: a span from token i to token i + d.
    joint = starts[:, None] + sliding_window_view(np.concatenate([ends, beyond]), _MAX_ANSWER_TOKENS)
    scores = joint.ravel()
    n = min(_SPANS_PER_WINDOW, scores.size)
    best = np.argpartition(scores, -n)[-n:]
    best = best[np.argsort(-scores[best], kind="stable")]
    null = float(start_logits[0] + end_logits[0])
    offsets = window.offsets[low:high]
    first, length = np.divmod(best, _MAX_ANSWER_TOKENS)
    places = zip(first.tolist(), (first + length).tolist(), scores[best].tolist(), strict=True)
    return [
        (offsets[i][0], offsets[j][1], score - null)
        for i, j, score in places
        if math.isfinite(score) and offsets[i][0] < offsets[j][1]
    ]


def whole_characters(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that it does not separate a character from its accents and joiners.

    Args:
        text: The passage.
        start: Offset of the span's first character.
        end: Offset after its last.

    Returns:
        Start and end; the new span contains the old one.
    """
    while start > 0 and _continues(text, start):
        start -= 1
    while end < len(text) and _continues(text, end):
        end += 1
    return start, end


def _continues(text: str, position: int) -> bool:
    """Return whether the character at a position is combined with the one before it."""
    char = text[position]
    return unicodedata.combining(char) > 0 or char in _JOINERS or text[position - 1] == "\u200d"


def _batches(windows: list[tuple[int, Encoding]]) -> Iterator[list[tuple[int, Encoding]]]:
    """Batch windows of similar length, as many as fit a budget of tokens, padding included."""
    batch: list[tuple[int, Encoding]] = []
    for item in sorted(windows, key=lambda item: (len(item[1].ids), item[0])):
        if batch and (len(batch) + 1) * len(item[1].ids) > _TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
