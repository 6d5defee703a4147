"""Loads files as documents: one for the file itself, and one for each file within it."""

import hashlib
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from index.errors import ChangingFileError, EmptyFileError, UnreadableFileError, UnsupportedFileError
from index.formats.archives.unpacked import MAX_DEPTH
from index.formats.content import Content, Place
from index.formats.kinds import HEAD_BYTES, SUMMARY, Kind, kind_by_head, kind_of
from index.formats.language import language_of
from index.formats.limits import MAX_PARTS, MAX_PARTS_BYTES, MAX_TEXT_CHARS
from index.formats.metadata import one_line
from index.formats.naming import Names
from index.formats.office.encryption import decrypted
from index.formats.text.markdown import is_markdown, markdown_places
from index.formats.titles import best_title
from index.records import Document

LOADERS_VERSION = 3
"""Incremented when a loader gives another text for the same file, so that older indexes are rebuilt."""

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_LIGHT_BYTES = 1024 * 1024
"""Largest plain text that is read in this process, since it takes no time."""
CANNOT_OPEN = "cannot be opened"
"""Beginning of the reason when permissions, not the file, are at fault."""
KNOWN_LANGUAGE = "en"
"""The language that the models understand."""

INDEXED, PARTLY_READ, EMPTY, UNSUPPORTED, FAILED = "indexed", "partly read", "empty", "unsupported", "failed"
"""Statuses of a file in the ledger after reading."""

_TIMES_READ = 3
_HALF = re.compile("[\ud800-\udfff]")
_BREAK = re.compile("[\v\f\r\x1c-\x1e\x85\u2028\u2029]")
"""Line ends other than "\\n", which also count as white space in Markdown headings."""


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file, or a file within one, and what was read of it.

    Attributes:
        name: Name of its document, relative to the folder.
        sha256: SHA-256 of its bytes, in hexadecimal.
        size_bytes: Number of its bytes.
        status: `INDEXED`, `PARTLY_READ`, `EMPTY`, `UNSUPPORTED` or `FAILED`.
        detail: What is missing and why, and other remarks; "" if there are none.
        document: Its document; None if it has no text of its own.
    """

    name: str
    sha256: str
    size_bytes: int
    status: str
    detail: str
    document: Document | None


def load(
    path: Path, name: str, passwords: Sequence[str] = (), on_page: Callable[[], None] = lambda: None
) -> list[LoadedFile]:
    """Load a file as documents.

    Args:
        path: The file.
        name: Its name, relative to the folder.
        passwords: Tried in turn on encrypted files.
        on_page: Called before each page that is read by OCR, which takes seconds.

    Returns:
        The file, then all files within it, nested ones included. Some of the latter may have failed.

    Raises:
        EmptyFileError: It holds no text.
        UnsupportedFileError: It is of an unsupported type.
        UnreadableFileError: It cannot be opened, is too large, damaged or encrypted, is not text, or keeps changing.
    """
    content = read_bytes(path)
    tree = _Tree(name, passwords, on_page)
    whole = tree.read(name, content, 0)
    if tree.notes:
        whole = replace(whole, status=PARTLY_READ, detail="; ".join(filter(None, [*tree.notes, whole.detail])))
    return [whole, *tree.parts]


def is_supported(path: Path) -> bool:
    """Return whether a file's type is supported, by its name and first bytes; True if it cannot be opened."""
    try:
        return kind_by_head(path.name, _head(path)) is not None
    except OSError:
        return True


def is_light(path: Path) -> bool:
    """Return whether a file is a short plain text, by its name and first bytes."""
    try:
        kind = kind_by_head(path.name, _head(path))
        return kind is not None and kind.is_plain and path.stat().st_size <= MAX_LIGHT_BYTES
    except OSError:
        return True  # reading it will report the error


def _head(path: Path) -> bytes:
    if not path.is_file():  # opening a pipe would block
        raise OSError
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def read_bytes(path: Path) -> bytes:
    """Read a file's bytes as of a single moment.

    Args:
        path: The file.

    Returns:
        All its bytes.

    Raises:
        UnreadableFileError: It cannot be opened, is not a regular file, or is larger than `MAX_FILE_BYTES`.
        ChangingFileError: It changed during every attempt.
    """
    try:
        for _ in range(_TIMES_READ):
            before = path.stat()
            if not stat.S_ISREG(before.st_mode):
                raise UnreadableFileError(f"{CANNOT_OPEN}: it is not a regular file")
            if before.st_size > MAX_FILE_BYTES:
                raise UnreadableFileError(
                    f"too large: {before.st_size:,} bytes, at most {MAX_FILE_BYTES:,}; split it into parts"
                )
            content = path.read_bytes()
            after = path.stat()
            is_same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
            if is_same and len(content) == after.st_size:
                return content
    except OSError as error:
        raise UnreadableFileError(f"{CANNOT_OPEN}: {error.strerror or error}") from error
    raise ChangingFileError("it is being modified; index again when that is done")


class _Tree:
    """A file and the files within it, which share the limits of a single file."""

    def __init__(self, name: str, passwords: Sequence[str], on_page: Callable[[], None]) -> None:
        self._prefix = f"{name}/"
        self._passwords = tuple(passwords)
        self._on_page = on_page
        self._names = Names()
        self._n_bytes = self._n_chars = 0
        self.parts: list[LoadedFile] = []
        self.notes: list[str] = []

    def read(self, name: str, content: bytes, depth: int) -> LoadedFile:
        """Read a file and the files within it.

        Args:
            name: Its name.
            content: Its bytes.
            depth: How many files it is nested in.

        Returns:
            The file; those within it are added to the parts.

        Raises:
            EmptyFileError: It holds no text.
            UnsupportedFileError: It is of an unsupported type.
            UnreadableFileError: It cannot be read.
        """
        opened = decrypted(content, self._passwords)
        kind = kind_of(name, opened)
        if kind is None:
            raise UnsupportedFileError(_unsupported(name))
        loaded = kind.read(opened, name, self._passwords, self._on_page)
        if not loaded.text.strip() and not loaded.parts:
            if loaded.notes:
                raise UnreadableFileError(f"none of it could be read: {'; '.join(loaded.notes)}")
            raise EmptyFileError("empty: it holds no text")
        self._n_chars += len(loaded.text)
        if self._n_chars > MAX_TEXT_CHARS:
            raise UnreadableFileError(f"too large: its documents have more than {MAX_TEXT_CHARS:,} characters")
        sha256 = hashlib.sha256(content).hexdigest()
        document = _document(name, kind, loaded, sha256) if loaded.text.strip() else None
        notes, remarks = loaded.notes, loaded.remarks
        if document is not None and kind.is_in_words:
            spoken = language_of(document.text)
            if spoken:
                document = replace(document, metadata={**document.metadata, "language": spoken})
            if spoken not in {"", KNOWN_LANGUAGE}:
                remarks = (*remarks, f"its language seems to be {spoken!r}, but the models only understand English")
        status = PARTLY_READ if notes else INDEXED
        whole = LoadedFile(name, sha256, len(content), status, "; ".join(notes + remarks), document)
        for part in loaded.parts:
            self._add(name, part.name, part.content, depth + 1)
        return whole

    def _add(self, inside: str, name: str, content: bytes, depth: int) -> None:
        """Read a file within a file; a failure concerns only that file."""
        self._n_bytes += len(content)
        if depth > MAX_DEPTH or len(self.parts) >= MAX_PARTS or self._n_bytes > MAX_PARTS_BYTES:
            self._leave_out(depth)
            return
        below = f"{inside}/{name}".removeprefix(self._prefix)
        full = self._prefix + self._names.fresh(below)
        place = len(self.parts)
        unread = LoadedFile(full, hashlib.sha256(content).hexdigest(), len(content), FAILED, "", None)
        self.parts.append(unread)  # before the files within it
        try:
            self.parts[place] = self.read(full, content, depth)
        except UnreadableFileError as error:
            status = status_of(error)
            self.parts[place] = replace(unread, status=status, detail="" if status == UNSUPPORTED else str(error))

    def _leave_out(self, depth: int) -> None:
        reason = (
            f"files nested in more than {MAX_DEPTH} files are left out"
            if depth > MAX_DEPTH
            else f"files within it beyond the first {MAX_PARTS:,}, or beyond {MAX_PARTS_BYTES:,} bytes, are left out"
        )
        if reason not in self.notes:
            self.notes.append(reason)


def status_of(error: UnreadableFileError) -> str:
    """Return the ledger's status for a file that could not be read."""
    if isinstance(error, EmptyFileError):
        return EMPTY
    return UNSUPPORTED if isinstance(error, UnsupportedFileError) else FAILED


def _unsupported(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return f"unsupported file type {suffix!r}; supported: {SUMMARY}" if suffix else "unsupported file type"


def _document(name: str, kind: Kind, content: Content, sha256: str) -> Document:
    begins_with_row = kind.is_named_after_file or any(table.rows[0, 0] == 0 for table in content.tables[:1])
    title = (
        PurePosixPath(name).name
        if kind.keeps_file_name
        else best_title(content.title, content.text, name, is_named_after_file=begins_with_row)
    )
    places = content.places
    labels = "\n".join(place.label for place in places)
    if _BREAK.search(labels) or not _is_whole(labels):
        places = tuple(Place(place.start, _BREAK.sub(" ", _whole(place.label))) for place in places)
    metadata = {key: one_line(_whole(value)) for key, value in content.metadata.items()}
    return Document(
        name,
        _whole(content.text),
        _whole(title),
        sha256,
        places,
        metadata,
        content.boxes,
        kind.has_headings,
        tuple(replace(t, about=_whole(t.about), headers=tuple(map(_whole, t.headers))) for t in content.tables),
    )


def _is_whole(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(words: str) -> str:
    """Replace unpaired surrogates, which cannot be stored, by U+FFFD; the length stays the same."""
    return words if _is_whole(words) else _HALF.sub("\ufffd", words)


def with_headings(document: Document) -> Document:
    """Return the document with its headings as places, if it has no places and its name says that it is Markdown."""
    if document.places or not is_markdown(document.name):
        return document
    return replace(document, places=markdown_places(document.text), has_headings=True)
