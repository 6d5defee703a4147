"""What is unpacked from an archive, and what is left out of it."""

from dataclasses import dataclass, field

from index.errors import EmptyFileError
from index.formats.content import Content, Part
from index.formats.limits import MAX_PART_BYTES, MAX_PARTS, MAX_PARTS_BYTES
from index.formats.naming import Names, safe_name

MAX_DEPTH = 3
"""Archives within archives that the caller should open: people nest a few, decompression bombs go deeper."""

NEEDS_PASSWORD = "needs a password"  # noqa: S105 (no password)
IS_DAMAGED = "is damaged"
IS_LINK = "is a link to somewhere else"
TOO_MUCH = "exceeds the size limit for the whole archive"
"""Reasons for leaving a file out, which follow its name."""

_SHOWN_NAMES = 3


class LeftOutError(Exception):
    """Raised to leave a file out; the message is the reason."""


@dataclass(slots=True)
class Unpacked:
    """What was unpacked from an archive, and what was left out.

    Attributes:
        parts: The unpacked files.
        left_out: Names of the files left out, by reason.
        n_bytes: Total size of the unpacked files.
        names: Names already used.
        is_cut_off: Whether the archive's central directory is missing.
    """

    parts: list[Part] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    n_bytes: int = 0
    names: Names = field(default_factory=Names)
    is_cut_off: bool = False

    @property
    def room(self) -> int:
        """Most bytes that the next file may have."""
        return min(MAX_PART_BYTES, MAX_PARTS_BYTES - self.n_bytes)

    def add(self, name: str, content: bytes) -> None:
        """Add an unpacked file under a safe name of its own."""
        self.n_bytes += len(content)
        self.parts.append(Part(self.names.fresh(name), content))

    def leave_out(self, name: str, reason: str) -> None:
        """Note that a file is left out; the reason follows its name."""
        self.left_out.setdefault(reason, []).append(safe_name(name))

    def refuse_unbearable(self, n_bytes: int) -> None:
        """Check a file's declared size.

        Args:
            n_bytes: Its size.

        Raises:
            LeftOutError: There are too many files, or it is too large.
        """
        if len(self.parts) >= MAX_PARTS:
            raise LeftOutError(f"is beyond the first {MAX_PARTS:,} files")
        if n_bytes > MAX_PART_BYTES:
            raise LeftOutError(f"is larger than {MAX_PART_BYTES:,} bytes")
        if n_bytes > self.room:
            raise LeftOutError(TOO_MUCH)

    def content(self) -> Content:
        """Return the files as parts, with notes on what was left out.

        Returns:
            The content, without a text of its own.

        Raises:
            EmptyFileError: The archive holds no files.
        """
        if not self.parts and not self.left_out:
            raise EmptyFileError("empty: the archive holds no files")
        return Content("", parts=tuple(self.parts), notes=self.notes())

    def notes(self) -> tuple[str, ...]:
        """Return what was left out and why, a line for each reason."""
        cut_off = ("the archive's end is missing: there may have been more files",) if self.is_cut_off else ()
        return cut_off + tuple(_note(names, reason) for reason, names in self.left_out.items())


def _note(names: list[str], reason: str) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    if len(names) == 1:
        return f"{shown} {reason}"
    further = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return f"{len(names):,} files are left out, each of which {reason}: {shown}{further}"
