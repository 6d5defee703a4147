"""7z archives, by py7zr: an extra, since it brings nine compiled packages for a format that few folders hold."""

import io
import lzma
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from index.errors import UnreadableFileError
from index.formats.archives.unpacked import IS_DAMAGED, IS_LINK, TOO_MUCH, Unpacked
from index.formats.content import Content
from index.formats.limits import MAX_PART_BYTES, MAX_PARTS, MAX_PARTS_BYTES

_MISSING = (
    "reading 7z archives needs py7zr, which is not installed: pip install 'verbatim-qa[7z]', or pack it again as ZIP"
)
_DAMAGE = (lzma.LZMAError, struct.error, EOFError, OSError, ArithmeticError, LookupError, TypeError, ValueError)


def load_7z(content: bytes, passwords: Sequence[str] = ()) -> Content:
    """Read a 7z archive.

    Args:
        content: The file's bytes.
        passwords: Passwords to try if it is encrypted.

    Returns:
        Its files as parts; notes name what was left out and why. Folders are skipped without a note.

    Raises:
        EmptyFileError: The archive holds no files.
        UnreadableFileError: The file is not a 7z archive, is damaged or encrypted, or py7zr is not installed.
    """
    try:
        import py7zr
    except ModuleNotFoundError as error:
        raise UnreadableFileError(_MISSING) from error
    damage = (*_DAMAGE, py7zr.exceptions.ArchiveError)
    for password in (None, *passwords):
        unpacked = Unpacked()
        try:
            with py7zr.SevenZipFile(io.BytesIO(content), password=password, max_extract_size=MAX_PARTS_BYTES) as found:
                if password is not None or not found.needs_password():
                    _unpack(found, unpacked, damage)
        except py7zr.exceptions.PasswordRequired:
            continue
        except damage as error:
            if password is None:
                raise UnreadableFileError("damaged, or not a 7z archive: restore the whole file") from error
        else:
            if unpacked.parts or not found.needs_password():  # a wrong password yields damaged data
                return unpacked.content()
    tried = f"none of {len(passwords)} passwords fits" if passwords else "it needs a password"
    raise UnreadableFileError(f"encrypted: {tried}; add its password to the setting passwords (VERBATIM_PASSWORDS)")


def _unpack(archive: Any, unpacked: Unpacked, damage: tuple[type[Exception], ...]) -> None:  # noqa: ANN401 (no types)
    wanted: list[Any] = []
    n_bytes = 0
    for member in archive.list():
        if member.is_directory:
            continue
        n_bytes += member.uncompressed
        if member.is_symlink:
            unpacked.leave_out(member.filename, IS_LINK)
        elif len(wanted) >= MAX_PARTS or member.uncompressed > MAX_PART_BYTES or n_bytes > MAX_PARTS_BYTES:
            unpacked.leave_out(member.filename, TOO_MUCH)
        else:
            wanted.append(member)
    files = _Files()
    with suppress(*damage):  # what is damaged is named below, file by file
        archive.extract(targets=[member.filename for member in wanted], factory=files)
    for member, file in zip_longest(wanted, files.opened):
        content = b"" if file is None else file.getvalue()
        if len(content) == member.uncompressed and member.crc32 in {None, zlib.crc32(content)}:
            unpacked.add(member.filename, content)
        else:
            unpacked.leave_out(member.filename, IS_DAMAGED)


class _Files:
    """The files of an archive as they are unpacked, in order."""

    def __init__(self) -> None:
        self.opened: list[_File] = []

    def create(self, filename: str) -> "_File":  # noqa: ARG002 (py7zr passes the name)
        self.opened.append(_File())
        return self.opened[-1]


class _File(io.BytesIO):
    """A file in memory, which can tell its size, and can be read after py7zr has closed it."""

    def close(self) -> None:
        self.seek(0)

    def size(self) -> int:
        return self.getbuffer().nbytes
