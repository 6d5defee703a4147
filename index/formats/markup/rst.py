"""reStructuredText, by docutils; what Sphinx adds to it is read too, without running any of it."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

from index.formats.assembling import LINE, PARAGRAPH, Assembly, HeadingPath
from index.formats.content import Content
from index.formats.markup.rendering import linked_pictures, rendered
from index.formats.metadata import iso_date
from index.formats.tables import written

_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([a-zA-Z][\w:.+-]*)::", re.MULTILINE)
_ROLE = re.compile(r":([a-zA-Z][\w:.+-]*):`")
_TARGET = re.compile(r"\s*<[^<>]*>$")
_UNSHOWN = frozenset(
    "toctree index highlight currentmodule module contents meta sectnum tabularcolumns raw include literalinclude "
    "only ifconfig graphviz autoclass automodule autofunction automethod".split()
)
"""Directives that print nothing of their own, or the content of other files."""
_VERSIONS = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
}
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "line_length_limit": 1_000_000,
    "smart_quotes": False,
    "warning_stream": False,
}


def load_rst(content: bytes) -> Content:
    """Read reStructuredText.

    Args:
        content: The file's bytes.

    Returns:
        Its text without marks: paragraphs, lists, table rows as headers and values, and code. Places are headings.

    Raises:
        EmptyFileError: The file is blank.
        UnreadableFileError: The file is not text, or too large.
    """
    return rendered(content, _render)


def _render(text: str) -> Content:
    from docutils.core import publish_doctree

    _allow_all(text)
    return _Writer().content(publish_doctree(text, settings_overrides=_SETTINGS))


def _allow_all(text: str) -> None:
    """Make docutils read directives and roles that it does not know as containers and as words."""
    from docutils.parsers.rst import directives, languages, roles
    from docutils.utils import new_document

    english, nowhere = languages.get_language("en"), new_document("")
    for name in set(_DIRECTIVE.findall(text)):
        if name in _UNSHOWN or directives.directive(name, english, nowhere)[0] is None:
            directives.register_directive(name, _any_directive())
    for name in set(_ROLE.findall(text)):
        if name not in _KNOWN_ROLES:
            roles.register_local_role(name, _role)


_KNOWN_ROLES = frozenset(
    "emphasis strong literal sub sup subscript superscript math title-reference title t code".split()
)


def _role(*given: Any, **_: Any) -> tuple[list[Any], list[Any]]:  # noqa: ANN401 (called by docutils)
    from docutils import nodes, utils

    words = utils.unescape(given[2])  # after the role's name and its markup
    return [nodes.inline("", _TARGET.sub("", words).lstrip("!~"))], []


@cache
def _any_directive() -> type:
    from docutils import nodes
    from docutils.parsers.rst import Directive

    class AnyDirective(Directive):  # type: ignore[misc]
        """A directive that docutils does not know: its argument as a paragraph, then its content."""

        has_content = True
        optional_arguments = 1_000
        final_argument_whitespace = True
        option_spec = None

        def run(self) -> list[Any]:
            if self.name in _UNSHOWN:
                return []
            shown = nodes.container()
            words = " ".join(" ".join(self.arguments).split())
            if self.name in _VERSIONS:
                words = f"{_VERSIONS[self.name]} {words}"
            if words:
                shown += nodes.paragraph("", words)
            self.state.nested_parse(self.content, self.content_offset, shown)
            return [shown]

    return AnyDirective


class _Writer:
    """Writes a tree of docutils as text."""

    def __init__(self) -> None:
        self._text = Assembly()
        self._path = HeadingPath()
        self._metadata: dict[str, str] = {}
        self._title = ""
        self._n_pictures = 0

    def content(self, document: Any) -> Content:  # noqa: ANN401 (docutils has no types)
        self._block(document, 0, "")
        content = self._text.content(self._title, self._metadata)
        return replace(content, remarks=linked_pictures(self._n_pictures))

    def _block(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401
        """Write a node, and those within it."""
        kind = node.tagname
        writer = getattr(self, f"_write_{kind}", None)
        if kind in _PASSED_OVER:
            return
        if writer is not None:
            writer(node, level, indent)
        elif kind in _WITH_WORDS:
            self._text.add(indent + _flat(node))
            self._n_pictures += len(list(node.findall(lambda inner: inner.tagname == "image")))
        elif kind in _AS_IT_IS:
            self._text.add(node.astext())
        else:
            deeper = level + (kind == "section")
            for inner in node.children:
                if hasattr(inner, "tagname") and inner.tagname != "#text":
                    self._block(inner, deeper, indent)

    def _items(self, node: Any, level: int, indent: str, first: int | None) -> None:  # noqa: ANN401
        for order, item in enumerate(node.children):
            mark = "-" if first is None else f"{first + order}."
            for number, inner in enumerate(item.children):
                if number == 0 and inner.tagname in _WITH_WORDS:
                    self._text.add(f"{indent}{mark} {_flat(inner)}", LINE if order or indent else PARAGRAPH)
                else:
                    self._block(inner, level, f"{indent}  ")

    # By the names of docutils' nodes

    def _write_title(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401, ARG002
        words = _flat(node)
        self._title = self._title or words
        self._text.stand(self._path.go_to(level, words))
        self._text.add(words)

    def _write_bullet_list(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401
        self._items(node, level, indent, None)

    def _write_enumerated_list(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401
        self._items(node, level, indent, int(node.get("start", 1)))

    def _write_image(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401, ARG002
        self._n_pictures += 1
        self._text.add(str(node.get("alt", "")))

    def _write_docinfo(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401, ARG002
        for field in node.children:
            name, value = field.tagname, _flat(field)
            if name == "field":
                name, value = _flat(field.children[0]), _flat(field.children[1])
            self._metadata[name.lower()] = iso_date(value) or value if name == "date" else value
            self._text.add(f"{name.capitalize()}: {value}", LINE)

    def _write_field(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401, ARG002
        name, body = node.children[0], node.children[1]
        self._text.add(f"{indent}{_flat(name)}: {_flat(body)}", LINE)

    def _write_table(self, node: Any, level: int, indent: str) -> None:  # noqa: ANN401, ARG002
        for caption in node.findall(lambda inner: inner.tagname == "title"):
            self._text.add(_flat(caption))
        rows = list(node.findall(lambda inner: inner.tagname == "row"))
        cells = [[_flat(entry) for entry in row.children] for row in rows]
        has_header = any(True for _ in node.findall(lambda inner: inner.tagname == "thead"))
        self._text.add_table(written(enumerate(cells), has_header))


def _flat(node: Any) -> str:  # noqa: ANN401
    return " ".join(node.astext().split())


_PASSED_OVER = frozenset(
    "comment target substitution_definition system_message pending raw meta decoration citation_reference".split()
)
_WITH_WORDS = frozenset("paragraph subtitle rubric attribution caption term classifier legend".split())
_AS_IT_IS = frozenset("literal_block doctest_block math_block line_block".split())
