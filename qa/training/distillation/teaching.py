"""Knowledge distillation: a teacher's predictions as records, and training a smaller reader on them.

After Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network".
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError
from tokenizers import Encoding, Tokenizer

from index.errors import first_fault
from index.pretrained import load_tokenizer
from qa.training.data.examples import Offsets
from qa.training.data.questions import DataError, read_records
from qa.training.data.windows import Window, encode, window_of
from qa.training.reader.commands import train
from qa.training.reader.learning import Recipe, Say, batches_of

Probability = Annotated[FiniteFloat, Field(ge=0, le=1)]
Said = tuple[tuple[int, Probability], ...]

_ROUNDED = 0.01


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question with a text that fits into a window, human answers, and a teacher's prediction.

    Attributes:
        question: The question.
        context: The text.
        spans: Start and end offset of each human answer; empty if the text does not answer.
        starts: The teacher's most probable starts: offsets of tokens' first characters, each with its probability, 0 to
            1. They need not add up to 1.
        ends: Its most probable ends: offsets after tokens' last characters, in the same form.
        null: Probabilities of the null answer as start and as end.
    """

    question: str
    context: str
    spans: tuple[Offsets, ...]
    starts: Said
    ends: Said
    null: tuple[Probability, Probability]


_LESSONS = TypeAdapter(Lesson)


@dataclass(frozen=True, slots=True)
class Teaching:
    """How much the teacher's predictions count.

    Attributes:
        weight: Their weight in the target, 0 to 1; the rest is the human answers.
        temperature: Divides the teacher's log-probabilities, above 0: a higher one gives less probable tokens more
            weight.
    """

    weight: float = 0.6
    temperature: float = 1.0


def load_lessons(path: Path) -> list[Lesson]:
    """Lessons of a file, one JSON object a line: question, context, spans, starts, ends, null.

    Args:
        path: The file, as `verbatim train label` wrote it; one that ends in .xz is uncompressed.

    Returns:
        The lessons.

    Raises:
        DataError: The file cannot be read, holds nothing, or a line is of another form; the message names it.
    """
    lessons = list(read_records(path, parse_lesson))
    if not lessons:
        raise DataError(f"{path} holds no record")
    return lessons


def parse_lesson(path: Path, number: int, line: str | bytes) -> Lesson:
    """The lesson of a line.

    Args:
        path: The line's file.
        number: Its number in the file, from 1.
        line: The line.

    Returns:
        The lesson.

    Raises:
        DataError: It is of another form; the message says what is wrong.
    """
    try:
        lesson = _LESSONS.validate_json(line, strict=True)
    except ValidationError as error:
        raise DataError(f"{path}, line {number}: {first_fault(error)}") from error
    wrong = _fault(lesson)
    if wrong is not None:
        raise DataError(f"{path}, line {number}: {wrong}")
    return lesson


def _fault(lesson: Lesson) -> str | None:
    """What is wrong with a lesson; None when nothing is."""
    length = len(lesson.context)
    if not lesson.question.strip():
        return "its question is blank"
    for start, end in lesson.spans:
        if not 0 <= start < end <= length:
            return f"there is no span from {start} to {end} in a text of {length} characters"
    for name, said, null, low in (
        ("starts", lesson.starts, lesson.null[0], 0),
        ("ends", lesson.ends, lesson.null[1], 1),
    ):
        for at, _ in (*said, (low, null)):
            if not low <= at < length + low:
                return f"{name}: {at} is no place in a text of {length} characters"
        if (total := null + sum(p for _, p in said)) > 1 + _ROUNDED:
            return f"{name}: the probabilities add up to {total:.3f}"
    return None


def make_window(lesson: Lesson, tokenizer: Tokenizer, teaching: Teaching) -> Window | None:
    """Make the student's window of a lesson.

    For an unanswerable pair, the target is the null answer alone.

    Args:
        lesson: The lesson.
        tokenizer: The student's; its truncation is set here.
        teaching: How much the teacher's predictions count.

    Returns:
        The window; None if the text does not fit into one, or has no tokens.
    """
    first, *rest = encode(lesson.question, lesson.context, tokenizer)
    window = None if rest else window_of(first, lesson.spans)
    if window is None or not lesson.spans:
        return window
    start_at, end_at = _tokens_at(first, window)
    of_start, of_end = lesson.null
    return replace(
        window,
        starts=_blend(window.starts, {0: of_start}, lesson.starts, start_at, teaching),
        ends=_blend(window.ends, {0: of_end}, lesson.ends, end_at, teaching),
    )


def _tokens_at(encoding: Encoding, window: Window) -> tuple[dict[int, int], dict[int, int]]:
    """Map offsets in the text to the tokens that begin, and end, there.

    Of tokens that share a character's bytes, the first begins and the last ends, as for spans.
    """
    places = [i for i in range(window.first, window.last + 1) if encoding.offsets[i][0] < encoding.offsets[i][1]]
    starts = {encoding.offsets[i][0]: i for i in reversed(places)}
    return starts, {encoding.offsets[i][1]: i for i in places}


def _blend(
    human: NDArray[np.float32], null: Mapping[int, float], said: Said, token_at: Mapping[int, int], teaching: Teaching
) -> NDArray[np.float32]:
    """Mix human answers and the teacher's prediction into one distribution.

    Probability at an offset where no token of the student begins or ends goes to the human answers: spread over the
    teacher's other offsets, it would turn small remnants into certainties.
    """
    probable = [(token_at.get(at), p) for at, p in said] + list(null.items())
    power = [p ** (1 / teaching.temperature) for _, p in probable]
    total = sum(power)
    if total == 0:
        return human
    target = (1 - teaching.weight) * human.astype(np.float64)
    for (token, _), part in zip(probable, power, strict=True):
        share = teaching.weight * part / total
        if token is None:
            target += share * human
        else:
            target[token] += share
    return target.astype(np.float32)


def run(labels: Path, start: Path, base: Path | None, out: Path, recipe: Recipe, teaching: Teaching, say: Say) -> None:
    """Train a reader on a teacher's predictions, resuming an earlier run.

    Args:
        labels: File written by `verbatim train label`.
        start: Folder of the model to start from.
        base: Folder of the model that this one was made from, for weights it lacks.
        out: Folder for checkpoints.
        recipe: Hyperparameters.
        teaching: How much the teacher's predictions count.
        say: Prints a line.
    """
    lessons, tokenizer = load_lessons(labels), load_tokenizer(start)
    say(f"{len(lessons)} records to train on")

    def windows_of(lesson: Lesson, _: random.Random) -> list[Window]:
        window = make_window(lesson, tokenizer, teaching)
        return [] if window is None else [window]

    train(batches_of(lambda seed: shuffled(lessons, seed), windows_of, recipe), start, base, out, recipe, say)


def shuffled(lessons: Sequence[Lesson], seed: int) -> list[Lesson]:
    """Return all lessons in random order.

    Args:
        lessons: The lessons.
        seed: Random seed; the same seed gives the same order.

    Returns:
        The lessons.
    """
    return random.Random(seed).sample(lessons, len(lessons))  # noqa: S311 (no secret)
