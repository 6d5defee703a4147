"""The conversation as a page shows it."""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from markupsafe import Markup

from qa.records.turn import Turn
from qa.web.chat import rendering
from qa.web.history.store import KeptTurn, Said

_OF_ANOTHER_VERSION = "This turn was stored by another version of Verbatim, which this one cannot read."


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn on the page, or a line that is not a turn.

    Attributes:
        packed: Its HTML, compressed, since the server keeps it for every open page.
        key: Key of the turn in the history, or on the page if there is no history; "" for most lines.
        turn: The turn; None for a line.
    """

    packed: bytes
    key: str = ""
    turn: Turn | None = None

    @classmethod
    def of(cls, html: Markup, key: str = "", turn: Turn | None = None) -> "Shown":
        """Create a turn or a line from its HTML.

        Args:
            html: The HTML.
            key: The turn's key; "" for most lines.
            turn: The turn; None for a line.

        Returns:
            The turn or line.
        """
        return cls(zlib.compress(html.encode(), 1), key, turn)

    @property
    def html(self) -> Markup:
        """Its HTML."""
        return Markup(zlib.decompress(self.packed).decode())  # noqa: S704 (packed as HTML)

    @property
    def is_kept(self) -> bool:
        """Whether it is in the history."""
        return self.key.isdecimal()


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation on a page.

    Attributes:
        conversation: Id in the history; "" if it is not stored, or has not started.
        shown: The turns and lines on the page.
    """

    conversation: str = ""
    shown: tuple[Shown, ...] = ()

    @property
    def html(self) -> str:
        """Its HTML."""
        return rendering.conversation(self.conversation, [each.html for each in self.shown])

    @property
    def turns(self) -> list[Turn]:
        """Its turns."""
        return [each.turn for each in self.shown if each.turn is not None]

    def adding(self, *shown: Shown) -> "Told":
        """Return the conversation with turns or lines added at the end."""
        return replace(self, shown=(*self.shown, *shown))

    def noting(self, html: Markup) -> "Told":
        """Return the conversation with a line added at the end, unless it ends with the same line."""
        is_there = bool(self.shown) and self.shown[-1].html == html
        return self if is_there else self.adding(Shown.of(html))

    def before(self, keys: Collection[str]) -> "Told":
        """Return the conversation up to where a question stands that replaces some turns.

        Args:
            keys: Keys of those turns.

        Returns:
            The part before those turns; if they are only lines, all the rest.
        """
        at = next((i for i, each in enumerate(self.shown) if each.turn is not None and each.key in keys), None)
        return self.without(keys) if at is None else replace(self, shown=self.shown[:at])

    def without(self, keys: Collection[str]) -> "Told":
        """Return the conversation without the turns of some keys, and without the lines after the first of them."""
        at = next((i for i, each in enumerate(self.shown) if each.key and each.key in keys), len(self.shown))
        after = (each for each in self.shown[at:] if each.turn is not None and each.key not in keys)
        return replace(self, shown=(*self.shown[:at], *after))

    def without_lines(self, keys: Collection[str]) -> "Told":
        """Return the conversation without the lines of some keys; keys of turns are ignored."""
        return replace(self, shown=tuple(x for x in self.shown if x.turn is not None or x.key not in keys or not x.key))

    def caught_up(self, kept: Iterable[KeptTurn]) -> "Told":
        """Return the conversation updated from the history, which another tab may have continued.

        Args:
            kept: Its turns in the history.

        Returns:
            Turns on the page keep their order, turns deleted from the history are removed, new ones are added last.
        """
        known = {str(each.key): each for each in kept}
        stay = [each for each in self.shown if not each.is_kept or each.key in known]
        new = known.keys() - {each.key for each in stay}
        return replace(self, shown=(*stay, *(shown(each) for key, each in known.items() if key in new)))


def shown(kept: KeptTurn) -> Shown:
    """Return a turn of the history as shown on the page."""
    if kept.said is None:
        return Shown.of(rendering.notice("", _OF_ANOTHER_VERSION), str(kept.key))
    return shown_said(kept.said, str(kept.key))


def shown_said(said: Said, key: str) -> Shown:
    """Return a turn with a key as shown on the page."""
    records = {each.name: each for each in said.records}
    return Shown.of(rendering.spoken(said.turn, records, key), key, said.turn)
