"""Copies files into the folder of documents."""

import hashlib
import os
import secrets
import stat
from pathlib import Path

from index.errors import FolderError, UnreadableFileError, UnsupportedFileError
from index.formats.kinds import SUMMARY
from index.ingest import loading
from index.ingest.scanning import leads_out


def hash_of_addable(path: Path) -> str:
    """Return the hash of a file's bytes, if it can be indexed.

    Args:
        path: A file to be added to a folder of documents.

    Returns:
        SHA-256, in hexadecimal.

    Raises:
        UnsupportedFileError: It is of an unsupported type.
        UnreadableFileError: It cannot be indexed for another reason: it is hidden, or missing.
    """
    if path.name.startswith("."):
        raise UnreadableFileError(f"{path.name}: hidden files are not indexed; give it a name without the leading dot")
    if not loading.is_supported(path):
        raise UnsupportedFileError(f"{path.name}: unsupported file type {path.suffix!r}; supported: {SUMMARY}")
    try:
        return hashlib.sha256(loading.read_bytes(path)).hexdigest()
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{path.name}: {error}") from error


def copy_into(path: Path, folder: Path) -> str:
    """Copy a file into a folder under a free name, unless it is there already with the same content.

    Args:
        path: The file.
        folder: The folder.

    Returns:
        Its name there.

    Raises:
        FolderError: The folder cannot be written to; no partial copy is left behind.
        UnreadableFileError: The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{str(path)!r} cannot be opened: {error.strerror}") from error
    temporary = folder / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        target, number = folder / path.name, 2
        while (is_taken := os.path.lexists(target)) and not _holds(target, content, folder):
            target, number = folder / f"{path.stem} ({number}){path.suffix}", number + 1
        if not is_taken:
            with temporary.open("xb") as file:
                file.write(content)
            temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FolderError(f"{path.name!r} cannot be copied into folder={str(folder)!r}: {error.strerror}") from error
    return target.relative_to(folder).as_posix()


def _holds(path: Path, content: bytes, folder: Path) -> bool:
    """Return whether a file in a folder has this content; only regular files of the same size are opened."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != len(content) or leads_out(path, folder):
            return False
        return path.read_bytes() == content
    except OSError:  # a dangling link, or a file that cannot be read
        return False
