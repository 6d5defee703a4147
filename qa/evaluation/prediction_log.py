"""What was said to each question of an evaluation, kept: to see what went wrong, and to draw figures from."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from index.errors import ParameterError
from qa.evaluation.metrics import EvaluationError, Prediction, Question, is_right
from qa.text.normalization import f1


@dataclass(frozen=True, slots=True)
class Record:
    """What was said to a question, beside what people answered.

    Attributes:
        file: The file of the question.
        mode: "read" or "retrieve".
        id: Its id in the file.
        question: The question.
        answers: What people answered; empty when the paragraph holds no answer.
        text: The best answer, whether it was given or not; "" when nothing was found.
        confidence: Probability, 0 to 1, that it is right.
        answered: Whether it was given.
        seconds: How long it took.
        rank: Rank from 1 of the paragraph asked about among those retrieved; None when it is not among them.
        right: Whether the text is right: it shares more than half its words with what a human answered.
        f1: Overlap of its words with the best of the human answers, 0 to 1.
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
    """A file of records, JSON Lines, written whole each time that some are added."""

    def __init__(self, path: Path) -> None:
        """Begin a file; one that is there is replaced when records are added.

        Args:
            path: The file.

        Raises:
            ParameterError: It cannot be written; said before the work begins.
        """
        check_writable("save", path)
        self._path = path
        self._lines: list[str] = []

    def add(self, file: Path, mode: str, questions: Sequence[Question], predictions: Sequence[Prediction]) -> None:
        """Add a record for each question.

        Args:
            file: Where the questions are from.
            mode: "read" or "retrieve".
            questions: The questions.
            predictions: What was said to each, in the same order.
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
    """Records of a file that `verbatim evaluate --save` wrote.

    Args:
        path: The file.

    Returns:
        Its records in their order.

    Raises:
        EvaluationError: The file cannot be read, holds no record, or a line is none; the message names it.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            records = [_parsed(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}; name a file that can") from error
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is no UTF-8; name a file that verbatim evaluate --save wrote") from error
    if not records:
        raise EvaluationError(f"{path} holds no record")
    return records


def _parsed(line: str, where: str) -> Record:
    try:
        return _RECORDS.validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f"{name}: " for name in first["loc"])
        raise EvaluationError(f"{where} is no record of verbatim evaluate --save: {field}{first['msg']}") from error


def check_writable(parameter: str, path: Path) -> None:
    """Refuse a file that the result of hours of work could not be written to.

    Args:
        parameter: Name of what names the file.
        path: The file.

    Raises:
        ParameterError: It is a folder or a device, or its folder cannot be written.
    """
    named = f"{parameter}={str(path)!r}"
    if path.is_dir():
        raise ParameterError(f"{named} is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise ParameterError(f"{named} is no ordinary file; name one")
    try:
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise ParameterError(f"{named} cannot be written: {error.strerror}; name another file") from error


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole, or still as it was.

    Args:
        path: The file; of a link, the file that it leads to.
        text: What it is to hold.
    """
    target = path.resolve()
    temporary = target.with_name(f"{target.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
