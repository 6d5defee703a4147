"""Files embedded in a PDF: those of the whole document, of a portfolio, and those attached at a place of a page."""

from collections.abc import Iterable, Iterator

import pypdfium2

from index.formats.content import Part
from index.formats.limits import MAX_PART_BYTES, MAX_PARTS, MAX_PARTS_BYTES
from index.formats.naming import Names


class Attachments:
    """The embedded files of a PDF, within the limits on files within a file."""

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        """Take the files that belong to the whole document.

        Args:
            document: The document.
        """
        self.parts: list[Part] = []
        self._names = Names()
        self._n_bytes = 0
        self._left_out = self._damaged = 0
        count = document.count_attachments()
        self._left_out += max(count - MAX_PARTS, 0)
        self.add(document.get_attachment(place) for place in range(min(count, MAX_PARTS)))

    def add(self, attachments: Iterable[pypdfium2.PdfAttachment]) -> None:
        """Add files, other than those whose bytes are already there under the same name.

        Args:
            attachments: The files.
        """
        for attachment in attachments:
            try:
                name, content = attachment.get_name(), bytes(attachment.get_data())
            except (pypdfium2.PdfiumError, UnicodeDecodeError):
                self._damaged += 1
                continue
            if any(part.content == content and part.name == name for part in self.parts):
                continue
            self._n_bytes += len(content)
            if len(self.parts) >= MAX_PARTS or len(content) > MAX_PART_BYTES or self._n_bytes > MAX_PARTS_BYTES:
                self._left_out += 1
                continue
            self.parts.append(Part(self._names.fresh(name), content))

    def notes(self) -> Iterator[str]:
        """Yield what was left out."""
        if self._damaged:
            yield f"{self._damaged:,} embedded file{'s' if self._damaged > 1 else ''} cannot be read: damaged or empty"
        if self._left_out:
            yield f"{self._left_out:,} embedded file{'s are' if self._left_out > 1 else ' is'} too large or too many"
