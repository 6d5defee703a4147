"""Question answering data in one format: JSON Lines, plain or compressed with xz."""

import hashlib
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from index.errors import VerbatimError, first_fault

T = TypeVar("T")

ONE_GROUP_IN = 4
"""One of so many groups is left out of training the embedder; fusion weights are fitted on it."""

_ONE_GROUP_SOURCES = frozenset({"reddit", "covid"})  # put all their texts in one group: here each text is a group


class DataError(VerbatimError):
    """A file of training data cannot be used."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the text that answers it, and human answers.

    Attributes:
        id: Its id.
        source: Its data set.
        group: Its article, site or story, which must not be split between training and evaluation.
        question: The question.
        context: The text.
        answers: Human answers, each with its offset in the text.
    """

    id: str
    source: str
    group: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A human answer, as the files have it."""

    text: str
    start: NonNegativeInt


@dataclass(frozen=True, slots=True)
class _Record:
    """An example, as the files have it."""

    id: str
    source: str
    group: str
    question: str
    context: str
    answers: list[_Answer]


_RECORDS = TypeAdapter(_Record)


def load_examples(path: Path) -> Iterator[Example]:
    """Read examples from a file with one JSON object per line: id, source, group, question, context, answers.

    Args:
        path: The file; it is decompressed if its name ends in .xz.

    Returns:
        The examples, read lazily. Iterating raises `DataError`, naming the line or record, if the file cannot be read,
        a line has another format, or an answer is not at its offset.
    """
    return read_records(path, _example)


def read_records(path: Path, parse: Callable[[Path, int, str], T]) -> Iterator[T]:
    """Parse the lines of a file, plain or compressed.

    Args:
        path: The file; it is decompressed if its name ends in .xz.
        parse: Parses a line, given the file, the line number from 1, and the line.

    Yields:
        The records.

    Raises:
        DataError: The file cannot be read.
    """
    opened = lzma.open if path.suffix == ".xz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield parse(path, number, line)
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _example(path: Path, number: int, line: str) -> Example:
    try:
        record = _RECORDS.validate_json(line, strict=True)
    except ValidationError as error:
        raise DataError(f"{path}, line {number}: {first_fault(error)}") from error
    for answer in record.answers:
        if not answer.text or record.context[answer.start : answer.start + len(answer.text)] != answer.text:
            place = f"{answer.text!r} does not stand at offset {answer.start}"
            raise DataError(f"{path}, record {record.id!r}: {place}")
    answers = tuple((answer.text, answer.start) for answer in record.answers)
    return Example(record.id, record.source, record.group, record.question, record.context, answers)


def group_of(example: Example) -> str:
    """Return what must not be split between training and evaluation: the group, or the text in one-group sources."""
    return example.context if example.source in _ONE_GROUP_SOURCES else example.group


def is_held_out(group: str, one_in: int) -> bool:
    """Return whether a group is held out, decided by its hash and so the same on every machine."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % one_in == 0
