"""The horizontal and vertical lines drawn on a page, from which ruled tables are found."""

import ctypes
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from index.formats.pdf.characters import Sheet

MAX_SEGMENTS = 20_000
"""Most path segments of a page that are looked at: drawings and maps have more, tables fewer."""
_THIN = 2.5
"""Width of a filled rectangle, in points, up to which it is a drawn line."""
_SNAP = 2.0
"""Distance, in points, up to which two lines are one."""
_MIN_LENGTH = 4.0

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ruling:
    """A line drawn on the page.

    Attributes:
        at: Its y position if it is horizontal, x if it is vertical; in points from the upper left corner.
        start: Its smallest position in the other direction.
        end: Its largest.
    """

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rulings:
    """The lines drawn on a page; pieces of one line are joined.

    Attributes:
        horizontal: Those from left to right, by their y position.
        vertical: Those from top to bottom, by their x position.
    """

    horizontal: tuple[Ruling, ...]
    vertical: tuple[Ruling, ...]


NO_RULINGS = Rulings((), ())


def rulings(page: pypdfium2.PdfPage, sheet: Sheet) -> Rulings:
    """Find the lines drawn on a page.

    Args:
        page: The page.
        sheet: Its size and coordinates.

    Returns:
        The lines; none if it has more than `MAX_SEGMENTS` segments of paths.
    """
    horizontal: list[Ruling] = []
    vertical: list[Ruling] = []
    n_segments = 0
    for number in range(pdfium.FPDFPage_CountObjects(page)):
        drawn = pdfium.FPDFPage_GetObject(page, number)
        if pdfium.FPDFPageObj_GetType(drawn) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        n_segments += pdfium.FPDFPath_CountSegments(drawn)
        if n_segments > MAX_SEGMENTS:
            return NO_RULINGS
        for start, end in _segments(drawn):
            box = sheet.displayed(*_ordered(start, end))
            if box is None:
                continue
            left, top, right, bottom = box
            if bottom - top <= _THIN < right - left:
                horizontal.append(Ruling((top + bottom) / 2, left, right))
            elif right - left <= _THIN < bottom - top:
                vertical.append(Ruling((left + right) / 2, top, bottom))
    return Rulings(tuple(_joined(horizontal)), tuple(_joined(vertical)))


def _ordered(start: _Point, end: _Point) -> tuple[float, float, float, float]:
    (left, right), (bottom, top) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return left, bottom, right, top


def _segments(drawn: Any) -> Iterator[tuple[_Point, _Point]]:  # noqa: ANN401 (a handle)
    """Yield the straight lines of a path, in PDF coordinates of the page."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(drawn, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    begin = last = (0.0, 0.0)
    for number in range(pdfium.FPDFPath_CountSegments(drawn)):
        segment = pdfium.FPDFPath_GetPathSegment(drawn, number)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            begin = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield last, point
        last = point
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield last, begin


def _joined(lines: Iterable[Ruling]) -> Iterator[Ruling]:
    """Join lines at nearly the same place that overlap or touch."""
    by_place: defaultdict[int, list[Ruling]] = defaultdict(list)
    place = 0.0
    for number, line in enumerate(sorted(lines, key=lambda line: line.at)):
        if number == 0 or line.at - place > _SNAP:
            place = line.at
        by_place[round(place * 1000)].append(line)
    for group in by_place.values():
        at = sum(line.at for line in group) / len(group)
        start, end = 0.0, -1e9
        for line in sorted(group, key=lambda line: line.start):
            if line.start > end + _SNAP:
                if end - start >= _MIN_LENGTH:
                    yield Ruling(at, start, end)
                start, end = line.start, line.end
            end = max(end, line.end)
        if end - start >= _MIN_LENGTH:
            yield Ruling(at, start, end)
