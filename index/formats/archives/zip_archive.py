"""ZIP archives, by the standard library."""

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence

from index.errors import UnreadableFileError
from index.formats.archives.unpacked import IS_DAMAGED, IS_LINK, NEEDS_PASSWORD, TOO_MUCH, LeftOutError, Unpacked
from index.formats.content import Content
from index.formats.limits import (
    ALWAYS_UNPACKED_BYTES,
    MAX_COMPRESSION_RATIO,
    MAX_PART_BYTES,
    MAX_PARTS,
    MAX_PARTS_BYTES,
)

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

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_LOCAL_MARK = b"PK\x03\x04"


def load_zip(content: bytes, passwords: Sequence[str] = ()) -> Content:
    """Read a ZIP archive; archives within it are returned as parts and not opened.

    Args:
        content: The file's bytes.
        passwords: Passwords to try on encrypted members.

    Returns:
        Its files as parts; notes name what was left out and why: encrypted members, links, damaged members, and
        whatever exceeds the limits. Folders and macOS resource forks (`__MACOSX/`) are skipped without a note.

    Raises:
        EmptyFileError: The archive holds no files.
        UnreadableFileError: The file is not a ZIP archive.
    """
    unpacked = Unpacked()
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (*_DAMAGE, NotImplementedError) as error:
        if _LOCAL_MARK not in content:
            raise UnreadableFileError("damaged, or not a ZIP archive: restore the whole file") from error
        _salvage(content, unpacked)
    else:
        _unpack(archive, passwords, unpacked)
    return unpacked.content()


def _unpack(archive: zipfile.ZipFile, passwords: Sequence[str], unpacked: Unpacked) -> None:
    for member in archive.infolist():
        name = _name(member)
        if name.endswith("/") or name.startswith("__MACOSX/"):
            continue
        try:
            _refuse_unbearable(member, unpacked)
            unpacked.add(name, _read(archive, member, passwords, unpacked.room))
        except LeftOutError as reason:
            unpacked.leave_out(name, str(reason))


def _name(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & _NAME_IS_UTF8:
        return member.orig_filename
    try:  # names in UTF-8 are often not flagged as such
        return member.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.orig_filename


def _refuse_unbearable(member: zipfile.ZipInfo, unpacked: Unpacked) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise LeftOutError(IS_LINK)
    unpacked.refuse_unbearable(member.file_size)
    grown = member.file_size > MAX_COMPRESSION_RATIO * member.compress_size
    if grown and member.file_size > ALWAYS_UNPACKED_BYTES:
        raise LeftOutError(f"would grow more than {MAX_COMPRESSION_RATIO}-fold")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, passwords: Sequence[str], limit: int) -> bytes:
    """Return a member's bytes, decrypted if need be.

    Args:
        archive: The archive.
        member: The member to read.
        passwords: Passwords to try if it is encrypted.
        limit: Largest size in bytes, whatever the archive claims.

    Returns:
        Its bytes.

    Raises:
        LeftOutError: The member cannot be read, or exceeds the limit.
    """
    if not member.flag_bits & _IS_ENCRYPTED:
        return _read_with(archive, member, None, limit)
    for password in passwords:
        try:
            return _read_with(archive, member, password.encode(), limit)
        except RuntimeError:  # the password is wrong
            continue
        except LeftOutError:  # one wrong password in 256 passes the check and yields damaged data
            continue
    raise LeftOutError(NEEDS_PASSWORD)


def _read_with(archive: zipfile.ZipFile, member: zipfile.ZipInfo, password: bytes | None, limit: int) -> bytes:
    read = bytearray()
    try:
        with archive.open(member, pwd=password) as file:
            while chunk := file.read(_CHUNK_BYTES):
                read += chunk
                if len(read) > limit:
                    raise LeftOutError(TOO_MUCH)
    except NotImplementedError as error:
        raise LeftOutError("is compressed by a method that is not supported") from error
    except _DAMAGE as error:
        raise LeftOutError(IS_DAMAGED) from error
    return bytes(read)


def _salvage(content: bytes, unpacked: Unpacked) -> None:
    """Unpack what can be read without the central directory, from each member's local header."""
    at = content.find(_LOCAL_MARK)
    left = MAX_PARTS_BYTES
    while 0 <= at <= len(content) - _LOCAL_HEADER.size and len(unpacked.parts) < MAX_PARTS and left > 0:
        _, _, flags, method, _, _, _, n_packed, _, n_name, n_extra = _LOCAL_HEADER.unpack_from(content, at)
        n_before = at + _LOCAL_HEADER.size
        name = content[n_before : n_before + n_name].decode("utf-8", "replace")
        begin = n_before + n_name + n_extra
        member, n_unpacked, end = _member_at(content, begin, method, n_packed, min(left, MAX_PART_BYTES))
        left -= n_unpacked  # damaged members count too: they took time
        if flags & _IS_ENCRYPTED:
            unpacked.leave_out(name, NEEDS_PASSWORD)
        elif member is None:
            unpacked.leave_out(name, IS_DAMAGED)
        elif not name.endswith("/"):
            unpacked.add(name, member)
        at = content.find(_LOCAL_MARK, end)
    unpacked.is_cut_off = True


def _member_at(content: bytes, begin: int, method: int, n_packed: int, limit: int) -> tuple[bytes | None, int, int]:
    """Unpack a member by its local header: its bytes (None if damaged), number of bytes unpacked, and end offset."""
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
