"""Content lines, of which calendars (RFC 5545) and contacts (RFC 6350, vCard 2.1) are made.

icalendar refuses vCard 2.1, which phones still write, and vobject a whole address book for one damaged picture.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from index.formats.text.declared_charset import decode_declared
from index.formats.text.decoding import decode

_FOLD = re.compile(r"\n[ \t]")
_LINE = re.compile(
    r"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;[^\":;=]*(?:=(?:\"[^\"]*\"|[^\":;,]*)(?:,(?:\"[^\"]*\"|[^\":;,]*))*)?)*):(?P<value>.*)"
)
_PARAMETER = re.compile(r";([^\":;=]*)(?:=((?:\"[^\"]*\"|[^\":;])*))?")
_ESCAPED = re.compile(r"\\([\\;,nN:])")


@dataclass(frozen=True, slots=True)
class Line:
    """A content line.

    Attributes:
        name: Its name, in upper case.
        value: Its value, decoded but not unescaped.
        parameters: Its parameters by their names in upper case; of several of a name, and of those that vCard 2.1
            writes without one (as "TYPE"), the values are joined by commas.
    """

    name: str
    value: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The value unescaped."""
        return unescaped(self.value)

    def fields(self) -> list[str]:
        """Return the fields of a value such as a name or an address, unescaped and without surrounding blanks."""
        return [unescaped(part).strip() for part in re.split(r"(?<!\\);", self.value)]


@dataclass(slots=True)
class Component:
    """A component: an event, a contact.

    Attributes:
        name: Its name, in upper case: "VEVENT".
        lines: Its own lines.
        inner: The components within it.
    """

    name: str
    lines: list[Line] = field(default_factory=list)
    inner: list["Component"] = field(default_factory=list)

    def first(self, name: str) -> Line | None:
        """Return the first line of a name; None if there is none."""
        return next((line for line in self.lines if line.name == name), None)

    def said(self, name: str) -> str:
        """Return the first value of a name, unescaped; "" if there is none."""
        line = self.first(name)
        return "" if line is None else line.words.strip()

    def all(self, name: str) -> list[Line]:
        """Return all lines of a name."""
        return [line for line in self.lines if line.name == name]


def unescaped(value: str) -> str:
    """Return a value with its escaped commas, semicolons and line ends written out."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def components(content: bytes, max_depth: int = 10) -> Iterator[Component]:
    """Yield the outermost components of a file; lines that are none are passed over.

    Args:
        content: The file's bytes.
        max_depth: How deep components within components are read.

    Yields:
        Each, once its end is reached, or the file's.

    Raises:
        UnreadableFileError: The file is not text.
    """
    open_ones: list[Component] = []
    for line in _lines(decode(content)):
        if line.name == "BEGIN" and len(open_ones) < max_depth:
            opened = Component(line.value.strip().upper())
            if open_ones:
                open_ones[-1].inner.append(opened)
            open_ones.append(opened)
        elif line.name == "END" and open_ones and line.value.strip().upper() == open_ones[-1].name:
            closed = open_ones.pop()
            if not open_ones:
                yield closed
        elif open_ones:
            open_ones[-1].lines.append(line)
    yield from open_ones[:1]


def _lines(text: str) -> Iterator[Line]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    physical = _FOLD.sub("", text).split("\n")
    at = 0
    while at < len(physical):
        match = _LINE.fullmatch(physical[at])
        at += 1
        if match is None:
            continue
        value = match["value"]
        parameters = _parameters(match["parameters"])
        if "QUOTED-PRINTABLE" in {
            parameters.get("ENCODING", "").upper(),
            *parameters.get("TYPE", "").upper().split(","),
        }:
            while value.endswith("=") and at < len(physical):
                value = f"{value[:-1]}{physical[at].lstrip()}"
                at += 1
            value = decode_declared(quopri.decodestring(value.encode()), parameters.get("CHARSET", ""))
            value = value.replace("\r\n", "\n")
        yield Line(match["name"].upper(), value, parameters)


def _parameters(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(written):
        key, said = (name.upper(), value.replace('"', "")) if value else ("TYPE", name)
        found[key] = f"{found[key]},{said}" if key in found else said
    return found
