"""Safe and unique names for files within files."""

import re

MAX_NAME_CHARS = 240
"""Longest name, in characters: fits file systems and a line on screen."""

_DRIVE = re.compile(r"^[A-Za-z]:")


def safe_name(name: str) -> str:
    """Return a name that is safe to show and to use as a relative path.

    Args:
        name: The name given by the archive or mail.

    Returns:
        The name with forward slashes, neither absolute nor with "..", at most `MAX_NAME_CHARS` long; characters that
        do not print are written as "{U+202E}"; "unnamed" if nothing is left.
    """
    steps = (_DRIVE.sub("", step.strip()) for step in name[: 10 * MAX_NAME_CHARS].replace("\\", "/").split("/"))
    kept = "/".join(_spelt_out(step) for step in steps if step not in {"", ".", ".."})
    if len(kept) > MAX_NAME_CHARS:  # keep the end: the suffix tells the kind of file
        kept = f"{kept[: MAX_NAME_CHARS - 41].rstrip('/')}…{kept[-40:].lstrip('/')}"
    return kept or "unnamed"


class Names:
    """Makes names unique: the second "a.txt" becomes "a (2).txt"."""

    def __init__(self) -> None:
        """Start with no name used."""
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def fresh(self, name: str) -> str:
        """Return a safe name that was not returned before.

        Args:
            name: The name given by the archive or mail.

        Returns:
            The name, numbered if it is already used; compared without case, as on most file systems.
        """
        safe = safe_name(name)
        fresh = safe
        while fresh.casefold() in self._taken:
            count = self._counts.get(safe.casefold(), 1) + 1
            self._counts[safe.casefold()] = count
            fresh = _numbered(safe, count)
        self._taken.add(fresh.casefold())
        return fresh


def _spelt_out(step: str) -> str:
    if step.isprintable():
        return step
    return "".join(char if char.isprintable() else f"{{U+{ord(char):04X}}}" for char in step)


def _numbered(name: str, count: int) -> str:
    folder, slash, file = name.rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    return f"{folder}{slash}{stem} ({count}).{suffix}" if stem and dot else f"{name} ({count})"
