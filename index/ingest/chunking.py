"""A document becomes passages: whole sentences where they fit, offsets exact."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from index.formats.text.markdown import HEADING_SEPARATOR, is_markdown
from index.records import Document, Passage, label_at

_MAX_BLOCK_CHARS = 50_000
_LONG_BLANK = re.compile(r"(?<!\s)\s{100,}")


@dataclass(frozen=True, slots=True)
class SplitterSettings:
    """How documents are split.

    Attributes:
        max_tokens: Most tokens in a passage, by the embedder's tokenizer, special tokens not counted.
        overlap_tokens: Most tokens that a passage repeats of the one before it.
        max_context_tokens: Most tokens of title and headings put in front of what is embedded and searched.
        max_chars_per_token: Characters that count as a token at least: to a tokenizer a word of any length may
            be a single token, and what it doesn't read, accents and joiners say, none at all.
    """

    max_tokens: int = 200
    overlap_tokens: int = 30
    max_context_tokens: int = 50
    max_chars_per_token: int = 20


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
        self._plain = TextSplitter.from_callback(self._size, capacity, overlap)
        self._markdown = MarkdownSplitter.from_callback(self._size, capacity, overlap)

    def split(self, document: Document) -> list[Passage]:
        """The document's passages in the order of their starts.

        Args:
            document: The document.

        Returns:
            Passages whose text is the document's own at their offsets. Every character that is not
            white space is in at least one of them.
        """
        splitter = self._markdown if is_markdown(document.name) else self._plain
        headings = document.places if document.has_headings else ()
        return [
            Passage(document.name, start, start + len(text), text, label_at(headings, start))
            for first, last in _between_long_blanks(document.text)
            for start, text in _chunks(splitter, document.text, first, last)
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

    def _size(self, text: str) -> int:
        """Tokens of a text; of one that is too long in any case, no more than that it is."""
        least = -(-len(text) // self.settings.max_chars_per_token)
        if least > self.settings.max_tokens:
            return least
        return max(least, len(self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids))

    def _cut(self, text: str) -> str:
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        limit = self.settings.max_context_tokens
        return text if len(offsets) <= limit else text[: offsets[limit - 1][1]]


def _between_long_blanks(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of what lies between very long blanks: on those alone, splitters take quadratic time."""
    start = 0
    for blank in _LONG_BLANK.finditer(text):
        yield start, blank.start()
        start = blank.end()
    yield start, len(text)


def _chunks(splitter: TextSplitter | MarkdownSplitter, text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Chunks of a stretch of text, a block at a time: splitters take longer the more text is before them.

    A block's last chunk may be cut where the block ends, so the next block begins with it.
    """
    while start < end:
        stop = min(end, start + _MAX_BLOCK_CHARS)
        chunks = [(start + within, chunk) for within, chunk in splitter.chunk_indices(text[start:stop])]
        whole = chunks[:-1] if stop < end and len(chunks) > 1 else chunks
        yield from whole
        start = chunks[-1][0] if len(whole) < len(chunks) else stop
