"""Questions to fit on, in one shape: JSON Lines, plain or compressed with xz."""

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
"""Of so many groups one is set apart from the embedder's training: fusion weights are fitted on it."""

_ONE_GROUP_SOURCES = frozenset({"reddit", "covid"})  # all their texts are one group: each text is its own here


class DataError(VerbatimError):
    """A file of training data cannot be used."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the text that answers it, and what people answered.

    Attributes:
        id: Its id.
        source: The data set it comes from.
        group: What must not be torn between fitting and measuring: an article, a site, a story.
        question: The question.
        context: The text.
        answers: What people answered, each with its offset in the text.
    """

    id: str
    source: str
    group: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]


def load_examples(path: Path) -> Iterator[Example]:
    """Examples of a file, one JSON object a line: id, source, group, question, context, answers.

    Args:
        path: The file; one that ends in .xz is uncompressed.

    Returns:
        The examples, read as they are asked for. A `DataError` comes then: the file cannot be read, a line is of
        another form, or an answer does not stand where it says; the message names the line or the record.
    """
    return read_records(path, _example)


def read_records(path: Path, parse: Callable[[Path, int, str], T]) -> Iterator[T]:
    """What stands in the lines of a file, plain or compressed.

    Args:
        path: The file; one that ends in .xz is uncompressed.
        parse: Makes a record of the file, a line's number from 1, and the line.

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
    """What must not be torn between fitting and measuring: the group, or the text where all texts are one group."""
    return example.context if example.source in _ONE_GROUP_SOURCES else example.group


def is_held_out(group: str, one_in: int) -> bool:
    """Whether a group belongs to those set apart, by its hash: the same on every machine."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % one_in == 0
