"""Storage format of character boxes: pieces that can be read alone, in tenths of a point, compressed."""

import zlib
from collections.abc import Iterator

import numpy as np

from index.formats.content import Boxes

PIECE_CHARS = 16_384
_PER_POINT = 10
_UTMOST = 10.0**9
"""Largest coordinate: it and any difference fit into 32 bits; no page is so large."""
_N_COLUMNS = 5
"""Page, left, top, right, bottom."""


def pack(boxes: Boxes) -> Iterator[tuple[int, bytes]]:
    """Pack boxes into pieces.

    Args:
        boxes: The boxes of a text.

    Yields:
        Offset of a piece's first character, and the piece. A printed page takes 4 to 8 KB.
    """
    for first in range(0, len(boxes.pages), PIECE_CHARS):
        pages = boxes.pages[first : first + PIECE_CHARS]
        rectangles = np.nan_to_num(boxes.rectangles[first : first + PIECE_CHARS].astype(np.float64)) * _PER_POINT
        table = np.column_stack([pages, np.rint(np.clip(rectangles, -_UTMOST, _UTMOST)).astype(np.int32)])
        steps = np.diff(table, axis=0, prepend=0).astype("<i4")  # differences repeat, which halves the size
        yield first, zlib.compress(steps.T.tobytes(), 6)


def unpack(piece: bytes) -> tuple[list[int], list[tuple[float, float, float, float]]]:
    """Unpack a piece.

    Args:
        piece: The piece.

    Returns:
        Page number of each character, from 0, or -1 if it is on no page; and its rectangle there: left, top, right,
        bottom, in points from the page's upper left corner, accurate to a twentieth of a point.
    """
    steps = np.frombuffer(zlib.decompress(piece), dtype="<i4").reshape(_N_COLUMNS, -1)
    table = np.cumsum(steps, axis=1, dtype=np.int64)
    rectangles = (table[1:].T / _PER_POINT).tolist()
    return table[0].tolist(), [tuple(rectangle) for rectangle in rectangles]
