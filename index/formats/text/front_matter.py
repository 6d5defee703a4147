"""The front matter of Markdown: fields between its first lines, in YAML or TOML."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from index.formats.metadata import iso_date, language_code, one_line

_MAX_CHARS = 20_000
_MAX_ITEMS = 50
_BLOCK = re.compile(
    r"(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<fields>.*?)^(?:(?P=fence)|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_NAMES = {
    "title": ("title",),
    "author": ("author", "authors", "by"),
    "date": ("date", "published", "created"),
    "language": ("lang", "language"),
    "subject": ("subject", "description", "summary"),
    "keywords": ("keywords", "tags", "categories"),
}


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The front matter of a text.

    Attributes:
        end: Offset after it; 0 if there is none.
        metadata: Title, author, date, language, subject and keywords, as far as it says them.
    """

    end: int = 0
    metadata: dict[str, str] = field(default_factory=dict)


def front_matter(text: str) -> FrontMatter:
    """Return the front matter at the beginning of a text; what is not valid YAML or TOML is none."""
    block = _BLOCK.match(text, 0, _MAX_CHARS)
    if block is None:
        return FrontMatter()
    fields = _fields(block["fields"], is_toml=block["fence"] == "+++")
    if fields is None:
        return FrontMatter()
    return FrontMatter(block.end(), {name: said for name in _NAMES if (said := _said(fields, name))})


def _fields(written: str, *, is_toml: bool) -> Mapping[str, object] | None:
    import yaml  # few texts have front matter

    try:
        found = tomllib.loads(written) if is_toml else yaml.safe_load(written)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return {str(name).lower(): value for name, value in found.items()} if isinstance(found, dict) else None


def _said(fields: Mapping[str, object], name: str) -> str:
    value = next((fields[key] for key in _NAMES[name] if fields.get(key)), "")
    words = one_line(_words(value))
    if name == "date":
        return iso_date(words) or words
    return language_code(words) if name == "language" else words


def _words(value: object) -> str:
    if isinstance(value, list):  # lists in lists may grow without end: YAML repeats what has a name
        return ", ".join(filter(None, (_words(each) for each in value[:_MAX_ITEMS] if not isinstance(each, list))))
    if isinstance(value, dict):
        name = value.get("name", "")
        return name if isinstance(name, str) else ""
    return value.isoformat() if isinstance(value, date) else str(value)
