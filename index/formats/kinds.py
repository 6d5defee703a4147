"""Detects the kind of a file, by the suffix of its name and by its first bytes."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath

from index.errors import UnreadableFileError
from index.formats.content import Content
from index.formats.text.decoding import looks_like_text
from index.formats.text.markdown import MARKDOWN_SUFFIXES
from index.formats.text.plain import LINED_SUFFIXES, PROSE_SUFFIXES

HEAD_BYTES = 4096
"""Number of leading bytes by which the kind is detected."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: Its name.
        loader: Module and name of the function that reads it; imported on first use, since importing the parsers of
            all kinds takes a second.
        suffixes: Suffixes of file names, in lower case.
        is_text: Whether the bytes are text, so that they neither confirm nor contradict the suffix.
        is_plain: Whether the text is the file's own, so that reading takes no time.
        has_headings: Whether places are headings or mails.
        is_named_after_file: Whether a file without a title of its own is named after itself, since its first line is
            a table row or a mail's header.
        keeps_file_name: Whether the title is the file's name as it is, suffix included, as of code.
        is_in_words: Whether the text is in a natural language, unlike tables and code.
        takes_passwords: Whether the loader takes `passwords`, to be tried in turn.
        takes_name: Whether the loader takes `name`, the file's own.
        tells_pages: Whether the loader takes `on_page`, called before each page that takes seconds.
        holds_files: Whether files of this kind may hold other files.
    """

    name: str
    loader: str
    suffixes: frozenset[str]
    is_text: bool = False
    is_plain: bool = False
    has_headings: bool = False
    is_named_after_file: bool = False
    keeps_file_name: bool = False
    is_in_words: bool = True
    takes_passwords: bool = False
    takes_name: bool = False
    tells_pages: bool = False
    holds_files: bool = False

    def function(self) -> Callable[..., Content]:
        """Return the loader, which takes the file's bytes and the keyword arguments named by the attributes."""
        module, _, name = self.loader.rpartition(".")
        found: Callable[..., Content] = getattr(import_module(f"index.formats.{module}"), name)
        return found

    def read(
        self, content: bytes, name: str, passwords: Sequence[str] = (), on_page: Callable[[], None] = lambda: None
    ) -> Content:
        """Read a file of this kind.

        Args:
            content: The file's bytes.
            name: Its name.
            passwords: Tried in turn if it is encrypted.
            on_page: Called before each page that takes seconds.

        Returns:
            Its content.

        Raises:
            UnreadableFileError: It cannot be read, or holds no text.
        """
        given: dict[str, object] = {"passwords": tuple(passwords)} if self.takes_passwords else {}
        if self.takes_name:
            given["name"] = PurePosixPath(name).name
        if self.tells_pages:
            given["on_page"] = on_page
        return self.function()(content, **given)


def _suffixes(words: str) -> frozenset[str]:
    return frozenset(f".{word}" for word in words.split())


PDF = Kind("PDF", "pdf.ocr.read_pdf", _suffixes("pdf"), takes_passwords=True, tells_pages=True, holds_files=True)
DOCX = Kind(
    "DOCX",
    "office.word.docx.load_docx",
    _suffixes("docx docm dotx"),
    has_headings=True,
    tells_pages=True,
    holds_files=True,
)
PPTX = Kind("PPTX", "office.pptx.load_pptx", _suffixes("pptx pptm ppsx"), tells_pages=True, holds_files=True)
XLSX = Kind(
    "XLSX",
    "office.excel.xlsx.load_xlsx",
    _suffixes("xlsx xlsm xltx"),
    is_named_after_file=True,
    is_in_words=False,
    tells_pages=True,
    holds_files=True,
)
XLSB = Kind(
    "XLSB",
    "office.excel.xlsb.load_xlsb",
    _suffixes("xlsb"),
    is_named_after_file=True,
    is_in_words=False,
    tells_pages=True,
    holds_files=True,
)
ODT = Kind(
    "OpenDocument text",
    "office.opendocument.odf.load_odf",
    _suffixes("odt ott"),
    has_headings=True,
    tells_pages=True,
    holds_files=True,
)
ODF = Kind(
    "OpenDocument", "office.opendocument.odf.load_odf", _suffixes("ods odp ots otp"), tells_pages=True, holds_files=True
)
RTF = Kind("RTF", "office.rtf.load_rtf", _suffixes("rtf"))
XLS = Kind("XLS", "legacy.xls.load_xls", _suffixes("xls xlt"), is_named_after_file=True, is_in_words=False)
DOC = Kind("DOC", "legacy.conversion.load_doc", _suffixes("doc dot"), has_headings=True)
PPT = Kind("PPT", "legacy.conversion.load_ppt", _suffixes("ppt pps pot"))
EPUB = Kind("EPUB", "web.epub.load_epub", _suffixes("epub"), has_headings=True)
ZIP = Kind("ZIP", "archives.zip_archive.load_zip", _suffixes("zip"), takes_passwords=True, holds_files=True)
TAR = Kind("TAR", "archives.tar_archive.load_tar", _suffixes("tar"), holds_files=True)
COMPRESSED = Kind(
    "compressed",
    "archives.tar_archive.load_compressed",
    _suffixes("gz tgz bz2 tbz tbz2 xz txz"),
    takes_name=True,
    holds_files=True,
)
SEVEN_ZIP = Kind("7z", "archives.seven_zip.load_7z", _suffixes("7z"), takes_passwords=True, holds_files=True)
PICTURE = Kind(
    "picture",
    "picture.load_picture",
    _suffixes("png jpg jpeg jpe jfif tif tiff webp heic heif avif bmp gif"),
    tells_pages=True,
)
HTML = Kind("HTML", "web.html.load_html", _suffixes("html htm xhtml"), is_text=True, has_headings=True)
EML = Kind(
    "mail",
    "mail.eml.load_eml",
    _suffixes("eml mht mhtml"),
    is_text=True,
    has_headings=True,
    is_named_after_file=True,
    holds_files=True,
)
MBOX = Kind(
    "mailbox",
    "mail.eml.load_mbox",
    _suffixes("mbox"),
    is_text=True,
    has_headings=True,
    is_named_after_file=True,
    holds_files=True,
)
MSG = Kind(
    "Outlook message",
    "mail.msg.load_msg",
    _suffixes("msg"),
    has_headings=True,
    is_named_after_file=True,
    holds_files=True,
)
CALENDAR = Kind(
    "calendar",
    "mail.events.load_calendar",
    _suffixes("ics ical ifb"),
    is_text=True,
    has_headings=True,
    is_named_after_file=True,
)
CONTACTS = Kind(
    "contacts",
    "mail.contacts.load_contacts",
    _suffixes("vcf vcard"),
    is_text=True,
    has_headings=True,
    is_named_after_file=True,
)
SUBTITLES = Kind(
    "subtitles", "text.subtitles.load_subtitles", _suffixes("srt vtt"), is_text=True, is_named_after_file=True
)
NOTEBOOK = Kind("notebook", "text.notebook.load_notebook", _suffixes("ipynb"), is_text=True, has_headings=True)
RST = Kind("reStructuredText", "markup.rst.load_rst", _suffixes("rst rest"), is_text=True, has_headings=True)
ORG = Kind("Org", "markup.light.load_org", _suffixes("org"), is_text=True, has_headings=True)
ASCIIDOC = Kind("AsciiDoc", "markup.light.load_asciidoc", _suffixes("adoc asciidoc"), is_text=True, has_headings=True)
TEX = Kind("LaTeX", "markup.tex.load_tex", _suffixes("tex latex ltx"), is_text=True, has_headings=True)
XML = Kind("XML", "markup.xml.load_xml", _suffixes("xml rss atom"), is_text=True, has_headings=True)
JSON = Kind(
    "JSON",
    "text.json_text.load_json",
    _suffixes("json geojson"),
    is_text=True,
    is_named_after_file=True,
    is_in_words=False,
)
JSONL = Kind(
    "JSON Lines",
    "text.json_text.load_jsonl",
    _suffixes("jsonl ndjson"),
    is_text=True,
    is_named_after_file=True,
    is_in_words=False,
)
CSV = Kind(
    "CSV",
    "text.delimited.load_csv",
    _suffixes("csv tsv tab"),
    is_text=True,
    is_named_after_file=True,
    is_in_words=False,
)
MARKDOWN = Kind(
    "Markdown", "text.plain.load_markdown", frozenset(MARKDOWN_SUFFIXES), is_text=True, is_plain=True, has_headings=True
)
CODE = Kind(
    "code",
    "text.plain.load_lined",
    LINED_SUFFIXES,
    is_text=True,
    is_plain=True,
    keeps_file_name=True,
    is_in_words=False,
)
PROSE = Kind("text", "text.plain.load_prose", PROSE_SUFFIXES, is_text=True, is_plain=True)

KINDS = (
    PDF, DOCX, PPTX, XLSX, XLSB, ODT, ODF, RTF, XLS, DOC, PPT, EPUB, ZIP, TAR, COMPRESSED, SEVEN_ZIP, PICTURE, HTML,
    EML, MBOX, MSG, CALENDAR, CONTACTS, SUBTITLES, NOTEBOOK, RST, ORG, ASCIIDOC, TEX, XML, JSON, JSONL, CSV, MARKDOWN,
    CODE, PROSE
)  # fmt: skip
"""Every supported kind."""

SUMMARY = (
    "PDF, DOCX, DOC, PPTX, PPT, XLSX, XLSB, XLS, ODT, ODS, ODP, RTF, EPUB, HTML, EML, MSG, MBOX, ICS, VCF, PNG, JPEG, "
    "TIFF, WebP, HEIC, JSON, CSV, XML, RSS, text, Markdown, RST, Org, AsciiDoc, LaTeX, IPYNB, SRT, VTT, code, ZIP, "
    "TAR, GZ, 7Z"
)
"""The supported formats, by their common names."""

_ZIP_MARK = b"PK\x03\x04"
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BEFORE_2007 = {DOCX: DOC, PPTX: PPT, XLSX: XLS}
"""By the newer kind whose suffix files of the older one have at times."""
_OPEN_XML = {"word": DOCX, "ppt": PPTX, "xl": XLSX}
_BINARY_WORKBOOK = "xl/workbook.bin"
_OFFICE_MARK = re.compile(
    rb"\[Content_Types\]\.xml|_rels/|docProps/|mimetypeapplication/(?:epub\+zip|vnd\.oasis\.opendocument\.)"
)
"""First members that office programs and publishers pack."""
_OFTEN_TEXT = {XLS: CSV, DOC: PROSE}
"""Kinds whose suffixes programs give to text as well: tables of tabs named .xls open in Excel."""
_TYPE_MEMBER = "mimetype"
_MAX_TYPE_BYTES = 200
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S
)
_PICTURE = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|II\*\x00|MM\x00\*|GIF8[79]a|RIFF.{4}WEBP|.{4}ftyp(?:heic|heix|mif1|msf1|avif)",
    re.DOTALL,
)
_MBOX = re.compile(rb"From [^\n]{1,1000}\d{4}[^\n]{0,100}\n[A-Za-z-]{1,60}:")
_MAIL = re.compile(
    rb"(?=(?:[^\n]*\n){0,60}(?:From|Sender):)(?=(?:[^\n]*\n){0,60}(?:Date|Subject):)"
    rb"[\x21-\x39\x3b-\x7e]{1,60}:[^\n]*\n(?:[ \t]|[\x21-\x39\x3b-\x7e]{1,60}:)"
)
_CALENDAR = re.compile(rb"\s*BEGIN:VCALENDAR\s")
_CONTACTS = re.compile(rb"\s*BEGIN:VCARD\s", re.IGNORECASE)
_SUBTITLES = re.compile(rb"(?:\xef\xbb\xbf)?WEBVTT[ \t\r\n]")
_TEXTUAL = (
    (_HTML, HTML), (_MBOX, MBOX), (_MAIL, EML), (_CALENDAR, CALENDAR), (_CONTACTS, CONTACTS), (_SUBTITLES, SUBTITLES)
)  # fmt: skip


@cache
def _by_suffix() -> dict[str, Kind]:
    return {suffix: kind for kind in KINDS for suffix in kind.suffixes}


def kind_by_head(name: str, head: bytes) -> Kind | None:
    """Detect the kind of a file by its name and first bytes.

    Args:
        name: The file's name.
        head: Its first `HEAD_BYTES`, or all of a shorter file.

    Returns:
        The kind; for a ZIP container, the kind by suffix, or ZIP (only the whole file tells more). None if it is not
        supported.
    """
    suffix = PurePosixPath(name).suffix.lower()
    known = _by_suffix().get(suffix)
    if head.startswith(_ZIP_MARK):
        return _packed(known, suffix, head)
    marked = _marked(known, suffix, head)
    if marked is not None:
        return marked
    if known is not None and (known.is_text or not looks_like_text(head)):
        return known
    return _textual(known, suffix, head)


def _marked(known: Kind | None, suffix: str, head: bytes) -> Kind | None:
    """Return the kind that the first bytes tell whatever the suffix says; None if they tell none."""
    if head.startswith(b"%PDF-"):
        return PDF
    if head.lstrip().startswith(b"{\\rtf"):
        return RTF
    if head.startswith(_OLE_MARK) and known is not None:
        return _BEFORE_2007.get(known)
    return PICTURE if _PICTURE.match(head) and (known is not None or not suffix) else None


def _textual(known: Kind | None, suffix: str, head: bytes) -> Kind | None:
    """Return the kind of a file whose suffix is not one of text, by its first bytes."""
    found = next((kind for mark, kind in _TEXTUAL if mark.match(head)), known)
    if found is known and known in _OFTEN_TEXT:
        return XML if head.lstrip().startswith(b"<?xml") else _OFTEN_TEXT[known]
    return PROSE if found is None and not suffix and looks_like_text(head) else found


def _packed(known: Kind | None, suffix: str, head: bytes) -> Kind | None:
    if known is not None:
        return ZIP if known.is_text else known
    return ZIP if not suffix or _OFFICE_MARK.search(head) else None  # a program's own archive: .jar, .apk


def kind_of(name: str, content: bytes) -> Kind | None:
    """Detect the kind of a file by its name and content.

    Args:
        name: The file's name.
        content: All its bytes.

    Returns:
        The kind; None if it is not supported.
    """
    kind = kind_by_head(name, content[:HEAD_BYTES])
    if kind is None or not content.startswith(_ZIP_MARK):
        return kind
    suffix = PurePosixPath(name).suffix.lower()
    other = kind if not suffix or suffix in _by_suffix() else None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _kind_of_archive(archive) or other
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError, UnreadableFileError):
        return kind  # damaged: its loader will report it


def _kind_of_archive(archive: zipfile.ZipFile) -> Kind | None:
    """Return the kind of an office file or book; None for any other archive."""
    names = archive.NameToInfo
    if "[Content_Types].xml" in names:
        folders = {name.partition("/")[0] for name in names}
        found = next((kind for folder, kind in _OPEN_XML.items() if folder in folders), None)
        return XLSB if found is XLSX and _BINARY_WORKBOOK in names else found
    if _TYPE_MEMBER not in names:
        return None
    with archive.open(_TYPE_MEMBER) as member:
        said = member.read(_MAX_TYPE_BYTES).decode("ascii", "replace").strip()
    if said == "application/epub+zip":
        return EPUB
    if not said.startswith("application/vnd.oasis.opendocument."):
        return None
    return ODT if said.endswith(("text", "text-template")) else ODF
