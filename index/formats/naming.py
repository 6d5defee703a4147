"""Names of files within files: harmless wherever they are shown or written, and each used once."""

import re

MAX_NAME_CHARS = 240
"""Characters of a name: what file systems can hold, and a line can show."""

_DRIVE = re.compile(r"^[A-Za-z]:")


def safe_name(name: str) -> str:
    """A name that stays inside, and that shows what it is.

    Args:
        name: As the archive or mail gives it.

    Returns:
        The name with forward slashes, neither absolute nor with "..", of `MAX_NAME_CHARS` at most; what has no look
        of its own is spelt out as "{U+202E}"; "unnamed" where nothing is left.
    """
    steps = (_DRIVE.sub("", step.strip()) for step in name[: 10 * MAX_NAME_CHARS].replace("\\", "/").split("/"))
    kept = "/".join(_spelt_out(step) for step in steps if step not in {"", ".", ".."})
    if len(kept) > MAX_NAME_CHARS:  # its end says what kind of file it is
        kept = f"{kept[: MAX_NAME_CHARS - 41].rstrip('/')}…{kept[-40:].lstrip('/')}"
    return kept or "unnamed"


class Names:
    """Gives every name once: the second "a.txt" becomes "a (2).txt"."""

    def __init__(self) -> None:
        """None is taken yet."""
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def fresh(self, name: str) -> str:
        """A safe name like this one that was not given before.

        Args:
            name: As the archive or mail gives it.

        Returns:
            The name, numbered where it is taken; case makes no difference, as on most people's file systems.
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
