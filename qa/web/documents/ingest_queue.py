"""What becomes of files that were sent: kept at once, indexed batch by batch, whether anybody looks on or not."""

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
"""Files that are indexed in one go: between two batches others may write."""
_BUSY_WAIT_S = 2.0
_BUSY_TRIES = 150
_LOOK_S = 0.5
"""Seconds between two looks at the ledger while a batch is indexed."""
_REMEMBERED_S = 3600
_UNEXPECTED = "something went wrong with it here; the server's log says what"

logger = logging.getLogger("verbatim")


class State(StrEnum):
    """How far a file is."""

    WAITING = "waiting"
    READING = "reading"
    INDEXED = "indexed"
    FAILED = "failed"


@dataclass(slots=True)
class UploadedFile:
    """A file that was sent.

    Attributes:
        name: Its name when it was sent.
        size_bytes: Its size.
        sha256: Hash of its bytes, in hexadecimal.
        state: How far it is.
        detail: What people are to be told of it; "" where there is nothing to say.
        document: Name of the document that it is now, or of the one with the same content; "" where there is none.
    """

    name: str
    size_bytes: int
    sha256: str
    state: State = State.WAITING
    detail: str = ""
    document: str = ""


@dataclass(slots=True)
class Upload:
    """Files that were sent together.

    Attributes:
        id: What it is asked for by; nobody guesses it.
        files: The files.
        share: Share of what is being indexed just now that is done, 0 to 1.
        finished_s: When all was done, on the monotonic clock; None while it is not.
    """

    id: str
    files: list[UploadedFile]
    share: float = 0.0
    finished_s: float | None = None

    @property
    def fraction(self) -> float:
        """Share of all bytes that is done, 0 to 1."""
        total = sum(file.size_bytes for file in self.files)
        if self.finished_s is not None or not total:
            return 1.0
        done = {State.WAITING: 0.0, State.READING: self.share}
        return sum(file.size_bytes * done.get(file.state, 1.0) for file in self.files) / total


@dataclass(slots=True)
class _Queued:
    """A file that waits to be indexed, under the name that it has in the folder."""

    upload: Upload
    file: UploadedFile
    name: str


class Uploads:
    """Files that were sent, on their way into the index. One thread indexes, whoever sent them."""

    def __init__(self, answerer: QuestionAnswerer, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing was sent yet.

        Args:
            answerer: What answers from the folder that the files go to.
            clock: Tells the seconds after which finished uploads are forgotten.
        """
        self._answerer = answerer
        self._clock = clock
        self._guard = threading.Lock()
        self._copying = threading.Lock()
        self._uploads: dict[str, Upload] = {}
        self._queue: deque[_Queued] = deque()
        self._is_working = False

    def take(self, received: Sequence[Received]) -> Upload:
        """Put files into the folder, where nothing loses them any more, and have them indexed soon.

        Args:
            received: What was sent.

        Returns:
            What became of it so far.
        """
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
        """The file in the folder; none where it cannot be written there, which is said of it."""
        try:
            with self._copying:  # or two of one name would both find it free
                name = copy_into(received.path, self._answerer.folder)
        except VerbatimError as error:
            file.state, file.detail = State.FAILED, str(error)
            return []
        if name != file.name:
            file.detail = f"there is another {file.name}; this one is {name}"
        return [_Queued(upload, file, name)]

    def find(self, id_: str) -> Upload | None:
        """An upload by its id; None where there is none, or it was done long ago."""
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
        # A daemon: the server stops when it is told to; what is not indexed by then is when it starts again.
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
                logger.exception("files that were sent could not be indexed")
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
            for queued in batch:  # one that is gone again is no reason to leave out the others
                self._index([queued])
            return
        self._settle(batch)
        _fail(batch, "it is not in the folder any more")

    def _add(self, batch: list[_Queued], on_progress: Callable[[Progress], None]) -> None:
        """Index files that lie in the folder; one that was taken out before is let in again.

        Args:
            batch: The files.
            on_progress: Called as the work goes on.

        Raises:
            BusyIndexError: Another process has been writing the index all the while.
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
        """Say of files what the ledger says of them, where it does already."""
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
