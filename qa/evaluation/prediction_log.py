"""Log of an evaluation's predictions, for error analysis and plots."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from index.errors import ParameterError, first_fault
from qa.evaluation.metrics import EvaluationError, Prediction, Question, is_right
from qa.text.normalization import f1


@dataclass(frozen=True, slots=True)
class Record:
    """A prediction with the question and its human answers.

    Attributes:
        file: The file of the question.
        mode: "read" or "retrieve".
        id: Its id in the file.
        question: The question.
        answers: Human answers; empty if the paragraph has no answer.
        text: The best answer, given or declined; "" if nothing was found.
        confidence: Probability that it is right, 0 to 1.
        answered: Whether it was given.
        seconds: Time taken.
        rank: Rank of the question's paragraph among those retrieved, from 1; None if it was not retrieved.
        right: Whether the text is right: its F1 is above 0.5.
        f1: Word overlap with the best human answer, 0 to 1.
    """

    file: str
    mode: str
    id: str
    question: str
    answers: tuple[str, ...]
    text: str
    confidence: float
    answered: bool
    seconds: float
    rank: int | None
    right: bool
    f1: float


_RECORDS = TypeAdapter(Record)


class RecordsFile:
    """A file of records as JSON Lines, written atomically whenever records are added."""

    def __init__(self, path: Path) -> None:
        """Start a file; an existing one is replaced when records are added.

        Args:
            path: The file.

        Raises:
            ParameterError: It cannot be written; raised before the work begins.
        """
        check_writable("save", path)
        self._path = path
        self._lines: list[str] = []

    def add(self, file: Path, mode: str, questions: Sequence[Question], predictions: Sequence[Prediction]) -> None:
        """Add a record for each question.

        Args:
            file: The file of the questions.
            mode: "read" or "retrieve".
            questions: The questions.
            predictions: The predictions, in the same order.
        """
        for question, said in zip(questions, predictions, strict=True):
            record = _record(str(file), mode, question, said)
            self._lines.append(json.dumps(asdict(record), ensure_ascii=False) + "\n")
        write_whole(self._path, "".join(self._lines))


def _record(file: str, mode: str, question: Question, said: Prediction) -> Record:
    return Record(
        file=file,
        mode=mode,
        id=question.id,
        question=question.text,
        answers=question.answers,
        text=said.text,
        confidence=said.confidence,
        answered=said.answered,
        seconds=said.seconds,
        rank=said.rank,
        right=is_right(said.text, question.answers),
        f1=f1(said.text, question.answers),
    )


def load_records(path: Path) -> list[Record]:
    """Load a file written by `verbatim evaluate --save`.

    Args:
        path: The file.

    Returns:
        Its records, in order.

    Raises:
        EvaluationError: The file cannot be read, has no records, or a line is not a record; the message names it.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            records = [_parsed(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}; name a file that can") from error
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8; name a file that verbatim evaluate --save wrote") from error
    if not records:
        raise EvaluationError(f"{path} has no records")
    return records


def _parsed(line: str, where: str) -> Record:
    try:
        return _RECORDS.validate_json(line, strict=True)
    except ValidationError as error:
        raise EvaluationError(f"{where} is not a record of verbatim evaluate --save: {first_fault(error)}") from error


def check_writable(parameter: str, path: Path) -> None:
    """Check that a file can be written, before hours of work on its content.

    Args:
        parameter: The parameter that names the file.
        path: The file.

    Raises:
        ParameterError: It is a folder or a device, or its folder cannot be written to.
    """
    named = f"{parameter}={str(path)!r}"
    if path.is_dir():
        raise ParameterError(f"{named} is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise ParameterError(f"{named} is not a regular file; name another file")
    try:
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise ParameterError(f"{named} cannot be written: {error.strerror}; name another file") from error


def write_whole(path: Path, text: str) -> None:
    """Write a file atomically: it is either complete or unchanged.

    Args:
        path: The file; a link is followed.
        text: Its new content.
    """
    target = path.resolve()
    temporary = target.with_name(f"{target.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
