"""Writes a teacher's predictions on an epoch as labels for a smaller reader: `verbatim train label`."""

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
from qa.training.data.negatives import Mixer
from qa.training.data.questions import DataError
from qa.training.data.resumable_file import append, take_up
from qa.training.data.windows import Window, collate, encode, group_by_length, window_of
from qa.training.distillation.teaching import Lesson, Said, parse_lesson
from qa.training.reader.learning import Say, logits_of
from qa.training.reader.models import load_reader, speed_up

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

PLACES = 8
"""Number of the teacher's most probable starts, and of ends, that are kept."""

_POOL = 64
_BATCH_TOKENS = 2000
_DIGITS = 5
_SAID_EVERY = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair that fits into one of the teacher's windows."""

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
    """Let a teacher label an epoch, resuming an earlier run.

    Args:
        data: Training data.
        teacher: Folder of the teacher.
        base: Folder of the model that the teacher was made from, for weights it lacks.
        out: File to write, .jsonl; records already in it are kept.
        limit: Maximum number of records; None is one for each pair of the epoch that fits into a window.
        seed: Random seed of the epoch.
        say: Prints a line.
        mix: How much of each source goes into the epoch.

    Returns:
        Number of records in the file.

    Raises:
        DataError: The data or the teacher cannot be used, or the file has other records.
    """
    if out.suffix == ".xz":
        raise DataError(f"{out} would be compressed: name a .jsonl file, and compress it afterwards")
    done = take_up(out, parse_lesson)
    examples = [example for example in load_checked(data, say) if is_for_training(example)]
    pairs = Mixer(examples, mix).mixed(seed)
    tokenizer = load_tokenizer(teacher)
    asked = islice(fitting(pairs, tokenizer, random.Random(seed)), limit)  # noqa: S311 (no secret)
    _skip(out, done, asked)
    if done:
        say(f"resuming after {len(done)} records")
    model = load_reader(teacher, base).eval()
    speed_up(model)
    n_records = _write(out, len(done), label(model, asked), say)
    if not n_records:
        raise DataError("nothing to label: no source of the mix has an example, or no text fits")
    say(f"{n_records} records in {out}")
    return n_records


def fitting(pairs: Iterable[Pair], tokenizer: Tokenizer, rng: random.Random) -> Iterator[Asked]:
    """Select the pairs that fit into a window, cropping them if necessary.

    Args:
        pairs: The pairs.
        tokenizer: The teacher's.
        rng: Chooses what is cropped.

    Yields:
        Those that fit, in order; texts that are still too long, or have no tokens, are left out.
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
    """Skip the pairs that have records already.

    Args:
        out: The file of records.
        done: The records.
        asked: All pairs, in the order of the records.

    Raises:
        DataError: The records belong to other pairs.
    """
    for number, (lesson, one) in enumerate(zip(done, asked, strict=False), 1):
        pair = one.pair
        if (lesson.question, lesson.context, lesson.spans) != (pair.question, pair.context, pair.spans):
            raise DataError(f"{out}, line {number}: made from other data or another seed: use those, or a new file")


def label(model: "PreTrainedModel", asked: Iterable[Asked]) -> Iterator[list[Lesson]]:
    """Let a teacher label pairs.

    It doesn't read unanswerable pairs: their target is the null answer alone.

    Args:
        model: The teacher.
        asked: The pairs.

    Yields:
        Batches of lessons, in the order of the pairs.
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
    """Make a record of the teacher's prediction.

    Args:
        asked: The pair.
        probable: `(2, n_tokens)` float32: probability of each token as start and as end.

    Returns:
        The record.
    """
    pair, offsets = asked.pair, asked.encoding.offsets
    starts, ends = ([(offsets[i][side], p) for i, p in _most(asked.window, probable[side])] for side in (0, 1))
    of_start, of_end = (round(p, _DIGITS) for p in probable[:, 0].tolist())
    return Lesson(pair.question, pair.context, pair.spans, tuple(starts), tuple(ends), (of_start, of_end))


def _most(window: Window, probable: "torch.Tensor") -> Said:
    """Return the text's most probable tokens, without those whose probability rounds to 0."""
    context = probable[window.first : window.last + 1]
    top = context.topk(min(PLACES, len(context)))
    rounded = (
        (window.first + i, round(p, _DIGITS)) for i, p in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )
    return tuple((i, p) for i, p in rounded if p > 0)


def _write(out: Path, n_records: int, lessons: Iterable[Sequence[Lesson]], say: Say) -> int:
    """Append records, in batches.

    Args:
        out: The file.
        n_records: Number of records already in it.
        lessons: Batches to append.
        say: Prints a line.

    Returns:
        Number of records in the file afterwards.

    Raises:
        DataError: The disk is full; records written before stay.
    """
    for number, some in enumerate(lessons, 1):
        append(out, (json.dumps(asdict(lesson), ensure_ascii=False) for lesson in some))
        n_records += len(some)
        if number % _SAID_EVERY == 0:
            say(f"{n_records} records")
    return n_records
