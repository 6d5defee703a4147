"""Source code and other plain text: kept as it is, with lines or headings as places."""

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.numbering import line_places
from index.formats.text.decoding import decode
from index.formats.text.front_matter import front_matter
from index.formats.text.markdown import markdown_places
from index.formats.text.titles import title_of_markdown, title_of_text

LINED_SUFFIXES = frozenset(
    ".adb .ads .asm .awk .bash .bat .c .cc .cfg .clj .cmake .cmd .conf .cpp .cs .css .cxx .dart .diff .el .env "
    ".erl .ex .exs .f90 .fish .fs .go .gradle .groovy .h .hh .hpp .hs .hxx .ini .java .jl .js .jsx .kt .kts .less "
    ".lisp .log .lua .m .mjs .ml .mli .mm .nim .nix .pas .patch .php .pl .pm .properties .proto .ps1 .py .pyi .r "
    ".rb .rs .scala .scm .scss .sh .sql .svelte .swift .tcl .tf .toml .ts .tsx .v .vb .vhd .vim .vue .xsd "
    ".xsl .yaml .yml .zig .zsh".split()
)
"""Suffixes of files that are cited by line: "line 120"."""

PROSE_SUFFIXES = frozenset(".asc .bib .text .txt".split())
"""Suffixes of files that are read as prose, where line ends mean nothing."""


def load_lined(content: bytes) -> Content:
    """Read source code, a configuration file or a log.

    Args:
        content: The file's bytes.

    Returns:
        Its text unchanged, with a place "line 120" for each line that is not blank.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    text = _decode(content)
    return Content(text, places=line_places(text))


def load_prose(content: bytes) -> Content:
    """Read plain text.

    Args:
        content: The file's bytes.

    Returns:
        Its text unchanged, with a title from its first line.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    text = _decode(content)
    return Content(text, title_of_text(text))


def load_markdown(content: bytes) -> Content:
    """Read Markdown.

    Args:
        content: The file's bytes.

    Returns:
        Its text unchanged, with its headings as places; title and metadata from the front matter, the YAML or TOML
        between its first lines; otherwise its first heading as title.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    text = _decode(content)
    front = front_matter(text)
    title = front.metadata.pop("title", "") or title_of_markdown(text[front.end :])
    places = tuple(place for place in markdown_places(text) if place.start >= front.end)
    return Content(text, title, places, front.metadata)


def _decode(content: bytes) -> str:
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    if len(text) > MAX_TEXT_CHARS:  # refused, not cut: the stored text is the whole file
        raise UnreadableFileError(
            f"too large: {len(text):,} characters, at most {MAX_TEXT_CHARS:,}; split it into parts"
        )
    return text
