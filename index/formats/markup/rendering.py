"""What the loaders of markup languages share: a text that cannot be rendered is kept as it is."""

from collections.abc import Callable

from index.errors import EmptyFileError, UnreadableFileError
from index.formats.content import Content
from index.formats.limits import MAX_TEXT_CHARS
from index.formats.text.decoding import decode
from index.formats.text.titles import title_of_text

MAX_RENDERED_CHARS = 5_000_000
"""Largest text that is rendered; longer ones are kept as they are."""


def rendered(content: bytes, render: Callable[[str], Content]) -> Content:
    """Render a text, or keep it as it is where that fails.

    Args:
        content: The file's bytes.
        render: Returns its content without marks; may raise anything.

    Returns:
        The rendered content; the text as written, with a remark, if it is too long or its markup is broken.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    text = decode(content)
    if not text.strip():
        raise EmptyFileError("empty: it holds no text")
    if len(text) > MAX_TEXT_CHARS:
        raise UnreadableFileError(
            f"too large: {len(text):,} characters, at most {MAX_TEXT_CHARS:,}; split it into parts"
        )
    why = f"longer than {MAX_RENDERED_CHARS:,} characters"
    if len(text) <= MAX_RENDERED_CHARS:
        try:
            content_without_marks = render(text.replace("\r\n", "\n").replace("\r", "\n"))
        except Exception as error:  # noqa: BLE001 (parsers of markup raise anything, and the text is at hand)
            why = f"broken markup, {type(error).__name__}"
        else:
            if content_without_marks.text.strip():
                return content_without_marks
            why = "nothing but marks"
    return Content(text, title_of_text(text), remarks=(f"shown with its marks: {why}",))


def linked_pictures(n_pictures: int) -> tuple[str, ...]:
    """Return a remark on the pictures that a text shows, which are files of their own."""
    if not n_pictures:
        return ()
    return (f"shows pictures that are files of their own: {n_pictures:,}",)
