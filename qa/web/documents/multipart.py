"""Files that a browser sends: written to a folder as they come, each within its bounds, under a harmless name."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from index.ingest.loading import MAX_FILE_BYTES

MAX_NAME_BYTES = 200
"""Of a name in UTF-8: file systems hold 255, of which a number and a temporary ending need some."""
_MIB = 1024 * 1024
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.I)
"""Names that are devices to Windows, whatever follows."""
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that show the others of a name in another order, so that "fdp.exe" looks like "exe.pdf"."""


class RefusedError(Exception):
    """All that is being sent is refused; its message is one line for people, its `status` the one of HTTP."""

    def __init__(self, status: int, line: str) -> None:
        """Refuse.

        Args:
            status: The HTTP status that says so.
            line: Why, for people.
        """
        super().__init__(line)
        self.status = status


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be sent at a time.

    Attributes:
        file_bytes: Bytes of a file.
        total_bytes: Bytes of all that is sent.
        files: Number of files.
    """

    file_bytes: int = MAX_FILE_BYTES
    total_bytes: int = 1024 * _MIB
    files: int = 500


@dataclass(slots=True)
class Received:
    """A file that was sent.

    Attributes:
        name: Its name.
        path: Where it lies; nothing does where it is refused.
        size_bytes: How many bytes of it came.
        problem: Why it is refused, for people; "" where it is not.
        sha256: Hash of its bytes, in hexadecimal.
    """

    name: str
    path: Path
    size_bytes: int = 0
    problem: str = ""
    sha256: str = ""


def name_problem(name: str) -> str:
    """Why a file cannot have this name in a folder of documents; "" where it can."""
    unseen = any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _TURNING for char in name)
    problems = (
        (not name, "it has no name"),
        ("/" in name or "\\" in name, "its name holds a path; send files by their names alone"),
        (name.startswith("."), "hidden files are not indexed; give it a name without the leading dot"),
        (unseen, "its name holds characters that cannot be seen; rename it"),
        (name != name.strip() or name.endswith("."), "its name ends with a dot, or a space is around it; rename it"),
        (_RESERVED.match(name) is not None, "its name is that of a device on Windows; rename it"),
        (
            len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES,
            f"its name is longer than {MAX_NAME_BYTES} bytes; give it a shorter one",
        ),
    )
    return next((line for is_so, line in problems if is_so), "")


@dataclass(slots=True)
class _Part:
    """A part of what is sent, as far as it came."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    field_name: bytes = b""
    field_value: bytes = b""


class Receiver:
    """Takes a form of files apart as it comes, and writes each to a folder; only one file is open at a time."""

    def __init__(self, content_type: str, folder: Path, bounds: Bounds) -> None:
        """Nothing has come yet.

        Args:
            content_type: What the request says of itself.
            folder: An empty folder to write to.
            bounds: What may be sent.

        Raises:
            RefusedError: The request is no form with files.
        """
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise RefusedError(415, "files are sent as multipart/form-data, in fields named files")
        callbacks = {name: getattr(self, f"_{name}") for name in _CALLBACKS}
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]
        except FormParserError as error:
            raise RefusedError(400, "the form's boundary cannot be used; send it again") from error
        self._folder = folder
        self._bounds = bounds
        self._n_bytes = 0
        self._is_complete = False
        self._part = _Part()
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.received: list[Received] = []

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Args:
            chunk: The bytes.

        Raises:
            RefusedError: It is no form, there is too much of it, or the disk is full.
        """
        self._n_bytes += len(chunk)
        if self._n_bytes > self._bounds.total_bytes:
            most = self._bounds.total_bytes / _MIB
            raise RefusedError(413, f"more than {most:,.0f} MB were sent at a time; send fewer files")
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RefusedError(400, "the form cannot be read; send it again") from error
        except OSError as error:
            raise RefusedError(507, f"the files cannot be kept: {error.strerror}; free some space") from error

    def finish(self) -> list[Received]:
        """What was sent, now that all of it came.

        Returns:
            The files.

        Raises:
            RefusedError: It was cut off, or there were no files in it.
        """
        if not self._is_complete:
            raise RefusedError(400, "the upload was cut off; send it again")
        if not self.received:
            raise RefusedError(400, "no files were sent; send them in fields named files")
        return self.received

    def close(self) -> None:
        """Close the file that is open, where one is."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # What the parser calls

    def _on_part_begin(self) -> None:
        self._part = _Part()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.field_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.field_value += data[start:end]

    def _on_header_end(self) -> None:
        self._part.headers[self._part.field_name.lower()] = self._part.field_value
        self._part.field_name = self._part.field_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        if b"filename" not in options:
            return  # a field of another kind, which says nothing to us
        if len(self.received) >= self._bounds.files:
            raise RefusedError(413, f"more than {self._bounds.files:,} files were sent at a time; send fewer")
        # Browsers write a name's quotation marks so, and nothing else.
        name = options[b"filename"].decode("utf-8", "replace").replace("%22", '"')
        problem = name_problem(name)
        # Each in a folder of its own, so that it has its own name there.
        place = self._folder / str(len(self.received))
        received = Received(name, place / name, problem=problem)
        self.received.append(received)
        self._hash = hashlib.sha256()
        if not problem:
            place.mkdir()
            self._file = received.path.open("wb")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            return
        received = self.received[-1]
        received.size_bytes += end - start
        if received.size_bytes > self._bounds.file_bytes:
            received.problem = f"too large: more than {self._bounds.file_bytes:,} bytes; split it into parts"
            self.close()
            received.path.unlink()
            return
        self._file.write(data[start:end])
        self._hash.update(data[start:end])

    def _on_part_end(self) -> None:
        if self._file is None:
            return
        self.close()
        received = self.received[-1]
        received.sha256 = self._hash.hexdigest()
        if not received.size_bytes:
            received.problem = "empty: it holds no text"

    def _on_end(self) -> None:
        self._is_complete = True


_CALLBACKS: tuple[str, ...] = (
    "on_part_begin", "on_header_field", "on_header_value", "on_header_end", "on_headers_finished", "on_part_data",
    "on_part_end", "on_end",
)  # fmt: skip
