"""What was put onto a page of a PDF: values of form fields, typed-in text, and comments."""

import ctypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from index.formats.pdf.attachments import Attachments
from index.formats.pdf.characters import Sheet
from index.formats.pdf.lines import Rectangle

MAX_ANNOTATIONS = 20_000
"""Annotations of a page: beyond what people fill in, so that a hostile page ends."""

TICKED, UNTICKED = "\u2612", "\u2610"
"""Ballot boxes for checkboxes and radio buttons."""

_HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_BUTTONS = {pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON}
_LISTS = {pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}
_IN_THE_TEXT = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT}
_WITHOUT_WORDS = {pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP}
_NAMED = re.compile(r"[^\W\d_]{3,}")
_BARE_STATE = re.compile(r"(?:on|off|\d+|choice\d+|.)", re.IGNORECASE)
"""Names of a checkbox's state that say nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something filled in: it is part of the text at its place.

    Attributes:
        text: Its value; lines are separated by newlines.
        box: Its rectangle on the page.
        name: What the file calls it, for entries without a printed label; may be "".
        is_button: Whether it is a checkbox or radio button, whose label is mostly printed to its right.
        state: What the file calls a ticked box's state, where that says something: "Yes"; for those with no label to
            their right.
    """

    text: str
    box: Rectangle
    name: str = ""
    is_button: bool = False
    state: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on something, which is not part of the text.

    Attributes:
        text: What it says.
        author: Who says it; may be "".
        box: Rectangle of what it is about.
    """

    text: str
    author: str
    box: Rectangle


@dataclass(slots=True)
class Annotations:
    """What was put onto a page.

    Attributes:
        entries: Values of form fields and typed-in text.
        comments: Comments.
        n_hidden: Number of values and comments that the page does not show, which are left out.
        n_unread: Number of annotations beyond `MAX_ANNOTATIONS`.
    """

    entries: list[Entry] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    n_hidden: int = 0
    n_unread: int = 0


def annotations(page: pypdfium2.PdfPage, sheet: Sheet, attachments: Attachments) -> Annotations:
    """Read what was put onto a page.

    Args:
        page: The page, of a document whose forms are initialized if it has any.
        sheet: Its size and coordinates.
        attachments: Takes the files that are attached at a place of the page.

    Returns:
        Form values, typed-in text and comments.
    """
    found = Annotations()
    count = pdfium.FPDFPage_GetAnnotCount(page)
    found.n_unread = max(count - MAX_ANNOTATIONS, 0)
    for place in range(min(count, MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, place)
        if annotation:
            try:
                if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_FILEATTACHMENT:
                    _attach(annotation, page.pdf, attachments)
                _read(annotation, page, sheet, found)
            finally:
                pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def _attach(annotation: Any, document: pypdfium2.PdfDocument, attachments: Attachments) -> None:  # noqa: ANN401
    handle = pdfium.FPDFAnnot_GetFileAttachment(annotation)
    if handle:
        attachments.add([pypdfium2.PdfAttachment(handle, document)])


def _read(annotation: Any, page: pypdfium2.PdfPage, sheet: Sheet, found: Annotations) -> None:  # noqa: ANN401 (a handle)
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind in _WITHOUT_WORDS:
        return
    box = _box(annotation, sheet)
    entry = _entry(annotation, kind, page.pdf.formenv, box or (0.0, 0.0, *sheet.size))
    is_in_text = kind in _IN_THE_TEXT
    if not entry.text.strip():
        return
    if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN or (is_in_text and box is None):
        found.n_hidden += entry.text != UNTICKED
    elif is_in_text:
        found.entries.append(entry)
    else:
        found.comments.append(Comment(entry.text, " ".join(_value(annotation, "T").split()), entry.box))


def _box(annotation: Any, sheet: Sheet) -> Rectangle | None:  # noqa: ANN401
    box = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(annotation, box):
        return None
    (left, right), (bottom, top) = sorted((box.left, box.right)), sorted((box.bottom, box.top))
    return sheet.displayed(left, bottom, right, top)


def _entry(annotation: Any, kind: int, forms: Any, box: Rectangle) -> Entry:  # noqa: ANN401
    """Return what an annotation says; with a blank text if it is a field without a value."""
    if kind != pdfium.FPDF_ANNOT_WIDGET:
        return Entry(_value(annotation, "Contents"), box)
    if forms is None:
        return Entry("", box)
    field_kind = pdfium.FPDFAnnot_GetFormFieldType(forms, annotation)
    name = _field_name(annotation, forms)
    if field_kind in _BUTTONS:
        if not pdfium.FPDFAnnot_IsChecked(forms, annotation):
            return Entry(UNTICKED, box, name, is_button=True)
        state = _told(pdfium.FPDFAnnot_GetFormFieldExportValue, forms, annotation)
        return Entry(TICKED, box, name, is_button=True, state="" if _BARE_STATE.fullmatch(state) else state)
    value = _told(pdfium.FPDFAnnot_GetFormFieldValue, forms, annotation)
    if field_kind in _LISTS:
        return Entry(", ".join(_selected(annotation, forms)) or value, box, name)
    flags = pdfium.FPDFAnnot_GetFormFieldFlags(forms, annotation)
    is_text = field_kind == pdfium.FPDF_FORMFIELD_TEXTFIELD and not flags & pdfium.FPDF_FORMFLAG_TEXT_PASSWORD
    return Entry(value if is_text else "", box, name)


def _field_name(annotation: Any, forms: Any) -> str:  # noqa: ANN401
    """Return the words that a field shows when pointed at, else its own name if that is words, else ""."""
    shown = " ".join(_told(pdfium.FPDFAnnot_GetFormFieldAlternateName, forms, annotation).split())
    if shown:
        return shown
    own = _told(pdfium.FPDFAnnot_GetFormFieldName, forms, annotation).rpartition(".")[2]
    words = " ".join(own.replace("_", " ").split())
    return words if _NAMED.search(words) and "[" not in words else ""


def _selected(annotation: Any, forms: Any) -> Iterator[str]:  # noqa: ANN401
    for place in range(min(pdfium.FPDFAnnot_GetOptionCount(forms, annotation), MAX_ANNOTATIONS)):
        if pdfium.FPDFAnnot_IsOptionSelected(forms, annotation, place):
            yield _told(pdfium.FPDFAnnot_GetOptionLabel, forms, annotation, place)


def _value(annotation: Any, key: str) -> str:  # noqa: ANN401
    return _told(pdfium.FPDFAnnot_GetStringValue, annotation, key.encode())


def _told(function: Callable[..., int], *arguments: Any) -> str:  # noqa: ANN401
    """Call a function of pdfium that fills a buffer with UTF-16; control characters are left out."""
    n_bytes = int(function(*arguments, None, 0))
    if n_bytes < 2:  # noqa: PLR2004 (the terminating zero alone)
        return ""
    buffer = ctypes.create_string_buffer(n_bytes)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), n_bytes)
    text = buffer.raw.decode("utf-16-le", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char.isprintable() or char.isspace())
