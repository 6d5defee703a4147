"""Scans a folder for files, and detects which have changed."""

import os
import stat
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from index.errors import FolderError
from index.ingest.loading import CANNOT_OPEN, FAILED, UNSUPPORTED
from index.records import FileRecord
from index.settings import expand_home

# A file modified again within the clock's resolution may keep its size and time, so recent files are checked again.
_RACY_NS = 2_000_000_000
LEADS_OUT = "a link that leads out of the folder; put a copy in its place"


def check_folder(folder: Path | str) -> Path:
    """Check a folder of documents, and return its real path.

    Args:
        folder: The folder; a leading ~ is the home folder.

    Returns:
        Its absolute path, with links resolved.

    Raises:
        FolderError: The name is empty or not a valid path, or the folder is missing, not a folder, or cannot be read.
    """
    written = repr(str(folder))
    try:
        folder = Path(expand_home(folder))
        exists = folder.exists()
    except ValueError as error:
        raise FolderError(f"folder={written} {error}") from error
    except OSError as error:
        raise FolderError(f"folder={written} cannot be opened: {error.strerror}; name one that exists") from error
    if not exists:
        raise FolderError(f"folder={str(folder)!r} does not exist; name a folder that holds documents")
    if not folder.is_dir():
        raise FolderError(f"folder={str(folder)!r} is a file; name the folder it is in")
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise FolderError(f"folder={str(folder)!r} cannot be read: {error.strerror}; check its permissions") from error
    return folder.resolve()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as found by a scan, with what tells whether it has changed."""

    path: Path
    size_bytes: int
    modified_ns: int
    problem: str = ""

    @property
    def status(self) -> str:
        """Status of a file with a problem: what was read of it before stays indexed only if it failed."""
        return UNSUPPORTED if self.problem == LEADS_OUT else FAILED


def scan(folder: Path) -> dict[str, FoundFile]:
    """Find all files in a folder and its subfolders.

    Args:
        folder: The folder.

    Returns:
        The files by name, sorted; hidden ones are left out. A folder that cannot be read is listed itself, with a slash
        at the end of its name (see `is_below_closed`); so is a link to a folder, which is not followed.
    """
    found: dict[str, FoundFile] = {}

    def note_problem(error: OSError) -> None:
        path = Path(error.filename)
        found[f"{_name(path, folder)}/"] = FoundFile(path, 0, 0, f"{CANNOT_OPEN}: {error.strerror}")

    for root, folders, names in os.walk(folder, onerror=note_problem):
        above = "" if root == str(folder) else f"{_name(Path(root), folder)}/"
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if Path(root, name).is_symlink()]
        for name in (*names, *links):
            if not name.startswith("."):
                path = Path(root, name)
                found[above + _as_unicode(name)] = _look_at(path, folder)
    return dict(sorted(found.items()))


def _name(path: Path, folder: Path) -> str:
    return _as_unicode(path.relative_to(folder).as_posix())


def _as_unicode(name: str) -> str:
    """Escape the bytes of a name that are not valid Unicode."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _look_at(path: Path, folder: Path) -> FoundFile:
    try:
        status = path.stat()
    except OSError as error:
        return FoundFile(path, 0, 0, f"{CANNOT_OPEN}: {error.strerror}")
    if not stat.S_ISREG(status.st_mode):
        is_folder = stat.S_ISDIR(status.st_mode)
        kind = "a link to a folder; links are not followed" if is_folder else "not a regular file"
        return FoundFile(path, 0, 0, kind)
    if leads_out(path, folder):
        return FoundFile(path, 0, 0, LEADS_OUT)
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a path is a link out of a folder, to something that its author may not be allowed to read."""
    return path.is_symlink() and not path.resolve().is_relative_to(folder.resolve())


def is_same(file: FoundFile, record: FileRecord) -> bool:
    """Return whether a file looks unchanged since it was last read."""
    if file.problem:
        return record.status == file.status and record.detail.startswith(file.problem)
    if record.detail.startswith(CANNOT_OPEN) and os.access(file.path, os.R_OK):
        return False  # permissions were granted, which changes neither size nor time
    looks_same = (file.size_bytes, file.modified_ns) == (record.size_bytes, record.modified_ns)
    return looks_same and abs(record.checked_ns - record.modified_ns) > _RACY_NS


def is_below_closed(name: str, files: Container[str]) -> bool:
    """Return whether a file would be in a folder that cannot be read, so that its state is unknown."""
    return any(f"{parent}/" in files for parent in PurePosixPath(name).parents)


def is_in_step(files: Mapping[str, FoundFile], ledger: Mapping[str, FileRecord]) -> bool:
    """Return whether files and ledger match: the same names, each file unchanged."""
    seen = all(name in ledger and is_same(file, ledger[name]) for name, file in files.items())
    owners = (record.parent or name for name, record in ledger.items())
    return seen and all(name in files or is_below_closed(name, files) for name in owners)
