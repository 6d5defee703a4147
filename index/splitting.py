"""A document becomes passages: whole sentences where they fit, offsets exact."""

import re
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from index.documents import Document, Passage

HEADING_SEPARATOR = " › "  # noqa: RUF001 (meant: people read it)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_CODE_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_MARKDOWN_SUFFIXES = (".md", ".markdown")


@dataclass(frozen=True, slots=True)
class SplitterSettings:
    """How documents are split.

    Attributes:
        max_tokens: Most tokens in a passage, by the embedder's tokenizer, special tokens not counted.
        overlap_tokens: Most tokens that a passage repeats of the one before it.
        max_context_tokens: Most tokens of title and headings put in front of what is embedded and searched.
    """

    max_tokens: int = 200
    overlap_tokens: int = 30
    max_context_tokens: int = 50


class Splitter:
    """Splits documents with one tokenizer and one set of settings."""

    def __init__(self, tokenizer: Tokenizer, settings: SplitterSettings | None = None) -> None:
        """Make a splitter.

        Args:
            tokenizer: What counts tokens; copied, so that it can be in use elsewhere.
            settings: How to split; None takes the defaults.
        """
        self.settings = SplitterSettings() if settings is None else settings
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        capacity, overlap = self.settings.max_tokens, self.settings.overlap_tokens
        self._plain = TextSplitter.from_huggingface_tokenizer(self._tokenizer, capacity, overlap)
        self._markdown = MarkdownSplitter.from_huggingface_tokenizer(self._tokenizer, capacity, overlap)

    def split(self, document: Document) -> list[Passage]:
        """The document's passages in the order of their starts.

        Args:
            document: The document.

        Returns:
            Passages whose text is the document's own at their offsets. Every character that is not
            white space is in at least one of them.
        """
        is_markdown = _is_markdown(document.name)
        splitter = self._markdown if is_markdown else self._plain
        headings = _headings(document.text) if is_markdown else []
        return [
            Passage(document.name, start, start + len(text), text, _heading_above(headings, start))
            for start, text in splitter.chunk_indices(document.text)
        ]

    def context(self, document: Document, passage: Passage) -> str:
        """What goes in front of a passage when it is embedded and searched.

        Args:
            document: The document of the passage.
            passage: The passage.

        Returns:
            Title and headings, cut to `max_context_tokens`; "" where the passage begins with the title already.
        """
        title = document.title.rstrip("…")
        if " ".join(passage.text[: 2 * len(title)].split()).startswith(title) and not passage.heading:
            return ""
        parts = [document.title, *(h for h in passage.heading.split(HEADING_SEPARATOR) if h and h != document.title)]
        return self._cut(HEADING_SEPARATOR.join(parts))

    def _cut(self, text: str) -> str:
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        limit = self.settings.max_context_tokens
        return text if len(offsets) <= limit else text[: offsets[limit - 1][1]]


def heading_at(name: str, text: str, offset: int) -> str:
    """The headings that a place in a document stands under.

    Args:
        name: The document's name: only Markdown has headings.
        text: Its text.
        offset: The place.

    Returns:
        The headings, outermost first, joined by `HEADING_SEPARATOR`; "" where there are none.
    """
    return _heading_above(_headings(text), offset) if _is_markdown(name) else ""


def _is_markdown(name: str) -> bool:
    return name.lower().endswith(_MARKDOWN_SUFFIXES)


def _headings(text: str) -> list[tuple[int, int, str]]:
    """Offset, level and words of every Markdown heading outside of code."""
    fences = [match.span() for match in _CODE_FENCE.finditer(text)]
    return [
        (match.start(), len(match.group(1)), match.group(2).strip())
        for match in _HEADING.finditer(text.replace("\r", " "))  # same length, so offsets hold
        if not any(start <= match.start() < end for start, end in fences)
    ]


def _heading_above(headings: list[tuple[int, int, str]], place: int) -> str:
    """The headings that a place stands under, one that begins there included."""
    path: dict[int, str] = {}
    for offset, level, words in headings:
        if offset > place:
            break
        path = {above: name for above, name in path.items() if above < level} | {level: words}
    return HEADING_SEPARATOR.join(path[level] for level in sorted(path))
