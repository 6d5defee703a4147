"""Office files are ZIP archives of XML: opened with care, for anybody may have made them."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
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
    """Whether a file is one of Office's, of 2007 or newer, that is encrypted."""
    return content.startswith(_OLE) and _ENCRYPTED in content


def unpack(content: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Members of an office file.

    Args:
        content: The file's bytes.
        wanted: Says by a member's name whether it is needed; the others are not even unpacked.

    Returns:
        The wanted members' bytes by their names.

    Raises:
        UnreadableFileError: It is no ZIP archive, is damaged or encrypted, or would unpack to more than
            `MAX_UNPACKED_BYTES`.
    """
    if content.startswith(_OLE):
        old = "in a format older than 2007; save it again in the newer one"
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
    # Chunk by chunk: what an archive says of its members' sizes need not be true.
    unpacked = bytearray()
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            unpacked += chunk
            if len(unpacked) > limit:
                raise UnreadableFileError(
                    f"too large: it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; split it into parts"
                )
    return bytes(unpacked)


def parse(xml: bytes) -> etree._Element:
    """The root of an XML document.

    Args:
        xml: The document's bytes.

    Returns:
        Its root.

    Raises:
        UnreadableFileError: It is no XML, or declares entities, which office files have no use for and XML bombs are
            made of.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableFileError(damage(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableFileError("refused: its XML declares a document type, which office programs never write")
    return root


def member(members: dict[str, bytes], name: str) -> etree._Element:
    """The root of a member that every file of the kind has.

    Args:
        members: All members.
        name: The member's name.

    Returns:
        Its root.

    Raises:
        UnreadableFileError: It is not there, or cannot be parsed.
    """
    if name not in members:
        raise UnreadableFileError(f"damaged, or of another kind than its name says: {name} is missing from it")
    return parse(members[name])


def local(element: etree._Element) -> str:
    """An element's name without its namespace, of which there are several for the same thing."""
    name = element.tag
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """An attribute by its name without namespace; "" where the element has none."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def related(members: dict[str, bytes], name: str) -> dict[str, tuple[str, str]]:
    """What a member of an Office Open XML file points to.

    Args:
        members: All members.
        name: The member's name.

    Returns:
        By the relationship's id, its type, the last word of it, and the other member's name; those that point
        nowhere are left out.
    """
    folder, base = posixpath.split(name)
    listed = members.get(f"{folder}/_rels/{base}.rels" if folder else f"_rels/{base}.rels")
    found = {}
    for relationship in parse(listed) if listed is not None else ():
        target = attribute(relationship, "Target")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        if path in members:
            found[attribute(relationship, "Id")] = (attribute(relationship, "Type").rpartition("/")[2], path)
    return found


def core_properties(members: dict[str, bytes]) -> tuple[str, dict[str, str]]:
    """Title and metadata of an Office Open XML file."""
    listed = members.get("docProps/core.xml")
    return properties(parse(listed)) if listed is not None else ("", {})


def properties(root: etree._Element) -> tuple[str, dict[str, str]]:
    """Title and metadata out of what office programs keep in Dublin Core.

    Args:
        root: An element above the properties.

    Returns:
        The title, and author, date, language and subject; "" where nothing is said.
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
    """What people are told where a parser says that a file is damaged; what it says may have several lines."""
    return f"damaged: {one_line(str(error))}; restore the whole file"


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Whatever a damaged archive makes the reading of it stumble over is the file's fault, and said to be.

    Raises:
        UnreadableFileError: Something stumbled.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RecursionError, OSError) as error:
        raise UnreadableFileError(damage(error)) from error
    except (ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError) as error:
        raise UnreadableFileError(
            f"damaged: {type(error).__name__} while it was read; restore the whole file"
        ) from error
