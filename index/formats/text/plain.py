"""Source code and other plain text: as it is in the file, with its lines or headings for places."""

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.numbering import line_places
from index.formats.text.decoding import decode
from index.formats.text.markdown import markdown_places
from index.formats.titles import title_of_markdown, title_of_text

LINED_SUFFIXES = frozenset(
    ".adb .ads .asm .awk .bash .bat .c .cc .cfg .clj .cmake .cmd .conf .cpp .cs .css .cxx .dart .diff .el .env "
    ".erl .ex .exs .f90 .fish .fs .go .gradle .groovy .h .hh .hpp .hs .hxx .ini .java .jl .js .jsx .kt .kts .less "
    ".lisp .log .lua .m .mjs .ml .mli .mm .nim .nix .pas .patch .php .pl .pm .properties .proto .ps1 .py .pyi .r "
    ".rb .rs .scala .scm .scss .sh .sql .svelte .swift .tcl .tf .toml .ts .tsx .v .vb .vhd .vim .vue .xml .xsd "
    ".xsl .yaml .yml .zig .zsh".split()
)
"""Files of which people say "line 120"."""

PROSE_SUFFIXES = frozenset(".adoc .asc .asciidoc .bib .org .rst .srt .tex .text .txt .vtt".split())
"""Files that are read as prose, whose lines end where there was no room."""


def load_lined(content: bytes) -> Content:
    """Read source code, settings or a log.

    Args:
        content: The file's bytes.

    Returns:
        Its text as it is, with a place "line 120" for each line that holds something.

    Raises:
        EmptyFileError: It holds nothing but white space.
        UnreadableFileError: It is no text, or too much of it.
    """
    text = _decode(content)
    return Content(text, places=line_places(text))


def load_prose(content: bytes) -> Content:
    """Read plain text.

    Args:
        content: The file's bytes.

    Returns:
        Its text as it is, under the title that its first line gives it.

    Raises:
        EmptyFileError: It holds nothing but white space.
        UnreadableFileError: It is no text, or too much of it.
    """
    text = _decode(content)
    return Content(text, title_of_text(text))


def load_markdown(content: bytes) -> Content:
    """Read Markdown.

    Args:
        content: The file's bytes.

    Returns:
        Its text as it is, under the title that its first heading gives it; headings are its places.

    Raises:
        EmptyFileError: It holds nothing but white space.
        UnreadableFileError: It is no text, or too much of it.
    """
    text = _decode(content)
    return Content(text, title_of_markdown(text), markdown_places(text))


def _decode(content: bytes) -> str:
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    if len(text) > MAX_TEXT_CHARS:  # its text is the file's, all of it or nothing
        raise UnreadableFileError(
            f"too large: {len(text):,} characters, at most {MAX_TEXT_CHARS:,}; split it into parts"
        )
    return text
