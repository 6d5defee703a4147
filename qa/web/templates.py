"""HTML from Jinja templates: whatever is put into a template is escaped, unless it is HTML already."""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

_LAYOUT = re.compile(r"(?<=[>}])(\n\s*)(?=[<{])")
"""A line break and the indentation after it, where markup ends before it and begins after it."""
_UNWRITABLE = re.compile("[\r\0\ud800-\udfff]")
_WRITTEN = {"\r": "&#13;", "\0": "␀"}


class Templates:
    """The templates of a folder, each compiled once, when it is first needed."""

    def __init__(self, folder: Path, **filters: Callable[..., str]) -> None:
        """Read nothing yet.

        Args:
            folder: Where the templates are.
            **filters: Functions that templates may call, by their names there.
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
        """Fill in a template.

        An HTML parser turns a carriage return into a newline unless it is written as a reference. Two kinds of
        character it cannot give back at all, and another stands for them one for one: ␀ for the null character,
        and the replacement character for half of a surrogate pair.

        Args:
            name: File name of the template.
            **values: What the template's names stand for; text shows, and gives back, its very characters.

        Returns:
            The HTML.

        Raises:
            UndefinedError: The template has a name that stands for nothing.
        """
        html = self._environment.get_template(name).render(values)
        return Markup(_UNWRITABLE.sub(lambda found: _WRITTEN.get(found[0], "\ufffd"), html))  # noqa: S704 (escaped)


class _WithoutLayout(Extension):
    """Drops line breaks between the tags of a template: a browser would show some of them as spaces."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        # In comments, so that the lines keep the numbers that error messages give.
        return _LAYOUT.sub(r"{#\1#}", source)
