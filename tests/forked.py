"""Child processes that have imported what they need before they begin: the forks of one, in milliseconds each."""

import os
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent


def start(work: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """Start a function of the tests in a process of its own, cut off from the network as all children are."""
    process = _context().Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


@cache
def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(["fakes", "index.library"])
    path = [str(TESTS / "offline"), str(TESTS), str(TESTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path))
        forkserver.ensure_running()
    return context
