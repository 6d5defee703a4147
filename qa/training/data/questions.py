"""Question answering data in one format: JSON Lines, plain or compressed with xz."""

import hashlib
import json
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from index.errors import ParameterError, VerbatimError
from index.records import check_unicode

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
        record = json.loads(line)
        answers = tuple((answer["text"], answer["start"]) for answer in record["answers"])
        keys = ("id", "source", "group", "question", "context")
        example = Example(**{key: check_unicode(key, record[key]) for key in keys}, answers=answers)
        stands = [bool(text) and example.context[start : start + len(text)] == text for text, start in answers]
    except (ValueError, KeyError, TypeError, AttributeError, ParameterError) as error:
        raise DataError(f"{path}, line {number}: {type(error).__name__} {error}") from error
    for (text, start), it_does in zip(answers, stands, strict=True):
        if not it_does:
            raise DataError(f"{path}, record {example.id!r}: {text!r} does not stand at offset {start}")
    return example


def group_of(example: Example) -> str:
    """Return what must not be split between training and evaluation: the group, or the text in one-group sources."""
    return example.context if example.source in _ONE_GROUP_SOURCES else example.group


def is_held_out(group: str, one_in: int) -> bool:
    """Return whether a group is held out, decided by its hash and so the same on every machine."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % one_in == 0
