"""Processes that parse files, kept for the next who needs one: each takes half a second of the processor to start."""

import os
import subprocess
from pathlib import Path
from typing import Any

from index.ingest.worker_pool import Limits, Work, _end, _Worker

_MAX_KEPT = 4
_Like = tuple[Limits, tuple[str, ...], Path, frozenset[tuple[str, str]]]

_kept: list[tuple[_Like, "subprocess.Popen[bytes]"]] = []
"""Processes without work, those that were needed last at the end."""


class KeptWorker(_Worker):
    """Takes over a process that was started like its own would be, and leaves it to others when it has no work."""

    def __init__(self, limits: Limits, passwords: tuple[str, ...]) -> None:
        super().__init__(limits, passwords)
        self._is_at_work = False

    def do(self, work: Work) -> Any:
        self._is_at_work = True
        outcome = super().do(work)
        self._is_at_work = False
        return outcome

    def stop(self) -> None:
        with self._guard:
            if not self._is_at_work and (process := self._let_go()) is not None:
                _kept.append((self._like(), process))
        super().stop()
        stop_kept(_MAX_KEPT)

    def _running(self) -> "subprocess.Popen[bytes]":
        with self._guard:
            if self._process is None and not self._is_closed:
                like = self._like()
                found = next((one for one in reversed(_kept) if one[0] == like), None)
                if found is not None:
                    _kept.remove(found)
                    self._hold(found[1])
            return super()._running()

    def _like(self) -> _Like:
        # Settings are for the process that starts it.
        told = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VERBATIM_"))}
        return self._limits, self._passwords, Path.cwd(), frozenset(told.items())


def stop_kept(but: int = 0) -> None:
    """End the processes that are kept, but so many that were needed last."""
    while len(_kept) > but:
        _, process = _kept.pop(0)
        _end(process)
