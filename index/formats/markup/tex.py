"""LaTeX, by pylatexenc: words with their accents, formulas in Unicode, headings as places."""

import re
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any

from index.formats.assembling import Assembly, HeadingPath
from index.formats.content import Content
from index.formats.markup.rendering import linked_pictures, rendered
from index.formats.metadata import iso_date
from index.formats.tables import written
from index.formats.text.markdown import MAX_HEADING_CHARS

_LEVELS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6}
_MARK = "\ue000"
"""Stands before a heading's level and words while the text is rendered: a character of private use."""
_CELL_END = "\ue001"
"""Stands for the & between the cells of a table."""
_HEADING = re.compile(rf"\s*{_MARK}(\d)([^{_MARK}]*){_MARK}\s*")
_BODY = re.compile(r"\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", re.DOTALL)
_PREAMBLE_FIELD = r"\\%s\s*(?:\[[^\]]*\])?\s*\{((?:[^{}]|\{[^{}]*\})*)\}"
_PICTURE = re.compile(r"\\includegraphics\b")
_DRAWING = re.compile(r"\\begin\{(?:tikzpicture|pgfpicture|picture)\}")
_REFERENCES = ("ref", "eqref", "pageref", "autoref", "cref", "Cref", "cite", "citep", "citet", "url")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{\w+\}(?:\[[^\]]*\])?")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_UNSHOWN_ENVIRONMENTS = ("tikzpicture", "pgfpicture", "picture", "filecontents", "filecontents*", "comment")


def load_tex(content: bytes) -> Content:
    """Read LaTeX.

    Args:
        content: The file's bytes.

    Returns:
        Its text without commands and comments; title, author and date from the preamble. Places are headings; a note
        counts the drawings. Files that it includes are not read.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    return rendered(content, _render)


def _render(text: str) -> Content:
    body = _BODY.search(text)
    shown = _converter().latex_to_text(body[1] if body else text)
    assembled, path = Assembly(), HeadingPath()
    title, author, date = (_field(text, name) for name in ("title", "author", "date"))
    for words in (title, author, date):
        assembled.add(words)
    pieces = _HEADING.split(shown)
    _add(assembled, pieces[0])
    first = ""
    for level, heading, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        words = " ".join(heading.split())[:MAX_HEADING_CHARS]
        first = first or words
        assembled.stand(path.go_to(int(level), words))
        assembled.add(words)
        _add(assembled, after)
    n = len(_DRAWING.findall(text))
    notes = (f"{n:,} drawing{'s' if n > 1 else ''}: not read",) if n else ()
    content = assembled.content(title or first, {"author": author, "date": iso_date(date) or date}, notes)
    return replace(content, remarks=linked_pictures(len(_PICTURE.findall(text))))


def _add(assembled: Assembly, text: str) -> None:
    for paragraph in _BLANK_LINES.split(text):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        for is_table, group in groupby(lines, lambda line: _CELL_END in line):
            if is_table:
                rows = [[" ".join(cell.split()) for cell in line.split(_CELL_END)] for line in group]
                assembled.add_table(written(enumerate(rows)))
            else:
                assembled.add("\n".join(" ".join(line.split()) for line in group))


def _field(text: str, name: str) -> str:
    found = re.search(_PREAMBLE_FIELD % name, text)
    return " ".join(_converter().latex_to_text(found[1]).split()) if found else ""


@cache
def _converter() -> Any:  # noqa: ANN401 (the library has no types)
    from pylatexenc.latex2text import (
        EnvironmentTextSpec,
        LatexNodes2Text,
        MacroTextSpec,
        SpecialsTextSpec,
        get_default_latex_context_db,
    )

    context = get_default_latex_context_db()
    headings = [
        MacroTextSpec(name, simplify_repl=lambda node, l2tobj, level=level: _heading(node, l2tobj, level))
        for name, level in _LEVELS.items()
    ]
    named = [MacroTextSpec(name, simplify_repl=_reference) for name in _REFERENCES]
    unshown = [
        MacroTextSpec(name, discard=True)
        for name in ("label", "includegraphics", "bibliography", "index", "maketitle", "hline")
    ]
    environments = [EnvironmentTextSpec(name, discard=True) for name in _UNSHOWN_ENVIRONMENTS]
    environments += [EnvironmentTextSpec(name, simplify_repl=_as_it_is) for name in ("verbatim", "lstlisting")]
    items = [MacroTextSpec("item", simplify_repl=_item)]
    context.add_context_category(
        "documents",
        prepend=True,
        macros=[*headings, *named, *unshown, *items],
        environments=environments,
        specials=[SpecialsTextSpec("&", simplify_repl=_CELL_END)],
    )
    return LatexNodes2Text(latex_context=context, keep_comments=False, strict_latex_spaces=False)


def _heading(node: Any, converter: Any, level: int) -> str:  # noqa: ANN401
    arguments = [each for each in node.nodeargd.argnlist if each is not None]
    words = converter.nodelist_to_text([arguments[-1]]) if arguments else ""
    return f"\n\n{_MARK}{level}{words.replace(_MARK, '')}{_MARK}\n\n"


def _reference(node: Any, l2tobj: Any) -> str:  # noqa: ANN401
    arguments = [each for each in node.nodeargd.argnlist if each is not None] if node.nodeargd else []
    return f"[{l2tobj.nodelist_to_text([arguments[-1]])}]" if arguments else ""


def _as_it_is(node: Any) -> str:  # noqa: ANN401
    return f"\n\n{_ENVIRONMENT.sub('', node.latex_verbatim())}\n\n"


def _item(node: Any, l2tobj: Any) -> str:  # noqa: ANN401
    label = next((each for each in node.nodeargd.argnlist if each is not None), None) if node.nodeargd else None
    return "\n- " + (f"{l2tobj.nodelist_to_text([label])} " if label is not None else "")
