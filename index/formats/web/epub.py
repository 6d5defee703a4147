"""EPUB books: the chapters in reading order, each read as a web page."""

import posixpath
from urllib.parse import unquote

from lxml import etree

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content, Place, Table
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.metadata import iso_date, language_code, one_line
from index.formats.office.containers import attribute, local, member, properties, unpack
from index.formats.web.html import load_html

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = (".xhtml", ".html", ".htm", ".xml", ".opf")
_PAGE_TYPES = frozenset({"application/xhtml+xml", "text/html"})


def load_epub(content: bytes) -> Content:
    """Read an EPUB book.

    Args:
        content: The file's bytes.

    Returns:
        The text of its chapters; places are their headings, or "chapter 3" for one without; title, author, date and
        language from the book's metadata.

    Raises:
        EmptyFileError: No chapter has text.
        UnreadableFileError: The file is not an EPUB, is damaged, or all of its chapters are encrypted.
    """
    members = unpack(content, lambda name: name in {_CONTAINER, _ENCRYPTION} or name.lower().endswith(_PAGES))
    path = _package_path(members)
    package = member(members, path)
    chapters, notes = _chapters(members, package, posixpath.dirname(path))
    if not chapters:
        if notes:
            raise UnreadableFileError(f"no chapter can be read: {'; '.join(notes)}")
        raise EmptyFileError("empty: no chapter holds text")
    text, places, tables, left_out = _joined(chapters)
    title, said = properties(package)
    metadata = {
        "author": one_line(said["author"]),
        "date": iso_date(said["date"]),
        "language": language_code(said["language"]),
        "subject": one_line(said["subject"]),
    }
    said_of_it = {name: words for name, words in metadata.items() if words}
    return Content(text, one_line(title), places, said_of_it, notes + left_out, tables=tables)


def _package_path(members: dict[str, bytes]) -> str:
    container = member(members, _CONTAINER)
    path = next((attribute(each, "full-path") for each in container.iter() if local(each) == "rootfile"), "")
    if path not in members:
        raise UnreadableFileError("damaged, or not a book: its table of contents is missing")
    return path


def _chapters(
    members: dict[str, bytes], package: etree._Element, folder: str
) -> tuple[list[tuple[int, Content]], tuple[str, ...]]:
    """Return the chapters that have text, each with its number in reading order, and notes on the others."""
    items = {attribute(item, "id"): item for item in package.iter() if local(item) == "item"}
    protected = members.get(_ENCRYPTION, b"")
    chapters: list[tuple[int, Content]] = []
    n_pictures = sum(attribute(item, "media-type").startswith("image/") for item in items.values())
    notes = [f"{n_pictures:,} picture{'s' if n_pictures > 1 else ''}: not read"] if n_pictures else []
    for number, reference in enumerate((each for each in package.iter() if local(each) == "itemref"), start=1):
        item = items.pop(attribute(reference, "idref"), None)  # popped: no chapter is read twice
        if item is None or not _is_chapter(item):
            continue
        path = posixpath.normpath(posixpath.join(folder, unquote(attribute(item, "href"))))
        if path not in members:
            notes.append(f"chapter {number} is missing from the file")
        elif path.encode() in protected:
            notes.append(f"chapter {number} is protected: only its seller's program opens it")
        else:
            try:
                chapters.append((number, load_html(members[path])))
            except EmptyFileError:  # a cover, a picture
                continue
            except UnreadableFileError as error:
                notes.append(f"chapter {number} is {error}")
    return chapters, tuple(notes)


def _is_chapter(item: etree._Element) -> bool:
    return attribute(item, "media-type") in _PAGE_TYPES and "nav" not in attribute(item, "properties").split()


def _joined(
    chapters: list[tuple[int, Content]],
) -> tuple[str, tuple[Place, ...], tuple[Table, ...], tuple[str, ...]]:
    texts: list[str] = []
    places: list[Place] = []
    tables: list[Table] = []
    left_out: tuple[str, ...] = ()
    at = 0
    for number, chapter in chapters:
        if at + len(chapter.text) > MAX_TEXT_CHARS:
            left_out = (f"too long: chapter {number} and those after it are left out",)
            break
        if not chapter.places or chapter.places[0].start > 0:
            places.append(Place(at, f"chapter {number}"))
        places += (Place(at + place.start, place.label) for place in chapter.places)
        tables += (table.moved(at) for table in chapter.tables)
        texts.append(chapter.text)
        at += len(chapter.text) + 2
    return "\n\n".join(texts), tuple(places), tuple(tables), left_out
