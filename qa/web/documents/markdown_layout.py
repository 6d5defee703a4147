"""Layout of Markdown: which stretches are headings, lists, emphasis, code; its text stays as it is stored.

Parsed by markdown-it-py, which follows CommonMark. Only the structure is taken from it, never HTML: what a document
writes in HTML is shown as text, and links are not followed.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from qa.web.documents.elements import Element, Tag, trimmed

_BLOCKS: dict[str, Tag] = {
    "heading_open": "h",
    "paragraph_open": "p",
    "bullet_list_open": "ul",
    "ordered_list_open": "ol",
    "list_item_open": "li",
    "blockquote_open": "quote",
    "table_open": "table",
    "tr_open": "row",
}
_CELLS: dict[str, Tag] = {"th_open": "head", "td_open": "cell"}
_INLINE: dict[str, Tag] = {"em_open": "em", "strong_open": "strong", "s_open": "del", "link_open": "link"}


def markdown_elements(text: str) -> list[Element]:
    """Lay out a Markdown text.

    Args:
        text: The text.

    Returns:
        Its elements in order, outer ones before inner ones. Lines that make no element, such as the addresses of
        links, are paragraphs as they are written.
    """
    # The same length, so that offsets stay: the parser itself shortens ends of lines.
    source = text.replace("\r\n", " \n").replace("\r", "\n").replace("\0", "\ufffd")
    return _Layout(source).elements()


@cache
def _parser() -> MarkdownIt:
    # Without the rule that joins texts, a character behind a backslash stays a token of its own.
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("text_join")


class _Layout:
    """Walks the tokens of a text, and finds each stretch of words after the one before."""

    def __init__(self, source: str) -> None:
        self._source = source
        starts = [0]
        for line in source.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        self._starts = starts
        self._at = 0
        self._elements: list[Element] = []
        self._column = 0

    def elements(self) -> list[Element]:
        line = 0
        for token in _parser().parse(self._source):
            if token.map is not None and token.level == 0:
                self._add_unparsed(line, token.map[0])
                line = max(line, token.map[1])
            self._add(token)
        self._add_unparsed(line, len(self._starts) - 1)
        return self._elements

    def _lines(self, first: int, last: int) -> tuple[int, int]:
        """Return start and end of the lines from one to before another, without the last end of line."""
        end = min(self._starts[min(last, len(self._starts) - 1)], len(self._source) + 1)
        return self._starts[first], max(self._starts[first], end - 1)

    def _add_unparsed(self, first: int, last: int) -> None:
        start, end = trimmed(self._source, *self._lines(first, last)) if first < last else (0, 0)
        if start < end:
            self._elements += [Element("pre", start, end), Element("text", start, end)]
            self._at = end

    def _add(self, token: Token) -> None:
        if token.type == "inline" and token.map is not None:
            self._add_inline(token.children or [], self._lines(*token.map)[1])
        elif token.type in {"fence", "code_block"} and token.map is not None:
            self._add_code(token, *token.map)
        elif token.type in _CELLS:
            # A cell has no offsets; it ends where its row does at most, and is cut to its words below.
            self._elements.append(Element(_CELLS[token.type], self._at, self._at, self._column))
            self._column += 1
        elif token.map is not None and token.type in _BLOCKS:
            self._column = 0
            start, end = self._lines(*token.map)
            number = int(token.tag[1:]) if token.type == "heading_open" else int(token.attrs.get("start", 1))
            is_numbered = token.type in {"heading_open", "ordered_list_open"}
            self._at = max(self._at, start)
            self._elements.append(Element(_BLOCKS[token.type], start, end, number if is_numbered else 0))
        elif token.type == "hr" and token.map is not None:
            self._elements.append(Element("hr", *self._lines(*token.map)))

    def _add_code(self, token: Token, first: int, last: int) -> None:
        start, end = self._lines(first, last)
        if token.type == "fence":
            start = min(self._starts[first + 1], end)
            is_closed = self._source[slice(*self._lines(last - 1, last))].strip(" >").startswith(token.markup)
            end = max(start, self._starts[last - 1] - 1) if is_closed and last - 1 > first else end
        self._elements.append(Element("pre", start, end))
        if start < end:
            self._elements.append(Element("text", start, end))
        self._at = max(self._at, end)

    def _add_inline(self, tokens: Sequence[Token], end: int) -> None:
        """Add the words of a paragraph, a heading or a cell; as they are written, if they are not all found."""
        before = self._at
        added = list(self._inline(tokens, end))
        if any(each is None for each in added):
            self._at = end
            start, after = trimmed(self._source, before, end)
            added = [Element("text", start, after)] if start < after else []
        found = [each for each in added if each is not None]
        last = self._elements[-1] if self._elements else None
        if last is not None and last.tag in {"head", "cell"}:
            edges = (found[0].start, max(each.end for each in found)) if found else (self._at, self._at)
            self._elements[-1] = last._replace(start=edges[0], end=edges[1])
        self._elements += found

    def _inline(self, tokens: Sequence[Token], limit: int) -> Iterator[Element | None]:
        """Yield the elements of a line of tokens; None for words that are not found."""
        position = 0
        while position < len(tokens):
            token = tokens[position]
            if token.type in _INLINE:
                close = _closing(tokens, position)
                inner = list(self._inline(tokens[position + 1 : close], limit))
                known = [each for each in inner if each is not None]
                if known:
                    yield Element(_INLINE[token.type], known[0].start, max(each.end for each in known))
                yield from inner
                position = close
            else:
                yield from self._leaf(token, limit)
            position += 1

    def _leaf(self, token: Token, limit: int) -> Iterator[Element | None]:
        words, skipped = token.content, 0
        tag: Tag | None = None
        if token.type == "text_special":
            words = token.markup
            skipped = 1 if token.info == "escape" else 0
        elif token.type in {"softbreak", "hardbreak"}:
            words, tag = "\n", "br" if token.type == "hardbreak" else "space"
        elif token.type == "code_inline":
            tag = "code"
            words = words if self._source.find(words, self._at, limit) >= 0 else words.replace(" ", "\n")
        elif token.type == "image":
            words, tag = token.content or str(token.attrs.get("src", "")), "image"
        if not words:
            return
        start = self._source.find(words, self._at, limit + 1)
        if start < 0:
            yield None
            return
        self._at = start + len(words)
        if tag is not None:
            yield Element(tag, start + skipped, self._at)
        yield Element("text", start + skipped, self._at)


def _closing(tokens: Sequence[Token], opening: int) -> int:
    """Return the position of the token that closes another; the last one if none does."""
    depth = 0
    for position in range(opening, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1
