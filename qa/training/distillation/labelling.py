"""Writes down what a larger reader says of a pass, for a smaller one to learn from: `verbatim train label`."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Encoding, Tokenizer

from index.pretrained import load_tokenizer
from qa.training.data.examples import MIX, Pair, Share, crop, is_for_training, load_checked
from qa.training.data.growing import append, take_up
from qa.training.data.negatives import Mixer
from qa.training.data.questions import DataError
from qa.training.data.windows import Window, collate, encode, group_by_length, window_of
from qa.training.distillation.teaching import Lesson, Said, parse_lesson
from qa.training.reader.learning import Say, logits_of
from qa.training.reader.models import load_reader, speed_up

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

PLACES = 8
"""How many starts, and ends, of the teacher's are kept: the most probable."""

_POOL = 64
_BATCH_TOKENS = 2000
_DIGITS = 5
_SAID_EVERY = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair that fits a window of the teacher's."""

    pair: Pair
    encoding: Encoding
    window: Window


def run(
    data: Path,
    teacher: Path,
    base: Path | None,
    out: Path,
    *,
    limit: int | None,
    seed: int,
    say: Say,
    mix: Mapping[str, Share] = MIX,
) -> int:
    """Let a teacher read a pass, going on where an earlier run stopped.

    Args:
        data: Training data.
        teacher: Folder of the reader that teaches.
        base: Folder of the model that one was made from, for weights it lacks.
        out: The file to write, .jsonl; records that it holds are not made again.
        limit: Records at most; None makes one of each pair of the pass that fits a window.
        seed: Chooses the pass.
        say: Prints a line.
        mix: How much of each source goes into the pass.

    Returns:
        How many records the file holds.

    Raises:
        DataError: The data or the teacher cannot be used, or the file holds other records.
    """
    if out.suffix == ".xz":
        raise DataError(f"{out} would be compressed: name a .jsonl file, and compress it when it is done")
    done = take_up(out, parse_lesson)
    examples = [example for example in load_checked(data, say) if is_for_training(example)]
    pairs = Mixer(examples, mix).mixed(seed)
    tokenizer = load_tokenizer(teacher)
    asked = islice(fitting(pairs, tokenizer, random.Random(seed)), limit)  # noqa: S311 (no secret)
    _skip(out, done, asked)
    if done:
        say(f"goes on after {len(done)} records")
    model = load_reader(teacher, base).eval()
    speed_up(model)
    n_records = _write(out, len(done), label(model, asked), say)
    if not n_records:
        raise DataError("there is nothing to label: no source of the mix has an example, or no text fits")
    say(f"{n_records} records in {out}")
    return n_records


def fitting(pairs: Iterable[Pair], tokenizer: Tokenizer, rng: random.Random) -> Iterator[Asked]:
    """Pairs that fit a window, cropped where they must be.

    Args:
        pairs: The pairs.
        tokenizer: The teacher's.
        rng: Chooses what is cropped.

    Yields:
        Those that fit, in their order; a text that is too long even so, or without tokens, is left out.
    """
    for pair in pairs:
        shorter, parts = pair, encode(pair.question, pair.context, tokenizer)
        if len(parts) > 1:
            shorter = crop(pair, rng)
            parts = encode(shorter.question, shorter.context, tokenizer)
        window = window_of(parts[0], shorter.spans) if len(parts) == 1 else None
        if window is not None:
            yield Asked(shorter, parts[0], window)


def _skip(out: Path, done: Sequence[Lesson], asked: Iterator[Asked]) -> None:
    """Leave out the pairs that have their records.

    Args:
        out: The file of the records.
        done: The records.
        asked: All pairs, in the order of the records.

    Raises:
        DataError: The records are of other pairs.
    """
    for number, (lesson, one) in enumerate(zip(done, asked, strict=False), 1):
        pair = one.pair
        if (lesson.question, lesson.context, lesson.spans) != (pair.question, pair.context, pair.spans):
            raise DataError(f"{out}, line {number}: it is of other data or another seed: give those, or a new file")


def label(model: "PreTrainedModel", asked: Iterable[Asked]) -> Iterator[list[Lesson]]:
    """What a teacher says of pairs.

    It is not asked about those made unanswerable: what they have no answer to, it need not tell, and nothing learns
    from its word.

    Args:
        model: The teacher.
        asked: The pairs.

    Yields:
        Some lessons at a time, in the order of the pairs.
    """
    rest = iter(asked)
    while pool := list(islice(rest, _POOL)):
        lessons = {i: _unanswerable(one.pair) for i, one in enumerate(pool) if not one.pair.spans}
        unread = [i for i in range(len(pool)) if i not in lessons]
        for group in group_by_length(unread, lambda i: len(pool[i].window.ids), _BATCH_TOKENS):
            lessons |= zip(group, _read(model, [pool[i] for i in group]), strict=True)
        yield [lessons[i] for i in range(len(pool))]


def _unanswerable(pair: Pair) -> Lesson:
    return Lesson(pair.question, pair.context, (), (), (), (1.0, 1.0))


def _read(model: "PreTrainedModel", asked: Sequence[Asked]) -> list[Lesson]:
    import torch

    batch = collate([one.window for one in asked], model.config.pad_token_id or 0)
    with torch.inference_mode():
        probable = logits_of(model, batch).softmax(-1)
    return [_lesson(one, probable[:, row]) for row, one in enumerate(asked)]


def _lesson(asked: Asked, probable: "torch.Tensor") -> Lesson:
    """A teacher's word as a record.

    Args:
        asked: The pair.
        probable: `(2, n_tokens)` float32, of each token as start and as end.

    Returns:
        The record.
    """
    pair, offsets = asked.pair, asked.encoding.offsets
    starts, ends = ([(offsets[i][side], p) for i, p in _most(asked.window, probable[side])] for side in (0, 1))
    of_start, of_end = (round(p, _DIGITS) for p in probable[:, 0].tolist())
    return Lesson(pair.question, pair.context, pair.spans, tuple(starts), tuple(ends), (of_start, of_end))


def _most(window: Window, probable: "torch.Tensor") -> Said:
    """The most probable tokens of the text, those that no digit is left of excepted."""
    context = probable[window.first : window.last + 1]
    top = context.topk(min(PLACES, len(context)))
    rounded = (
        (window.first + i, round(p, _DIGITS)) for i, p in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )
    return tuple((i, p) for i, p in rounded if p > 0)


def _write(out: Path, n_records: int, lessons: Iterable[Sequence[Lesson]], say: Say) -> int:
    """Append records, some at a time.

    Args:
        out: The file.
        n_records: How many it holds.
        lessons: What to append.
        say: Prints a line.

    Returns:
        How many it holds then.

    Raises:
        DataError: The disk is full; what was written stays.
    """
    for number, some in enumerate(lessons, 1):
        append(out, (json.dumps(asdict(lesson), ensure_ascii=False) for lesson in some))
        n_records += len(some)
        if number % _SAID_EVERY == 0:
            say(f"{n_records} records")
    return n_records
