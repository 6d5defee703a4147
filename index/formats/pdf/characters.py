"""The characters printed on a page of a PDF, each with its rectangle on the page as displayed."""

import ctypes
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

import pypdfium2
import pypdfium2.raw as pdfium

from index.formats.pdf.lines import NOWHERE, Rectangle

Character = tuple[str, Rectangle]
"""A character and its rectangle; `NOWHERE` if it is not printed."""

_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_HYPHEN_AT_LINE_END = 0x02
"""pdfium's code for a hyphen at a line's end, after which it emits no newline."""
_DROPPED = {0xAD, 0xFEFF, 0xFFFE, 0xFFFF}
_RIGHT_TO_LEFT = {"R", "AL"}
_MARK = "NSM"
_FIRST_RIGHT_TO_LEFT = 0x590
"""First code of the scripts written from right to left; Indic and CJK ones come after it as well."""
_WRITTEN_AS_ONE = {unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB50, 0xFF00)}
"""What Unicode's Arabic presentation forms stand for, among them ligatures of several letters."""


class Sheet:
    """A page as displayed: its size, and where on it PDF coordinates are."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        """Read size and rotation of a page.

        Args:
            page: The page.

        Raises:
            pypdfium2.PdfiumError: The page is damaged.
        """
        self.size: tuple[float, float] = page.get_size()
        self._rotation = page.get_rotation()
        self._left, self._bottom, self._right, self._top = page.get_bbox()

    def displayed(self, left: float, bottom: float, right: float, top: float) -> Rectangle | None:
        """Convert a rectangle from PDF coordinates, whose y axis points up, to those of the page as displayed.

        Args:
            left: Its smallest x.
            bottom: Its smallest y.
            right: Its largest x.
            top: Its largest y.

        Returns:
            The part of it that is on the page; None if there is none.
        """
        if self._rotation == 0:
            box = (left - self._left, self._top - top, right - self._left, self._top - bottom)
        else:
            box = self._turned(left, bottom, right, top)
        width, height = self.size
        if box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height:
            return box
        if not (box[0] < width and box[2] > 0 and box[1] < height and box[3] > 0):
            return None
        return max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height)

    def _turned(self, left: float, bottom: float, right: float, top: float) -> Rectangle:
        if self._rotation == 90:  # noqa: PLR2004 (degrees)
            return bottom - self._bottom, left - self._left, top - self._bottom, right - self._left
        if self._rotation == 180:  # noqa: PLR2004
            return self._right - right, bottom - self._bottom, self._right - left, top - self._bottom
        return self._top - top, self._right - right, self._top - bottom, self._right - left


class Characters:
    """The characters printed on a page, in the order of the file; those off the page are left out.

    Once they were read, `seen` is their number, and `unmapped` that of those whose font does not say what they are.
    """

    def __init__(self, page: pypdfium2.PdfPage, sheet: Sheet) -> None:
        """Take the text of a page.

        Args:
            page: The page.
            sheet: Its size and coordinates.

        Raises:
            pypdfium2.PdfiumError: The page is damaged.
        """
        self._page = page.get_textpage()
        self._text = self._page.raw
        self._sheet = sheet
        self._loose = pdfium.FS_RECTF()
        self.unmapped = self.seen = 0

    def read(self) -> list[Character]:
        """Read all of them.

        Returns:
            The characters in the order of the file; `NOWHERE` for spaces and newlines that pdfium inserted.
        """
        characters: list[Character] = []
        text, high, has_right_to_left = self._text, 0, False
        for place in range(max(pdfium.FPDFText_CountChars(text), 0)):
            code = pdfium.FPDFText_GetUnicode(text, place)
            if 0xD800 <= code < 0xDC00:  # noqa: PLR2004 (the first half of a surrogate pair)
                high = code
                continue
            if pdfium.FPDFText_IsGenerated(text, place) == 1:
                characters.append((chr(code), NOWHERE))
            elif (box := self._rectangle(place)) is not None:
                self.seen += 1
                self.unmapped += pdfium.FPDFText_HasUnicodeMapError(text, place) == 1
                has_right_to_left |= code >= _FIRST_RIGHT_TO_LEFT
                if 0x20 < code < 0x7F:  # noqa: PLR2004 (printable ASCII: most of them)
                    characters.append((chr(code), box))
                else:
                    characters += [(character, box) for character in _written_out(code, high)]
                if code == _HYPHEN_AT_LINE_END:
                    characters.append(("\n", NOWHERE))
            high = 0
        return list(_in_logical_order(characters)) if has_right_to_left else characters

    def _rectangle(self, place: int) -> Rectangle | None:
        loose = self._loose
        pdfium.FPDFText_GetLooseCharBox(self._text, place, loose)
        left, bottom, right, top = loose.left, loose.bottom, loose.right, loose.top
        if top <= bottom or right <= left:
            tight = [ctypes.c_double() for _ in range(4)]
            pdfium.FPDFText_GetCharBox(self._text, place, *tight)
            left, right, bottom, top = (side.value for side in tight)
        return self._sheet.displayed(left, bottom, right, top)


def _in_logical_order(characters: Iterable[Character]) -> Iterator[Character]:
    """Yield the characters with those of each right-to-left ligature the right way round.

    pdfium reverses whole lines of right-to-left script, and with them the characters that one glyph stands for, such as
    lam and alef; they have one rectangle in common. Those that Unicode itself writes as one character it leaves alone.
    """
    for box, group in groupby(characters, lambda character: character[1]):
        glyph = list(group)
        if len(glyph) > 1 and box is not NOWHERE and all(map(_is_right_to_left, glyph)):
            word = "".join(character for character, _ in glyph)
            if word not in _WRITTEN_AS_ONE:
                glyph.reverse()
        yield from glyph


def _is_right_to_left(character: Character) -> bool:
    direction = unicodedata.bidirectional(character[0])
    return direction in _RIGHT_TO_LEFT or direction == _MARK


def _written_out(code: int, high: int) -> str:
    """Return the characters of a code: none for a control code, two or three for a ligature."""
    if code == _HYPHEN_AT_LINE_END:
        return "-"
    if code in _LIGATURES:
        return _LIGATURES[code]
    if 0xDC00 <= code < 0xE000:  # noqa: PLR2004 (the second half of a surrogate pair)
        return chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)) if high else "\ufffd"
    if code in _DROPPED or code > 0x10FFFF:  # noqa: PLR2004 (beyond Unicode)
        return ""
    character = chr(code)
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cc" else character
