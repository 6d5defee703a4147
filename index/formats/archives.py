"""ZIP archives: what they hold, under harmless names, and never more of it than is bearable."""

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content, Part
from index.formats.limits import (
    ALWAYS_UNPACKED_BYTES,
    MAX_COMPRESSION_RATIO,
    MAX_PART_BYTES,
    MAX_PARTS,
    MAX_PARTS_BYTES,
)
from index.formats.naming import Names, safe_name

MAX_DEPTH = 3
"""Archives within archives that the caller should open: people pack a folder of archives, and bombs go deeper."""

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
)
_IS_ENCRYPTED = 0x1
_NAME_IS_UTF8 = 0x800
_CHUNK_BYTES = 1024 * 1024
_SHOWN_NAMES = 3

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_LOCAL_MARK = b"PK\x03\x04"


@dataclass(slots=True)
class _Unpacked:
    """What was taken out of an archive, and what was not.

    Attributes:
        parts: The files.
        left_out: Names of those left out, by the reason.
        n_bytes: Bytes of the files together.
        names: Names that are taken.
        is_cut_off: Whether the archive's table of contents is missing.
    """

    parts: list[Part] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    n_bytes: int = 0
    names: Names = field(default_factory=Names)
    is_cut_off: bool = False

    def add(self, name: str, content: bytes) -> None:
        self.n_bytes += len(content)
        self.parts.append(Part(self.names.fresh(name), content))

    def leave_out(self, name: str, reason: str) -> None:
        self.left_out.setdefault(reason, []).append(safe_name(name))

    def notes(self) -> tuple[str, ...]:
        cut_off = ("the archive's end is missing: there may have been more files",) if self.is_cut_off else ()
        return cut_off + tuple(_note(names, reason) for reason, names in self.left_out.items())


class _LeftOutError(Exception):
    """A member is left out; the message is the reason."""


def load_zip(content: bytes, passwords: Sequence[str] = ()) -> Content:
    """Read a ZIP archive. Archives in it are parts like any other: opening them is left to the caller.

    Args:
        content: The file's bytes.
        passwords: Passwords to try on members that need one.

    Returns:
        The files in it as parts; notes say what was left out and why: members that need a password, links, damaged
        ones, and what goes beyond the bounds. Folders, and what macOS packs beside each file, are not spoken of.

    Raises:
        EmptyFileError: It holds no file.
        UnreadableFileError: It is no ZIP archive.
    """
    unpacked = _Unpacked()
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (*_DAMAGE, NotImplementedError) as error:
        if _LOCAL_MARK not in content:
            raise UnreadableFileError("damaged, or no ZIP archive: restore the whole file") from error
        _salvage(content, unpacked)
    else:
        _unpack(archive, passwords, unpacked)
    if not unpacked.parts and not unpacked.left_out:
        raise EmptyFileError("empty: the archive holds no files")
    return Content("", parts=tuple(unpacked.parts), notes=unpacked.notes())


def _unpack(archive: zipfile.ZipFile, passwords: Sequence[str], unpacked: _Unpacked) -> None:
    for member in archive.infolist():
        name = _name(member)
        if name.endswith("/") or name.startswith("__MACOSX/"):
            continue
        try:
            _refuse_unbearable(member, unpacked)
            unpacked.add(name, _read(archive, member, passwords, _room(unpacked)))
        except _LeftOutError as reason:
            unpacked.leave_out(name, str(reason))


def _name(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & _NAME_IS_UTF8:
        return member.orig_filename
    try:  # what the archive doesn't call UTF-8 is often it all the same
        return member.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.orig_filename


def _refuse_unbearable(member: zipfile.ZipInfo, unpacked: _Unpacked) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _LeftOutError("is a link to somewhere else")
    if len(unpacked.parts) >= MAX_PARTS:
        raise _LeftOutError(f"is beyond the first {MAX_PARTS:,} files")
    if member.file_size > MAX_PART_BYTES:
        raise _LeftOutError(f"is larger than {MAX_PART_BYTES:,} bytes")
    grown = member.file_size > MAX_COMPRESSION_RATIO * member.compress_size
    if grown and member.file_size > ALWAYS_UNPACKED_BYTES:
        raise _LeftOutError(f"would grow more than {MAX_COMPRESSION_RATIO}-fold")


def _room(unpacked: _Unpacked) -> int:
    return min(MAX_PART_BYTES, MAX_PARTS_BYTES - unpacked.n_bytes)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, passwords: Sequence[str], limit: int) -> bytes:
    """A member's bytes.

    Args:
        archive: The archive.
        member: Which of its members.
        passwords: Passwords to try where it needs one.
        limit: Bytes that it may come to, whatever the archive says of its size.

    Returns:
        Its bytes.

    Raises:
        _LeftOutError: It cannot be read, or is larger.
    """
    if not member.flag_bits & _IS_ENCRYPTED:
        return _read_with(archive, member, None, limit)
    for password in passwords:
        try:
            return _read_with(archive, member, password.encode(), limit)
        except RuntimeError:  # the password is wrong
            continue
        except _LeftOutError:  # or wrong, and taken for right: one in 256 is
            continue
    raise _LeftOutError("needs a password")


def _read_with(archive: zipfile.ZipFile, member: zipfile.ZipInfo, password: bytes | None, limit: int) -> bytes:
    read = bytearray()
    try:
        with archive.open(member, pwd=password) as file:
            while chunk := file.read(_CHUNK_BYTES):
                read += chunk
                if len(read) > limit:
                    raise _LeftOutError("has no room: the archive comes to too much")
    except NotImplementedError as error:
        raise _LeftOutError("is packed in a way that is not supported") from error
    except _DAMAGE as error:
        raise _LeftOutError("is damaged") from error
    return bytes(read)


def _salvage(content: bytes, unpacked: _Unpacked) -> None:
    """What can be read without the table of contents at the archive's end: each member says itself what it is."""
    damaged = "is damaged"
    at = content.find(_LOCAL_MARK)
    left = MAX_PARTS_BYTES
    while 0 <= at <= len(content) - _LOCAL_HEADER.size and len(unpacked.parts) < MAX_PARTS and left > 0:
        _, _, flags, method, _, _, _, n_packed, _, n_name, n_extra = _LOCAL_HEADER.unpack_from(content, at)
        n_before = at + _LOCAL_HEADER.size
        name = content[n_before : n_before + n_name].decode("utf-8", "replace")
        begin = n_before + n_name + n_extra
        member, n_unpacked, end = _member_at(content, begin, method, n_packed, min(left, MAX_PART_BYTES))
        left -= n_unpacked  # what came to nothing took its time as well
        if flags & _IS_ENCRYPTED:
            unpacked.leave_out(name, "needs a password")
        elif member is None:
            unpacked.leave_out(name, damaged)
        elif not name.endswith("/"):
            unpacked.add(name, member)
        at = content.find(_LOCAL_MARK, end)
    unpacked.is_cut_off = True


def _member_at(content: bytes, begin: int, method: int, n_packed: int, limit: int) -> tuple[bytes | None, int, int]:
    """A member without its entry in the table of contents: its bytes, how many were unpacked, and where it ends."""
    if method == zipfile.ZIP_STORED:
        stored = content[begin : begin + min(n_packed, limit)]
        return (stored, n_packed, begin + n_packed) if len(stored) == n_packed else (None, 0, begin)
    if method != zipfile.ZIP_DEFLATED:
        return None, 0, begin
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    read = bytearray()
    at = begin
    try:
        while not unpacker.eof and at < len(content) and len(read) <= limit:
            packed = unpacker.unconsumed_tail or content[at : at + _CHUNK_BYTES]
            at += 0 if unpacker.unconsumed_tail else len(packed)
            read += unpacker.decompress(packed, _CHUNK_BYTES)
    except zlib.error:
        return None, len(read), begin
    whole = unpacker.eof and len(read) <= limit
    return (bytes(read), len(read), at - len(unpacker.unused_data)) if whole else (None, len(read), begin)


def _note(names: list[str], reason: str) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    if len(names) == 1:
        return f"{shown} {reason}"
    further = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return f"{len(names):,} files are left out, each of which {reason}: {shown}{further}"
