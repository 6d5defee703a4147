"""Routes for documents: list, text, places, page images, adding and removing."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from index.errors import ChangingFileError, UnknownDocumentError
from index.formats.content import Place
from index.ingest.loading import is_supported
from index.records import DocumentRecord, FileRecord, TableRow
from qa.answerer import QuestionAnswerer
from qa.web.api.errors import Problem
from qa.web.documents.elements import Element
from qa.web.documents.ingest_queue import State, Upload, Uploads
from qa.web.documents.layout import View, elements_of, view_of
from qa.web.documents.multipart import Bounds, Received, Receiver, RefusedError
from qa.web.documents.page_images import WIDTHS, Pictures

MAX_TEXT_CHARS = 200_000
"""Limit of the text in one response."""
MAX_BOXED_CHARS = 20_000
_FORM_BYTES = 1024 * 1024
"""Bytes allowed for a form's content besides its files: names and boundaries."""
MAX_PLACES = 20_000
_WRITTEN_BYTES = 512 * 1024
"""Bytes of an upload processed at a time: each time takes a thread."""
_CHANGED = "The document has changed since this answer; ask again."
_INDEXED = "indexed"

_NONE: frozenset[str] = frozenset()

Which = Literal["all", "indexed", "left out"]
Name = Annotated[str, Query(description="The document's name, as in the list.", max_length=4096)]
Hash = Annotated[str, Query(description="SHA-256 of the expected version; refused if the document has another one.")]
Offset = Annotated[int, Query(ge=0, description="Offset in the document's text, in code points.")]


class ListedDocument(BaseModel):
    """A file of the folder, or inside another file, and its state."""

    name: str
    title: str
    status: str = Field(description="indexed, partly read, duplicate, empty, failed, unsupported or removed")
    detail: str = Field(description="One line for people: why it is left out, or what is missing of it; or empty.")
    is_indexed: bool = Field(description="Whether it is a document that can be asked and opened.")
    sha256: str
    size_bytes: int
    characters: int
    pages: int = Field(description="0 for formats without pages.")
    places: int = Field(description="Slides, rows, headings and the like.")
    date: str = Field(description="Date stated in the document, or when the file was changed; ISO 8601, or empty.")


class Totals(BaseModel):
    """Numbers of all documents, whatever the search."""

    documents: int
    left_out: int
    size_bytes: int
    characters: int


class Adding(BaseModel):
    """Whether files can be added, and the limits of an upload."""

    problem: str = Field(description="Why no files can be added; empty if they can.")
    file_bytes: int
    total_bytes: int
    files: int


class DocumentList(BaseModel):
    """A page of the list of files."""

    documents: list[ListedDocument]
    found: int = Field(description="Number of all files that match the search.")
    totals: Totals
    folder: str
    adding: Adding


class SentFile(BaseModel):
    """An uploaded file, and its state."""

    name: str
    size_bytes: int
    state: State
    detail: str
    document: str = Field(description="Name of its document in the index; empty if there is none.")


class UploadStatus(BaseModel):
    """State of an upload."""

    id: str
    fraction: float = Field(ge=0, le=1)
    is_done: bool
    files: list[SentFile]


class RefusedUpload(Problem):
    """Why an upload was refused."""

    files: list[SentFile]


class DocumentText(BaseModel):
    """A span of a document's text."""

    name: str
    title: str
    sha256: str
    start: int
    end: int
    characters: int = Field(description="Length of the whole text.")
    text: str


class NamedPlace(BaseModel):
    """A place in a document; it extends to the start of the next place."""

    start: int
    label: str


class PageSize(BaseModel):
    """Size of a page, in points (1/72 inch); 0 by 0 if it cannot be shown."""

    width: float
    height: float


class TableHead(BaseModel):
    """What the rows of a table share."""

    about: str = Field(description="Sheet, caption or title of the table; or empty.")
    headers: list[str] = Field(description="Header of each column; empty for one without.")


class DocumentLayout(BaseModel):
    """What the stretches of a document's text are: headings, items, cells."""

    name: str
    sha256: str
    start: int
    end: int
    view: View = Field(description="How it is best shown; code and text as they are, without elements.")
    tables: list[TableHead]
    elements: list[Element] = Field(
        description="Outer ones before inner ones: tag, start, end, number. What is in no text element is markup."
    )


class DocumentPlaces(BaseModel):
    """Places of a document."""

    name: str
    sha256: str
    places: list[NamedPlace]
    pages: list[PageSize]


class PrintedOn(BaseModel):
    """A page, and the boxes of the words on it."""

    page: int
    width: float
    height: float
    rectangles: list[tuple[float, float, float, float]] = Field(
        description="Left, top, right, bottom of each line, in points from the page's upper left corner."
    )


class DocumentBoxes(BaseModel):
    """Boxes of words on their pages."""

    name: str
    sha256: str
    pages: list[PrintedOn]


class Removed(BaseModel):
    """A document removed from the index."""

    name: str
    detail: str


def documents_router(answerer: QuestionAnswerer, bounds: Bounds | None = None) -> APIRouter:
    """Create the routes for documents.

    Args:
        answerer: Answers from the documents.
        bounds: Limits of an upload; None is the defaults.

    Returns:
        The routes, all below `/api`; what renders pages ends with the application.
    """
    pictures = Pictures(answerer)

    @asynccontextmanager
    async def running(_: object) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(pictures.close)

    router = APIRouter(prefix="/api", tags=["documents"], lifespan=running)
    bounds = Bounds() if bounds is None else bounds
    shelf = _Shelf(answerer, bounds)
    _add_shelf(router, shelf)
    _add_pages(router, shelf, pictures)
    _add_uploads(router, shelf, Uploads(answerer), bounds)
    return router


class _Shelf:
    """The documents as shown by the routes."""

    def __init__(self, answerer: QuestionAnswerer, bounds: Bounds) -> None:
        self._answerer = answerer
        self._bounds = bounds

    def list(self, search: str, which: Which, chosen: Collection[str], offset: int, limit: int) -> DocumentList:
        documents = {record.name: record for record in self._answerer.documents()}
        files = {record.name: record for record in self._answerer.files()}
        wanted = search.casefold()
        names = [
            name
            for name in sorted(documents.keys() | files.keys())
            if (not chosen or name in chosen)
            and (which != "indexed" or name in documents)
            and (which != "left out" or (name in files and not files[name].is_read))
            and (wanted in name.casefold() or (name in documents and wanted in documents[name].title.casefold()))
        ]
        return DocumentList(
            documents=[self._listed(name, documents, files) for name in names[offset : offset + limit]],
            found=len(names),
            totals=Totals(
                documents=len(documents),
                left_out=sum(1 for record in files.values() if not record.is_read),
                size_bytes=sum(record.size_bytes for record in files.values() if not record.parent),
                characters=sum(record.n_chars for record in documents.values()),
            ),
            folder=self._answerer.folder.name,
            adding=Adding(
                problem=self.adding_problem(),
                file_bytes=self._bounds.file_bytes,
                total_bytes=self._bounds.total_bytes,
                files=self._bounds.files,
            ),
        )

    def adding_problem(self) -> str:
        """Return why nothing can be added to the folder; "" if files can be added."""
        folder = self._answerer.folder
        if os.access(folder, os.W_OK):
            return ""
        return (
            f"nothing can be added: folder={str(folder)!r} cannot be written; start Verbatim over another with --folder"
        )

    def _listed(self, name: str, documents: dict[str, DocumentRecord], files: dict[str, FileRecord]) -> ListedDocument:
        document, file = documents.get(name), files.get(name)
        said: dict[str, str] = {}
        n_pages = n_places = 0
        if document is not None:
            try:
                said, (n_pages, n_places) = self._answerer.metadata(name), self._answerer.extent(name)
            except UnknownDocumentError:  # removed since the list was made
                document = None
        return ListedDocument(
            name=name,
            title="" if document is None else document.title,
            status=_INDEXED if file is None else file.status,
            detail="" if file is None else _told(file, holds_text=document is not None),
            is_indexed=document is not None,
            sha256="" if document is None else document.sha256,
            size_bytes=0 if file is None else file.size_bytes,
            characters=0 if document is None else document.n_chars,
            pages=n_pages,
            places=n_places,
            date=said.get("date", "") or ("" if file is None else _day(file.modified_ns)),
        )

    def record(self, name: str, sha256: str = "") -> DocumentRecord:
        """Look up a document.

        Args:
            name: The document's name.
            sha256: SHA-256 of the expected version; "" accepts any.

        Returns:
            The record.

        Raises:
            UnknownDocumentError: The document is not in the index.
            ChangingFileError: It has another version now.
        """
        found = self._answerer.records([name]).get(name)
        if found is None:
            raise UnknownDocumentError(f"there is no document {name!r} any more; it may have been removed or renamed")
        if sha256 not in {"", found.sha256}:
            raise ChangingFileError(_CHANGED)
        return found

    def text(self, name: str, start: int, end: int | None, sha256: str) -> DocumentText:
        text = self._answerer.text(name)
        # Looked up after the text was read: in the other order, a change in between could go unnoticed.
        record = self.record(name, sha256)
        low = min(start, len(text))
        high = min(len(text), low + MAX_TEXT_CHARS, len(text) if end is None else max(low, end))
        return DocumentText(
            name=name,
            title=record.title,
            sha256=record.sha256,
            start=low,
            end=high,
            characters=len(text),
            text=text[low:high],
        )

    def places(self, name: str, start: int, end: int | None, sha256: str) -> DocumentPlaces:
        listed = self._answerer.places(name)
        shown = [place for place in listed if place.start >= start and (end is None or place.start < end)]
        above = [place for place in listed if place.start < start][-1:]
        sizes = self._answerer.page_sizes(name)
        return DocumentPlaces(
            name=name,
            sha256=self.record(name, sha256).sha256,
            places=[NamedPlace(start=each.start, label=each.label) for each in [*above, *shown][:MAX_PLACES]],
            pages=[PageSize(width=width, height=height) for width, height in sizes],
        )

    def layout(self, name: str, start: int, end: int | None, sha256: str) -> DocumentLayout:
        shown = self.text(name, start, end, sha256)
        places = [
            Place(place.start - shown.start, place.label)
            for place in self._answerer.places(name)
            if shown.start <= place.start < shown.end
        ]
        rows = [
            _moved(row, -shown.start)
            for row in self._answerer.table_rows(name, shown.start, shown.end)
            if shown.start <= row.start and row.end <= shown.end
        ]
        view = view_of(name, self._answerer.extent(name)[0])
        is_plain = view in {"code", "text"} or (view == "sheet" and not rows)
        elements, heads = ([], []) if is_plain else elements_of(name, shown.text, places, rows)
        return DocumentLayout(
            name=name,
            sha256=shown.sha256,
            start=shown.start,
            end=shown.end,
            view=view,
            tables=[TableHead(about=head.about, headers=list(head.headers)) for head in heads],
            elements=[each.moved(shown.start) for each in elements],
        )

    def boxes(self, name: str, start: int, end: int, sha256: str) -> DocumentBoxes:
        printed = self._answerer.boxes(name, start, min(end, start + MAX_BOXED_CHARS))
        return DocumentBoxes(
            name=name,
            sha256=self.record(name, sha256).sha256,
            pages=[
                PrintedOn(page=on.page, width=on.width, height=on.height, rectangles=list(on.rectangles))
                for on in printed
            ],
        )

    def remove(self, name: str) -> Removed:
        self._answerer.remove([name])
        return Removed(
            name=name, detail="It is not asked any more. The file stays in the folder; add it again to bring it back."
        )

    def file_of(self, name: str) -> str:
        """Return the name of the folder's file that is a document, or contains it.

        Args:
            name: The document's name.

        Returns:
            The file's name.

        Raises:
            UnknownDocumentError: It does not come from a file.
        """
        found = self._answerer.file_records([name]).get(name)
        if found is None:
            raise UnknownDocumentError(f"the document {name!r} does not come from a file, so it has no pages to show")
        return found.parent or found.name


def _moved(row: TableRow, by: int) -> TableRow:
    """Return a row of a text that follows `by` other characters."""
    cells = tuple(replace(cell, start=cell.start + by, end=cell.end + by) for cell in row.cells)
    return replace(row, start=row.start + by, end=row.end + by, cells=cells)


def _told(file: FileRecord, *, holds_text: bool) -> str:
    if not file.is_read:
        return file.reason
    return file.detail or ("" if holds_text else "holds other files, which are listed below it")


def _day(modified_ns: int) -> str:
    return datetime.fromtimestamp(modified_ns / 1e9, UTC).date().isoformat() if modified_ns else ""


def _refusals(*statuses: int) -> dict[int | str, dict[str, object]]:
    return {status: {"model": Problem} for status in statuses}


def _add_shelf(router: APIRouter, shelf: _Shelf) -> None:
    @router.get("/documents", summary="List the documents, and the files that are left out")
    def list_documents(
        search: Annotated[str, Query(max_length=200, description="Part of a name or title.")] = "",
        which: Annotated[Which, Query(description="Those that can be asked, those that cannot, or all.")] = "all",
        name: Annotated[frozenset[str], Query(description="Only documents with these names, if given.")] = _NONE,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> DocumentList:
        return shelf.list(search, which, name, offset, limit)

    @router.delete(
        "/documents", summary="Remove a document from the index; its file stays", responses=_refusals(404, 409)
    )
    def remove_document(name: Name) -> Removed:
        return shelf.remove(name)

    @router.get("/documents/text", summary="Text of a document, or a span of it", responses=_refusals(404, 409))
    def text(name: Name, start: Offset = 0, end: Offset | None = None, sha256: Hash = "") -> DocumentText:
        return shelf.text(name, start, end, sha256)

    @router.get("/documents/places", summary="Pages, slides, rows, headings", responses=_refusals(404, 409))
    def places(name: Name, start: Offset = 0, end: Offset | None = None, sha256: Hash = "") -> DocumentPlaces:
        return shelf.places(name, start, end, sha256)

    @router.get("/documents/layout", summary="Headings, lists, tables of a span", responses=_refusals(404, 409))
    def layout(name: Name, start: Offset = 0, end: Offset | None = None, sha256: Hash = "") -> DocumentLayout:
        return shelf.layout(name, start, end, sha256)

    @router.get("/documents/boxes", summary="Boxes of words on the pages of a PDF", responses=_refusals(404, 409))
    def boxes(name: Name, start: Offset, end: Offset, sha256: Hash = "") -> DocumentBoxes:
        return shelf.boxes(name, start, end, sha256)


def _add_pages(router: APIRouter, shelf: _Shelf, pictures: Pictures) -> None:
    @router.get(
        "/documents/pages/{number}",
        summary="Image of a page of a PDF",
        response_class=Response,
        responses={
            200: {"content": {"image/png": {}}},
            304: {"description": "Not modified."},
            **_refusals(404, 409),
        },
    )
    def page(
        number: int,
        name: Name,
        width: Annotated[int, Query(ge=WIDTHS[0], le=WIDTHS[1], description="In pixels.")] = 1000,
        sha256: Hash = "",
        if_none_match: Annotated[str, Header()] = "",
    ) -> Response:
        record = shelf.record(name, sha256)
        tag = f'"{record.sha256}-{number}-{width}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=600"}
        if if_none_match == tag:
            return Response(status_code=304, headers=headers)
        picture = pictures.draw(shelf.file_of(name), record.sha256, number, width)
        return Response(picture, media_type="image/png", headers=headers)


def _add_uploads(router: APIRouter, shelf: _Shelf, uploads: Uploads, bounds: Bounds) -> None:
    sending = APIRouter()

    @sending.post(
        "/documents",
        summary="Add files; they are indexed in the background",
        status_code=202,
        response_model=UploadStatus,
        responses={**_refusals(400, 403, 413, 507), 415: {"model": RefusedUpload}},
        openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
    )
    async def add_documents(request: Request) -> UploadStatus | JSONResponse:
        problem = shelf.adding_problem()
        if problem:
            raise HTTPException(403, problem)
        folder = Path(await run_in_threadpool(tempfile.mkdtemp, prefix="verbatim-upload-"))
        try:
            received = await _receive(request, folder, bounds)
            upload = await run_in_threadpool(_take, uploads, received)
        except RefusedError as error:
            raise HTTPException(error.status, str(error)) from error
        finally:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        status = _status(upload)
        if all(file.problem for file in received):
            refused = RefusedUpload(detail=_first_problem(received), files=status.files)
            return JSONResponse(refused.model_dump(), 415)
        return status

    router.include_router(sending, max_body_size=bounds.total_bytes + _FORM_BYTES)

    @router.get("/uploads/{id}", summary="State of an upload", responses=_refusals(404))
    def upload_status(id: str) -> UploadStatus:  # noqa: A002 (as the path has it)
        upload = uploads.find(id)
        if upload is None:
            raise HTTPException(404, "this upload is unknown, or was finished long ago; see the list of documents")
        return _status(upload)


_FORM = {
    "type": "object",
    "required": ["files"],
    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
}


async def _receive(request: Request, folder: Path, bounds: Bounds) -> list[Received]:
    """Receive the files of a request, writing them to a folder as they arrive.

    Args:
        request: The request.
        folder: An empty folder.
        bounds: Limits of the upload.

    Returns:
        The files.

    Raises:
        RefusedError: It was cut off, is not a form, or exceeds a limit.
    """
    receiver = Receiver(request.headers.get("content-type", ""), folder, bounds)
    try:
        waiting = bytearray()
        async for chunk in request.stream():
            waiting += chunk
            if len(waiting) >= _WRITTEN_BYTES or not chunk:  # the last chunk is empty
                await run_in_threadpool(receiver.write, bytes(waiting))
                waiting.clear()
        return receiver.finish()
    except ClientDisconnect as error:
        raise RefusedError(400, "the upload was cut off; send it again") from error
    finally:
        receiver.close()


def _take(uploads: Uploads, received: list[Received]) -> Upload:
    for file in received:
        if not file.problem and not is_supported(file.path):
            suffix = Path(file.name).suffix
            file.problem = f"unsupported file type {suffix!r}" if suffix else "unsupported file type"
    return uploads.take(received)


def _first_problem(received: list[Received]) -> str:
    first = f"{received[0].name}: {received[0].problem}"
    return first if len(received) == 1 else f"none of the {len(received):,} files can be added; {first}"


def _status(upload: Upload) -> UploadStatus:
    return UploadStatus(
        id=upload.id,
        fraction=upload.fraction,
        is_done=upload.finished_s is not None,
        files=[
            SentFile(
                name=file.name, size_bytes=file.size_bytes, state=file.state, detail=file.detail, document=file.document
            )
            for file in upload.files
        ],
    )
