"""What the packaged readers say of the seed's questions, recorded: to have them say it takes a second a question.

Once the readers, the questions or what is retrieved for them have changed: python tests/recorded.py
"""

import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.settings import read_settings
from qa.answerer import QuestionAnswerer
from qa.evaluation.metrics import load_questions
from qa.open_folder import default_folder
from qa.reader.extractive import Reader
from qa.records.span import Span

QUESTIONS = Path(__file__).parent / "data" / "seed-questions.json"
RECORD = Path(__file__).parent / "data" / "seed-spans.json.gz"


class Record:
    """Spans by reader, question and passage.

    Attributes:
        missed: How many passages were read because they do not stand in it.
    """

    def __init__(self, spans: dict[str, list[Span]]) -> None:
        self.spans = spans
        self.missed = 0

    @classmethod
    def load(cls) -> "Record":
        read = json.loads(gzip.decompress(RECORD.read_bytes()))
        return cls({key: [Span(*span) for span in spans] for key, spans in read.items()})

    def save(self) -> None:
        written = {key: [(s.start, s.end, s.score) for s in self.spans[key]] for key in sorted(self.spans)}
        RECORD.write_bytes(gzip.compress(json.dumps(written, separators=(",", ":")).encode(), mtime=0))

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """In the block, readers say what is recorded; the rest they read, and it is recorded."""
        really_read = Reader.read

        def read(reader: Reader, question: str, passages: Sequence[str]) -> list[list[Span]]:
            keys = [key(reader, question, passage) for passage in passages]
            new = {k: passage for k, passage in zip(keys, passages, strict=True) if k not in self.spans}
            if new:
                self.missed += len(new)
                self.spans.update(zip(new, really_read(reader, question, list(new.values())), strict=True))
            return [list(self.spans[k]) for k in keys]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Reader, "read", read)
            yield


def key(reader: Reader, question: str, passage: str) -> str:
    return hashlib.sha256("\0".join((reader.name, question, passage)).encode()).hexdigest()[:16]


def main() -> None:
    record = Record({})
    with (
        tempfile.TemporaryDirectory() as place,
        QuestionAnswerer(default_folder(), read_settings(index_dir=Path(place))) as answerer,
        record.replayed(),
    ):
        answerer.sync()
        answerer.ask_many([question.text for question in load_questions(QUESTIONS)])
    record.save()


if __name__ == "__main__":
    main()
