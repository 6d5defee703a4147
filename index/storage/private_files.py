"""Files beside an index that only their owner can access, whatever the umask; on Windows, with default permissions."""

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BESIDE = ("", "-wal", "-shm")
"""Suffixes of the files that SQLite keeps beside a database; new ones get the database's permissions."""

_one_at_a_time = threading.Lock()
"""Held while creating a file: closing a file releases all locks of the process on it, SQLite's included."""


def make_folder(folder: Path) -> None:
    """Create a folder with owner-only permissions, or restrict an existing one; its parents are unchanged.

    Args:
        folder: The folder.

    Raises:
        OSError: It cannot be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _shut(folder)


def make_file(path: Path) -> None:
    """Create an empty file with owner-only permissions, or restrict an existing one.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be created.
    """
    with _one_at_a_time, suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    mend_file(path)


def mend_file(path: Path) -> None:
    """Restrict a file, and the files that SQLite keeps beside it, to their owner.

    Args:
        path: The file; it may be missing. Files of another user, or on a disk without permissions, are unchanged.
    """
    for suffix in _BESIDE:
        _shut(path.with_name(path.name + suffix))


def _shut(path: Path) -> None:
    """Remove the permissions of group and others; the owner's are unchanged, so that read-only files stay so."""
    if os.name != "posix":
        return
    with suppress(OSError):
        status = path.stat()
        is_for_all = status.st_mode & stat.S_ISVTX  # /tmp itself, say
        if status.st_mode & _OTHERS and status.st_uid == os.geteuid() and not is_for_all:
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
