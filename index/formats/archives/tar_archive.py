"""TAR archives and single compressed files (gzip, bzip2, xz), by the standard library."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath

from index.errors import UnreadableFileError
from index.formats.archives.unpacked import IS_DAMAGED, IS_LINK, LeftOutError, Unpacked
from index.formats.content import Content
from index.formats.limits import ALWAYS_UNPACKED_BYTES, MAX_COMPRESSION_RATIO, MAX_PARTS_BYTES

_CHUNK_BYTES = 1024 * 1024
_DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError)
_Opener = Callable[[io.BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]
_OPENERS: tuple[tuple[bytes, _Opener], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_SHORT_SUFFIXES = {".tgz": ".tar", ".tbz2": ".tar", ".tbz": ".tar", ".txz": ".tar"}
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257


def load_tar(content: bytes) -> Content:
    """Read an archive of `tar`, not compressed.

    Args:
        content: The file's bytes.

    Returns:
        Its files as parts; notes name what was left out and why. Folders are skipped without a note.

    Raises:
        EmptyFileError: The archive holds no files.
        UnreadableFileError: The file is not a tar archive.
    """
    unpacked = Unpacked()
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            _unpack(archive, unpacked)
    except _DAMAGE as error:
        if not unpacked.parts:
            raise UnreadableFileError("damaged, or not a tar archive: restore the whole file") from error
        unpacked.is_cut_off = True
    return unpacked.content()


def load_compressed(content: bytes, name: str) -> Content:
    """Read a file compressed by gzip, bzip2 or xz.

    Args:
        content: The file's bytes.
        name: The file's name: "notes.txt.gz".

    Returns:
        The files of the archive that it holds; for any other file, the file itself as the only part, "notes.txt".

    Raises:
        EmptyFileError: It holds nothing.
        UnreadableFileError: The file is damaged, or would unpack to too much.
    """
    opener = next((opener for mark, opener in _OPENERS if content.startswith(mark)), None)
    if opener is None:
        raise UnreadableFileError("damaged, or not compressed by gzip, bzip2 or xz: restore the whole file")
    unpacked = Unpacked()
    read, unpacked.is_cut_off = _decompressed(opener, content)
    if read[_TAR_MARK_AT : _TAR_MARK_AT + len(_TAR_MARK)] == _TAR_MARK:
        inner = load_tar(read)
        return Content("", parts=inner.parts, notes=(*unpacked.notes(), *inner.notes))
    if read:
        unpacked.add(_inner_name(name), read)
    return unpacked.content()


def _decompressed(opener: _Opener, content: bytes) -> tuple[bytes, bool]:
    """Decompress a file within bounds.

    Args:
        opener: Opens it.
        content: Its bytes.

    Returns:
        What it holds, and whether its end is missing or damaged.

    Raises:
        UnreadableFileError: It is damaged from its beginning on, or would unpack to too much.
    """
    limit = min(MAX_PARTS_BYTES, max(ALWAYS_UNPACKED_BYTES, MAX_COMPRESSION_RATIO * len(content)))
    read = bytearray()
    try:
        with opener(io.BytesIO(content)) as file:
            while chunk := file.read1(_CHUNK_BYTES):
                read += chunk
                if len(read) > limit:
                    raise UnreadableFileError(f"too large: it unpacks to more than {limit:,} bytes; unpack it yourself")
    except _DAMAGE as error:
        if not read:
            raise UnreadableFileError("damaged: it cannot be decompressed; restore the whole file") from error
        return bytes(read), True
    return bytes(read), False


def _inner_name(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem + _SHORT_SUFFIXES.get(path.suffix.lower(), "")


def _unpack(archive: tarfile.TarFile, unpacked: Unpacked) -> None:
    for member in archive:
        if member.isdir():
            continue
        try:
            unpacked.add(member.name, _read(archive, member, unpacked))
        except LeftOutError as reason:
            unpacked.leave_out(member.name, str(reason))


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo, unpacked: Unpacked) -> bytes:
    if not member.isfile():
        raise LeftOutError(IS_LINK if member.issym() or member.islnk() else "is no file but a device or pipe")
    unpacked.refuse_unbearable(member.size)
    file = archive.extractfile(member)
    read = b"" if file is None else file.read(member.size)
    if len(read) < member.size:
        raise LeftOutError(IS_DAMAGED)
    return read
