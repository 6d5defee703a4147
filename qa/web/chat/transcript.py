"""What a page shows of a conversation."""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from markupsafe import Markup

from qa.records.turn import Turn
from qa.web.chat import rendering
from qa.web.history.store import KeptTurn, Said

_OF_ANOTHER_VERSION = "What was said here was kept by another version of Verbatim, which this one cannot read."


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn on the page, or a line that belongs to none.

    Attributes:
        packed: Its HTML, compressed: pages stay open, and the server holds what each of them shows.
        key: The turn's key in the history, or on the page where none is kept; "" for a line, unless it can be named.
        turn: What was said; None for a line.
    """

    packed: bytes
    key: str = ""
    turn: Turn | None = None

    @classmethod
    def of(cls, html: Markup, key: str = "", turn: Turn | None = None) -> "Shown":
        """A turn, or a line, by its HTML.

        Args:
            html: The HTML.
            key: The turn's key; "" for a line, unless it can be named.
            turn: What was said; None for a line.

        Returns:
            What is shown.
        """
        return cls(zlib.compress(html.encode(), 1), key, turn)

    @property
    def html(self) -> Markup:
        """Its HTML."""
        return Markup(zlib.decompress(self.packed).decode())  # noqa: S704 (packed as HTML)

    @property
    def is_kept(self) -> bool:
        """Whether the history has it."""
        return self.key.isdecimal()


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation on a page.

    Attributes:
        conversation: Its id in the history; "" where it is not kept, or has not begun.
        shown: What the page shows of it.
    """

    conversation: str = ""
    shown: tuple[Shown, ...] = ()

    @property
    def html(self) -> str:
        """Its HTML."""
        return rendering.conversation(self.conversation, [each.html for each in self.shown])

    @property
    def turns(self) -> list[Turn]:
        """What was said in it."""
        return [each.turn for each in self.shown if each.turn is not None]

    def adding(self, *shown: Shown) -> "Told":
        """The conversation with something at its end.

        Args:
            *shown: What comes there.

        Returns:
            The conversation.
        """
        return replace(self, shown=(*self.shown, *shown))

    def noting(self, html: Markup) -> "Told":
        """The conversation with a line at its end, which is not said twice in a row.

        Args:
            html: The line's HTML.

        Returns:
            The conversation.
        """
        is_there = bool(self.shown) and self.shown[-1].html == html
        return self if is_there else self.adding(Shown.of(html))

    def before(self, keys: Collection[str]) -> "Told":
        """The conversation up to where a question stands that takes the place of some turns.

        Args:
            keys: Keys of those turns.

        Returns:
            What is before them; where they are lines only, all the rest.
        """
        at = next((i for i, each in enumerate(self.shown) if each.turn is not None and each.key in keys), None)
        return self.without(keys) if at is None else replace(self, shown=self.shown[:at])

    def without(self, keys: Collection[str]) -> "Told":
        """The conversation without some of its turns, and without the lines after the first of them.

        Args:
            keys: Keys of those turns.

        Returns:
            What is left.
        """
        at = next((i for i, each in enumerate(self.shown) if each.key and each.key in keys), len(self.shown))
        after = (each for each in self.shown[at:] if each.turn is not None and each.key not in keys)
        return replace(self, shown=(*self.shown[:at], *after))

    def without_lines(self, keys: Collection[str]) -> "Told":
        """The conversation without some lines.

        Args:
            keys: Keys of lines; those of turns are passed over.

        Returns:
            What is left.
        """
        return replace(self, shown=tuple(x for x in self.shown if x.turn is not None or x.key not in keys or not x.key))

    def caught_up(self, kept: Iterable[KeptTurn]) -> "Told":
        """The conversation as the history has it by now: another tab may have gone on with it.

        Args:
            kept: Its turns in the history.

        Returns:
            What the page shows already stays where it is, what is gone from the history goes, what is new comes last.
        """
        known = {str(each.key): each for each in kept}
        stay = [each for each in self.shown if not each.is_kept or each.key in known]
        new = known.keys() - {each.key for each in stay}
        return replace(self, shown=(*stay, *(shown(each) for key, each in known.items() if key in new)))


def shown(kept: KeptTurn) -> Shown:
    """A turn of the history on the page.

    Args:
        kept: The turn.

    Returns:
        What is shown of it.
    """
    if kept.said is None:
        return Shown.of(rendering.notice("", _OF_ANOTHER_VERSION), str(kept.key))
    return shown_said(kept.said, str(kept.key))


def shown_said(said: Said, key: str) -> Shown:
    """A turn on the page.

    Args:
        said: The turn.
        key: Its key.

    Returns:
        What is shown of it.
    """
    records = {each.name: each for each in said.records}
    return Shown.of(rendering.spoken(said.turn, records, key), key, said.turn)
