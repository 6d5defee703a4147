"""Places of a document's text in its file: labels of places, sizes of pages, and boxes of characters."""

import numpy as np

from index.formats.content import Place
from index.records import Document, PageBoxes
from index.storage.char_boxes import PIECE_CHARS, pack, unpack
from index.storage.database import Database
from index.storage.documents import Documents
from index.storage.highlights import lines_of


class Places:
    """Places, pages and boxes of an index's documents. All methods that take a name raise `UnknownDocumentError`."""

    def __init__(self, database: Database, documents: Documents) -> None:
        """Access the places of an index's database.

        Args:
            database: The database.
            documents: The documents, to look up by name.
        """
        self._database = database
        self._documents = documents

    def of(self, name: str) -> tuple[Place, ...]:
        """Return the places of a document, in order."""
        query = "SELECT start, label FROM places WHERE document_id = ? ORDER BY start"
        with self._database.reading() as connection:
            return tuple(Place(*row) for row in connection.execute(query, (self._documents.id_of(name),)))

    def at(self, name: str, offset: int) -> str:
        """Return the label of the place at an offset of a document's text; "" if there is none."""
        query = "SELECT label FROM places WHERE document_id = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        with self._database.reading() as connection:
            found = connection.execute(query, (self._documents.id_of(name), offset)).fetchone()
        return "" if found is None else str(found[0])

    def extent(self, name: str) -> tuple[int, int]:
        """Return the number of pages of a document, 0 for formats without pages, and its number of places."""
        query = (
            "SELECT (SELECT count(*) FROM pages WHERE document_id = ?), (SELECT count(*) FROM places WHERE"
            " document_id = ?)"
        )
        with self._database.reading() as connection:
            id_ = self._documents.id_of(name)
            n_pages, n_places = connection.execute(query, (id_, id_)).fetchone()
        return n_pages, n_places

    def page_sizes(self, name: str) -> list[tuple[float, float]]:
        """Return width and height of each page of a document, in points (1/72 inch).

        Args:
            name: The document's name.

        Returns:
            The sizes in page order; (0, 0) for a page that cannot be shown. Empty for formats without pages.
        """
        query = "SELECT width, height FROM pages WHERE document_id = ? ORDER BY number"
        with self._database.reading() as connection:
            return list(connection.execute(query, (self._documents.id_of(name),)))

    def boxes(self, name: str, start: int, end: int) -> list[PageBoxes]:
        """Return the boxes of a span of a document's text on its pages.

        Args:
            name: The document's name.
            start: Offset of the span's first character.
            end: Offset after its last character.

        Returns:
            The pages that show the span, with a rectangle for each line; empty if it is on no page.
        """
        query = "SELECT first, piece FROM boxes WHERE document_id = ? AND first > ? AND first < ? ORDER BY first"
        with self._database.reading() as connection:
            id_ = self._documents.id_of(name)
            pieces = connection.execute(query, (id_, start - PIECE_CHARS, end)).fetchall()
            sizes = "SELECT number, width, height FROM pages WHERE document_id = ?"
            pages = {number: (w, h) for number, w, h in connection.execute(sizes, (id_,))} if pieces else {}
        characters = []
        for first, piece in pieces:
            stretch = slice(max(start - first, 0), max(end - first, 0))
            with self._database.decoding():
                numbers, rectangles = unpack(piece)
            printed = zip(numbers[stretch], rectangles[stretch], strict=True)
            characters += [(page, box) for page, box in printed if page >= 0]
        return [PageBoxes(page + 1, *pages[page], tuple(lines)) for page, lines in lines_of(characters)]

    def add(self, document_id: int, document: Document) -> None:
        """Write the places, pages and boxes of a document."""
        sizes = [] if document.boxes is None else np.nan_to_num(document.boxes.sizes).tolist()
        pieces = [] if document.boxes is None else pack(document.boxes)
        places = [(document_id, place.start, place.label) for place in document.places]
        pages = [(document_id, number, width, height) for number, (width, height) in enumerate(sizes)]
        with self._database.writing() as connection:
            connection.executemany("INSERT INTO places VALUES (?, ?, ?)", places)
            connection.executemany("INSERT INTO pages VALUES (?, ?, ?, ?)", pages)
            connection.executemany("INSERT INTO boxes VALUES (?, ?, ?)", ((document_id, *piece) for piece in pieces))
