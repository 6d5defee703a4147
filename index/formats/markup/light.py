"""Org and AsciiDoc: headings, lists, tables, code and words without their marks, line by line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from index.formats.assembling import LINE, PARAGRAPH, Assembly, HeadingPath
from index.formats.content import Content
from index.formats.markup.rendering import linked_pictures, rendered
from index.formats.metadata import iso_date
from index.formats.tables import written


@dataclass(frozen=True, slots=True)
class _Language:
    """A markup language, by patterns of its lines.

    Attributes:
        heading: Marks and words of a heading; the number of marks is its level.
        field: Name and value of a field of the document, such as its author.
        unshown: Lines that print nothing: comments, settings.
        fence: Lines between which text stands as it is; what ends them is the line itself, or `fence_end` of it.
        fence_end: Returns the pattern of the line that ends the text begun by a fence.
        row: Returns the cells of a table's row; None for any other line.
        inline: Patterns of marks within a line, and what stands in their place.
        unshown_fences: Names of fences whose text prints nothing.
    """

    heading: re.Pattern[str]
    field: re.Pattern[str]
    unshown: re.Pattern[str]
    fence: re.Pattern[str]
    fence_end: Callable[[re.Match[str]], re.Pattern[str]]
    row: Callable[[str], list[str] | None]
    inline: tuple[tuple[re.Pattern[str], str], ...]
    unshown_fences: frozenset[str] = frozenset()


_BEFORE, _AFTER = r"(?<![\w\\])", r"(?!\w)"


def _marked(mark: str, inner: str = "") -> re.Pattern[str]:
    """Return the pattern of words between two marks, as *these*."""
    escaped = re.escape(mark)
    return re.compile(rf"{_BEFORE}{escaped}(?=\S)([^{inner or escaped}\n]{{1,300}}?)(?<=\S){escaped}{_AFTER}")


_ORG = _Language(
    heading=re.compile(r"(\*+) +(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED) +)?(?:\[#[A-Z]\] +)?(.*?)(?: +:[\w@#%:]+:)? *"),
    field=re.compile(r"#\+(title|author|date|language|description|keywords|subtitle): *(.*)", re.IGNORECASE),
    unshown=re.compile(
        r" *#\+(?!begin_|end_).*| *# .*| *#| *:(?:\w+):.*| *\|[-+|]*-[-+|]* *| *(?:CLOSED|SCHEDULED): .*", re.I
    ),
    fence=re.compile(r" *#\+begin_(src|example|comment|verse|export|quote|center)\b.*", re.IGNORECASE),
    fence_end=lambda match: re.compile(rf" *#\+end_{match[1]}\b.*", re.IGNORECASE),
    row=lambda line: (
        [cell.strip() for cell in line.strip().strip("|").split("|")] if re.match(r" *\|(?!-)", line) else None
    ),
    inline=(
        (re.compile(r"\[\[[^\[\]\n]*\]\[([^\[\]\n]*)\]\]"), r"\1"),
        (re.compile(r"\[\[([^\[\]\n]*)\]\]"), r"\1"),
        (re.compile(r"\[fn:\w*\]"), ""),
        *((_marked(mark), r"\1") for mark in "*/_=~+"),
    ),
    unshown_fences=frozenset({"comment", "export"}),
)
_ADOC = _Language(
    heading=re.compile(r"(={1,6}|#{1,6}) +(\S.*?) *"),
    field=re.compile(r":(author|revdate|date|lang|description|keywords|doctitle): +(.*)", re.IGNORECASE),
    unshown=re.compile(
        r"//(?!/).*|:!?[\w-]+!?:.*|\[[^\]\n]*\] *|(?:include|image|video|toc|ifdef|ifndef|endif|ifeval)::.*|\+ *"
        r"|'''+|<<<+|={4,} *|\*{4,} *|_{4,} *|--"
    ),
    fence=re.compile(r"(-{4,}|\.{4,}|/{4,}|\+{4,}|`{3})[^`\n]* *"),
    fence_end=lambda match: re.compile(rf"{re.escape(match[1])} *"),
    row=lambda _: None,
    inline=(
        (re.compile(r"(?:https?|mailto|link|xref):[^\s\[\]]+\[([^\[\]\n]+)\]"), r"\1"),
        (re.compile(r"link:([^\s\[\]]+)\[\]"), r"\1"),
        (re.compile(r"<<[^<>,\n]+, *([^<>\n]+)>>"), r"\1"),
        (re.compile(r"<<([^<>\n]+)>>"), r"\1"),
        (re.compile(r"footnote:\w*\[([^\[\]\n]*)\]"), r" (\1)"),
        (re.compile(r"image:[^\s\[\]]+\[([^\[\]\n]*)\]"), r"\1"),
        (re.compile(r"\(\(\(?[^()\n]*\)\)\)?"), ""),
        (re.compile(r"\[[.#][\w.# -]*\](?=[#*_`])"), ""),
        *(
            (re.compile(rf"{re.escape(mark * 2)}([^{re.escape(mark)}\n]{{1,300}}?){re.escape(mark * 2)}"), r"\1")
            for mark in "*_`#"
        ),
        *((_marked(mark), r"\1") for mark in "*_`#+"),
    ),
    unshown_fences=frozenset({"/"}),
)
_ADOC_TABLE = "|==="
_PICTURE = re.compile(r"^image::|\[\[(?:file:|\./)[^\]]*\.(?:png|jpe?g|gif|svg|webp)\]", re.MULTILINE | re.IGNORECASE)
_ITEM = re.compile(r"(\s*)([-+*•]+|\.{1,5}|\d+[.)]|[a-z][.)])\s+(.*)")


def load_org(content: bytes) -> Content:
    """Read an Org file.

    Args:
        content: The file's bytes.

    Returns:
        Its text without marks, drawers and comments; table rows as headers and values. Places are headings; title,
        author and date from its settings.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    return rendered(content, lambda text: _render(text, _ORG))


def load_asciidoc(content: bytes) -> Content:
    """Read AsciiDoc.

    Args:
        content: The file's bytes.

    Returns:
        Its text without marks and comments; table rows as headers and values. Places are headings; title, author and
        date from its header. Files that it includes are not read.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    return rendered(content, lambda text: _render(text, _ADOC))


def _render(text: str, language: _Language) -> Content:
    page = _Page(language)
    lines = iter(text.split("\n"))
    for line in lines:
        fence = language.fence.fullmatch(line)
        if line.startswith(_ADOC_TABLE) and language is _ADOC:
            page.end_paragraph()
            page.add_table(_adoc_rows(list(_until(lines, re.compile(r"\|===.*")))))
        elif fence is not None:
            page.end_paragraph()
            page.add_as_it_is(fence[1].lower(), _until(lines, language.fence_end(fence)))
        else:
            page.read(line)
    page.end_paragraph()
    content = page.text.content(page.fields.pop("title", "") or page.first_heading, page.fields)
    return replace(content, remarks=linked_pictures(len(_PICTURE.findall(text))))


def _until(lines: Iterator[str], end: re.Pattern[str]) -> list[str]:
    found = []
    for line in lines:
        if end.fullmatch(line):
            break
        found.append(line)
    return found


def _adoc_rows(lines: list[str]) -> list[list[str]]:
    """Return the rows of an AsciiDoc table, whose cells may stand on lines of their own."""
    written = [line for line in lines if line.strip()]
    in_first = written[0].count("|") if written else 0
    if in_first == 1:  # a cell a line: a blank line ends the first row
        in_first = next((number for number, line in enumerate(lines) if not line.strip() and number), len(lines))
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", " ".join(lines))[1:]]
    return [cells[at : at + in_first] for at in range(0, len(cells), max(in_first, 1))]


class _Page:
    """A document as it is read, line by line."""

    def __init__(self, language: _Language) -> None:
        self.text = Assembly()
        self.fields: dict[str, str] = {}
        self.first_heading = ""
        self._language = language
        self._path = HeadingPath()
        self._lines: list[str] = []
        self._rows: list[list[str]] = []

    def read(self, line: str) -> None:
        """Read a line."""
        language = self._language
        row = language.row(line)
        if row is not None:
            self._end_lines()
            self._rows.append([self._bare(cell) for cell in row])
        elif heading := language.heading.fullmatch(line):
            self.end_paragraph()
            words = self._bare(heading[2])
            self.first_heading = self.first_heading or words
            self.text.stand(self._path.go_to(len(heading[1]), words))
            self.text.add(words)
        elif field := language.field.fullmatch(line):
            self._note(field[1].lower(), field[2].strip())
        elif not line.strip() and not self._rows:
            self.end_paragraph()
        elif line.strip() and not language.unshown.fullmatch(line):
            self._end_rows()
            self._lines.append(line)

    def add_as_it_is(self, fence: str, lines: list[str]) -> None:
        """Add code or another text whose lines stand as they are."""
        if not self._language.unshown_fences & {fence, fence[0]}:
            self.text.add("\n".join(lines).strip("\n"))

    def add_table(self, rows: list[list[str]]) -> None:
        """Add a table."""
        self._rows = [[self._bare(cell) for cell in row] for row in rows]
        self._end_rows()

    def end_paragraph(self) -> None:
        """End the paragraph or table."""
        self._end_lines()
        self._end_rows()

    def _end_lines(self) -> None:
        separator = PARAGRAPH
        said = ""
        for line in self._lines:
            item = _ITEM.fullmatch(line)
            if item is not None or not said:
                self.text.add(self._bare(said), separator)
                separator = LINE if said else PARAGRAPH
                said = f"{item[2][0] if item[2][0] in '-+*.•' else item[2]} {item[3]}" if item else line.strip()
                said = re.sub(r"^[+*.•] ", "- ", said)
            else:
                said += f" {line.strip()}"
        self.text.add(self._bare(said), separator)
        self._lines.clear()

    def _end_rows(self) -> None:
        rows = [row for row in self._rows if any(row)]
        self.text.add_table(written(enumerate(rows)))
        self._rows.clear()

    def _note(self, name: str, value: str) -> None:
        name = {"lang": "language", "revdate": "date", "doctitle": "title"}.get(name, name)
        value = self._bare(value)
        if value:
            self.fields[name] = (iso_date(value.strip("<[]>")) or value) if name == "date" else value
            if name in {"title", "subtitle", "author"}:
                self.text.add(value)

    def _bare(self, words: str) -> str:
        for pattern, shown in self._language.inline:
            words = pattern.sub(shown, words)
        return words
