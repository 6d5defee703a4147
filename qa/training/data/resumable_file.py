"""Files of JSON lines written over hours, which an interrupted run can resume."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from index.pretrained import first_line
from qa.training.data.questions import DataError

T = TypeVar("T")


def take_up(out: Path, parse: Callable[[Path, int, bytes], T]) -> list[T]:
    """Read the records of an earlier run; an incomplete last line is cut off.

    Args:
        out: The file; created if missing.
        parse: Parses a line, given the file and the line number, from 1.

    Returns:
        The records.

    Raises:
        DataError: The file has other content, or cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("ab+") as stream:
            stream.seek(0)
            content = stream.read()
            whole = content.rfind(b"\n") + 1
            lines = content[:whole].split(b"\n")[:-1]
            done = [parse(out, number, line) for number, line in enumerate(lines, 1)]
            if content and not done:
                raise DataError(f"{out} has content, but no complete record: remove it, or name another file")
            stream.truncate(whole)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {first_line(error)}") from error
    return done


def append(out: Path, lines: Iterable[str]) -> None:
    """Append records.

    Args:
        out: The file.
        lines: The records, without line ends.

    Raises:
        DataError: The disk is full, or the file cannot be written; earlier records stay.
    """
    text = "".join(f"{line}\n" for line in lines)
    try:
        with out.open("ab") as stream:
            stream.write(text.encode())
    except OSError as error:
        raise DataError(f"{out} cannot be written: {first_line(error)}") from error
