"""Files beside an index that nobody but their owner may read, whatever the umask; on Windows, as any others."""

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BESIDE = ("", "-wal", "-shm")
"""What SQLite adds to the name of a database for the files that belong to it; it gives new ones the same mode."""

_one_at_a_time = threading.Lock()
"""Closing a file lets go of this process's locks on it, SQLite's too: nobody may use one before it is made."""


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or make one that is there so; its parents are as they are.

    Args:
        folder: The folder.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _shut(folder)


def make_file(path: Path) -> None:
    """Make an empty file for its owner alone, or make one that is there so.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be made.
    """
    with _one_at_a_time, suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    mend_file(path)


def mend_file(path: Path) -> None:
    """Take from everybody else what they may do with a file, and with those that SQLite keeps beside it.

    Args:
        path: The file, which may be missing. One of another user, or on a disk without modes, stays as it is.
    """
    for suffix in _BESIDE:
        _shut(path.with_name(path.name + suffix))


def _shut(path: Path) -> None:
    """Shut out everybody else. The owner is given nothing: what was made read-only on purpose stays so."""
    if os.name != "posix":
        return
    with suppress(OSError):
        status = path.stat()
        is_for_all = status.st_mode & stat.S_ISVTX  # /tmp itself, say
        if status.st_mode & _OTHERS and status.st_uid == os.geteuid() and not is_for_all:
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
