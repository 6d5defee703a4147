"""Receiving of uploaded files: written to a folder as they arrive, with limits on size and name."""

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
"""Limit of a name in UTF-8: file systems allow 255, some of which a number and a temporary suffix need."""
_MIB = 1024 * 1024
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.I)
"""Device names on Windows, whatever follows them."""
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the order in which others are shown, so that "fdp.exe" looks like "exe.pdf"."""


class RefusedError(Exception):
    """The whole upload is refused; the message is one line for people, `status` is the HTTP status."""

    def __init__(self, status: int, line: str) -> None:
        """Create the refusal.

        Args:
            status: HTTP status.
            line: The reason, for people.
        """
        super().__init__(line)
        self.status = status


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of an upload.

    Attributes:
        file_bytes: Bytes per file.
        total_bytes: Bytes of the whole upload.
        files: Number of files.
    """

    file_bytes: int = MAX_FILE_BYTES
    total_bytes: int = 1024 * _MIB
    files: int = 500


@dataclass(slots=True)
class Received:
    """An uploaded file.

    Attributes:
        name: Its name.
        path: Path where it is stored; missing if it is refused.
        size_bytes: Number of bytes received.
        problem: Why it is refused, for people; "" if it is accepted.
        sha256: SHA-256 of its bytes, in hexadecimal.
    """

    name: str
    path: Path
    size_bytes: int = 0
    problem: str = ""
    sha256: str = ""


def name_problem(name: str) -> str:
    """Return why a file cannot have this name in a folder of documents; "" if it can."""
    unseen = any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _TURNING for char in name)
    problems = (
        (not name, "it has no name"),
        ("/" in name or "\\" in name, "its name contains a path; send files by their names alone"),
        (name.startswith("."), "hidden files are not indexed; give it a name without the leading dot"),
        (unseen, "its name contains invisible characters; rename it"),
        (name != name.strip() or name.endswith("."), "its name ends with a dot, or has spaces around it; rename it"),
        (_RESERVED.match(name) is not None, "its name is that of a device on Windows; rename it"),
        (
            len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES,
            f"its name is longer than {MAX_NAME_BYTES} bytes; give it a shorter one",
        ),
    )
    return next((line for is_so, line in problems if is_so), "")


@dataclass(slots=True)
class _Part:
    """A part of the form that is being received."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    field_name: bytes = b""
    field_value: bytes = b""


class Receiver:
    """Parses a form with files as it arrives, and writes each file to a folder; only one file is open at a time."""

    def __init__(self, content_type: str, folder: Path, bounds: Bounds) -> None:
        """Prepare to receive a form.

        Args:
            content_type: Content-Type of the request.
            folder: An empty folder to write to.
            bounds: Limits of the upload.

        Raises:
            RefusedError: The request is not a form with files.
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
        """Process the next bytes.

        Args:
            chunk: The bytes.

        Raises:
            RefusedError: It is not a form, a limit is exceeded, or the disk is full.
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
        """Finish the upload, and return the files.

        Returns:
            The files.

        Raises:
            RefusedError: It was cut off, or has no files.
        """
        if not self._is_complete:
            raise RefusedError(400, "the upload was cut off; send it again")
        if not self.received:
            raise RefusedError(400, "no files were sent; send them in fields named files")
        return self.received

    def close(self) -> None:
        """Close the open file, if any."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # Callbacks of the parser

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
            return  # a field without a file, which is ignored
        if len(self.received) >= self._bounds.files:
            raise RefusedError(413, f"more than {self._bounds.files:,} files were sent at a time; send fewer")
        # Browsers write quotation marks in a name as %22, and escape nothing else.
        name = options[b"filename"].decode("utf-8", "replace").replace("%22", '"')
        problem = name_problem(name)
        # Each file gets a folder of its own, so that it keeps its name there.
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
