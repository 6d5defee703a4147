"""Jupyter notebooks: the cells' texts and what they printed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.assembling import Assembly, HeadingPath
from index.formats.content import Content
from index.formats.text.decoding import decode
from index.formats.text.markdown import markdown_headings
from index.formats.text.titles import title_of_markdown

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def load_notebook(content: bytes) -> Content:
    """Read a notebook.

    Args:
        content: The file's bytes.

    Returns:
        Its cells in order, Markdown and code as written, each code cell followed by the text of its outputs; places are
        headings. A note counts the pictures among its outputs, which are not read.

    Raises:
        EmptyFileError: No cell has text.
        UnreadableFileError: The file is not a notebook.
    """
    try:
        notebook = json.loads(decode(content))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError("damaged, or not a notebook: it is not valid JSON") from error
    cells = _cells(notebook)
    if cells is None:
        raise UnreadableFileError("not a notebook: it has no cells")
    text, path = Assembly(), HeadingPath()
    n_pictures = 0
    title = ""
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input")))
        if cell.get("cell_type") in {"markdown", "heading"}:
            if cell["cell_type"] == "heading":
                source = f"{'#' * int(cell.get('level', 1))} {source}"
            title = title or title_of_markdown(source)
            _add_markdown(text, path, source)
            n_pictures += len(cell.get("attachments") or {})
            continue
        text.add(source)
        for words, is_picture in _outputs(cell):
            text.add(words)
            n_pictures += is_picture
    if not text.length:
        raise EmptyFileError("empty: no cell holds text")
    notes = (f"{_counted(n_pictures)} among its outputs: not read",) if n_pictures else ()
    return text.content(title, _metadata(notebook), notes)


def _cells(notebook: object) -> list[dict[str, Any]] | None:
    """Return the cells of a notebook, of version 4 or older; None if it is none."""
    if not isinstance(notebook, dict):
        return None
    sheets = notebook.get("worksheets")
    found = notebook.get("cells")
    if found is None and isinstance(sheets, list):
        found = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or ()]
    return [cell for cell in found if isinstance(cell, dict)] if isinstance(found, list) else None


def _joined(lines: object) -> str:
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _add_markdown(text: Assembly, path: HeadingPath, source: str) -> None:
    headings = list(markdown_headings(source))
    starts = [heading.start for heading in headings]
    text.add(source[: starts[0]] if starts else source)
    for heading, end in zip(headings, [*starts[1:], len(source)], strict=True):
        text.stand(path.go_to(heading.level, heading.words))
        text.add(source[heading.start : end])


def _outputs(cell: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the text of each output, and whether it is, or comes with, a picture."""
    for output in cell.get("outputs") or ():
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        kinds: dict[str, Any] = data if isinstance(data, dict) else output
        words = _joined(output.get("text")) or _joined(kinds.get("text/plain") or kinds.get("text/markdown"))
        if output.get("output_type") in {"error", "pyerr"}:
            words = f"{output.get('ename', '')}: {output.get('evalue', '')}"
        is_picture = any(str(kind).startswith("image/") or kind in {"png", "jpeg", "svg"} for kind in kinds)
        yield "" if is_picture and words.startswith("<") else _COLOURS.sub("", words), is_picture


def _counted(n_pictures: int) -> str:
    return "1 picture" if n_pictures == 1 else f"{n_pictures:,} pictures"


def _metadata(notebook: Mapping[str, Any]) -> dict[str, str]:
    said = notebook.get("metadata")
    authors = said.get("authors") if isinstance(said, dict) else None
    names = [each.get("name") for each in authors or () if isinstance(each, dict)] if isinstance(authors, list) else []
    return {"author": ", ".join(name for name in names if isinstance(name, str))}
