"""Queue of uploaded files: stored at once, then indexed in batches, whether or not the page is still open."""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from index.errors import BusyIndexError, VerbatimError
from index.ingest.adding import copy_into
from index.ingest.sync import Progress
from qa.answerer import QuestionAnswerer
from qa.web.documents.multipart import Received

_BATCH_FILES = 50
"""Files indexed at a time: between two batches other writers have a chance."""
_BUSY_WAIT_S = 2.0
_BUSY_TRIES = 150
_LOOK_S = 0.5
"""Seconds between checks of the ledger while a batch is indexed."""
_REMEMBERED_S = 3600
_UNEXPECTED = "an unexpected error occurred while indexing it; see the server's log"

logger = logging.getLogger("verbatim")


class State(StrEnum):
    """State of an uploaded file."""

    WAITING = "waiting"
    READING = "reading"
    INDEXED = "indexed"
    FAILED = "failed"


@dataclass(slots=True)
class UploadedFile:
    """An uploaded file.

    Attributes:
        name: Its name when it was uploaded.
        size_bytes: Its size in bytes.
        sha256: SHA-256 of its bytes, in hexadecimal.
        state: Its state.
        detail: Explanation for people; "" if there is none.
        document: Name of its document in the index, or of the one with the same content; "" if there is none.
    """

    name: str
    size_bytes: int
    sha256: str
    state: State = State.WAITING
    detail: str = ""
    document: str = ""


@dataclass(slots=True)
class Upload:
    """Files uploaded together.

    Attributes:
        id: Id to ask for its state; not guessable.
        files: The files.
        share: Share of the current batch that is indexed, 0 to 1.
        finished_s: When all files were done, by the monotonic clock; None before.
    """

    id: str
    files: list[UploadedFile]
    share: float = 0.0
    finished_s: float | None = None

    @property
    def fraction(self) -> float:
        """Share of all bytes that is indexed, 0 to 1."""
        total = sum(file.size_bytes for file in self.files)
        if self.finished_s is not None or not total:
            return 1.0
        done = {State.WAITING: 0.0, State.READING: self.share}
        return sum(file.size_bytes * done.get(file.state, 1.0) for file in self.files) / total


@dataclass(slots=True)
class _Queued:
    """A file that waits to be indexed, with its name in the folder."""

    upload: Upload
    file: UploadedFile
    name: str


class Uploads:
    """Uploaded files on their way into the index. One thread indexes all of them."""

    def __init__(self, answerer: QuestionAnswerer, clock: Callable[[], float] = time.monotonic) -> None:
        """Create without uploads.

        Args:
            answerer: Answers from the folder that the files are added to.
            clock: Monotonic clock in seconds, for forgetting finished uploads.
        """
        self._answerer = answerer
        self._clock = clock
        self._guard = threading.Lock()
        self._copying = threading.Lock()
        self._uploads: dict[str, Upload] = {}
        self._queue: deque[_Queued] = deque()
        self._is_working = False

    def take(self, received: Sequence[Received]) -> Upload:
        """Copy uploaded files into the folder, where they are safe, and queue them for indexing."""
        upload = Upload(secrets.token_urlsafe(16), [])
        known = self._answerer.names_by_hash({each.sha256 for each in received})
        queued = []
        for each in received:
            file = UploadedFile(each.name, each.size_bytes, each.sha256)
            upload.files.append(file)
            if each.problem:
                file.state, file.detail = State.FAILED, each.problem
            elif each.sha256 in known:
                file.document = known[each.sha256][-1]
                file.state, file.detail = State.INDEXED, f"the same as {file.document}, which is there already"
            else:
                queued.extend(self._copied(upload, file, each))
        self._enqueue(upload, queued)
        return upload

    def _copied(self, upload: Upload, file: UploadedFile, received: Received) -> list[_Queued]:
        """Copy a file into the folder; if that fails, the reason is recorded and nothing is returned."""
        try:
            with self._copying:  # otherwise two files of one name could both find it free
                name = copy_into(received.path, self._answerer.folder)
        except VerbatimError as error:
            file.state, file.detail = State.FAILED, str(error)
            return []
        if name != file.name:
            file.detail = f"there is another {file.name}; this one is {name}"
        return [_Queued(upload, file, name)]

    def find(self, id_: str) -> Upload | None:
        """Return an upload by its id; None if it is unknown, or finished long ago."""
        with self._guard:
            self._forget()
            return self._uploads.get(id_)

    def _enqueue(self, upload: Upload, queued: list[_Queued]) -> None:
        with self._guard:
            self._forget()
            self._uploads[upload.id] = upload
            self._queue.extend(queued)
            self._finish([upload])
            if not self._queue or self._is_working:
                return
            self._is_working = True
        # A daemon thread, so that the server can stop; files not indexed by then are indexed at the next start.
        threading.Thread(target=self._work, name="verbatim-uploads", daemon=True).start()

    def _forget(self) -> None:
        now = self._clock()
        for id_, upload in list(self._uploads.items()):
            if upload.finished_s is not None and now - upload.finished_s > _REMEMBERED_S:
                del self._uploads[id_]

    def _finish(self, uploads: Sequence[Upload]) -> None:
        for upload in uploads:
            if all(file.state in {State.INDEXED, State.FAILED} for file in upload.files):
                upload.finished_s = self._clock()

    def _work(self) -> None:
        while True:
            with self._guard:
                batch = [self._queue.popleft() for _ in range(min(_BATCH_FILES, len(self._queue)))]
                self._is_working = bool(batch)
            if not batch:
                return
            for queued in batch:
                queued.file.state = State.READING
            try:
                self._index(batch)
            except Exception:
                logger.exception("uploaded files could not be indexed")
                _fail(batch, _UNEXPECTED)
            with self._guard:
                self._finish([queued.upload for queued in batch])

    def _index(self, batch: list[_Queued]) -> None:
        for upload in {queued.upload.id: queued.upload for queued in batch}.values():
            upload.share = 0.0
        looked_s = self._clock()

        def on_progress(progress: Progress) -> None:
            nonlocal looked_s
            for queued in batch:
                queued.upload.share = progress.fraction
            if self._clock() - looked_s >= _LOOK_S:
                self._settle(batch)
                looked_s = self._clock()

        try:
            self._add(batch, on_progress)
        except VerbatimError as error:
            if len(batch) == 1:
                _fail(batch, str(error))
                return
            for queued in batch:  # one by one: a missing file must not keep out the others
                self._index([queued])
            return
        self._settle(batch)
        _fail(batch, "it is not in the folder any more")

    def _add(self, batch: list[_Queued], on_progress: Callable[[Progress], None]) -> None:
        """Index files in the folder; those that were removed from the index before are added again.

        Args:
            batch: The files.
            on_progress: Called with the progress of the work.

        Raises:
            BusyIndexError: Another process was writing the index all the time.
        """
        paths = [self._answerer.folder / queued.name for queued in batch]
        for tries_left in reversed(range(_BUSY_TRIES)):
            try:
                self._answerer.add(paths, on_progress)
            except BusyIndexError:
                if not tries_left:
                    raise
                time.sleep(_BUSY_WAIT_S)
            else:
                return

    def _settle(self, batch: list[_Queued]) -> None:
        """Copy the state of files from the ledger, as far as it has them already."""
        ledger = self._answerer.file_records([queued.name for queued in batch])
        for queued in batch:
            record, file = ledger.get(queued.name), queued.file
            if file.state is not State.READING or record is None or record.sha256 not in {"", file.sha256}:
                continue
            is_there = record.is_read or record.status == "duplicate"
            file.document = (queued.name if record.is_read else record.detail) if is_there else ""
            file.detail = "; ".join(filter(None, [file.detail, record.detail if record.is_read else record.reason]))
            file.state = State.INDEXED if is_there else State.FAILED


def _fail(batch: Sequence[_Queued], line: str) -> None:
    for queued in batch:
        if queued.file.state is State.READING:
            queued.file.state, queued.file.detail = State.FAILED, line
