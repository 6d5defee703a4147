"""Titles of documents: of what a file offers as one, the first that says what the document is about."""

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import unquote

from index.formats.metadata import one_line
from index.formats.text.titles import title_of_text

_LINES_TRIED = 5
"""Lines of the text that are considered where file and name offer nothing."""
_REACH = 5_000
"""Characters of the text in which these lines are looked for."""
MAX_NAME_WORDS = 12
_NAME_WORD = re.compile(r"[^\W_]+")
_MAX_WORD_CHARS = 30
_MIN_HASH_CHARS = 8
_LETTERS_AT_LEAST = 0.4
"""Smallest share of letters among the characters of a title: below are ids, figures and codes."""
_HEADERS_AT_LEAST = 0.6
_MIN_CELLS = 3

_PLACEHOLDERS = frozenset(
    """untitled|untitled document|untitled presentation|no title|title|document|new document|new microsoft word document
    |presentation|powerpoint presentation|slide|book|sheet|workbook|spreadsheet|microsoft word|microsoft excel|word
    |default|unknown|(anonymous)|none|null|(null)|n/a|draft|confidential|strictly confidential|internal|home|index
    |contents|table of contents|cover|cover page|title page|blank|blank page|this page intentionally left blank
    |this page is intentionally left blank|all rights reserved|print|page|scan|scanned document|image|fax|attachment
    |unbenannt|unbenanntes dokument|dokument|präsentation|powerpoint-präsentation|arbeitsmappe|inhalt|inhaltsverzeichnis
    |sans titre|document sans titre|présentation powerpoint|sommaire|classeur|sin título|documento sin título|documento
    |presentación de powerpoint|índice|senza titolo|presentazione standard di powerpoint|sem título|naamloos|namnlös
    |uden navn|uten navn|bez tytułu|bez názvu|без названия|без имени|無題|无标题|제목 없음""".replace("\n", "")
    .replace("    |", "|")
    .split("|")
)
"""What programs and templates write where nobody gave a title, in lower case and without a number at the end."""

_PROGRAM = re.compile(r"(?:microsoft (?:office )?(?:word|excel|powerpoint|publisher)|slide|print(?:ing)?) - .*", re.I)
_FILE_SUFFIX = (
    "ai bak bin bmp cdr csv dat dll dmg doc docm docx dot dotx dvi dwg eml eps epub exe fm gif htm html hwp idml "
    "indd jar jpe?g key log lwp md mif mp[34] msg msi numbers odg odp ods odt one ott pages pcl pdf png pot potx pps "
    "ppsx ppt pptm pptx prn ps psd pub qxd qxp rar rst rtf sam sxw tex tgz tiff? tmp txt vsd vsdx wp wpd wps xls xlsb "
    "xlsm xlsx xml xps zip 7z"
).replace(" ", "|")
_FILE_NAME = re.compile(rf"(?:.*[\\/])?[^\\/]*\w\.(?:{_FILE_SUFFIX})", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"[\s_-]*\(?\d+\)?$")
_PAGE = re.compile(
    r"\W*(?:(?:page|pg?\.?|seite|sida|side|página|pagina|pág\.?|strona|strana|oldal|стр\.?|lk|sheet|folio)\W{0,3})?"
    r"(?:\d+|[ivxlc]+)(?:\s*(?:of|/|von|av|af|di|de|sur|z|из|van)\s*\d+)?\W*",
    re.IGNORECASE,
)
_PAGE_WITHIN = re.compile(
    r"\b(?:page|seite|página|pagina|sida|side)\W{0,3}\d+\s*(?:of|/|von|de|di|sur|av|af)\s*\d+|\bpage\s*\d+$", re.I
)
_ADDRESS = re.compile(r"(?:https?://|www\.|mailto:|file:)\S+|\S+@\S+\.\w+", re.IGNORECASE)
_DATE = re.compile(r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b|\b\d{1,2}:\d\d\b")
_FIELD = re.compile(
    r"(?:\w+\W{1,2}){0,2}(?:date|datum|no|nr|number|ref|reference|tel|telephone|phone|fax|e-?mail|to|from|cc|attn|id|"
    r"version|revision|rev|status|printed|created|modified|updated|url|docket|customer|account)\b\.?\s*"
    r"(?P<colon>[:#=])?\s*(?P<value>\S.*)",
    re.IGNORECASE,
)
_PRINTED = re.compile(
    r"(?:printed|downloaded|retrieved|generated|exported|created|scanned) (?:on|by|from|at|with)\b", re.I
)
_RIGHTS = re.compile(r"(?:copyright\b|©|\(c\)\s*\d)", re.IGNORECASE)
_HEADER_WORDS = frozenset(
    "amount balance category city code colour color comment comments cost count country currency customer date "
    "description email end id item name no no. nr number nr. notes phone place price product qty quantity rate ref "
    "remarks role size start state status sum tel time title total town type unit units value year zip".split()
)
_SLUG = re.compile(r"[^\s/\\]*_[^\s/\\]*")
_COPY = re.compile(r"\s*\((?:copy|\d{1,3})\)$", re.IGNORECASE)
_JOINING = re.compile(r"(?<=[^\W\d]{2})-(?=[^\W\d]{2})|(?<=[^\W\d]{2})-(?=\d)|(?<=\d)-(?=[^\W\d]{2})")
"""Hyphens of a file's name that stand for spaces: not those of 2021-05-04, of e-mail or of x-ray."""
_DOTS = re.compile(r"(?<=[^\W\d])\.(?=\w)|(?<=\w)\.(?=[^\W\d])")


def best_title(offered: str, text: str, name: str, *, is_named_after_file: bool = False) -> str:
    """Choose a document's title, whatever its format.

    Args:
        offered: The title in the file's metadata, or its first heading or line; "" if there is none.
        text: The document's text.
        name: The file's name, with its folders.
        is_named_after_file: Whether the first lines are rows or mails, which are no titles.

    Returns:
        The offered title if it is one (see `is_title`); else the first line, if it is one; else the file's name, made
        readable. A name such as "scan0001.pdf" gives way to one of the next lines.
    """
    lines = () if is_named_after_file else _first_lines(text)
    for words in (one_line(offered), next(iter(lines), "")):
        if is_title(words):
            return _with_spaces(words)
    own = readable_name(name)
    if is_title(own):
        return own
    return next((line for line in lines if is_title(line) and not _is_amid_sentence(line)), own)


def readable_name(name: str) -> str:
    """Return a file's name as words: "reports/annual-report_2021.pdf" is "annual report 2021".

    Args:
        name: The name, with its folders.

    Returns:
        The name without folders and suffix, with spaces in place of the marks that stand for them.
    """
    path = PurePosixPath(name)
    stem = path.stem.removesuffix(".tar") if path.suffix[1:].isalnum() else path.name
    words = _COPY.sub("", unquote(stem))
    if not re.search(r"\s", words):
        words = words.replace("+", " ")
        words = _JOINING.sub(" ", _DOTS.sub(" ", _with_spaces(words)))
    return " ".join(words.replace("_", " ").split()) or path.name


def words_of_name(name: str, said: str) -> str:
    """Return the words of a file's name, and of its folders' names, that are not said elsewhere.

    Args:
        name: The name, with its folders: "leases/oslo/order-4471.pdf".
        said: Title and headings, whose words are left out.

    Returns:
        At most `MAX_NAME_WORDS` words, those of the file first, then those of the folder it is in, and so on: "order
        4471 oslo leases". Hashes and the like are left out.
    """
    known = {word.casefold() for word in _NAME_WORD.findall(said)}
    found: dict[str, str] = {}
    for step in reversed(name.split("/")):
        for word in _NAME_WORD.findall(readable_name(step)):
            if word.casefold() not in known and _is_telling(word):
                found.setdefault(word.casefold(), word)
    return " ".join(islice(found.values(), MAX_NAME_WORDS))


def is_title(words: str) -> bool:
    """Return whether words say what a document is about.

    Args:
        words: The words, on one line.

    Returns:
        False for page numbers, ids, dates and other fields, names of files and programs, placeholders such as
        "untitled", addresses, and rows of tables.
    """
    bare = words.strip().strip("<>[]{}*#=-–—_.…|").strip()  # noqa: RUF001 (dashes as printed)
    if _share_of_letters(bare) < _LETTERS_AT_LEAST or not _has_word(bare):
        return False
    without_ids = " ".join(word for word in bare.split() if not any(map(str.isdigit, word)))
    if not _PLACEHOLDERS.isdisjoint({bare.casefold(), without_ids.casefold(), _NUMBER_AT_END.sub("", bare).casefold()}):
        return False
    if any(form.fullmatch(bare) for form in (_PROGRAM, _FILE_NAME, _PAGE, _ADDRESS)):
        return False
    if _PAGE_WITHIN.search(bare) or _PRINTED.match(bare) or _RIGHTS.match(bare):
        return False
    return not _is_field(bare) and not _is_row(bare)


def _is_telling(word: str) -> bool:
    """Return whether a word of a name may be asked for: no single letter, no row of zeros, no hash."""
    if len(word) > _MAX_WORD_CHARS or not word.strip("0"):
        return False
    if word.isdigit() or word.isalpha():
        return len(word) > 1 or not word.isascii() or word.isdigit()
    return len(word) < _MIN_HASH_CHARS or re.search(r"\d[a-z]+\d", word) is None


def _first_lines(text: str) -> list[str]:
    lines = (line for line in text[:_REACH].splitlines() if line.strip())
    first = title_of_text(text)
    return [first, *(title_of_text(line) for line in islice(lines, 1, _LINES_TRIED))] if first else []


def _is_amid_sentence(line: str) -> bool:
    return line[0].islower() or line.endswith((".", ",", ";", "…"))


def _share_of_letters(words: str) -> float:
    shown = [char for char in words if not char.isspace()]
    return sum(map(str.isalpha, shown)) / len(shown) if shown else 0.0


def _has_word(words: str) -> bool:
    """Return whether there is a word of three letters, or one of a script that writes words with fewer."""
    for word in re.findall(r"[^\W\d_]+", words):
        if not word.isascii() and ord(word[0]) >= 0x0E00:  # noqa: PLR2004 (Thai and all scripts after it)
            return True
        if len(word) >= 3:  # noqa: PLR2004
            return True
    return False


def _is_field(words: str) -> bool:
    """Return whether the words are a field and its value: "Notice Date 06/22/2015", "To: Ann Lee"."""
    field = _FIELD.fullmatch(words)
    if field is None:
        return False
    value = field["value"]
    return bool(field["colon"] or _DATE.search(value) or _share_of_letters(value) < _LETTERS_AT_LEAST)


def _is_row(words: str) -> bool:
    """Return whether the words are a row of a table, or its headers."""
    for mark in ("; ", " | ", "\t"):
        if len(_filled(words.split(mark))) >= _MIN_CELLS or words.count(f": {mark}"):
            return True
    if len(re.findall(r"(?:^|; )[^;:]{1,40}: [^;]+", words)) > 1:
        return True
    parts = words.casefold().split()
    return len(parts) >= _MIN_CELLS and sum(part in _HEADER_WORDS for part in parts) >= _HEADERS_AT_LEAST * len(parts)


def _filled(cells: Iterable[str]) -> list[str]:
    return [cell for cell in cells if cell.strip()]


def _with_spaces(words: str) -> str:
    return words.replace("_", " ") if _SLUG.fullmatch(words) else words
