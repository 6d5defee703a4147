"""Progress bar for indexing, on stderr if that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from index.ingest.sync import Progress

IndexingProgress = Callable[[Progress], None]


@contextmanager
def show_progress() -> Iterator[IndexingProgress]:
    """Draw a progress bar once there is something to index; draw nothing if stderr is not a terminal.

    Yields:
        The function to call with the progress.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("Indexing"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        MofNCompleteColumn(),
        TextColumn("files,"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def on_progress(progress: Progress) -> None:
            bar.update(task, visible=True, total=1.0, completed=progress.fraction, refresh=True)

        yield on_progress
