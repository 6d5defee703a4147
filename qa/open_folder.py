"""Opening a folder of documents: `load` for many questions, `ask` for one call."""

import logging
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from index.errors import BusyIndexError
from index.ingest.scanning import check_folder
from index.settings import Settings, read_settings
from qa.answerer import QuestionAnswerer
from qa.engine import Engine
from qa.progress import IndexingProgress, show_progress
from qa.question.checks import check_question
from qa.records.answer import Answer

_MOST_OPEN = 8
"""Folders that `ask` keeps open at a time."""

logger = logging.getLogger("verbatim")


def default_folder() -> Path:
    """Return the default folder, `seeds`: from the wheel if installed, else from the checkout."""
    packaged = Path(__file__).parent / "seeds"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "seeds"


def load(
    folder: Path | str | None = None,
    *,
    rebuild: bool = False,
    on_progress: IndexingProgress | None = None,
    engine: Engine | None = None,
    **settings: Any,  # noqa: ANN401 (validated by Settings, field by field)
) -> QuestionAnswerer:
    """Open the index of a folder, build it if missing, and update it.

    If another process is writing the index, the documents committed so far are used.

    Args:
        folder: The folder of documents; None is the packaged seeds.
        rebuild: Delete the index and build it again.
        on_progress: Called with the progress of indexing; None draws a progress bar if stderr is a terminal.
        engine: Runs the models; None is the engine shared by this process.
        **settings: Fields of `Settings`.

    Returns:
        An answerer for the folder.

    Raises:
        VerbatimError: A setting, the folder, the index or a model cannot be used; the message says what to do.
    """
    place = default_folder() if folder is None else folder
    answerer = QuestionAnswerer(place, read_settings(**settings), rebuild=rebuild, engine=engine)
    try:
        _bring_in_step(answerer, on_progress)
    except BaseException:
        answerer.close()
        raise
    return answerer


def _bring_in_step(answerer: QuestionAnswerer, on_progress: IndexingProgress | None) -> None:
    try:
        if on_progress is not None:
            answerer.sync(on_progress)
        else:
            with show_progress() as shown:
                answerer.sync(shown)
    except BusyIndexError as error:
        if not answerer.counts()["documents"]:
            raise
        logger.warning("%s; answering from what is indexed so far", error)


class OpenFolders:
    """Answers single questions from folders; models and indexes stay open for later calls."""

    def __init__(self, engine: Engine | None = None) -> None:
        """Create without open folders.

        Args:
            engine: Runs the models; None is the engine shared by this process.
        """
        self._engine = engine
        self._guard = threading.Lock()
        self._opened = lru_cache(_MOST_OPEN)(self._open)

    def ask(self, question: str, *, folder: Path | str | None = None, **settings: Any) -> Answer:  # noqa: ANN401
        """Answer a question from a folder, after indexing what changed in it.

        Args:
            question: The question, 1,000 characters at most.
            folder: The folder of documents; None is the packaged seeds.
            **settings: Fields of `Settings`.

        Returns:
            The answer.

        Raises:
            QuestionError: The question is blank or too long.
            VerbatimError: A setting, the folder, the index or a model cannot be used; the message says what to do.
        """
        check_question(question)
        answerer = self.answerer(default_folder() if folder is None else folder, read_settings(**settings))
        _bring_in_step(answerer, None)
        return answerer.ask(question)

    def answerer(self, folder: Path | str, settings: Settings) -> QuestionAnswerer:
        """Return the open answerer of a folder, or open one.

        Args:
            folder: The folder of documents.
            settings: How to index and answer.

        Returns:
            The answerer, not updated yet; the same object for the same folder and settings.

        Raises:
            VerbatimError: The folder, the index or a model cannot be used; the message says what to do.
        """
        place = check_folder(folder)
        with self._guard:
            return self._opened(place, settings)

    def _open(self, folder: Path, settings: Settings) -> QuestionAnswerer:
        return QuestionAnswerer(folder, settings, engine=self._engine)


ask = OpenFolders().ask
"""Answers a question from a folder in one call, with the engine and the open folders of this process."""
