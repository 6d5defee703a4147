"""HTML from Jinja templates; all values are escaped, unless they are HTML already."""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

_LAYOUT = re.compile(r"(?<=[>}])(\n\s*)(?=[<{])")
"""A line break with indentation between two tags."""
_UNWRITABLE = re.compile("[\r\0\ud800-\udfff]")
_WRITTEN = {"\r": "&#13;", "\0": "␀"}


class Templates:
    """The templates of a folder, each compiled on first use."""

    def __init__(self, folder: Path, **filters: Callable[..., str]) -> None:
        """Create without reading any template.

        Args:
            folder: Folder of the templates.
            **filters: Functions that templates may call, by name.
        """
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            extensions=[_WithoutLayout],
        )
        self._environment.filters |= filters

    def render(self, name: str, **values: object) -> Markup:
        """Render a template.

        HTML parsers turn a carriage return into a newline unless it is written as a reference. Two kinds of characters
        cannot be written in HTML and are replaced one for one: the null character by ␀, and half of a surrogate pair
        by the replacement character.

        Args:
            name: File name of the template.
            **values: Values of the template's variables; text is shown exactly.

        Returns:
            The HTML.

        Raises:
            UndefinedError: A variable of the template has no value.
        """
        html = self._environment.get_template(name).render(values)
        return Markup(_UNWRITABLE.sub(lambda found: _WRITTEN.get(found[0], "\ufffd"), html))  # noqa: S704 (escaped)


class _WithoutLayout(Extension):
    """Removes line breaks between tags from templates: browsers would show some of them as spaces."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        # As comments, so that line numbers in error messages stay right.
        return _LAYOUT.sub(r"{#\1#}", source)
