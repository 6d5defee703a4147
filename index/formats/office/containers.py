"""ZIP containers of office files, read defensively: they may come from anybody."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager

from lxml import etree

from index.errors import UnreadableFileError
from index.formats.metadata import iso_date, language_code, one_line

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_MEMBERS = 20_000
_CHUNK = 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_IS_ENCRYPTED = 0x1
_NEEDS_PASSWORD = "encrypted: it needs a password; save it again without one"  # noqa: S105 (no password)


def is_encrypted(content: bytes) -> bool:
    """Return whether a file is an encrypted Office file (2007 or newer)."""
    return content.startswith(_OLE) and _ENCRYPTED in content


def unpack(content: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Unpack members of an office file.

    Args:
        content: The file's bytes.
        wanted: Tells by a member's name whether to unpack it.

    Returns:
        The wanted members' bytes by name.

    Raises:
        UnreadableFileError: The file is not a ZIP archive, is damaged or encrypted, or would unpack to more than
            `MAX_UNPACKED_BYTES`.
    """
    if content.startswith(_OLE):
        old = "in a format older than 2007; save it again in the current one"
        raise UnreadableFileError(_NEEDS_PASSWORD if is_encrypted(content) else old)
    with refusing_damage():
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [member for member in archive.infolist() if wanted(member.filename)]
        if len(members) > MAX_MEMBERS:
            raise UnreadableFileError(f"too large: it holds {len(members):,} files, at most {MAX_MEMBERS:,}")
        if any(member.flag_bits & _IS_ENCRYPTED for member in members):
            raise UnreadableFileError(_NEEDS_PASSWORD)
        unpacked: dict[str, bytes] = {}
        left = MAX_UNPACKED_BYTES
        for member in members:
            unpacked[member.filename] = _bounded(archive, member, left)
            left -= len(unpacked[member.filename])
        return unpacked


def _bounded(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    # Read in chunks: the size that the archive declares may be false.
    unpacked = bytearray()
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            unpacked += chunk
            if len(unpacked) > limit:
                raise UnreadableFileError(
                    f"too large: it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; split it into parts"
                )
    return bytes(unpacked)


def repacked(members: dict[str, bytes]) -> io.BytesIO:
    """Pack members that were unpacked within bounds, for libraries that would unpack the file itself without limit.

    Args:
        members: Their bytes by name.

    Returns:
        The ZIP archive, from its beginning.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    packed.seek(0)
    return packed


class Attachments:
    """Members of an office file that are unpacked one at a time, as they are needed: pictures and embedded files."""

    def __init__(self, content: bytes) -> None:
        """List the members.

        Args:
            content: The file's bytes.

        Raises:
            UnreadableFileError: The file is not a ZIP archive, or is damaged.
        """
        with refusing_damage():
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        self.names = frozenset(self._archive.namelist())

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Unpack a member.

        Args:
            name: Its name.
            max_bytes: Its largest size.

        Returns:
            Its bytes; None if it is damaged, encrypted or larger.
        """
        try:
            return _bounded(self._archive, self._archive.getinfo(name), max_bytes)
        except (UnreadableFileError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
            return None
        except (KeyError, RuntimeError, ValueError):
            return None


def parse(xml: bytes) -> etree._Element:
    """Parse an XML document without resolving entities.

    Args:
        xml: The document's bytes.

    Returns:
        Its root element.

    Raises:
        UnreadableFileError: It is not XML, or has a DTD, which office files don't need and XML bombs are made of.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableFileError(damage(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableFileError("refused: its XML declares a document type, which office programs never do")
    return root


def member(members: dict[str, bytes], name: str) -> etree._Element:
    """Parse a required member.

    Args:
        members: All members' bytes by name.
        name: The member's name.

    Returns:
        Its root element.

    Raises:
        UnreadableFileError: The member is missing, or cannot be parsed.
    """
    if name not in members:
        raise UnreadableFileError(f"damaged, or not of the kind that its suffix says: {name} is missing from it")
    return parse(members[name])


def local(element: etree._Element) -> str:
    """Return an element's local name, without its namespace: formats have several namespaces for the same element."""
    name = element.tag
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """Return an attribute by its local name; "" if it is missing."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def related(members: dict[str, bytes], name: str, others: Container[str] = ()) -> dict[str, tuple[str, str]]:
    """Return the relationships of an Office Open XML part.

    Args:
        members: All unpacked members' bytes by name.
        name: The part's name.
        others: Names of members that are not unpacked.

    Returns:
        By relationship id: its type (the last word of the URI) and the target's name; missing targets are left out.
    """
    folder, base = posixpath.split(name)
    listed = members.get(f"{folder}/_rels/{base}.rels" if folder else f"_rels/{base}.rels")
    found = {}
    for relationship in parse(listed) if listed is not None else ():
        target = attribute(relationship, "Target")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        if path in members or path in others:
            found[attribute(relationship, "Id")] = (attribute(relationship, "Type").rpartition("/")[2], path)
    return found


def core_properties(members: dict[str, bytes]) -> tuple[str, dict[str, str]]:
    """Return title and metadata of an Office Open XML file."""
    listed = members.get("docProps/core.xml")
    return properties(parse(listed)) if listed is not None else ("", {})


def properties(root: etree._Element) -> tuple[str, dict[str, str]]:
    """Return title and metadata from Dublin Core properties.

    Args:
        root: An element above the properties.

    Returns:
        The title, and author, date, language and subject; "" where missing.
    """
    said = {local(element): " ".join((element.text or "").split()) for element in root.iter() if local(element)}
    metadata = {
        "author": said.get("initial-creator") or said.get("creator", ""),
        "date": iso_date(
            said.get("created") or said.get("creation-date") or said.get("modified") or said.get("date", "")
        ),
        "language": language_code(said.get("language", "")),
        "subject": said.get("subject", ""),
    }
    return said.get("title", ""), metadata


def damage(error: Exception) -> str:
    """Return the message for a damaged file, with the parser's error on one line."""
    return f"damaged: {one_line(str(error))}; restore the whole file"


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Turn every error that damage to a file can cause into `UnreadableFileError`.

    Raises:
        UnreadableFileError: Reading failed.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RecursionError, OSError) as error:
        raise UnreadableFileError(damage(error)) from error
    except (ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError) as error:
        raise UnreadableFileError(
            f"damaged: {type(error).__name__} while reading it; restore the whole file"
        ) from error
