"""Splits documents into passages of whole sentences, as far as they fit, with exact offsets."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from index.formats.content import Table
from index.formats.text.markdown import HEADING_SEPARATOR, is_markdown
from index.formats.titles import words_of_name
from index.records import Document, Passage, label_at

_MAX_BLOCK_CHARS = 50_000
_MAX_TITLE_CHARS = 300
_LONG_BLANK = re.compile(r"(?<!\s)\s{100,}")


@dataclass(frozen=True, slots=True)
class SplitterSettings:
    """How documents are split.

    Attributes:
        max_tokens: Most tokens in a passage, by the embedder's tokenizer, special tokens not counted.
        overlap_tokens: Most tokens that a passage shares with the one before it.
        max_context_tokens: Most tokens of title and headings put in front of a passage to embed and search it.
        max_chars_per_token: Most characters counted as one token: a tokenizer may turn a word of any length into one
            token, and accents and joiners, which it ignores, into none.
    """

    max_tokens: int = 200
    overlap_tokens: int = 30
    max_context_tokens: int = 50
    max_chars_per_token: int = 20


class Splitter:
    """Splits documents into passages."""

    def __init__(self, tokenizer: Tokenizer, settings: SplitterSettings | None = None) -> None:
        """Create a splitter.

        Args:
            tokenizer: Counts tokens; copied, so that the original can be used elsewhere.
            settings: How to split; None is the defaults.
        """
        self.settings = SplitterSettings() if settings is None else settings
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        capacity, overlap = self.settings.max_tokens, self.settings.overlap_tokens
        self._plain = TextSplitter.from_callback(self._size, capacity, overlap)
        self._markdown = MarkdownSplitter.from_callback(self._size, capacity, overlap)

    def split(self, document: Document) -> list[Passage]:
        """Split a document into passages, ordered by their starts.

        Args:
            document: The document.

        Returns:
            Passages whose text is the document's at their offsets. Every character that is not white space is in at
            least one of them. A row of a table is not divided unless it alone is too long, and no passage holds rows of
            several tables, or rows and other text than a title above them.
        """
        passages: list[Passage] = []
        at = 0
        for run in _runs(document.tables):
            begin = at if self._is_title(document.text[at : run.start]) else run.start
            passages += self._prose(document, at, begin)
            passages += self._rows(document, run, begin)
            at = max(at, run.end)
        return passages + self._prose(document, at, len(document.text))

    def _prose(self, document: Document, first: int, last: int) -> list[Passage]:
        splitter = self._markdown if is_markdown(document.name) else self._plain
        headings = document.places if document.has_headings else ()
        return [
            Passage(document.name, start, start + len(text), text, label_at(headings, start))
            for low, high in _between_long_blanks(document.text, first, last)
            for start, text in _chunks(splitter, document.text, low, high)
        ]

    def _is_title(self, text: str) -> bool:
        """Return whether a text is blank, or so short that it only says what comes below."""
        return len(text) <= _MAX_TITLE_CHARS and self._size(text) <= self.settings.max_context_tokens

    def _rows(self, document: Document, run: "_Run", begin: int) -> Iterator[Passage]:
        """Yield passages of as many whole rows as fit, the first from a title above them on."""
        text = document.text
        begin += len(text[begin : run.start]) - len(text[begin : run.start].lstrip())
        begun, size, end = begin, self._size(text[begin : run.start]), run.start
        for start, stop in run.rows:
            n_tokens = self._size(text[start:stop])
            if size and size + n_tokens > self.settings.max_tokens:
                yield self._of_table(document, run, begun, begun + len(text[begun:end].rstrip()))
                size = 0
            if not size:
                begun = start
            if n_tokens > self.settings.max_tokens:
                for low, piece in _chunks(self._plain, text, start, stop):
                    yield self._of_table(document, run, low, low + len(piece))
                continue
            size += n_tokens
            end = stop
        if size:
            yield self._of_table(document, run, begun, end)

    def _of_table(self, document: Document, run: "_Run", start: int, end: int) -> Passage:
        heading = label_at(document.places, start) if document.has_headings else ""
        parts = [*filter(None, heading.split(HEADING_SEPARATOR))]
        parts += [part for part in run.about.split(HEADING_SEPARATOR) if part and part not in parts]
        return Passage(document.name, start, end, document.text[start:end], HEADING_SEPARATOR.join(parts))

    def context(self, document: Document, passage: Passage) -> str:
        """Return what is put in front of a passage to embed and search it.

        Args:
            document: The document of the passage.
            passage: The passage.

        Returns:
            Title, words of the file's name that are in neither title nor headings, and headings, cut to
            `max_context_tokens`; without the title if the passage itself begins with it.
        """
        title = document.title.rstrip("…")
        begins_with_title = " ".join(passage.text[: 2 * len(title)].split()).startswith(title) and not passage.heading
        headings = [h for h in passage.heading.split(HEADING_SEPARATOR) if h and h != document.title]
        named = words_of_name(document.name, " ".join([document.title, *headings]))
        parts = ["" if begins_with_title else document.title, named, *headings]
        return self._cut(HEADING_SEPARATOR.join(filter(None, parts)))

    def _size(self, text: str) -> int:
        """Return the number of tokens of a text; for one that is certainly too long, only a lower bound."""
        least = -(-len(text) // self.settings.max_chars_per_token)
        if least > self.settings.max_tokens:
            return least
        return max(least, len(self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids))

    def _cut(self, text: str) -> str:
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        limit = self.settings.max_context_tokens
        return text if len(offsets) <= limit else text[: offsets[limit - 1][1]]


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows of one table that follow one another in the text.

    Attributes:
        start: Offset of the first.
        end: Offset after the last.
        rows: Start and end of each.
        about: What the table is about.
    """

    start: int
    end: int
    rows: list[tuple[int, int]]
    about: str


def _runs(tables: Sequence[Table]) -> list[_Run]:
    """Return the runs of rows of the tables, in the order of the text; tables side by side alternate row by row."""
    rows = sorted((start, end, i) for i, table in enumerate(tables) for start, end, _ in table.rows.tolist())
    runs: list[_Run] = []
    for table, group in groupby(rows, key=itemgetter(2)):
        its = [(start, end) for start, end, _ in group]
        runs.append(_Run(its[0][0], its[-1][1], its, tables[table].about))
    return runs


def _between_long_blanks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the stretches between very long blanks, on which splitters take quadratic time."""
    for blank in _LONG_BLANK.finditer(text, start, end):
        yield start, blank.start()
        start = blank.end()
    yield start, end


def _chunks(splitter: TextSplitter | MarkdownSplitter, text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield the chunks of a stretch of text, splitting one block at a time: splitters slow down on long texts.

    A block's last chunk may be cut off by the block's end, so the next block starts with it.
    """
    while start < end:
        stop = min(end, start + _MAX_BLOCK_CHARS)
        chunks = [(start + within, chunk) for within, chunk in splitter.chunk_indices(text[start:stop])]
        whole = chunks[:-1] if stop < end and len(chunks) > 1 else chunks
        yield from whole
        start = chunks[-1][0] if len(whole) < len(chunks) else stop
